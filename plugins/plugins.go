// Package plugins lists the plugins that are compiled into the gateway.
package plugins

import (
	"slices"

	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins/acl"
	"github.com/polygate/polygate/plugins/basicauth"
	"github.com/polygate/polygate/plugins/consumerrestriction"
	"github.com/polygate/polygate/plugins/cors"
	"github.com/polygate/polygate/plugins/csrf"
	"github.com/polygate/polygate/plugins/echo"
	"github.com/polygate/polygate/plugins/faultinjection"
	"github.com/polygate/polygate/plugins/forwardauth"
	"github.com/polygate/polygate/plugins/hmacauth"
	"github.com/polygate/polygate/plugins/iprestriction"
	"github.com/polygate/polygate/plugins/jwtauth"
	"github.com/polygate/polygate/plugins/keyauth"
	"github.com/polygate/polygate/plugins/limitconn"
	"github.com/polygate/polygate/plugins/limitcount"
	"github.com/polygate/polygate/plugins/mocking"
	"github.com/polygate/polygate/plugins/multiauth"
	"github.com/polygate/polygate/plugins/prometheus"
	"github.com/polygate/polygate/plugins/proxyrewrite"
	"github.com/polygate/polygate/plugins/requestid"
	"github.com/polygate/polygate/plugins/responserewrite"
	"github.com/polygate/polygate/plugins/uriblocker"
	"github.com/polygate/polygate/sdk"
)

// All returns the built-in plugins from the highest priority to the lowest. Each call makes new ones, which share nothing with
// others but m, where they count.
func All(m *metrics.Registry) []sdk.Plugin {
	list := []sdk.Plugin{
		requestid.New(),
		faultinjection.New(),
		mocking.New(),
		cors.New(),
		iprestriction.New(),
		csrf.New(),
		uriblocker.New(),
		hmacauth.New(),
		basicauth.New(),
		jwtauth.New(),
		keyauth.New(),
		acl.New(),
		consumerrestriction.New(),
		forwardauth.New(),
		proxyrewrite.New(),
		limitconn.New(),
		limitcount.New(),
		responserewrite.New(),
		prometheus.New(m),
		echo.New(),
	}
	return withMultiAuth(list)
}

// withMultiAuth adds the plugin that asks others of the list.
func withMultiAuth(list []sdk.Plugin) []sdk.Plugin {
	multi := multiauth.New(list...)
	at := slices.IndexFunc(list, func(p sdk.Plugin) bool { return p.Info().Priority < multi.Info().Priority })
	return slices.Insert(list, at, multi)
}

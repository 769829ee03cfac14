// Package plugins lists the plugins that are compiled into the gateway.
package plugins

import (
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins/cors"
	"github.com/polygate/polygate/plugins/echo"
	"github.com/polygate/polygate/plugins/iprestriction"
	"github.com/polygate/polygate/plugins/keyauth"
	"github.com/polygate/polygate/plugins/limitcount"
	"github.com/polygate/polygate/plugins/mocking"
	"github.com/polygate/polygate/plugins/prometheus"
	"github.com/polygate/polygate/plugins/proxyrewrite"
	"github.com/polygate/polygate/plugins/requestid"
	"github.com/polygate/polygate/plugins/responserewrite"
	"github.com/polygate/polygate/sdk"
)

// All returns the built-in plugins from the highest priority to the lowest. Each call makes new ones, which share nothing with
// others but m, where they count.
func All(m *metrics.Registry) []sdk.Plugin {
	return []sdk.Plugin{
		requestid.New(),
		mocking.New(),
		cors.New(),
		iprestriction.New(),
		keyauth.New(),
		proxyrewrite.New(),
		limitcount.New(),
		responserewrite.New(),
		prometheus.New(m),
		echo.New(),
	}
}

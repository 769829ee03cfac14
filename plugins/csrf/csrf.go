// Package csrf is the plugin csrf: it refuses requests that another site made a browser send. It gives browsers a signed token in a cookie and
// demands that requests which change something repeat it in a header field, which another site can not do.
package csrf

import (
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "csrf", Version: "0.1", Priority: 2980, Schema: schema, SecretFields: []string{"key"}}
}

type config struct {
	Key     string `json:"key"`
	Expires int64  `json:"expires"`
	Name    string `json:"name"`
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	if err := template.CheckField(conf.Name, ""); err != nil {
		return sdk.Hooks{}, fmt.Errorf("name %q: %w", conf.Name, err)
	}
	g := &guard{config: conf, cookie: "cookie_" + conf.Name}
	return sdk.Hooks{Access: g.access, HeaderFilter: g.headerFilter}, nil
}

// refusal is the body of an answer with status 401.
type refusal struct {
	Message string `json:"error_msg"`
}

// guard is one configuration.
type guard struct {
	config
	cookie string // variable that holds the token
}

func (g *guard) access(x sdk.Exchange) error {
	switch x.Request().Method() {
	case "GET", "HEAD", "OPTIONS":
		return nil
	}
	repeated := x.Request().Header().Get(g.Name)
	if repeated == "" {
		return x.Exit(401, refusal{"no csrf token in headers"})
	}
	token, ok := x.Var(g.cookie)
	if !ok {
		return x.Exit(401, refusal{"no csrf cookie"})
	}
	if subtle.ConstantTimeCompare([]byte(repeated), []byte(token)) != 1 {
		return x.Exit(401, refusal{"csrf token mismatch"})
	}
	if err := g.check(token, time.Now()); err != nil {
		x.Log().Warn("the token of the request is refused", "error", err)
		return x.Exit(401, refusal{"Failed to verify the csrf token signature"})
	}
	return nil
}

func (g *guard) headerFilter(x sdk.Exchange) error {
	now := time.Now()
	x.Response().Header().Add("Set-Cookie",
		g.Name+"="+g.token(now)+";path=/;SameSite=Lax;Expires="+cookieTime(now, g.Expires))
	return nil
}

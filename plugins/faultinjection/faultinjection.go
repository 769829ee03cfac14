// Package faultinjection is the plugin fault-injection: it keeps requests waiting, or answers them in place of the upstream, to try out how
// clients cope.
package faultinjection

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
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
	return sdk.Info{Name: "fault-injection", Version: "0.1", Priority: 11000, Schema: schema}
}

type config struct {
	Abort *struct {
		conditions
		Status  int             `json:"http_status"`
		Body    *string         `json:"body"`
		Headers json.RawMessage `json:"headers"`
	} `json:"abort"`
	Delay *struct {
		conditions
		Duration float64 `json:"duration"`
	} `json:"delay"`
}

// injection is one configuration.
type injection struct {
	delay *delay // nil: requests do not wait
	abort *abort // nil: requests are not answered
}

type delay struct {
	chance
	duration time.Duration
}

type abort struct {
	chance
	status int
	fields []template.Field
	body   *template.Template // nil: none
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	i := &injection{}
	if err := i.configureAbort(&conf); err != nil {
		return sdk.Hooks{}, err
	}
	if conf.Delay != nil {
		c, err := conf.Delay.compile()
		if err != nil {
			return sdk.Hooks{}, err
		}
		i.delay = &delay{chance: c, duration: time.Duration(min(conf.Delay.Duration*float64(time.Second), math.MaxInt64/2))}
	}
	return sdk.Hooks{Rewrite: i.rewrite}, nil
}

func (i *injection) configureAbort(conf *config) error {
	if conf.Abort == nil {
		return nil
	}
	if conf.Abort.Status > 599 {
		return fmt.Errorf("abort.http_status %d can not be sent: use one of 200 to 599", conf.Abort.Status)
	}
	c, err := conf.Abort.compile()
	if err != nil {
		return err
	}
	i.abort = &abort{chance: c, status: conf.Abort.Status}
	if conf.Abort.Headers != nil {
		if i.abort.fields, err = template.Fields(conf.Abort.Headers, template.Compile); err != nil {
			return fmt.Errorf("abort.headers: %w", err)
		}
	}
	if conf.Abort.Body != nil {
		i.abort.body = template.Compile(*conf.Abort.Body)
	}
	return nil
}

func (i *injection) rewrite(x sdk.Exchange) error {
	// Both are decided before the wait: what the request is then must not depend on how long it took.
	aborted := i.abort != nil && i.abort.hits(x)
	if i.delay != nil && i.delay.hits(x) {
		if err := wait(x.Context(), i.delay.duration); err != nil {
			return err
		}
	}
	if aborted {
		return i.abort.answer(x)
	}
	return nil
}

func (a *abort) answer(x sdk.Exchange) error {
	header := x.Response().Header()
	for i := range a.fields {
		header.Set(a.fields[i].Name, a.fields[i].Values[0].Text(template.Source{Vars: x, Escape: template.EscapeControl}))
	}
	if a.body == nil {
		return x.Exit(a.status, nil)
	}
	return x.Exit(a.status, a.body.Text(template.Source{Vars: x}))
}

func wait(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("delay the request: %w", context.Cause(ctx))
	}
}

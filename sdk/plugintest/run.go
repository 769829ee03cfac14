package plugintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/polygate/polygate/sdk"
)

// Outcome is what became of a request.
type Outcome struct {
	Status int
	Header *Header  // of the response
	Body   string   // of the response, after the body filter
	Chunks []string // the same in pieces; pieces that a filter emptied are left out
	Origin sdk.Origin

	Sent *Sent     // what the upstream got; nil where the request did not come that far
	Exit *sdk.Exit // the answer that a hook asked for; nil where none did
	Err  error     // the first error of a hook that was not an Exit, also a panic; nil where all went well
}

// Sent is a request as the upstream got it.
type Sent struct {
	Method string
	Target string // encoded path and query
	Header *Header
	Body   string
}

// Run configures plugin, as [Configure] does, walks x through it, as [Walk] does, closes it and returns the outcome.
func Run(t testing.TB, plugin sdk.Plugin, conf string, x *Exchange) *Outcome {
	t.Helper()
	hooks := Configure(t, plugin, conf, sdk.Scope{Resource: "routes/1", Version: "1"})
	out := Walk(hooks, x)
	if hooks.Close != nil {
		if err := hooks.Close(); err != nil {
			t.Errorf("close %s: %v", plugin.Info().Name, err)
		}
	}
	return out
}

// Configure fills the defaults of the plugin's schema into conf, a JSON object, and configures plugin for scope. An error fails the test.
func Configure(t testing.TB, plugin sdk.Plugin, conf string, scope sdk.Scope) sdk.Hooks {
	t.Helper()
	hooks, err := TryConfigure(plugin, conf, scope)
	if err != nil {
		t.Fatalf("configure %s with %s: %v", plugin.Info().Name, conf, err)
	}
	return hooks
}

// TryConfigure is [Configure] for tests that expect an error.
func TryConfigure(plugin sdk.Plugin, conf string, scope sdk.Scope) (sdk.Hooks, error) {
	filled, err := fillDefaults(plugin.Info().Schema, conf)
	if err != nil {
		return sdk.Hooks{}, err
	}
	return plugin.Configure(sdk.WithScope(context.Background(), scope), filled)
}

// Walk takes x through the phases in the gateway's order. An [sdk.Exit] before the header filter ends the request with
// that answer, in the header filter it replaces the response; any other error, a panic, or a change that can not be sent gives
// status 500. Every response goes through the header filter and the body filter. Nothing remains of a response whose
// body filter fails but the chunks before.
func Walk(hooks sdk.Hooks, x *Exchange) *Outcome {
	out := &Outcome{}
	chunks := out.request(hooks, x)
	chunks = out.headerFilter(hooks, x, chunks)
	out.bodyFilter(hooks, x, chunks)
	if hooks.Log != nil {
		out.note(call(x, func(x sdk.Exchange) error {
			hooks.Log(x)
			return nil
		}))
	}
	out.Status, out.Header, out.Origin = x.resp.status, &x.resp.header, x.resp.origin
	out.Body = strings.Join(out.Chunks, "")
	return out
}

// request walks up to the response and returns the chunks of its body.
func (o *Outcome) request(hooks sdk.Hooks, x *Exchange) []string {
	for _, hook := range []func(sdk.Exchange) error{hooks.Rewrite, hooks.Access, hooks.BeforeProxy} {
		if hook == nil {
			continue
		}
		if err := call(x, hook); err != nil {
			return o.end(x, err)
		}
	}
	o.Sent = &Sent{
		Method: x.req.method,
		Target: x.req.target(),
		Header: &Header{fields: x.req.header.Fields()},
		Body:   string(x.req.body),
	}
	x.resp.begin(sdk.OriginUpstream, x.upstream.Status, x.upstream.Header)
	return x.upstream.Chunks
}

func (o *Outcome) headerFilter(hooks sdk.Hooks, x *Exchange, chunks []string) []string {
	if hooks.HeaderFilter == nil {
		return chunks
	}
	if err := call(x, hooks.HeaderFilter); err != nil {
		return o.end(x, err)
	}
	return chunks
}

func (o *Outcome) bodyFilter(hooks sdk.Hooks, x *Exchange, chunks []string) {
	if len(chunks) == 0 {
		chunks = []string{""}
	}
	for i, data := range chunks {
		chunk := &sdk.Chunk{Data: []byte(data), Last: i == len(chunks)-1}
		if hooks.BodyFilter != nil {
			err := call(x, func(x sdk.Exchange) error { return hooks.BodyFilter(x, chunk) })
			if err != nil {
				o.note(err)
				return
			}
		}
		if len(chunk.Data) > 0 {
			o.Chunks = append(o.Chunks, string(chunk.Data))
		}
	}
}

// end makes the response of a request that err ended.
func (o *Outcome) end(x *Exchange, err error) []string {
	o.note(err)
	if exit, ok := errors.AsType[*sdk.Exit](err); ok {
		body, err := x.resp.answer(sdk.OriginPlugin, exit)
		if err == nil {
			return []string{string(body)}
		}
		o.note(err)
	}
	x.resp.begin(sdk.OriginGateway, 500, nil)
	return nil
}

func (o *Outcome) note(err error) {
	if exit, ok := errors.AsType[*sdk.Exit](err); ok {
		o.Exit = exit
		return
	}
	if o.Err == nil {
		o.Err = err
	}
}

// call runs a hook and makes an error of its panic and of a change that was refused.
func call(x *Exchange, hook func(sdk.Exchange) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	if err := hook(x); err != nil {
		return err
	}
	err, x.failure = x.failure, nil
	return err
}

// encode gives the bytes of the body of an Exit.
func encode(body any) ([]byte, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(body), nil
	case []byte:
		return body, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return out.Bytes(), nil
}

package plugintest

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/polygate/polygate/sdk"
)

// Conformance is the test that every runtime passes: load returns the conformance plugin (see [Reference] for what it has to do)
// as the runtime under test runs it. It is called once per subtest and may use t.Cleanup to end what it started.
func Conformance(t *testing.T, load func(t *testing.T) sdk.Plugin) {
	groups := []struct {
		name  string
		cases []conformanceCase
	}{
		{"request", requestCases()},
		{"response", responseCases()},
		{"exit", exitCases()},
		{"failure", failureCases()},
		{"consumer", consumerCases()},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			plugin := load(t)
			for _, tt := range group.cases {
				t.Run(tt.name, func(t *testing.T) { tt.run(t, plugin) })
			}
		})
	}
	t.Run("configuration", func(t *testing.T) { conformConfiguration(t, load(t)) })
	t.Run("concurrency", func(t *testing.T) { conformConcurrency(t, load(t)) })
	t.Run("recovery", func(t *testing.T) { conformRecovery(t, load(t)) })
}

// conformanceCase walks one request through the plugin and compares what is not zero here.
type conformanceCase struct {
	name string
	conf string
	opts []Option

	vars      map[string]string // variables that the request ends with; others are not compared
	status    int               // 200 when zero
	header    []string          // the response's fields, in order; nil is not compared
	body      string
	target    string   // what the upstream got; empty is not compared
	method    string   // likewise
	sent      []string // the fields that the upstream got, in order; nil is not compared
	sentBody  string   // likewise
	unsent    bool     // the upstream is not reached
	logs      []string // messages; nil is not compared
	err       string   // part of the text of the error that failed the request; empty where none does
	anyBody   bool     // the body is not compared
	withError bool     // the request fails with an error of whatever text
}

func (c *conformanceCase) run(t *testing.T, plugin sdk.Plugin) {
	t.Helper()
	x := New(c.opts...)
	out := Run(t, plugin, c.conf, x)
	c.checkError(t, out)
	want := c.status
	if want == 0 {
		want = 200
	}
	if out.Status != want {
		t.Errorf("status: got %d, want %d", out.Status, want)
	}
	if out.Body != c.body && !c.anyBody {
		t.Errorf("body: got %q, want %q", out.Body, c.body)
	}
	if got := out.Header.Lines(); c.header != nil && !slices.Equal(got, c.header) {
		t.Errorf("response header: got %q, want %q", got, c.header)
	}
	for name, want := range c.vars {
		if got := x.vars[name]; got != want {
			t.Errorf("variable %s: got %q, want %q", name, got, want)
		}
	}
	c.checkSent(t, out.Sent)
	c.checkLogs(t, x)
}

func (c *conformanceCase) checkError(t *testing.T, out *Outcome) {
	t.Helper()
	switch {
	case out.Err == nil && (c.err != "" || c.withError):
		t.Errorf("error: got none, want one with %q", c.err)
	case out.Err != nil && c.err == "" && !c.withError:
		t.Errorf("error: got %v, want none", out.Err)
	case out.Err != nil && !strings.Contains(out.Err.Error(), c.err):
		t.Errorf("error: got %v, want one with %q", out.Err, c.err)
	}
}

func (c *conformanceCase) checkSent(t *testing.T, sent *Sent) {
	t.Helper()
	if c.unsent != (sent == nil) {
		t.Fatalf("reached the upstream: got %v, want %v", sent != nil, !c.unsent)
	}
	if sent == nil {
		return
	}
	if c.target != "" && sent.Target != c.target {
		t.Errorf("target: got %q, want %q", sent.Target, c.target)
	}
	if c.method != "" && sent.Method != c.method {
		t.Errorf("method: got %q, want %q", sent.Method, c.method)
	}
	if got := sent.Header.Lines(); c.sent != nil && !slices.Equal(got, c.sent) {
		t.Errorf("request header: got %q, want %q", got, c.sent)
	}
	if c.sentBody != "" && sent.Body != c.sentBody {
		t.Errorf("request body: got %q, want %q", sent.Body, c.sentBody)
	}
}

func (c *conformanceCase) checkLogs(t *testing.T, x *Exchange) {
	t.Helper()
	if c.logs == nil {
		return
	}
	var got []string
	for _, record := range x.Logs() {
		got = append(got, record.Attrs["phase"]+": "+record.Message)
	}
	if !slices.Equal(got, c.logs) {
		t.Errorf("log: got %q, want %q", got, c.logs)
	}
}

func conformConfiguration(t *testing.T, plugin sdk.Plugin) {
	if got, want := plugin.Info().Name, "conformance"; got != want {
		t.Errorf("name: got %q, want %q", got, want)
	}
	_, err := TryConfigure(plugin, `{"refuse":"no such thing"}`, sdk.Scope{})
	if err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("refused configuration: got %v, want an error with %q", err, "no such thing")
	}
	// Why two at once? Configurations must not share state.
	one := Configure(t, plugin, `{"access":[{"do":"scope","to":"scope"}],"close":"one is closed"}`, sdk.Scope{Resource: "routes/1"})
	two := Configure(t, plugin, `{"access":[{"do":"scope","to":"scope"}]}`, sdk.Scope{Resource: "services/2"})
	for resource, hooks := range map[string]sdk.Hooks{"routes/1": one, "services/2": two} {
		x := New()
		if out := Walk(hooks, x); out.Err != nil || x.vars["scope"] != resource {
			t.Errorf("scope: got %q and error %v, want %q", x.vars["scope"], out.Err, resource)
		}
	}
	if one.Close == nil {
		t.Fatal("close: got no hook, want one")
	}
	if err := one.Close(); err == nil || !strings.Contains(err.Error(), "one is closed") {
		t.Errorf("close: got %v, want an error with %q", err, "one is closed")
	}
	if two.Close != nil {
		if err := two.Close(); err != nil {
			t.Errorf("close: got %v, want no error", err)
		}
	}
}

func conformConcurrency(t *testing.T, plugin sdk.Plugin) {
	hooks := Configure(t, plugin, `{"rewrite":[{"do":"query","to":"q"}],
		"access":[{"do":"get","in":"request","name":"x-id","to":"id"}]}`, sdk.Scope{Resource: "routes/1"})
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			id := strings.Repeat("x", client+1)
			for range 25 {
				x := New(WithTarget("/?"+id), WithHeader("X-Id", id))
				if out := Walk(hooks, x); out.Err != nil {
					t.Errorf("error: got %v, want none", out.Err)
				}
				if x.vars["q"] != id || x.vars["id"] != id {
					t.Errorf("variables: got %q and %q, want %q", x.vars["q"], x.vars["id"], id)
				}
			}
		})
	}
	clients.Wait()
	if hooks.Close != nil {
		if err := hooks.Close(); err != nil {
			t.Errorf("close: got %v, want no error", err)
		}
	}
}

// conformRecovery checks that a request that fails or panics leaves the next one unharmed.
func conformRecovery(t *testing.T, plugin sdk.Plugin) {
	bad := Configure(t, plugin, `{"access":[{"do":"panic","value":"out of order"}]}`, sdk.Scope{Resource: "routes/1"})
	good := Configure(t, plugin, `{"access":[{"do":"set_var","name":"ok","value":"yes"}]}`, sdk.Scope{Resource: "routes/2"})
	for range 3 {
		if out := Walk(bad, New()); out.Err == nil || out.Status != 500 {
			t.Errorf("panic: got error %v and status %d, want an error and 500", out.Err, out.Status)
		}
		x := New()
		if out := Walk(good, x); out.Err != nil || x.vars["ok"] != "yes" {
			t.Errorf("after a panic: got error %v and variable %q, want none and \"yes\"", out.Err, x.vars["ok"])
		}
	}
}

package core

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/sdk"
)

// verdict is whether a plugin with a filter runs for this request; it is found once.
type verdict struct {
	instance *plan.Instance
	wanted   bool
}

// run calls the hooks of a phase until one of them ends the request.
func (x *exchange) run(phase sdk.Phase, steps []plan.Step) (err error) {
	if len(steps) == 0 {
		return nil
	}
	x.phase = phase
	defer x.contain(&err)
	for i := range steps {
		s := &steps[i]
		x.current = s.Instance
		if s.Filter != nil && !x.wanted(s.Instance) {
			continue
		}
		if err := s.Run(x); err != nil || x.fault != nil {
			return x.ended(err)
		}
	}
	x.current = nil
	return nil
}

// contain turns a panic of the current plugin into a fault of the request.
func (x *exchange) contain(err *error) {
	if r := recover(); r != nil {
		f := x.pluginFault(fmt.Errorf("panic: %v", r))
		f.Stack = debug.Stack()
		*err = f
		x.current = nil
	}
}

// ended says of the error of a hook whose it is. What a plugin did and must not do counts, whatever its hook returns.
func (x *exchange) ended(err error) error {
	defer func() { x.current = nil }()
	var exit *sdk.Exit
	var fault *Fault
	switch {
	case x.fault != nil && x.fault.Source == FaultPlugin:
		return x.fault
	case errors.As(err, &exit):
		return x.exit(exit)
	case x.fault != nil:
		return x.fault
	case errors.As(err, &fault) && fault.Source == FaultClient:
		return fault
	case errors.Is(err, sdk.ErrBodyTooLarge):
		return tooLarge()
	}
	return x.pluginFault(err)
}

// exit notes who exits, and applies the plugin's error_response.
func (x *exchange) exit(e *sdk.Exit) error {
	if e.Status < 200 || e.Status > 599 {
		return x.pluginFault(fmt.Errorf("exit with status %d, which is not one from 200 to 599", e.Status))
	}
	d := &decision{Exit: *e, plugin: x.current.Name}
	if e.Status >= 400 && x.current.ErrorResponse != nil {
		d.Body = errorResponse(x.current.ErrorResponse)
	}
	return d
}

// errorResponse is a string, or an object that is sent as JSON.
func errorResponse(raw json.RawMessage) any {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return raw
}

// decision is a plugin's answer to the request.
type decision struct {
	sdk.Exit
	plugin string
}

// wanted evaluates the filter of a plugin, once for a request.
func (x *exchange) wanted(i *plan.Instance) bool {
	for _, v := range x.wantedKnown {
		if v.instance == i {
			return v.wanted
		}
	}
	x.req.Own()
	v := verdict{i, i.Filter.Eval(x)}
	x.wantedKnown = append(x.wantedKnown, v)
	return v.wanted
}

// headerFilters runs the header filters over the response.
func (x *exchange) headerFilters() error {
	if err := x.run(sdk.PhaseHeaderFilter, x.global.HeaderFilter); err != nil {
		return err
	}
	return x.run(sdk.PhaseHeaderFilter, x.plan.HeaderFilter)
}

func (x *exchange) bodyFiltered() bool { return len(x.global.BodyFilter)+len(x.plan.BodyFilter) > 0 }

// filterBody runs the body filters over a piece of the body.
func (x *exchange) filterBody(c *sdk.Chunk) error {
	if err := x.runBody(x.global.BodyFilter, c); err != nil {
		return err
	}
	return x.runBody(x.plan.BodyFilter, c)
}

func (x *exchange) runBody(steps []plan.BodyStep, c *sdk.Chunk) (err error) {
	x.phase = sdk.PhaseBodyFilter
	defer x.contain(&err)
	for i := range steps {
		s := &steps[i]
		x.current = s.Instance
		if s.Filter != nil && !x.wanted(s.Instance) {
			continue
		}
		if err := s.Run(x, c); err != nil {
			return x.pluginFault(err)
		}
	}
	x.current = nil
	return nil
}

// runLog calls the log hooks. A panic in one does not keep the others from running.
func (x *exchange) runLog(steps []plan.LogStep) {
	for i := range steps {
		x.logStep(&steps[i])
	}
	x.current = nil
}

func (x *exchange) logStep(s *plan.LogStep) {
	var err error
	defer func() {
		if err != nil {
			x.g.report(x, err)
		}
	}()
	defer x.contain(&err)
	x.phase, x.current = sdk.PhaseLog, s.Instance
	if s.Filter == nil || x.wanted(s.Instance) {
		s.Run(x)
	}
}

// identify joins the plan of the consumer that was found to the route's, and runs the rewrite hooks that came with it.
func (x *exchange) identify() error {
	if x.consumer == nil {
		return nil
	}
	set, err := x.snap.consumers.plugins(x.consumer)
	if err != nil {
		return err
	}
	var late []plan.Step
	x.plan, late = x.snap.planFor(x.route, set)
	return x.run(sdk.PhaseRewrite, late)
}

// match finds the route. Its error is that of a route that cannot be served as it is configured.
func (x *exchange) match() (bool, error) {
	x.query = router.Query{
		Method: x.req.Method, Host: hostName(x.req.Host), HostPort: x.req.Host, Path: x.req.Path, RemoteAddr: x.remote, Vars: x,
	}
	if !x.snap.router.Match(&x.query, &x.matched) {
		return false, nil
	}
	x.route = x.matched.Route.Value.(*route)
	x.plan = x.route.plan
	x.global = x.snap.globalFor(x.route)
	if !x.route.websocket {
		x.req.WebSocket = false
	}
	return true, x.route.fault
}

// hostName is the host of a Host field in lower case, without port and trailing dot.
func hostName(host string) string {
	end := len(host)
	for i := 0; i < len(host); i++ {
		switch c := host[i]; {
		case c == ':' && host[0] != '[':
			end = min(end, i)
		case c >= 'A' && c <= 'Z':
			return hostName(strings.ToLower(host))
		case c == ']':
			return host[:i+1]
		}
	}
	return strings.TrimSuffix(host[:end], ".")
}

// blame notes that the current plugin did something that fails the request.
func (x *exchange) blame(format string, args ...any) {
	if x.fault == nil {
		f := x.pluginFault(fmt.Errorf(format, args...))
		f.Status = 502
		x.fault = f
	}
}

var _ transport.Handler = (*Gateway)(nil)

package core

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/upstream"
	"github.com/polygate/polygate/core/upstream/balance"
	"github.com/polygate/polygate/sdk"
)

// exchange is one request and its response. It is used again for later requests.
type exchange struct {
	g      *Gateway
	snap   *snapshot
	stream transport.Stream
	req    *transport.Request
	peer   *transport.Peer

	start         time.Time
	remote        netip.Addr // of the client, as far as trusted peers tell
	remoteText    string
	forwarded     forwardedFields
	query         router.Query
	matched       router.Match
	route         *route
	global, plan  *plan.Plan     // never nil
	current       *plan.Instance // whose hook runs
	phase         sdk.Phase
	consumer      *sdk.Consumer
	wantedKnown   []verdict
	vars          []variable
	fault         *Fault // something was done that fails the request, whatever the hook returns
	newBody       []byte
	hasNewBody    bool
	bodyRead      bool
	bodyVars      bodyVars
	upstreamHost  string
	balancerIP    string
	outbound      transport.Outbound
	isHead        bool
	upstreamStart time.Time
	tries         []tried
	try           upstream.Try
	node          *node
	held          *node           // what the balancer counts; nil as a rule
	holder        balance.Tracker // of held

	resp       transport.Response
	origin     sdk.Origin
	responding bool // the header filters have begun
	early      []earlyField
	reply      []byte         // body of the response where it is in memory
	source     transport.Body // else where it comes from
	call       transport.Call // kept until the response is done
	pump       *pump
	cut        atomic.Bool // the client went away while an upstream was waited for
	aborted    bool
	lost       bool  // there is nobody to answer
	tunnelled  int64 // bytes sent after an upgrade
	bodySent   int64
	received   int64
	sent       int64
	took       time.Duration
	upTook     time.Duration

	reqView    requestView
	respView   responseView
	bodyView   bodyView
	reqHeader  headerView
	respHeader headerView
	consumers  consumersView
	gone       func() // clientGone, bound once
	lazy       lazyContext
	ctx        context.Context
	cancelMu   sync.Mutex
	cancel     context.CancelCauseFunc // guarded by cancelMu
}

var _ sdk.Exchange = (*exchange)(nil)

var emptyPlan = &plan.Plan{}

func newExchange(g *Gateway) *exchange {
	x := &exchange{g: g}
	x.reqView.x, x.respView.x, x.bodyView.x, x.consumers.x, x.lazy.x = x, x, x, x, x
	x.reqHeader.x, x.respHeader.x, x.respHeader.response = x, x, true
	x.gone = x.clientGone
	return x
}

func (g *Gateway) begin(s transport.Stream) *exchange {
	x, _ := g.exchanges.Get().(*exchange)
	if x == nil {
		x = newExchange(g)
	}
	x.snap = g.current.Load()
	x.stream, x.req, x.peer = s, s.Request(), s.Peer()
	x.start = time.Now()
	x.global, x.plan = x.snap.global, emptyPlan
	x.isHead = x.req.Method == "HEAD"
	x.sanitise()
	return x
}

// end gives the exchange back. What it still refers to would keep memory alive, or worse, be seen by another request.
func (g *Gateway) end(x *exchange) {
	x.snap, x.stream, x.req, x.peer, x.route, x.current = nil, nil, nil, nil, nil, nil
	x.query, x.matched = router.Query{}, router.Match{Params: x.matched.Params[:0]}
	x.global, x.plan, x.consumer, x.fault = emptyPlan, emptyPlan, nil, nil
	clear(x.wantedKnown)
	clear(x.vars)
	clear(x.early)
	x.wantedKnown, x.vars, x.early, x.tries = x.wantedKnown[:0], x.vars[:0], x.early[:0], x.tries[:0]
	x.outbound.Request, x.outbound.Host = nil, ""
	x.newBody, x.hasNewBody, x.bodyRead, x.bodyVars = nil, false, false, bodyVars{}
	x.upstreamHost, x.balancerIP = "", ""
	x.forwarded, x.remoteText = forwardedFields{}, ""
	x.try.Reset()
	x.node, x.reply, x.source, x.call, x.pump = nil, nil, nil, nil, nil
	x.origin, x.responding, x.aborted, x.lost = sdk.OriginNone, false, false, false
	x.bodySent, x.received, x.sent, x.tunnelled, x.took, x.upTook, x.upstreamStart = 0, 0, 0, 0, 0, 0, time.Time{}
	x.cut.Store(false)
	if x.ctx != nil {
		x.cancel(context.Canceled)
		x.ctx, x.cancel = nil, nil
	}
	x.resp.Begin(nil)
	g.exchanges.Put(x)
}

// Context is made when a plugin asks for it first.
func (x *exchange) Context() context.Context {
	if x.ctx != nil {
		return x.ctx
	}
	ctx, cancel := context.WithCancelCause(x.g.base)
	x.cancelMu.Lock()
	x.ctx, x.cancel = ctx, cancel
	x.cancelMu.Unlock()
	if x.cut.Load() {
		cancel(errClientGone)
	}
	if x.call == nil {
		x.stream.Waiting(x.gone)
	}
	return ctx
}

// A lazyContext is the exchange's context for those who may not need one: it is made when it is first looked at.
type lazyContext struct{ x *exchange }

var _ context.Context = (*lazyContext)(nil)

// Deadline tells that there is none.
func (c *lazyContext) Deadline() (time.Time, bool) { return c.x.Context().Deadline() }

// Done is closed when the client goes away.
func (c *lazyContext) Done() <-chan struct{} { return c.x.Context().Done() }

// Err tells why the context ended.
func (c *lazyContext) Err() error { return c.x.Context().Err() }

// Value returns nothing of its own.
func (c *lazyContext) Value(key any) any { return c.x.Context().Value(key) }

// Request returns the request; from now on its strings are ordinary ones.
func (x *exchange) Request() sdk.Request {
	x.req.Own()
	return &x.reqView
}

// Response returns the response.
func (x *exchange) Response() sdk.Response {
	x.resp.Own()
	return &x.respView
}

// Exit makes the error that answers the request.
func (x *exchange) Exit(status int, body any) error { return &sdk.Exit{Status: status, Body: body} }

// Consumers returns the table of consumers.
func (x *exchange) Consumers() sdk.Consumers { return &x.consumers }

// Log returns the request's logger.
func (x *exchange) Log() *slog.Logger {
	log := x.g.log
	if x.route != nil {
		log = log.With("route", x.route.id)
	}
	if x.current != nil {
		log = log.With("plugin", x.current.Name)
	}
	return log
}

// clientGone is called from another goroutine while an upstream, or a plugin with a context, is waited for.
func (x *exchange) clientGone() {
	x.cut.Store(true)
	if x.call != nil {
		x.call.Cut()
	}
	x.cancelMu.Lock()
	defer x.cancelMu.Unlock()
	if x.cancel != nil {
		x.cancel(errClientGone)
	}
}

// Timing returns when the request began, how long it took in all and at its upstream, and the bytes that came from the client and went
// to it. It is for plugins that count requests; the same figures as text are variables.
func (x *exchange) Timing() (start time.Time, total, upstream time.Duration, bytesIn, bytesOut int64) {
	return x.start, x.took, x.upTook, x.received, x.sent
}

package core

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/upstream"
	"github.com/polygate/polygate/sdk"
)

// tried is a node that was tried, for the log.
type tried struct {
	addr    string
	status  int // of its response, or of what the gateway made of its failure; 0 where it was not its fault
	began   time.Time
	connect time.Duration // until the connection was there
	header  time.Duration // until the head of the response was there; 0 where none came
	took    time.Duration
}

// tries says when to give up.
type tries struct {
	left     int
	deadline time.Time // zero: none
	last     error
}

func (x *exchange) chooseUpstream() (*target, error) {
	up := x.route.upstream
	switch {
	case x.fault != nil:
		return nil, x.fault
	case up != nil && up.fault != nil:
		return nil, up.fault
	case up != nil:
		return up, nil
	case x.route.upstreamID != "":
		return nil, &Fault{Source: FaultGateway, Status: http.StatusBadGateway, Op: "choose an upstream",
			Public: "the upstream of the route does not exist", Err: fmt.Errorf("there is no upstream %q", x.route.upstreamID)}
	default:
		return nil, &Fault{Source: FaultGateway, Status: http.StatusServiceUnavailable, Op: "choose an upstream",
			Public: "the route has no upstream", Err: errors.New("missing upstream configuration in the route or its service")}
	}
}

func (x *exchange) beginTries(up *target) tries {
	t := tries{left: up.Retries}
	if up.RetryTimeout > 0 {
		t.deadline = time.Now().Add(up.RetryTimeout)
	}
	if up.NeedsHash {
		x.try.Hash = x.hash(&up.key)
	}
	return t
}

// noNode is the end of a request for which no node is left.
func (t *tries) noNode(err error) error {
	if t.last != nil {
		return t.last
	}
	return &Fault{Source: FaultUpstream, Status: http.StatusServiceUnavailable, Op: "pick a node",
		Public: "no valid upstream node", Err: err}
}

// again tells whether another node is to be tried, and notes what came of this one.
func (t *tries) again(x *exchange, n *node, err error) bool {
	x.drop()
	x.leave(-1)
	t.last = err
	var f *Fault
	if !errors.As(err, &f) || !f.Retry || t.left == 0 || x.cut.Load() {
		return false
	}
	if !t.deadline.IsZero() && time.Now().After(t.deadline) {
		return false
	}
	if !x.repeatable() {
		return false
	}
	x.pump = nil
	t.left--
	x.try.Mark(n.Node)
	return true
}

func (x *exchange) beforeProxy() error {
	if err := x.run(sdk.PhaseBeforeProxy, x.global.BeforeProxy); err != nil {
		return err
	}
	return x.run(sdk.PhaseBeforeProxy, x.plan.BeforeProxy)
}

// roundTrip sends the request to a node and reads the head of its response.
func (x *exchange) roundTrip(up *target, n *node) error {
	began := time.Now()
	if x.upstreamStart.IsZero() {
		x.upstreamStart = began
	}
	x.tries = append(x.tries, tried{addr: n.Addr, began: began})
	err := x.exchangeWith(up, n)
	t := &x.tries[len(x.tries)-1]
	t.took = time.Since(began)
	if err == nil {
		t.status, t.header = x.resp.Status, t.took
		if up.checker != nil {
			up.health().Answered(n.Node, t.status)
		}
		return nil
	}
	var f *Fault
	if errors.As(err, &f) && f.Source == FaultUpstream {
		t.status = f.Status
		if up.checker != nil {
			up.health().Failed(n.Node, t.status == http.StatusGatewayTimeout)
		}
	}
	return err
}

func (x *exchange) exchangeWith(up *target, n *node) error {
	host := x.hostFor(up, n)
	pool, err := x.g.poolFor(x, up, n, host)
	if err != nil {
		return x.resolveFault(n, err)
	}
	choice := transport.Any
	if !idempotent(x.req.Method) || !x.bodyAhead() {
		choice = transport.Checked
	}
	for {
		call, reused, err := pool.Get(&x.lazy, up.timeouts(x.route).Connect, choice)
		if err != nil {
			return x.connectFault(n, err)
		}
		if !reused {
			t := &x.tries[len(x.tries)-1]
			t.connect = time.Since(t.began)
		}
		x.hold(call)
		err = x.converse(up, host)
		if err == nil {
			return nil
		}
		stale := reused && choice == transport.Any && isBroken(err) && !x.cut.Load()
		if !stale {
			return x.callFault(n, err)
		}
		// The upstream closed the idle connection just before it was used: that says nothing about the node.
		x.drop()
		choice = transport.Fresh
	}
}

// converse sends the request and reads up to the head of the final response.
func (x *exchange) converse(up *target, host string) error {
	out := &x.outbound
	out.Request, out.Host, out.Timeouts = x.req, host, up.timeouts(x.route)
	out.Prefix = x.forwardedPrefix(out.Prefix[:0])
	piece, more := x.firstPiece(out)
	if err := x.call.Send(out, piece, more); err != nil && !isBroken(err) {
		return err
	}
	if more {
		x.startPump(len(piece))
	}
	for {
		if err := x.call.Receive(&x.resp); err != nil {
			return err
		}
		if x.resp.Status >= 200 || x.resp.Status == http.StatusSwitchingProtocols {
			break
		}
		if err := x.stream.Interim(x.resp.Status, &x.resp.Fields); err != nil {
			return errors.Join(errClientGone, err)
		}
	}
	if x.resp.Status == http.StatusSwitchingProtocols && !x.req.WebSocket {
		return errors.New("the upstream switches protocols without being asked")
	}
	x.origin, x.source = sdk.OriginUpstream, x.call.Body()
	return nil
}

// bodyAhead tells whether all of the body is in memory, so that it can be sent again.
func (x *exchange) bodyAhead() bool {
	if x.hasNewBody || x.bodyRead || x.req.ContentLength == 0 {
		return true
	}
	_, all := x.stream.Body().Buffered()
	return all
}

// firstPiece returns what of the body goes out together with the head, and whether more follows.
func (x *exchange) firstPiece(out *transport.Outbound) (piece []byte, more bool) {
	if x.hasNewBody || x.bodyRead {
		out.ContentLength = int64(len(x.newBody))
		return x.newBody, false
	}
	out.ContentLength = x.req.ContentLength
	if out.ContentLength == 0 {
		return nil, false
	}
	piece, all := x.stream.Body().Buffered()
	return piece, !all
}

// repeatable tells whether the request can be sent again from its beginning.
func (x *exchange) repeatable() bool { return x.pump == nil || !x.pump.consumed() }

// hold notes the call that is waited for, so that a client that goes away ends it.
func (x *exchange) hold(call transport.Call) {
	x.stream.Waiting(nil)
	x.call = call
	x.stream.Waiting(x.gone)
}

// drop ends a call that came to nothing.
func (x *exchange) drop() {
	if x.call == nil {
		return
	}
	x.stream.Waiting(nil)
	x.call.Cut()
	x.stopPump()
	x.call.Done(false)
	x.call = nil
	x.stream.Waiting(x.gone)
}

// hostFor returns the Host field for a node.
func (x *exchange) hostFor(up *target, n *node) string {
	switch {
	case x.upstreamHost != "":
		return x.upstreamHost
	case up.PassHost == upstream.PassNode:
		return n.HostHeader
	case up.PassHost == upstream.PassRewrite:
		return up.UpstreamHost
	case x.req.Host == "":
		return n.HostHeader
	}
	return x.req.Host
}

func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}

func (x *exchange) resolveFault(n *node, err error) *Fault {
	if x.cut.Load() {
		return &Fault{Source: FaultClient, Status: statusClientClosed, Op: "resolve " + n.Host, Err: errClientGone}
	}
	return &Fault{Source: FaultUpstream, Status: http.StatusServiceUnavailable, Op: "resolve " + n.Host, Retry: true,
		Public: "the name of the upstream node cannot be resolved", Err: err}
}

func (x *exchange) connectFault(n *node, err error) *Fault {
	if x.cut.Load() {
		return &Fault{Source: FaultClient, Status: statusClientClosed, Op: "connect to " + n.Addr, Err: errClientGone}
	}
	f := &Fault{Source: FaultUpstream, Status: http.StatusBadGateway, Op: "connect to " + n.Addr, Retry: true, Err: err}
	switch {
	case isTimeout(err):
		f.Status, f.Public = http.StatusGatewayTimeout, "the upstream node did not accept the connection in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Public = "the upstream node refuses connections"
	case strings.Contains(err.Error(), "tls"):
		f.Public = "the TLS handshake with the upstream node failed"
	default:
		f.Public = "the upstream node cannot be reached"
	}
	return f
}

// callFault says of a failure after the connection was there whose it is. Only a request that may be repeated goes to another node.
func (x *exchange) callFault(n *node, err error) *Fault {
	if x.cut.Load() || errors.Is(err, errClientGone) {
		return &Fault{Source: FaultClient, Status: statusClientClosed, Op: "wait for " + n.Addr, Err: errClientGone}
	}
	if x.pump != nil {
		if f := x.pump.clientFault(); f != nil {
			return f
		}
	}
	retry := x.repeatable() && idempotent(x.req.Method)
	f := &Fault{Source: FaultUpstream, Status: http.StatusBadGateway, Op: "exchange with " + n.Addr, Retry: retry, Err: err}
	var refusal *transport.Refusal
	switch {
	case isTimeout(err):
		f.Status, f.Public = http.StatusGatewayTimeout, "the upstream node did not answer in time"
	case errors.As(err, &refusal):
		f.Public = "the upstream node's response is malformed: " + refusal.Reason
	default:
		f.Public = "the upstream node closed the connection"
	}
	return f
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// isBroken tells whether the other end closed the connection.
func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

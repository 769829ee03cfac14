package core

import (
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/sdk"
)

// Serve is the life of one request: begin, request, answer if that ended early or failed, respond, log, and back to the pool.
func (g *Gateway) Serve(s transport.Stream) {
	x := g.begin(s)
	if err := x.request(); err != nil {
		x.answer(err)
	}
	x.respond()
	x.log()
	g.end(x)
}

// request brings the request to an upstream. An error is a decision of a plugin or a failure: the answer has still to be made.
func (x *exchange) request() error {
	matched, err := x.match()
	if err != nil {
		return err
	}
	if err := x.run(sdk.PhaseRewrite, x.global.Rewrite); err != nil {
		return err
	}
	if matched {
		if err := x.run(sdk.PhaseRewrite, x.plan.Rewrite); err != nil {
			return err
		}
		if err := x.identify(); err != nil {
			return err
		}
	}
	if err := x.run(sdk.PhaseAccess, x.global.Access); err != nil {
		return err
	}
	if !matched {
		return errNoRoute
	}
	if err := x.run(sdk.PhaseAccess, x.plan.Access); err != nil {
		return err
	}
	return x.proxy()
}

// proxy tries nodes until one answers or there is no point in going on.
func (x *exchange) proxy() error {
	up, err := x.chooseUpstream()
	if err != nil {
		return err
	}
	for tries := x.beginTries(up); ; {
		node, err := x.pick(up)
		if err != nil {
			return tries.noNode(err)
		}
		x.node = node
		if err := x.beforeProxy(); err != nil {
			return err
		}
		if err = x.roundTrip(up, node); err == nil {
			return nil
		}
		if !tries.again(x, node, err) {
			return err
		}
	}
}

// respond sends the response through the filters. Every response goes this way, whoever made it.
func (x *exchange) respond() {
	x.beginResponse()
	if err := x.headerFilters(); err != nil {
		x.replace(err)
	}
	if err := x.send(); err != nil {
		x.abandon(err)
	}
}

// log runs the log hooks, and writes the access log.
func (x *exchange) log() {
	x.finish()
	x.runLog(x.global.Log)
	x.runLog(x.plan.Log)
	x.g.account(x)
	x.release()
}

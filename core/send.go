package core

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/sdk"
)

// beginResponse makes the head ready for the header filters.
func (x *exchange) beginResponse() {
	x.responding = true
	f := &x.resp.Fields
	if x.origin != sdk.OriginUpstream {
		f.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	} else if x.resp.Status != http.StatusSwitchingProtocols {
		dropUpgrade(f)
	}
	if x.g.serverHeader != "" {
		f.Set("Server", x.g.serverHeader)
	}
	if len(x.tries) > 0 && (x.g.showUpstreamStatus || x.resp.Status >= 500) {
		f.Set("X-APISIX-Upstream-Status", x.upstreamStatus())
	}
	for i := range x.early {
		e := &x.early[i]
		applyField(f, e.name, e.value, e.op)
	}
}

func dropUpgrade(f *transport.Fields) {
	for i := range f.List {
		if f.List[i].ID == transport.FieldUpgrade {
			f.Del("Upgrade")
			return
		}
	}
}

// replace answers instead of the response whose filters failed.
func (x *exchange) replace(err error) {
	x.answer(err)
	x.beginResponse()
}

// send sends head and body.
func (x *exchange) send() error {
	switch {
	case x.lost:
		return errClientGone
	case x.resp.Status == http.StatusSwitchingProtocols:
		return x.tunnel()
	case x.bodyFiltered():
		return x.sendFiltered()
	case x.source == nil:
		return x.sendWhole(x.reply)
	}
	return x.relay()
}

// bodyless tells whether the response has no body whatever its head says.
func (x *exchange) bodyless() bool {
	return x.isHead || x.resp.Status == http.StatusNoContent || x.resp.Status == http.StatusNotModified
}

// sendWhole sends a body that is in memory.
func (x *exchange) sendWhole(body []byte) error {
	x.stream.Respond(&x.resp, false)
	if x.bodyless() {
		return x.toClient(x.stream.Finish(nil))
	}
	x.bodySent = int64(len(body))
	if err := x.stream.Write(body, true); err != nil {
		return x.toClient(err)
	}
	return x.toClient(x.stream.Finish(nil))
}

// relay sends the upstream's body as it comes.
func (x *exchange) relay() error {
	x.stream.Respond(&x.resp, false)
	if done, err := x.passAhead(); done || err != nil {
		return err
	}
	buf := x.g.pieces.get()
	defer x.g.pieces.put(buf)
	for {
		// What the client has not got yet must not wait for the upstream.
		if err := x.stream.Write(nil, false); err != nil {
			return x.toClient(err)
		}
		n, err := x.source.Read(*buf)
		if err := x.pass((*buf)[:n]); err != nil {
			return err
		}
		if err != nil && err != io.EOF {
			return x.cutShort(err)
		}
		if done, err := x.passAhead(); done || err != nil {
			return err
		}
	}
}

// passAhead sends what has been read ahead of the body. It finishes the response and returns true if that is all of the rest.
func (x *exchange) passAhead() (done bool, err error) {
	for {
		piece, all := x.source.Buffered()
		if len(piece) == 0 && all {
			return true, x.toClient(x.stream.Finish(x.source.Trailers()))
		}
		if len(piece) == 0 {
			return false, nil
		}
		if err := x.pass(piece); err != nil {
			return false, err
		}
		x.source.Discard(len(piece))
	}
}

// pass sends a piece of the body, or keeps it for the next one.
func (x *exchange) pass(piece []byte) error {
	if err := x.stream.Write(piece, true); err != nil {
		return x.toClient(err)
	}
	x.bodySent += int64(len(piece))
	return nil
}

// cutShort is an upstream's response that ended before its end: the client has to see that too.
func (x *exchange) cutShort(err error) error {
	if x.cut.Load() {
		return errClientGone
	}
	return &Fault{Source: FaultUpstream, Op: "read the response of " + x.node.Addr, Err: err}
}

// toClient says whose a failure to send the response is: mostly the client has gone, or it takes nothing.
func (x *exchange) toClient(err error) error {
	switch {
	case err == nil:
		return nil
	case isBroken(err) || isTimeout(err):
		return &Fault{Source: FaultClient, Op: "send the response", Err: errors.Join(errClientGone, err)}
	}
	return &Fault{Source: FaultGateway, Op: "send the response", Err: err}
}

// sendFiltered sends the body through the body filters. One that is all there already keeps an exact length.
func (x *exchange) sendFiltered() error {
	whole, all := x.reply, x.source == nil
	if !all {
		whole, all = x.source.Buffered()
	}
	if !all {
		return x.sendPieces()
	}
	c := sdk.Chunk{Data: whole, Last: true}
	if err := x.filterBody(&c); err != nil {
		x.replace(err)
		return x.sendWhole(x.reply)
	}
	if x.source == nil || !x.bodyless() {
		x.resp.ContentLength = int64(len(c.Data))
	}
	err := x.sendWhole(c.Data)
	if x.source != nil && err == nil {
		x.source.Discard(len(whole))
	}
	return err
}

func (x *exchange) sendPieces() error {
	x.stream.Respond(&x.resp, false)
	buf := x.g.pieces.get()
	defer x.g.pieces.put(buf)
	for {
		if rest, _ := x.source.Buffered(); len(rest) == 0 {
			if err := x.stream.Write(nil, false); err != nil {
				return x.toClient(err)
			}
		}
		n, err := x.source.Read(*buf)
		if err != nil && err != io.EOF {
			return x.cutShort(err)
		}
		rest, all := x.source.Buffered()
		c := sdk.Chunk{Data: (*buf)[:n], Last: all && len(rest) == 0}
		if err := x.filterBody(&c); err != nil {
			return err
		}
		if err := x.stream.Write(c.Data, c.Last); err != nil {
			return x.toClient(err)
		}
		x.bodySent += int64(len(c.Data))
		if c.Last {
			return x.toClient(x.stream.Finish(x.source.Trailers()))
		}
	}
}

// abandon ends a response that cannot be completed.
func (x *exchange) abandon(err error) {
	x.stream.Abort()
	x.aborted = true
	x.drop()
	if err != errClientGone {
		x.g.report(x, err)
	}
}

// finish ends what belongs to the exchange after the response has been sent, and takes its figures.
func (x *exchange) finish() {
	x.took = time.Since(x.start)
	if n := len(x.tries); n > 0 && x.source != nil {
		t := &x.tries[n-1]
		t.took = time.Since(t.began)
	}
	if !x.upstreamStart.IsZero() {
		x.upTook = x.took - x.upstreamStart.Sub(x.start)
	}
	x.stream.Waiting(nil)
	if x.call != nil {
		x.stopPump()
	}
	x.received, x.sent = x.stream.Bytes()
	x.sent += x.tunnelled
}

// release gives the connection to the upstream back. Until then the response's head, which is read from there, may be looked at.
func (x *exchange) release() {
	x.leave(x.answerTime())
	if x.call != nil {
		x.call.Done(!x.aborted)
		x.call = nil
	}
}

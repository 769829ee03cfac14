package core

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// pieceSize is how much of a body is moved at a time.
const pieceSize = 64 << 10

// pieces are the buffers that bodies are moved through.
type pieces struct{ pool sync.Pool }

func (p *pieces) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, pieceSize)
	return &b
}

func (p *pieces) put(b *[]byte) { p.pool.Put(b) }

// lastPiece is how long the end of a body may take that the upstream has answered already.
const lastPiece = 100 * time.Millisecond

// A pump moves the body of a request to the upstream while the response is already being waited for: an upstream may answer
// before it has read everything.
type pump struct {
	x    *exchange
	call transport.Call
	body transport.Body

	done   chan struct{}
	stop   atomic.Bool
	taken  atomic.Bool // something of the body was read: it cannot be sent again
	atEnd  atomic.Bool // all of it was
	failed atomic.Bool
	cause  error // the client's failure; valid when failed
}

// startPump begins to send the request's body, of which so many bytes went out with the head.
func (x *exchange) startPump(sent int) {
	p := &pump{x: x, call: x.call, body: x.stream.Body(), done: make(chan struct{})}
	if sent > 0 {
		p.taken.Store(true)
		p.body.Discard(sent)
	}
	x.pump = p
	go p.run()
}

func (p *pump) run() {
	defer close(p.done)
	buf := p.x.g.pieces.get()
	defer p.x.g.pieces.put(buf)
	for !p.stop.Load() {
		n, err := p.body.Read(*buf)
		if n > 0 {
			p.taken.Store(true)
		}
		if rest, all := p.body.Buffered(); all && len(rest) == 0 {
			p.atEnd.Store(true)
		}
		if n > 0 && p.call.Write((*buf)[:n]) != nil {
			// The upstream takes no more of it. Its response, if there is one, is what counts.
			return
		}
		switch {
		case err == io.EOF:
			_ = p.call.End(p.body.Trailers())
			return
		case errors.Is(err, transport.ErrStopped):
			return
		case err != nil:
			p.cause = err
			p.failed.Store(true)
			p.call.Cut()
			return
		}
	}
}

func (p *pump) consumed() bool { return p.taken.Load() }

// clientFault returns the failure to read the body, nil where there was none so far.
func (p *pump) clientFault() *Fault {
	if !p.failed.Load() {
		return nil
	}
	return p.x.clientFault(p.cause)
}

// ended tells whether the pump has ended within the time.
func (p *pump) ended(within time.Duration) bool {
	select {
	case <-p.done:
		return true
	default:
	}
	if within == 0 {
		return false
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// stopPump ends the pump. It reads no more from the client, because nobody waits for an upstream any more. A body that has been read
// to its end gets a moment to be sent, so that the connection to the upstream can be used again.
func (x *exchange) stopPump() {
	p := x.pump
	if p == nil {
		return
	}
	p.stop.Store(true)
	if p.atEnd.Load() && p.ended(lastPiece) || p.ended(0) {
		return
	}
	x.call.Cut()
	<-p.done
}

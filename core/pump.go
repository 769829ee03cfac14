package core

import (
	"io"
	"sync"
	"sync/atomic"

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

// A pump moves the body of a request to the upstream while the response is already being waited for: an upstream may answer
// before it has read everything.
type pump struct {
	x    *exchange
	call transport.Call
	body transport.Body

	done    chan struct{}
	stop    atomic.Bool
	taken   atomic.Bool // something of the body was read: it cannot be sent again
	readErr error       // the client's; valid after done
}

// startPump begins, or goes on with, sending the request's body.
func (x *exchange) startPump() {
	x.pump = &pump{x: x, call: x.call, body: x.stream.Body(), done: make(chan struct{})}
	go x.pump.run()
}

func (p *pump) run() {
	defer close(p.done)
	buf := p.x.g.pieces.get()
	defer p.x.g.pieces.put(buf)
	for !p.stop.Load() {
		n, err := p.body.Read(*buf)
		if n > 0 {
			p.taken.Store(true)
			if p.stop.Load() || p.call.Write((*buf)[:n]) != nil {
				// The upstream takes no more of it. Its response, if there is one, is what counts.
				return
			}
		}
		if err == io.EOF {
			_ = p.call.End(p.body.Trailers())
			return
		}
		if err != nil {
			p.readErr = err
			p.call.Cut()
			return
		}
	}
}

func (p *pump) consumed() bool { return p.taken.Load() }

// clientFault returns the failure to read the body, nil where there was none.
func (p *pump) clientFault() *Fault {
	<-p.done
	if p.readErr == nil {
		return nil
	}
	return p.x.clientFault(p.readErr)
}

// stopPump waits for the pump to end; what the client still sends is not sent on.
func (x *exchange) stopPump() {
	if x.pump == nil {
		return
	}
	select {
	case <-x.pump.done:
		return
	default:
	}
	x.pump.stop.Store(true)
	x.call.Cut()
	<-x.pump.done
}

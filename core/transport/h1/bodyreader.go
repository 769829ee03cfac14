package h1

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// bodyReader reads from the connection what belongs to a request's body, within the time limits. It may be used by another goroutine
// than the one that serves the connection.
type bodyReader conn

// continueWait is how long the upstream may take to say "100 Continue" before the gateway says it.
const continueWait = time.Second

// Read implements io.Reader.
func (r *bodyReader) Read(p []byte) (int, error) {
	c := (*conn)(r)
	c.reading.Store(true)
	defer c.reading.Store(false)
	if !c.isContinued() {
		if n, err := c.awaitContinue(p); n > 0 || err != nil {
			return n, err
		}
	}
	if c.stopped.Load() {
		return 0, transport.ErrStopped
	}
	from := c.server.watch.now.Load()
	c.guard.armRead(c.bodyLimit())
	n, err := c.nc.Read(p)
	c.guard.armRead(0)
	// Only the time that the client took counts against it, not the upstream's.
	c.bodyWait += c.server.watch.now.Load() - from
	return n, c.readError(err)
}

// readError tells a reader that was stopped from one whose client was too slow.
func (c *conn) readError(err error) error {
	if err != nil && c.stopped.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		return transport.ErrStopped
	}
	return err
}

// bodyLimit returns how long the client may take for the next piece.
func (c *conn) bodyLimit() time.Duration {
	l := &c.server.limits
	if l.MinBodyRate <= 0 {
		return l.BodyTimeout
	}
	paid := float64(c.in.total-c.receivedFrom) / float64(l.MinBodyRate) * float64(time.Second)
	left := max(l.BodyGrace+time.Duration(paid)-time.Duration(c.bodyWait), time.Nanosecond)
	if l.BodyTimeout > 0 {
		left = min(left, l.BodyTimeout)
	}
	return left
}

func (c *conn) isContinued() bool {
	c.interimMu.Lock()
	defer c.interimMu.Unlock()
	return c.continued || c.answered
}

// awaitContinue gives the upstream a moment to say "100 Continue" if it was asked, and says it itself otherwise. A client may
// also send its body without waiting.
func (c *conn) awaitContinue(p []byte) (int, error) {
	if c.req.ContinueAsked {
		c.guard.readUntil(time.Now().Add(continueWait))
		if c.stopped.Load() {
			return 0, transport.ErrStopped
		}
		n, err := c.nc.Read(p)
		c.guard.readUntil(time.Time{})
		if n > 0 {
			c.interimMu.Lock()
			c.continued = true
			c.interimMu.Unlock()
			return n, nil
		}
		if err = c.readError(err); !errors.Is(err, os.ErrDeadlineExceeded) || c.guard.dead.Load() {
			return 0, err
		}
	}
	return 0, c.sendContinue()
}

// sendContinue sends "100 Continue" unless that is late.
func (c *conn) sendContinue() error {
	c.interimMu.Lock()
	defer c.interimMu.Unlock()
	if c.continued || c.answered {
		return nil
	}
	c.continued = true
	return c.out.interim(100, nil)
}

// stop ends the wait of another goroutine for the client's body: it gets transport.ErrStopped.
func (c *conn) stop() {
	if c.req.ContentLength == 0 {
		return
	}
	c.stopped.Store(true)
	if c.reading.Load() {
		c.woken = true
		_ = c.nc.SetReadDeadline(past())
	}
}

// resume allows reading again after stop. Nobody reads meanwhile.
func (c *conn) resume() {
	if !c.stopped.Load() {
		return
	}
	c.stopped.Store(false)
	if c.woken {
		c.woken = false
		c.guard.readUntil(time.Time{})
	}
}

// lingerTime bounds how long the rest of what a client sends is read after its response.
const lingerTime = 2 * time.Second

// drain reads the rest of a small body that nobody wanted, so that the next request can be found behind it.
func (c *conn) drain() bool {
	const most = 64 << 10
	if c.body.done {
		return true
	}
	if !c.continued || c.body.err != nil || c.body.left > most {
		return false
	}
	if p, all := c.body.Buffered(); all {
		c.body.Discard(len(p))
		return true
	}
	if c.closing {
		return false
	}
	c.body.from = &drainer{c.nc}
	defer func() { c.body.from = (*bodyReader)(c) }()
	c.guard.readUntil(time.Now().Add(lingerTime))
	defer c.guard.readUntil(time.Time{})
	scratch := make([]byte, startBuffer)
	for total := 0; total < most; {
		n, err := c.body.Read(scratch)
		total += n
		if err != nil {
			return err == io.EOF
		}
	}
	return false
}

// A drainer reads under a deadline that was set before.
type drainer struct{ io.Reader }

// linger lets the client read the last response before the connection is reset for what was not read of it.
func (c *conn) linger() {
	const most = 1 << 20
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.guard.readUntil(time.Now().Add(lingerTime))
	scratch := make([]byte, startBuffer)
	for total := 0; total < most; {
		n, err := c.nc.Read(scratch)
		if err != nil {
			return
		}
		total += n
	}
}

package h1

import (
	"bytes"
	"errors"
	"io"
	"net"

	"github.com/polygate/polygate/core/transport"
)

// startBuffer is the size of a connection's first buffer: most heads, and the small bodies behind them, fit.
const startBuffer = 4 << 10

// errFull is the error of an input whose limit does not allow to read more.
var errFull = errors.New("the input is full")

// An input is what is read from a connection. While a message is treated its head stays at the front of buf, because the
// message's strings are views of it; r and w bound what has been read ahead behind it. A buffer that became too small is left to
// the strings, which stay valid.
type input struct {
	nc    net.Conn
	buf   []byte
	base  int // end of the head that has to stay
	r, w  int
	total int64 // bytes read from the connection
}

// fill reads more. It moves what is ahead, or makes buf larger, up to limit bytes beyond base.
func (in *input) fill(from io.Reader, limit int) error {
	if in.r == in.w {
		in.r, in.w = in.base, in.base
	}
	if room := len(in.buf) - in.w; room == 0 || in.w == in.base && room < min(limit, startBuffer/4) {
		if err := in.makeRoom(limit); err != nil {
			return err
		}
	}
	n, err := from.Read(in.buf[in.w:])
	in.w += n
	in.total += int64(n)
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (in *input) makeRoom(limit int) error {
	if in.r > in.base {
		in.w = in.base + copy(in.buf[in.base:], in.buf[in.r:in.w])
		in.r = in.base
		return nil
	}
	if len(in.buf)-in.base >= limit {
		return errFull
	}
	grown := make([]byte, min(2*max(len(in.buf), startBuffer), in.base+limit))
	copy(grown, in.buf[:in.w])
	in.buf = grown
	return nil
}

// direct reads into p past the buffer, which is empty.
func (in *input) direct(from io.Reader, p []byte) (int, error) {
	n, err := from.Read(p)
	in.total += int64(n)
	if n > 0 {
		return n, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// next makes what is ahead the beginning of the next message.
func (in *input) next() {
	ahead := in.buf[in.r:in.w]
	if len(in.buf) > 4*startBuffer && len(ahead) < startBuffer {
		in.buf = make([]byte, startBuffer)
	}
	in.w = copy(in.buf, ahead)
	in.r, in.base = 0, 0
}

// readHead reads until a complete head is at the front of the buffer and returns it. begun is called when its first byte is there;
// without it the head is that of a response, before which nothing is skipped.
func (in *input) readHead(limit int, begun func()) ([]byte, error) {
	skipped := begun == nil
	for seen := 0; ; {
		if in.w > seen {
			if seen == 0 && begun != nil {
				begun()
				begun = nil
			}
			if !skipped && in.skipEmptyLine() {
				skipped, seen = true, 0
				continue
			}
			n, refusal := headEnd(in.buf[:in.w], seen)
			switch {
			case refusal != nil:
				return nil, refusal
			case n > limit:
				return nil, refuse(431, "the head is too large")
			case n > 0:
				in.r, in.base = n, n
				return in.buf[:n], nil
			}
			seen = in.w
		}
		if err := in.fill(in.nc, limit+1); err != nil {
			if err == errFull {
				return nil, tooLarge(in.buf[:in.w])
			}
			return nil, err
		}
	}
}

func tooLarge(b []byte) *transport.Refusal {
	if bytes.IndexByte(b, '\n') >= 0 {
		return refuse(431, "the head is too large")
	}
	return refuse(414, "the request line is too long")
}

// One empty line before a request is skipped (RFC 9112 section 2.2).
func (in *input) skipEmptyLine() bool {
	if in.w < 2 || in.buf[0] != '\r' || in.buf[1] != '\n' {
		return false
	}
	in.w = copy(in.buf, in.buf[2:in.w])
	return true
}

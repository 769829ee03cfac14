package h1

import (
	"io"
	"net"

	"github.com/polygate/polygate/core/transport"
)

// startBuffer is the size of a connection's first buffer: most heads, and the small bodies behind them, fit.
const startBuffer = 4 << 10

// An input is what is read from a connection. While a message is treated its head stays at the front of buf, because the
// message's strings are views of it; r and w bound what has been read ahead behind it.
type input struct {
	nc    net.Conn
	buf   []byte
	base  int // end of the head that has to stay
	r, w  int
	total int64 // bytes read from the connection
}

// fill reads more. It moves what is ahead, or makes buf larger, up to limit bytes beyond base.
func (in *input) fill(limit int) error {
	if in.r == in.w {
		in.r, in.w = in.base, in.base
	}
	if in.w == len(in.buf) {
		if err := in.makeRoom(limit); err != nil {
			return err
		}
	}
	n, err := in.nc.Read(in.buf[in.w:])
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
		return io.ErrShortBuffer
	}
	grown := make([]byte, min(2*max(len(in.buf), startBuffer), in.base+limit))
	copy(grown, in.buf[:in.w])
	in.buf = grown
	return nil
}

// direct reads into p past the buffer, which is empty.
func (in *input) direct(p []byte) (int, error) {
	n, err := in.nc.Read(p)
	in.total += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
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

// readHead reads until a complete head is at the front of the buffer and returns it. begun is called when its first byte is there.
func (in *input) readHead(limit int, begun func()) ([]byte, error) {
	for seen := 0; ; {
		for in.w > seen {
			if seen == 0 {
				begun()
			}
			if seen < 2 && in.skipEmptyLine() {
				continue
			}
			n, refusal := headEnd(in.buf[:in.w], seen)
			if refusal != nil {
				return nil, refusal
			}
			if n > limit {
				return nil, refuse(431, "the head is too large")
			}
			if n > 0 {
				in.r, in.base = n, n
				return in.buf[:n], nil
			}
			seen = in.w
		}
		if err := in.fill(limit + 1); err != nil {
			if err == io.ErrShortBuffer {
				return nil, tooLarge(in.buf[:in.w])
			}
			return nil, err
		}
	}
}

func tooLarge(b []byte) *transport.Refusal {
	for _, c := range b {
		if c == '\n' {
			return refuse(431, "the head is too large")
		}
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

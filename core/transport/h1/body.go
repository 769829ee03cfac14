package h1

import (
	"bytes"
	"errors"
	"io"

	"github.com/polygate/polygate/core/transport"
)

// A body reads the body of one message from an input (RFC 9112 sections 6 and 7).
type body struct {
	from     io.Reader // the connection, within the time limits of the message
	limit    int64     // of a chunked body's data, 0: none
	in       *input
	kind     int64 // a length, transport.Chunked or transport.UntilClose
	left     int64 // of the length, or of the current chunk
	size     int64 // of the chunks so far
	excess   int64 // bytes around the chunks' data beyond what is usual
	state    chunkState
	done     bool
	trailers transport.Fields
	err      error
}

type chunkState uint8

const (
	chunkSize chunkState = iota // a chunk's size line comes next
	chunkData
	chunkEnd // the CR LF behind a chunk's data comes next
	chunkTrailers
)

// begin makes the body ready for a message whose head is at the front of in.
func (b *body) begin(in *input, kind int64) {
	b.trailers.Reset()
	b.in, b.kind, b.left, b.size, b.excess = in, kind, kind, 0, 0
	b.state, b.done, b.err = chunkSize, kind == 0, nil
	if kind == transport.Chunked {
		b.left = 0
	}
}

// Buffered returns what has been read ahead, and whether that is all of the rest.
func (b *body) Buffered() (p []byte, all bool) {
	b.settle()
	if b.done {
		return nil, true
	}
	ahead := int64(b.in.w - b.in.r)
	if b.kind >= 0 {
		n := min(ahead, b.left)
		return b.in.buf[b.in.r:][:n], n == b.left
	}
	if b.kind == transport.Chunked && b.state == chunkData {
		return b.in.buf[b.in.r:][:min(ahead, b.left)], false
	}
	return nil, false
}

// Discard takes n bytes of what Buffered returned.
func (b *body) Discard(n int) {
	b.in.r += n
	b.took(n)
}

// Trailers returns the trailer fields, nil where there are none.
func (b *body) Trailers() *transport.Fields {
	if len(b.trailers.List) == 0 {
		return nil
	}
	return &b.trailers
}

// Read implements io.Reader. All errors but transport.ErrStopped are final.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 && !b.done {
		return 0, b.err
	}
	for b.err == nil && !b.done {
		n, err := b.step(p)
		if n > 0 {
			return n, nil
		}
		if err == nil {
			continue
		}
		if errors.Is(err, transport.ErrStopped) {
			return 0, err
		}
		b.err = err
	}
	if b.err != nil {
		return 0, b.err
	}
	return 0, io.EOF
}

func (b *body) step(p []byte) (int, error) {
	if b.kind == transport.Chunked && b.state != chunkData {
		return 0, b.chunkStep()
	}
	n, err := b.readData(p)
	if err == io.EOF && b.kind == transport.UntilClose {
		b.done = true
		return 0, nil
	}
	return n, unexpected(err)
}

func (b *body) readData(p []byte) (int, error) {
	if b.kind != transport.UntilClose && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n := copy(p, b.in.buf[b.in.r:b.in.w])
	b.in.r += n
	if n == 0 {
		var err error
		if n, err = b.readConn(p); n == 0 {
			return 0, err
		}
	}
	b.took(n)
	return n, nil
}

// Small pieces go through the buffer, so that what stands behind them is read along with them.
func (b *body) readConn(p []byte) (int, error) {
	if len(p) >= startBuffer || b.kind == transport.UntilClose {
		return b.in.direct(b.from, p)
	}
	if err := b.in.fill(b.from, startBuffer); err != nil {
		return 0, err
	}
	n := copy(p, b.in.buf[b.in.r:b.in.w])
	b.in.r += n
	return n, nil
}

// unexpected is the error of a message whose connection ended before it did.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (b *body) took(n int) {
	if b.kind == transport.UntilClose {
		return
	}
	b.left -= int64(n)
	switch {
	case b.kind >= 0:
		b.done = b.left == 0
	case b.left == 0 && b.state == chunkData:
		b.state = chunkEnd
	}
}

// line takes a line of at most limit bytes and returns it without its CR LF.
func (b *body) line(limit int) ([]byte, error) {
	for {
		ahead := b.in.buf[b.in.r:b.in.w]
		if i := bytes.IndexByte(ahead, '\n'); i >= 0 {
			if i == 0 || ahead[i-1] != '\r' {
				return nil, refuse(400, "a chunk's line does not end with CR LF")
			}
			if i > limit {
				return nil, refuse(400, "a chunk's line is too long")
			}
			b.in.r += i + 1
			return ahead[:i-1], nil
		}
		if len(ahead) > limit {
			return nil, refuse(400, "a chunk's line is too long")
		}
		if err := b.in.fill(b.from, maxTrailers+maxChunkLine); err != nil {
			return nil, unexpected(err)
		}
	}
}

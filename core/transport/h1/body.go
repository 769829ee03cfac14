package h1

import (
	"bytes"
	"io"
	"strings"

	"github.com/polygate/polygate/core/transport"
)

// A body reads the body of one message from an input (RFC 9112 sections 6 and 7).
type body struct {
	in       *input
	kind     int64 // a length, transport.Chunked or transport.UntilClose
	left     int64 // of the length, or of the current chunk
	state    chunkState
	done     bool
	trailers transport.Fields
	before   func() error // called before each read from the connection
	after    func()       // and after it
	err      error
}

type chunkState uint8

const (
	chunkSize chunkState = iota // a chunk's size line comes next
	chunkData
	chunkEnd // the CR LF behind a chunk's data comes next
	chunkTrailers
)

// Bounds of what stands between the data of a chunked body.
const (
	maxChunkLine = 1 << 10
	maxTrailers  = 8 << 10
)

func (b *body) begin(in *input, kind int64) {
	fields := b.trailers
	fields.Reset()
	*b = body{in: in, kind: kind, left: kind, trailers: fields, before: b.before, after: b.after}
	b.done = kind == 0
	if kind == transport.Chunked {
		b.left = 0
	}
}

// Buffered returns what has been read ahead, and whether that is all of the rest.
func (b *body) Buffered() (p []byte, all bool) {
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
	b.left -= int64(n)
	b.advance()
}

// Trailers returns the trailer fields, nil where there are none.
func (b *body) Trailers() *transport.Fields {
	if len(b.trailers.List) == 0 {
		return nil
	}
	return &b.trailers
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	for !b.done {
		if b.kind == transport.Chunked && b.state != chunkData {
			if err := b.chunkStep(); err != nil {
				b.err = err
				return 0, err
			}
			continue
		}
		n, err := b.readData(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			b.err = err
			return 0, err
		}
	}
	return 0, io.EOF
}

func (b *body) readData(p []byte) (int, error) {
	if b.kind != transport.UntilClose && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n := copy(p, b.in.buf[b.in.r:b.in.w])
	b.in.r += n
	if n == 0 {
		var err error
		if n, err = b.readConn(p); err != nil {
			return 0, b.cutShort(err)
		}
	}
	b.left -= int64(n)
	b.advance()
	return n, nil
}

// Small pieces go through the buffer, so that what stands behind them is read along with them.
func (b *body) readConn(p []byte) (int, error) {
	if err := b.before(); err != nil {
		return 0, err
	}
	defer b.after()
	if len(p) >= startBuffer || b.kind == transport.UntilClose {
		return b.in.direct(p)
	}
	if err := b.in.fill(startBuffer); err != nil {
		return 0, err
	}
	n := copy(p, b.in.buf[b.in.r:b.in.w])
	b.in.r += n
	return n, nil
}

func (b *body) cutShort(err error) error {
	if err != io.EOF {
		return err
	}
	if b.kind == transport.UntilClose {
		b.done = true
		return io.EOF
	}
	return io.ErrUnexpectedEOF
}

func (b *body) advance() {
	switch {
	case b.kind >= 0:
		b.done = b.left == 0
	case b.kind == transport.Chunked && b.left == 0 && b.state == chunkData:
		b.state = chunkEnd
	}
}

func (b *body) chunkStep() error {
	switch b.state {
	case chunkEnd:
		line, err := b.line(2)
		if err != nil {
			return err
		}
		if len(line) != 0 {
			return refuse(400, "a chunk is longer than its size")
		}
		b.state = chunkSize
	case chunkSize:
		line, err := b.line(maxChunkLine)
		if err != nil {
			return err
		}
		n, refusal := parseChunkSize(line)
		if refusal != nil {
			return refusal
		}
		b.left, b.state = n, chunkData
		if n == 0 {
			b.state = chunkTrailers
		}
	case chunkTrailers:
		return b.readTrailers()
	case chunkData:
	}
	return nil
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
		if len(ahead) > limit || len(ahead) >= 2 && limit == 2 {
			return nil, refuse(400, "a chunk is longer than its size, or its line is too long")
		}
		if err := b.more(); err != nil {
			return nil, err
		}
	}
}

func (b *body) more() error {
	if err := b.before(); err != nil {
		return err
	}
	defer b.after()
	err := b.in.fill(maxTrailers + maxChunkLine)
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseChunkSize reads 1*HEXDIG [ chunk-ext ].
func parseChunkSize(line []byte) (int64, *transport.Refusal) {
	bad := func() (int64, *transport.Refusal) {
		return 0, refuse(400, "a chunk's size is not a hexadecimal number")
	}
	var n int64
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if i == 15 {
			return bad()
		}
		n = n<<4 | int64(d)
	}
	if i == 0 {
		return bad()
	}
	rest := trimOWS(transport.View(line[i:]))
	if rest != "" && (rest[0] != ';' || !transport.ValidValue(rest)) {
		return bad()
	}
	return n, nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// readTrailers takes the trailer section. Fields that would change what the message means are left out.
func (b *body) readTrailers() error {
	for {
		ahead := b.in.buf[b.in.r:b.in.w]
		if len(ahead) >= 2 && ahead[0] == '\r' && ahead[1] == '\n' {
			b.in.r += 2
			b.done = true
			return nil
		}
		end, refusal := headEnd(ahead, 0)
		if refusal != nil {
			return refusal
		}
		if end > 0 {
			b.in.r += end
			b.done = true
			return b.keepTrailers(strings.Clone(transport.View(ahead[:end-2])))
		}
		if len(ahead) > maxTrailers {
			return refuse(431, "the trailers are too large")
		}
		if err := b.more(); err != nil {
			return err
		}
	}
}

func (b *body) keepTrailers(lines string) error {
	var f framing
	f.length = -1
	if refusal := parseFields(lines, &b.trailers, 100, &f); refusal != nil {
		return refusal
	}
	kept := b.trailers.List[:0]
	for _, field := range b.trailers.List {
		if field.ID == transport.FieldOther && !forbiddenTrailer(field.Name) {
			kept = append(kept, field)
		}
	}
	b.trailers.List = kept
	return nil
}

// forbiddenTrailer tells whether a field steers routing, authentication or how content is read (RFC 9110 section 6.5.1).
func forbiddenTrailer(name string) bool {
	for _, f := range [...]string{
		"authorization", "proxy-authorization", "proxy-authenticate", "www-authenticate", "cookie", "set-cookie", "cache-control",
		"content-encoding", "content-type", "content-range", "range", "max-forwards", "age", "expires", "location", "retry-after", "vary",
		"apikey", "x-api-key",
	} {
		if transport.EqualFold(name, f) {
			return true
		}
	}
	return false
}

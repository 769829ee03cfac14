package h1

import (
	"bytes"
	"strings"

	"github.com/polygate/polygate/core/transport"
)

// Bounds of what stands between the data of a chunked body.
const (
	maxChunkLine = 1 << 10
	maxTrailers  = 8 << 10
	maxExcess    = 16 << 10
)

// chunkStep takes what comes next of a chunked body but data.
func (b *body) chunkStep() error {
	switch b.state {
	case chunkEnd:
		return b.endChunk()
	case chunkSize:
		return b.beginChunk()
	case chunkTrailers:
		return b.readTrailers()
	case chunkData:
	}
	return nil
}

// settle takes the lines around chunks as far as they have been read, so that Buffered sees the data behind them.
func (b *body) settle() {
	for b.kind == transport.Chunked && b.state != chunkData && !b.done && b.err == nil && b.linesAhead() {
		b.err = b.chunkStep()
	}
}

// linesAhead tells whether the next step needs nothing more from the connection.
func (b *body) linesAhead() bool {
	ahead := b.in.buf[b.in.r:b.in.w]
	if b.state == chunkTrailers {
		return bytes.HasPrefix(ahead, crlf) || bytes.Contains(ahead, []byte("\r\n\r\n"))
	}
	return bytes.IndexByte(ahead, '\n') >= 0
}

func (b *body) beginChunk() error {
	line, err := b.line(maxChunkLine)
	if err != nil {
		return err
	}
	n, refusal := parseChunkSize(line)
	if refusal != nil {
		return refusal
	}
	// Long lines around little data cost much and bring nothing: so many bytes per chunk are usual.
	b.excess = max(0, b.excess+int64(len(line))-16-min(n, maxExcess))
	if b.excess > maxExcess {
		return refuse(400, "the chunks have too little data for their lines")
	}
	b.size += n
	if b.limit > 0 && b.size > b.limit || b.size < 0 {
		return refuse(413, "the body is too large")
	}
	b.left, b.state = n, chunkData
	if n == 0 {
		b.state = chunkTrailers
	}
	return nil
}

func (b *body) endChunk() error {
	for {
		switch ahead := b.in.buf[b.in.r:b.in.w]; {
		case len(ahead) > 0 && ahead[0] != '\r', len(ahead) > 1 && ahead[1] != '\n':
			return refuse(400, "a chunk is longer than its size")
		case len(ahead) > 1:
			b.in.r += 2
			b.state = chunkSize
			return nil
		}
		if err := b.in.fill(b.from, maxTrailers+maxChunkLine); err != nil {
			return unexpected(err)
		}
	}
}

// parseChunkSize reads 1*HEXDIG [ chunk-ext ].
func parseChunkSize(line []byte) (int64, *transport.Refusal) {
	var n int64
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		n = n<<4 | int64(d)
	}
	rest := trimOWS(transport.View(line[i:]))
	if i == 0 || i > 15 || rest != "" && (rest[0] != ';' || !transport.ValidValue(rest)) {
		return 0, refuse(400, "a chunk's size is not a hexadecimal number")
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
	for seen := 0; ; {
		ahead := b.in.buf[b.in.r:b.in.w]
		if len(ahead) >= 2 && ahead[0] == '\r' && ahead[1] == '\n' {
			b.in.r += 2
			b.done = true
			return nil
		}
		end, refusal := headEnd(ahead, seen)
		if refusal != nil {
			return refusal
		}
		if end > maxTrailers || end == 0 && len(ahead) > maxTrailers {
			return refuse(431, "the trailers are too large")
		}
		if end > 0 {
			b.in.r += end
			b.done = true
			return b.keepTrailers(strings.Clone(transport.View(ahead[:end-2])))
		}
		seen = len(ahead)
		if err := b.in.fill(b.from, maxTrailers+maxChunkLine); err != nil {
			return unexpected(err)
		}
	}
}

func (b *body) keepTrailers(lines string) error {
	f := framing{length: -1}
	if refusal := parseFields(lines, &b.trailers, 100, &f); refusal != nil {
		b.trailers.Reset()
		b.done = false
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

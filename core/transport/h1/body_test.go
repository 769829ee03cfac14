package h1

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/polygate/polygate/core/transport"
)

// readBody reads a body that begins at once, in pieces of at most size bytes.
func readBody(w *wire, kind int64, size int) (data string, b *body, err error) {
	b = &body{from: w}
	b.begin(newInput(w), kind)
	p := make([]byte, size)
	var all []byte
	for {
		n, err := b.Read(p)
		all = append(all, p[:n]...)
		if err == io.EOF {
			return string(all), b, nil
		}
		if err != nil {
			return string(all), b, err
		}
	}
}

func TestBody(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1000)
	tests := []struct {
		name     string
		kind     int64
		sent     string
		want     string
		trailers []string
		rest     string // what stands behind the body
	}{
		{"none", 0, "next", "", nil, "next"},
		{"length", 5, "hellonext", "hello", nil, "next"},
		{"long", 16000, big + "next", big, nil, "next"},
		{"until close", transport.UntilClose, "hello", "hello", nil, ""},
		{"until close, empty", transport.UntilClose, "", "", nil, ""},
		{"no chunks", transport.Chunked, "0\r\n\r\nnext", "", nil, "next"},
		{"chunks", transport.Chunked, "5\r\nhello\r\n00A\r\n, world!!!\r\n0\r\n\r\nnext", "hello, world!!!", nil, "next"},
		{"long chunk", transport.Chunked, "3E80\r\n" + big + "\r\n0\r\n\r\nnext", big, nil, "next"},
		{"extensions", transport.Chunked, "5;a=b\r\nhello\r\n0 ; c=\"d\"\r\n\r\nnext", "hello", nil, "next"},
		{"trailers", transport.Chunked, "1\r\na\r\n0\r\nX: 1\r\nY: 2\r\n\r\nnext", "a", []string{"X: 1", "Y: 2"}, "next"},
		{"trailers that steer", transport.Chunked,
			"0\r\nContent-Length: 9\r\nHost: evil\r\nX-Consumer-Username: root\r\nx_consumer_username: root\r\nCookie: a\r\nX: 1\r\n\r\nnext", "", []string{"X: 1"}, "next"},
	}
	for _, tt := range tests {
		for how := range wires("") {
			for _, size := range []int{1, 7, 4096, 64 << 10} {
				t.Run(tt.name+" "+how, func(t *testing.T) {
					w := wires(tt.sent)[how]
					got, b, err := readBody(w, tt.kind, size)
					if err != nil || got != tt.want {
						t.Fatalf("got %.40q and error %v, want %.40q", got, err, tt.want)
					}
					var trailers []string
					if f := b.Trailers(); f != nil {
						for _, field := range f.List {
							trailers = append(trailers, field.Name+": "+field.Value)
						}
					}
					if diff := cmp.Diff(tt.trailers, trailers); diff != "" {
						t.Error(diff)
					}
					behind, _ := io.ReadAll(w)
					if rest := string(b.in.buf[b.in.r:b.in.w]) + string(behind); rest != tt.rest {
						t.Errorf("got %q behind the body, want %q", rest, tt.rest)
					}
				})
			}
		}
	}
}

func TestBodyRefuses(t *testing.T) {
	tests := []struct {
		name   string
		kind   int64
		sent   string
		status int // 0: it ends too early
	}{
		{"short", 5, "hell", 0},
		{"short chunk", transport.Chunked, "5\r\nhell", 0},
		{"no end of the chunk", transport.Chunked, "5\r\nhello", 0},
		{"half an end of the chunk", transport.Chunked, "5\r\nhello\r", 0},
		{"no last chunk", transport.Chunked, "5\r\nhello\r\n", 0},
		{"no trailer section", transport.Chunked, "0\r\n", 0},
		{"half a trailer", transport.Chunked, "0\r\nX", 0},
		{"hexadecimal prefix", transport.Chunked, "0x5\r\nhello\r\n0\r\n\r\n", 400},
		{"negative", transport.Chunked, "-1\r\n\r\n0\r\n\r\n", 400},
		{"plus", transport.Chunked, "+5\r\nhello\r\n0\r\n\r\n", 400},
		{"underscore", transport.Chunked, "5_0\r\n", 400},
		{"no digit", transport.Chunked, "Z\r\nhello\r\n0\r\n\r\n", 400},
		{"empty size", transport.Chunked, "\r\nhello\r\n0\r\n\r\n", 400},
		{"space before the size", transport.Chunked, " 5\r\nhello\r\n0\r\n\r\n", 400},
		{"more than the size", transport.Chunked, "5\r\nhelloXX0\r\n\r\n", 400},
		{"one more than the size", transport.Chunked, "5\r\nhelloX\r\n0\r\n\r\n", 400},
		{"line feed behind the data", transport.Chunked, "5\r\nhello\n0\r\n\r\n", 400},
		{"line feed behind the size", transport.Chunked, "5\nhello\r\n0\r\n\r\n", 400},
		{"line feed in an extension", transport.Chunked, "5;a=\n\r\nhello\r\n0\r\n\r\n", 400},
		{"carriage return in an extension", transport.Chunked, "5;a\rb\r\nhello\r\n0\r\n\r\n", 400},
		{"carriage return twice", transport.Chunked, "5\r\r\nhello\r\n0\r\n\r\n", 400},
		{"overflow", transport.Chunked, "fffffffffffffffff\r\nhello", 400},
		{"sixteen digits", transport.Chunked, "8000000000000000\r\nhello", 400},
		{"long line", transport.Chunked, "5;" + strings.Repeat("a", 2000) + "\r\nhello\r\n0\r\n\r\n", 400},
		{"endless line", transport.Chunked, "5;" + strings.Repeat("a", 5000), 400},
		{"little data in long lines", transport.Chunked, strings.Repeat("1;"+strings.Repeat("a", 1000)+"\r\nx\r\n", 40), 400},
		{"too large", transport.Chunked, "fff\r\n" + strings.Repeat("a", 4095) + "\r\n" + "fff0\r\n", 413},
		{"trailer without a name", transport.Chunked, "0\r\n: a\r\n\r\n", 400},
		{"folded trailer", transport.Chunked, "0\r\nA: b\r\n c\r\n\r\n", 400},
		{"trailer with a line feed", transport.Chunked, "0\r\nA: b\nB: c\r\n\r\n", 400},
		{"many trailers", transport.Chunked, "0\r\n" + strings.Repeat("A: b\r\n", 200) + "\r\n", 431},
		{"long trailers", transport.Chunked, "0\r\nA: " + strings.Repeat("b", 10000) + "\r\n\r\n", 431},
		{"endless trailers", transport.Chunked, "0\r\nA: " + strings.Repeat("b", 10000), 431},
	}
	for _, tt := range tests {
		for how := range wires("") {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				b := &body{from: wires(tt.sent)[how], limit: 32 << 10}
				b.begin(newInput(wires(tt.sent)[how]), tt.kind)
				_, err := io.ReadAll(b)
				refusal, _ := err.(*transport.Refusal)
				switch {
				case tt.status == 0 && err != io.ErrUnexpectedEOF:
					t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
				case tt.status != 0 && (refusal == nil || refusal.Status != tt.status):
					t.Errorf("got %v, want a refusal with status %d", err, tt.status)
				}
				if _, again := b.Read(make([]byte, 1)); again != err {
					t.Errorf("got %v when read again, want %v", again, err)
				}
				if b.done || b.Trailers() != nil {
					t.Errorf("got an end and trailers %v, want none", b.Trailers())
				}
			})
		}
	}
}

func TestBufferedBody(t *testing.T) {
	tests := []struct {
		name string
		kind int64
		sent string
		want string
		all  bool
	}{
		{"none", 0, "next", "", true},
		{"all", 5, "hellonext", "hello", true},
		{"a part", 5, "hel", "hel", false},
		{"chunks", transport.Chunked, "5\r\nhello\r\n0\r\n\r\n", "hello", false},
		{"half of a chunk's size", transport.Chunked, "5", "", false},
		{"end of chunks", transport.Chunked, "0\r\nA: b\r\n\r\n", "", true},
		{"bad chunk", transport.Chunked, "z\r\n", "", false},
		{"until close", transport.UntilClose, "hello", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := newInput(wires("")["at once"])
			in.w = copy(in.buf, tt.sent)
			b := &body{from: in.nc}
			b.begin(in, tt.kind)
			p, all := b.Buffered()
			if string(p) != tt.want || all != tt.all {
				t.Errorf("got %q, %v, want %q, %v", p, all, tt.want, tt.all)
			}
			b.Discard(len(p))
			if b.done != tt.all {
				t.Errorf("got done %v after all was discarded, want %v", b.done, tt.all)
			}
		})
	}
	t.Run("chunk by chunk", func(t *testing.T) {
		in := newInput(wires("")["at once"])
		in.w = copy(in.buf, "1\r\na\r\n2\r\nbc\r\n0\r\nT: u\r\n\r\nnext")
		b := &body{from: in.nc}
		b.begin(in, transport.Chunked)
		var got []string
		for {
			p, all := b.Buffered()
			got = append(got, string(p))
			b.Discard(len(p))
			if all {
				break
			}
			if len(p) == 0 {
				t.Fatalf("got %q, want all of the body", got)
			}
		}
		if diff := cmp.Diff([]string{"a", "bc", ""}, got); diff != "" || b.Trailers() == nil {
			t.Errorf("got %q and trailers %v", got, b.Trailers())
		}
	})
	t.Run("behind a malformed chunk", func(t *testing.T) {
		in := newInput(wires("")["at once"])
		in.w = copy(in.buf, "1\r\nab\r\n0\r\n\r\n")
		b := &body{from: in.nc}
		b.begin(in, transport.Chunked)
		p, _ := b.Buffered()
		b.Discard(len(p))
		if p, all := b.Buffered(); len(p) != 0 || all {
			t.Errorf("got %q, %v, want nothing", p, all)
		}
		if _, err := b.Read(make([]byte, 1)); !isRefusal(err) {
			t.Errorf("got %v, want a refusal", err)
		}
	})
	t.Run("inside a chunk", func(t *testing.T) {
		b := &body{}
		b.begin(newInput(wires("5\r\nhello\r\n0\r\n\r\n")["at once"]), transport.Chunked)
		b.from = b.in.nc
		_, _ = b.Read(make([]byte, 1))
		p, all := b.Buffered()
		if string(p) != "ello" || all {
			t.Errorf("got %q, %v, want %q, %v", p, all, "ello", false)
		}
		b.Discard(len(p))
		if rest, err := io.ReadAll(b); err != nil || len(rest) != 0 {
			t.Errorf("got %q, %v behind the chunk, want the end", rest, err)
		}
	})
}

// A head that leaves hardly any room in the buffer must not make the body be read byte by byte, and stays as it is.
func TestBodyBehindLongHead(t *testing.T) {
	for _, spare := range []int{0, 1, 2, 100} {
		prefix, suffix := "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX: ", "\r\n\r\n"
		head := prefix + strings.Repeat("a", startBuffer-spare-len(prefix)-len(suffix)) + suffix
		data := strings.Repeat("x", 1000)
		w := &wire{from: strings.NewReader(head + strings.Repeat("3e8\r\n"+data+"\r\n", 3) + "0\r\n\r\n")}
		limits := transport.DefaultLimits()
		r, in, status := readRequest(w, &limits)
		if status != 200 {
			t.Fatalf("got status %d, want the request", status)
		}
		reads := &countingReader{from: w}
		b := &body{from: reads}
		b.begin(in, r.ContentLength)
		got, err := io.ReadAll(b)
		if err != nil || len(got) != 3000 {
			t.Errorf("got %d bytes and %v, want 3000", len(got), err)
		}
		if reads.n > 4 {
			t.Errorf("got %d reads with %d spare bytes, want few", reads.n, spare)
		}
		if want := strings.Repeat("a", startBuffer-spare-len(prefix)-len(suffix)); r.Fields.Get("x") != want || r.Method != "GET" {
			t.Errorf("got a changed head")
		}
	}
}

type countingReader struct {
	from io.Reader
	n    int
}

func (r *countingReader) Read(p []byte) (int, error) {
	r.n++
	return r.from.Read(p)
}

//go:build !race

// Under the race detector pools forget what they are given.

package h1

import (
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	"github.com/polygate/polygate/core/transport"
)

// mallocs returns how many allocations one of n runs of f costs, in all goroutines.
func mallocs(n int, f func()) float64 {
	for range 100 {
		f()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

// few is what the runtime itself may allocate meanwhile, for a run.
const few = 0.1

func fixedAnswer() serveFunc {
	page := []byte("hello, world")
	var r transport.Response
	r.Status, r.ContentLength = 200, int64(len(page))
	r.Fields.Add("Content-Type", "text/plain")
	gone := func() {}
	return func(s transport.Stream) {
		s.Waiting(gone)
		s.Respond(&r, false)
		if s.Write(page, true) != nil || s.Finish(nil) != nil {
			s.Abort()
		}
		s.Waiting(nil)
	}
}

func TestServerAllocatesNothing(t *testing.T) {
	tests := []struct{ name, request string }{
		{"wrk", wrkRequest},
		{"browser", browserRequest},
		{"small body that nobody reads", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, start(t, fixedAnswer(), nil).addr)
			request := []byte(tt.request)
			c.send(tt.request)
			c.expect(200, "hello, world")
			const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello, world"
			answer := make([]byte, len(head))
			got := mallocs(2000, func() {
				if _, err := c.Write(request); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c.Conn, answer); err != nil || string(answer) != head {
					t.Fatalf("got %q and %v", answer, err)
				}
			})
			if got > few {
				t.Errorf("got %v allocations per request, want none", got)
			}
		})
	}
}

// An idle connection gives its large buffer away, and takes one without allocating.
func TestLargeAnswersAllocateNothing(t *testing.T) {
	page := make([]byte, 12<<10)
	r := transport.Response{Status: 200, ContentLength: int64(len(page))}
	rig := start(t, func(s transport.Stream) {
		s.Respond(&r, false)
		_, _ = s.Write(page, true), s.Finish(nil)
	}, nil)
	c := dial(t, rig.addr)
	request, answer := []byte(wrkRequest), make([]byte, len("HTTP/1.1 200 OK\r\nContent-Length: 12288\r\n\r\n")+len(page))
	got := mallocs(1000, func() {
		_, _ = c.Write(request)
		if _, err := io.ReadFull(c.Conn, answer); err != nil {
			t.Fatal(err)
		}
	})
	if got > few {
		t.Errorf("got %v allocations per request, want none", got)
	}
	if err := rig.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.expectEnd()
	o := output{buf: make([]byte, 0, 3*startBuffer), spare: &sync.Pool{}}
	if o.rest(); o.buf != nil {
		t.Errorf("got a buffer of %d bytes kept, want none", cap(o.buf))
	}
}

// answerAll answers whatever comes in one piece.
func answerAll(t testing.TB) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				answer, request := []byte("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello"), make([]byte, 4096)
				for {
					if _, err := nc.Read(request); err != nil {
						return
					}
					if _, err := nc.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestCallAllocatesNothing(t *testing.T) {
	p := newPool(t, Target{Addr: answerAll(t), Size: 1})
	o := outbound("GET", "")
	var r transport.Response
	ctx := t.Context()
	got := mallocs(2000, func() {
		c, _, err := p.Get(ctx, patience, transport.Any)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(o, nil, false); err != nil {
			t.Fatal(err)
		}
		if err := c.Receive(&r); err != nil {
			t.Fatal(err)
		}
		page, all := c.Body().Buffered()
		if string(page) != "hello" || !all {
			t.Fatalf("got %q and %v", page, all)
		}
		c.Body().Discard(len(page))
		c.Done(true)
	})
	if got > few {
		t.Errorf("got %v allocations per exchange, want none", got)
	}
}

func BenchmarkServer(b *testing.B) {
	c := dial(b, start(b, fixedAnswer(), nil).addr)
	_ = c.SetDeadline(past().AddDate(200, 0, 0))
	request, answer := []byte(wrkRequest), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Conn.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAlive(b *testing.B) {
	p := newPool(b, Target{Addr: answerAll(b), Size: 1})
	c, _ := get(b, p, transport.Any)
	defer c.Done(false)
	for b.Loop() {
		if !c.(*call).alive() {
			b.Fatal("the connection is dead")
		}
	}
}

func BenchmarkSweep(b *testing.B) {
	w := newWatch(b)
	for range 10000 {
		w.guard(&deadlines{})
	}
	for b.Loop() {
		w.sweep(w.now.Load())
	}
}

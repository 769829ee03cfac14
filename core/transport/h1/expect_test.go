package h1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core/transport"
)

const waitingPost = "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

// A pump reads the body in another goroutine, as the gateway does while it waits for an upstream that was asked for a 100.
func pumped(s transport.Stream, asked bool) (body chan string) {
	s.Request().ContinueAsked = asked
	s.Waiting(func() {})
	body = make(chan string, 1)
	go func() {
		b, err := io.ReadAll(s.Body())
		if err != nil {
			body <- err.Error()
			return
		}
		body <- string(b)
	}()
	return body
}

// A client that waits for 100 Continue gets it from whoever says it first, once, and a final answer in its place when there is one.
func TestContinue(t *testing.T) {
	tests := []struct {
		name    string
		serve   serveFunc
		status  []int // of the responses, in order; the body is sent after a 100
		atLeast time.Duration
		atMost  time.Duration
		closes  bool
	}{
		{"read without an upstream", echo, []int{100, 200}, 0, continueWait / 2, false},
		{"upstream says it", func(s transport.Stream) {
			body := pumped(s, true)
			_ = s.Interim(100, nil)
			_ = s.Interim(100, nil)
			answer(s, <-body)
		}, []int{100, 200}, 0, continueWait / 2, false},
		{"upstream never says it", func(s transport.Stream) {
			body := pumped(s, true)
			answer(s, <-body)
		}, []int{100, 200}, continueWait, patience, false},
		{"upstream was not asked", func(s transport.Stream) {
			body := pumped(s, false)
			answer(s, <-body)
		}, []int{100, 200}, 0, continueWait / 2, false},
		{"final status without it", func(s transport.Stream) {
			body := pumped(s, true)
			answer(s, "refused")
			if got := <-body; got != transport.ErrStopped.Error() {
				panic(got)
			}
		}, []int{200}, 0, continueWait / 2, true},
		{"body not read", func(s transport.Stream) { answer(s, "refused") }, []int{200}, 0, continueWait / 2, true},
		{"other interim responses", func(s transport.Stream) {
			var f transport.Fields
			f.Add("Link", "<a>")
			_ = s.Interim(103, &f)
			_ = s.Interim(100, nil)
			_ = s.Interim(103, &f)
			echo(s)
		}, []int{103, 100, 103, 200}, 0, continueWait / 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, start(t, tt.serve, nil).addr)
			began := time.Now()
			c.send(waitingPost)
			for _, want := range tt.status {
				resp, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != want {
					t.Fatalf("got status %d, want %d", resp.StatusCode, want)
				}
				if want == 100 {
					if took := time.Since(began); took < tt.atLeast || took > tt.atMost {
						t.Errorf("got 100 after %v, want it between %v and %v", took, tt.atLeast, tt.atMost)
					}
					c.send("hello")
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				if want == 200 && resp.Close != tt.closes {
					t.Errorf("got close %v, want %v", resp.Close, tt.closes)
				}
			}
			if tt.closes {
				c.expectEnd()
				return
			}
			c.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
			if resp, err := http.ReadResponse(c.r, nil); err != nil || resp.StatusCode/100 > 2 {
				t.Errorf("got %v and %v for the next request", resp, err)
			}
		})
	}
}

// A client may send its body without waiting, at once or after a while.
func TestContinueNotWaitedFor(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		c := dial(t, start(t, echo, nil).addr)
		c.send(waitingPost + "hello")
		c.expect(200, "POST /a hello")
	})
	t.Run("while the upstream is waited for", func(t *testing.T) {
		reading := make(chan struct{})
		c := dial(t, start(t, func(s transport.Stream) {
			body := pumped(s, true)
			close(reading)
			answer(s, <-body)
		}, nil).addr)
		c.send(waitingPost)
		<-reading
		c.send("hello")
		if resp := c.expect(200, "hello"); resp.Close {
			t.Error("got a connection that closes, want it kept")
		}
	})
	t.Run("by 1.0", func(t *testing.T) {
		c := dial(t, start(t, echo, nil).addr)
		c.send(strings.Replace(waitingPost, "1.1", "1.0", 1) + "hello")
		c.expect(200, "POST /a hello")
	})
}

// Whoever reads the body in vain is told to stop, loses nothing of it, and the connection goes on.
func TestStopReading(t *testing.T) {
	r := start(t, func(s transport.Stream) {
		if s.Request().Method == "GET" {
			echo(s)
			return
		}
		for range 3 {
			s.Waiting(func() {})
			stopped := make(chan error)
			go func() {
				_, err := s.Body().Read(make([]byte, 10))
				stopped <- err
			}()
			s.Waiting(nil)
			if err := <-stopped; !errors.Is(err, transport.ErrStopped) {
				t.Errorf("got %v, want %v", err, transport.ErrStopped)
			}
		}
		s.Waiting(func() {})
		_ = s.Interim(103, nil)
		body := make([]byte, 3)
		if _, err := io.ReadFull(s.Body(), body); err != nil {
			t.Errorf("got %v when read again, want the body", err)
		}
		s.Waiting(nil)
		answer(s, string(body))
	}, nil)
	for _, framing := range []string{"Content-Length: 6\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"} {
		t.Run(framing[:8], func(t *testing.T) {
			c := dial(t, r.addr)
			c.send("POST / HTTP/1.1\r\nHost: h\r\n" + framing)
			if resp, err := http.ReadResponse(c.r, nil); err != nil || resp.StatusCode != 103 {
				t.Fatalf("got %v and %v, want 103", resp, err)
			}
			if strings.HasPrefix(framing, "T") {
				c.send("3\r\nabc\r\n")
				c.expect(200, "abc")
				c.send("3\r\ndef\r\n0\r\n\r\n")
			} else {
				c.send("abc")
				c.expect(200, "abc")
				c.send("def")
			}
			c.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
			c.expect(200, "GET /next ")
		})
	}
}

// The end of a response ends the reading of the body in another goroutine, too.
func TestFinishStopsReading(t *testing.T) {
	c := dial(t, start(t, func(s transport.Stream) {
		body := pumped(s, false)
		answer(s, "early")
		if got := <-body; got != transport.ErrStopped.Error() {
			t.Errorf("got %q, want %q", got, transport.ErrStopped)
		}
	}, nil).addr)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
	c.expect(200, "early")
	c.send("helloPOST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
	c.expect(200, "early")
}

// A client that gets its answer early and sends a long body all the same sees the answer, not a reset.
func TestAnswerToLongUpload(t *testing.T) {
	c := dial(t, start(t, func(s transport.Stream) { answer(s, "no") }, nil).addr)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n" + strings.Repeat("x", 900000))
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	c.expect(200, "no")
	c.expectEnd()
}

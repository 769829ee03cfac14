package h1

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core/transport"
)

const short = 100 * time.Millisecond

func TestClientLimits(t *testing.T) {
	tests := []struct {
		name   string
		tweak  func(*transport.Limits)
		sent   string
		drip   string // sent again and again behind it
		status int    // 0: the connection ends without an answer
	}{
		{"nothing", func(l *transport.Limits) { l.HeadTimeout = short }, "", "", 0},
		{"half a head", func(l *transport.Limits) { l.HeadTimeout = short }, "GET / HTTP/1.1\r\n", "", 408},
		{"slow head", func(l *transport.Limits) { l.HeadTimeout = short }, "GET / HTTP/1.1\r\n", "A: b\r\n", 408},
		{"empty lines", func(l *transport.Limits) { l.HeadTimeout = short }, "\r\n", "\r\n", 400},
		{"idle", func(l *transport.Limits) { l.IdleTimeout = short }, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "", 200},
		{"half a second head", func(l *transport.Limits) { l.HeadTimeout = short }, wrkRequest + "GET", "", 200},
		{"no body", func(l *transport.Limits) { l.BodyTimeout = short }, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", "", 408},
		{"slow body", func(l *transport.Limits) { l.MinBodyRate, l.BodyGrace = 1<<20, short }, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n",
			"x", 408},
		{"slow chunks", func(l *transport.Limits) { l.MinBodyRate, l.BodyGrace = 1<<20, short },
			"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 408},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, start(t, func(s transport.Stream) {
				if _, err := io.ReadAll(s.Body()); errors.Is(err, os.ErrDeadlineExceeded) {
					s.Respond(&transport.Response{Status: 408}, false)
					_ = s.Finish(nil)
					return
				}
				answer(s, "done")
			}, tt.tweak).addr)
			began := time.Now()
			c.send(tt.sent)
			ended := make(chan struct{})
			if tt.drip != "" {
				go drip(c, tt.drip, ended)
			}
			if tt.status != 0 {
				if resp, _ := c.receive("GET"); resp.StatusCode != tt.status {
					t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
				}
			}
			close(ended)
			c.expectEnd()
			if took := time.Since(began); tt.status != 400 && took < short || took > short+lingerTime+time.Second {
				t.Errorf("got the end after %v, want it after %v", took, short)
			}
		})
	}
}

func drip(c *client, s string, ended chan struct{}) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			_ = c.Conn.(*net.TCPConn).CloseWrite()
			return
		case <-ticker.C:
			if _, err := io.WriteString(c.Conn, s); err != nil {
				return
			}
		}
	}
}

// The time that an upstream takes is not the client's: neither before the response, nor between two of its pieces.
func TestSlowUpstreamIsNotTheClientsFault(t *testing.T) {
	c := dial(t, start(t, func(s transport.Stream) {
		pause := time.NewTicker(5 * short)
		defer pause.Stop()
		p := make([]byte, 1)
		_, _ = s.Body().Read(p)
		<-pause.C
		rest, err := io.ReadAll(s.Body())
		if err != nil {
			t.Errorf("got %v, want the body", err)
		}
		s.Respond(&transport.Response{Status: 200, ContentLength: transport.Chunked}, false)
		_ = s.Write(p, false)
		<-pause.C
		_ = s.Write(rest, false)
		if err := s.Finish(nil); err != nil {
			t.Errorf("got %v, want no error", err)
		}
	}, func(l *transport.Limits) {
		l.HeadTimeout, l.IdleTimeout, l.BodyTimeout, l.SendTimeout, l.BodyGrace = 2*short, 2*short, 2*short, 2*short, 2*short
	}).addr)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nh")
	c.send("ello")
	c.expect(200, "hello")
}

// A client that takes nothing is cut; one that takes little at a time is not.
func TestSendLimit(t *testing.T) {
	page := make([]byte, 64<<10)
	serve := func(failed chan<- error) serveFunc {
		return func(s transport.Stream) {
			s.Respond(&transport.Response{Status: 200, ContentLength: 64 << 20}, false)
			for range 1 << 10 {
				if err := s.Write(page, true); err != nil {
					s.Abort()
					failed <- err
					return
				}
			}
			failed <- s.Finish(nil)
		}
	}
	t.Run("nothing", func(t *testing.T) {
		failed := make(chan error, 1)
		c := dial(t, start(t, serve(failed), func(l *transport.Limits) { l.SendTimeout = short }).addr)
		c.send(wrkRequest)
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
		}
	})
	t.Run("little", func(t *testing.T) {
		failed := make(chan error, 1)
		c := dial(t, start(t, serve(failed), func(l *transport.Limits) { l.SendTimeout = 3 * short }).addr)
		c.send(wrkRequest)
		// The kernel has room for several megabytes: until the next piece fits more than the limit goes by, but never without progress.
		pause := time.NewTicker(short / 5)
		defer pause.Stop()
		p := make([]byte, 64<<10)
		for range 60 {
			<-pause.C
			if _, err := io.ReadFull(c, p); err != nil {
				t.Fatalf("got %v, want the next piece", err)
			}
		}
		go func() { _, _ = io.Copy(io.Discard, c) }()
		if err := <-failed; err != nil {
			t.Errorf("got %v, want no error", err)
		}
	})
}

// A gateway without connections sleeps: what comes then must not count from when it fell asleep.
func TestLimitsAfterSleep(t *testing.T) {
	r := start(t, echo, func(l *transport.Limits) { l.HeadTimeout = 2 * short })
	began := time.Now()
	eventually(t, "the watch is behind", func() bool { return time.Since(began) > 6*short })
	c := dial(t, r.addr)
	again := time.Now()
	eventually(t, "some ticks pass", func() bool { return time.Since(again) > short })
	c.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
	c.expect(200, "GET /a ")
}

func TestClientGone(t *testing.T) {
	tests := []struct {
		name string
		end  func(c *client)
	}{
		{"close", func(c *client) { _ = c.Close() }},
		{"reset", func(c *client) { _ = c.Conn.(*net.TCPConn).SetLinger(0); _ = c.Close() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			waiting, gone, told := make(chan struct{}), make(chan struct{}), make(chan struct{})
			c := dial(t, start(t, func(s transport.Stream) {
				s.Waiting(func() { close(gone) })
				close(waiting)
				<-told
				s.Waiting(nil)
				s.Abort()
			}, nil).addr)
			c.send(wrkRequest)
			<-waiting
			// The wait has to be a long one before the kernel is asked.
			ready := time.Now()
			eventually(t, "the wait is long", func() bool { return time.Since(ready) > 5*tick })
			began := time.Now()
			tt.end(c)
			select {
			case <-gone:
			case <-time.After(patience):
				t.Fatal("nobody was told")
			}
			close(told)
			if took := time.Since(began); took > 150*time.Millisecond {
				t.Errorf("got the notice after %v, want it within 150ms", took)
			}
		})
	}
}

// After the wait has ended nobody is told, and the next wait is a new one.
func TestClientGoneNotWaiting(t *testing.T) {
	r := start(t, func(s transport.Stream) {
		for range 3 {
			s.Waiting(func() { t.Error("the client is said to be gone") })
			began := time.Now()
			eventually(t, "the wait is long", func() bool { return time.Since(began) > 4*tick })
			s.Waiting(nil)
		}
		echo(s)
	}, nil)
	c := dial(t, r.addr)
	for range 2 {
		c.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(200, "GET /a ")
	}
}

func TestRefusalIsRead(t *testing.T) {
	c := dial(t, start(t, echo, nil).addr)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n" + strings.Repeat("y", 500000))
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	c.expect(400, "Content-Length is not a number")
	c.expectEnd()
}

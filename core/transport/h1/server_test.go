package h1

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// Each conversation is one connection; the client sends all and reads to the end.
func TestConversations(t *testing.T) {
	const end = "GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
	tests := []struct {
		name, sent string
		want       []string // status and body of each response
	}{
		{"one", end, []string{"200 GET /end "}},
		{"pipelined", "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" + end, []string{"200 GET /1 ", "200 GET /end "}},
		{"empty lines between", "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n\r\n" + end, []string{"200 GET /1 ", "200 GET /end "}},
		{"body behind GET", "GET /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + end, []string{"200 GET /1 abc", "200 GET /end "}},
		{"chunked", "POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" + end,
			[]string{"200 POST /1 abc", "200 GET /end "}},
		{"1.0", "GET /1 HTTP/1.0\r\n\r\n" + end, []string{"200 GET /1 "}},
		{"1.0 keep-alive", "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + end, []string{"200 GET /1 ", "200 GET /end "}},
		{"unread length", "POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + end, []string{"200 unread", "200 GET /end "}},
		{"unread chunks", "POST /unread HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + end, []string{"200 unread", "200 GET /end "}},
		{"unread malformed chunks", "POST /unread HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + end, []string{"200 unread"}},
		{"unread and long", "POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n" + strings.Repeat("x", 70000) + end, []string{"200 unread"}},
		{"malformed", "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n\r\n" + end, []string{"200 GET /1 ", "400 there is no Host field"}},
		{"malformed with a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello" + end, []string{"400 Content-Length is not a number"}},
		{"malformed chunks", "POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n" + end, nil},
		{"too large", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + end, []string{"413 the body is too large"}},
		{"too large in chunks", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n30D40\r\n" + end, nil},
		{"close ends the connection", end + end, []string{"200 GET /end "}},
		{"HEAD", "HEAD /1 HTTP/1.1\r\nHost: h\r\n\r\n" + end, []string{"200 ", "200 GET /end "}},
		{"204", "GET /204 HTTP/1.1\r\nHost: h\r\n\r\n" + end, []string{"204 ", "200 GET /end "}},
		{"304", "GET /304 HTTP/1.1\r\nHost: h\r\n\r\n" + end, []string{"304 ", "200 GET /end "}},
		{"panic", "GET /panic HTTP/1.1\r\nHost: h\r\n\r\n" + end, nil},
		{"unfinished body", "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nabc", nil},
		{"unfinished head", "POST /1 HTTP/1.1\r\nHost", nil},
	}
	r := start(t, serveVariants, func(l *transport.Limits) { l.BodyLimit = 100000 })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, r.addr)
			go func() {
				_, _ = io.WriteString(c, tt.sent)
				_ = c.Conn.(*net.TCPConn).CloseWrite()
			}()
			for _, want := range tt.want {
				method := "GET"
				if strings.HasPrefix(tt.sent, "HEAD") && want == "200 " {
					method = "HEAD"
				}
				resp, body := c.receive(method)
				if got := resp.Status[:4] + body; got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
			if rest := c.expectEnd(); rest != "" {
				t.Errorf("got %q at the end, want nothing", rest)
			}
		})
	}
	eventually(t, "all connections are forgotten", func() bool { open, _ := r.Connections(); return open == 0 })
	if _, accepted := r.Connections(); accepted != int64(len(tests)) {
		t.Errorf("got %d accepted connections, want %d", accepted, len(tests))
	}
}

func serveVariants(s transport.Stream) {
	switch s.Request().Path {
	case "/unread":
		answer(s, "unread")
	case "/204", "/304":
		r := transport.Response{Status: 204, ContentLength: 10}
		if s.Request().Path == "/304" {
			r.Status = 304
		}
		s.Respond(&r, false)
		if s.Write([]byte("0123456789"), true) != nil || s.Finish(nil) != nil {
			s.Abort()
		}
	case "/panic":
		panic("a bug")
	default:
		echo(s)
	}
}

func TestResponseFraming(t *testing.T) {
	tests := []struct {
		name, request string
		response      transport.Response
		fields        []string
		pieces        []string
		trailers      bool
		want          string
	}{
		{"length", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: 3}, []string{"X", "y"}, []string{"a", "bc"}, false,
			"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\nabc"},
		{"fields of the framing are not the upstream's", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 404, ContentLength: 1},
			[]string{"Connection", "x", "content-length", "9", "Transfer-Encoding", "chunked", "Keep-Alive", "a", "TE", "b"}, []string{"a"}, false,
			"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\na"},
		{"chunks", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.Chunked}, nil, []string{"a", "", "bc"}, false,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"},
		{"trailers", "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.Chunked}, nil, []string{"a"}, true,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: u\r\n\r\n"},
		{"unwanted trailers", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.Chunked}, nil, []string{"a"}, true,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
		{"until close becomes chunks", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.UntilClose}, nil, []string{"a"}, false,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
		{"until close to 1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.Chunked}, nil,
			[]string{"a", "b"}, true, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab"},
		{"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", transport.Response{Status: 200, ContentLength: 1}, nil, []string{"a"}, false,
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na"},
		{"HEAD with a length", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: 3}, nil, []string{"abc"}, false,
			"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"},
		{"HEAD with chunks", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.Chunked}, nil, []string{"abc"}, true,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"HEAD without a length", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.UntilClose}, nil, nil, false,
			"HTTP/1.1 200 OK\r\n\r\n"},
		{"304 keeps the length", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 304, ContentLength: 7}, nil, nil, false,
			"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"},
		{"204 has none", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 204, ContentLength: 0}, nil, nil, false, "HTTP/1.1 204 No Content\r\n\r\n"},
		{"empty", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200}, nil, nil, false, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"long piece", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 200, ContentLength: transport.Chunked}, nil,
			[]string{strings.Repeat("x", 70000)}, false,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + strings.Repeat("x", 70000) + "\r\n0\r\n\r\n"},
		{"unknown status", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Response{Status: 599}, nil, nil, false, "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n"},
	}
	for _, tt := range tests {
		for _, more := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				serve := func(s transport.Stream) {
					response := tt.response
					for i := 0; i < len(tt.fields); i += 2 {
						response.Fields.Add(tt.fields[i], tt.fields[i+1])
					}
					s.Respond(&response, false)
					for _, p := range tt.pieces {
						if err := s.Write([]byte(p), more); err != nil {
							t.Errorf("write: %v", err)
						}
					}
					var trailers *transport.Fields
					if tt.trailers {
						trailers = &transport.Fields{}
						trailers.Add("T", "u")
					}
					if err := s.Finish(trailers); err != nil {
						t.Errorf("finish: %v", err)
					}
					if _, sent := s.Bytes(); sent != int64(len(tt.want)) {
						t.Errorf("got %d bytes sent, want %d", sent, len(tt.want))
					}
				}
				c := dial(t, start(t, serve, nil).addr)
				c.send(tt.request)
				_ = c.Conn.(*net.TCPConn).CloseWrite()
				if got := c.expectEnd(); got != tt.want {
					t.Errorf("got %.300q, want %.300q", got, tt.want)
				}
			})
		}
	}
}

// A body that does not fit its length must not leave the client with a wrong idea of where the next response begins.
func TestWrongLength(t *testing.T) {
	tests := []struct{ name, page string }{{"short", "ab"}, {"long", "abcd"}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, start(t, func(s transport.Stream) {
				s.Respond(&transport.Response{Status: 200, ContentLength: 3}, false)
				if s.Write([]byte(tt.page), false) == nil && s.Finish(nil) == nil {
					t.Error("got no error, want one")
				}
				s.Abort()
			}, nil).addr)
			c.send(wrkRequest + wrkRequest)
			if got := c.expectEnd(); strings.Count(got, "HTTP/1.1") > 1 || strings.Contains(got, "abc") {
				t.Errorf("got %q, want at most half a response", got)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	tests := []struct {
		name, request string
		length        int64
		reset         bool
	}{
		{"length", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 10, false},
		{"chunks", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Chunked, false},
		{"until close", "GET / HTTP/1.0\r\n\r\n", transport.UntilClose, true},
	}
	for _, tt := range tests {
		for _, secure := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				serve := func(s transport.Stream) {
					s.Respond(&transport.Response{Status: 200, ContentLength: tt.length}, false)
					_ = s.Write([]byte("half"), false)
					s.Abort()
				}
				var c *client
				if secure {
					c = dialTLS(t, serve)
				} else {
					c = dial(t, start(t, serve, nil).addr)
				}
				c.send(tt.request)
				_, err := io.ReadAll(c.r)
				if tt.reset && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %v, want %v", err, syscall.ECONNRESET)
				}
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("got %v, want the end", err)
				}
			})
		}
	}
}

func dialTLS(t *testing.T, serve serveFunc) *client {
	t.Helper()
	source := httptest.NewUnstartedServer(http.NotFoundHandler())
	source.StartTLS()
	source.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Options{Handler: serve, Limits: transport.DefaultLimits(), Watch: newWatch(t), Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l, &tls.Config{Certificates: source.TLS.Certificates}) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		<-ended
	})
	nc, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, nc)
}

func TestTLS(t *testing.T) {
	c := dialTLS(t, func(s transport.Stream) {
		if s.Peer().TLS == nil || s.Peer().RemoteIP != "127.0.0.1" || s.Peer().LocalPort == "" {
			t.Errorf("got the peer %+v, want one with TLS", s.Peer())
		}
		echo(s)
	})
	for range 3 {
		c.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
		c.expect(200, "POST /a abc")
	}
}

func TestHijack(t *testing.T) {
	handedOver := make(chan struct{})
	r := start(t, func(s transport.Stream) {
		s.Respond(&transport.Response{Status: 101}, true)
		ahead, nc, err := s.Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		if _, _, err := s.Hijack(); err == nil {
			t.Error("got no error from a second hijack")
		}
		close(handedOver)
		_, _ = nc.Write(ahead)
		_, _ = io.Copy(nc, nc)
		_ = nc.Close()
		s.Waiting(nil)
	}, nil)
	c := dial(t, r.addr)
	c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nahead")
	<-handedOver
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Connection") != "upgrade" {
		t.Fatalf("got %v and %v, want a 101", resp, err)
	}
	if open, _ := r.Connections(); open != 0 {
		t.Errorf("got %d connections, want none: it is not the server's any more", open)
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	c.send(" and behind")
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	if got := c.expectEnd(); got != "ahead and behind" {
		t.Errorf("got %q, want %q", got, "ahead and behind")
	}
}

// flaky is a listener that is out of descriptors at first.
type flaky struct {
	net.Listener
	errors int
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.errors > 0 {
		f.errors--
		return nil, syscall.EMFILE
	}
	return f.Listener.Accept()
}

func TestAcceptErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Options{Handler: serveFunc(echo), Limits: transport.DefaultLimits(), Watch: newWatch(t), Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(&flaky{Listener: l, errors: 3}, nil) }()
	c := dial(t, l.Addr().String())
	c.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
	c.expect(200, "GET /a ")
	_ = c.Close()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v from Serve, want nil", err)
	}
	l2, _ := net.Listen("tcp", "127.0.0.1:0")
	if err := s.Serve(l2, nil); err != nil {
		t.Errorf("got %v from Serve after Shutdown, want nil", err)
	}
	if _, err := net.DialTimeout("tcp", l2.Addr().String(), time.Second); err == nil {
		t.Error("got a connection to a listener that came after Shutdown")
	}
}

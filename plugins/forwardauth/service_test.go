package forwardauth_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polygate/polygate/plugins/forwardauth"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

// talk starts a service that answers each connection with that text and closes it.
func talk(t *testing.T, text string) (uri string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, text)
			}
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestUnanswered refuses, or lets pass, what the service says nothing about.
func TestUnanswered(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	tests := []struct{ name, uri string }{
		{"nobody there", nobody},
		{"closed without an answer", talk(t, "")},
		{"no HTTP", talk(t, "hello\r\n\r\n")},
		{"a status that can not be sent", talk(t, "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n")},
		{"half a refusal", talk(t, "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf")},
		{"a huge refusal", talk(t, "HTTP/1.1 403 No\r\n\r\n"+strings.Repeat("x", 8<<20+1))},
		{"a huge header", talk(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 300<<10)+"\r\n\r\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, x := run(t, tt.uri, ``)
			if out.Status != 403 || out.Err != nil || len(x.Logs()) == 0 {
				t.Errorf("got %d (error %v) and %d log records, want 403 and why", out.Status, out.Err, len(x.Logs()))
			}
			if out, _ := run(t, tt.uri, `,"status_on_error":503`); out.Status != 503 {
				t.Errorf("got %d, want 503", out.Status)
			}
			out, _ = run(t, tt.uri, `,"allow_degradation":true,"upstream_headers":["X-User-ID"]`, plugintest.WithHeader("X-User-ID", "made-up"))
			if out.Status != 200 || out.Sent == nil || out.Sent.Header.Has("X-User-ID") {
				t.Errorf("got %d and request %+v, want 200 without the field that the client made up", out.Status, out.Sent)
			}
		})
	}
}

// TestHalfAnAllowance is one: the service has decided when its header has come.
func TestHalfAnAllowance(t *testing.T) {
	if out, _ := run(t, talk(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), ``); out.Status != 200 {
		t.Errorf("got %d, want 200", out.Status)
	}
}

// TestLineEnds refuses what would break the question, also where the service may be left out.
func TestLineEnds(t *testing.T) {
	uri, got := serve(t, answer(200, ""))
	const target = "/crlf?user=guest%0d%0ax-user1:%20admin"
	for _, degradation := range []string{"false", "true"} {
		out, _ := run(t, uri, `,"extra_headers":{"X-User":"$arg_user"},"allow_degradation":`+degradation, plugintest.WithTarget(target))
		if out.Status != 403 || len(*got) != 0 {
			t.Errorf("allow_degradation %s: got %d and %d questions, want 403 and none", degradation, out.Status, len(*got))
		}
	}
}

func TestTimeout(t *testing.T) {
	stop := make(chan struct{})
	uri, _ := serve(t, func(http.ResponseWriter, *http.Request) { <-stop })
	defer close(stop)
	start := time.Now()
	out, _ := run(t, uri, `,"timeout":20,"status_on_error":504`)
	if took := time.Since(start); out.Status != 504 || took > 5*time.Second {
		t.Errorf("got %d after %v, want 504 after 20ms", out.Status, took)
	}
}

// TestClientGoesAway takes nobody for an unreachable service.
func TestClientGoesAway(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	uri, _ := serve(t, func(http.ResponseWriter, *http.Request) { cancel(gone); <-stop })
	out, x := run(t, uri, `,"allow_degradation":true`, plugintest.WithContext(ctx))
	if !errors.Is(out.Err, gone) || out.Sent != nil || len(x.Logs()) != 0 {
		t.Errorf("got error %v, request %v and logs %v, want only %v", out.Err, out.Sent, x.Logs(), gone)
	}
}

func TestKeepalive(t *testing.T) {
	tests := []struct {
		name, conf string
		answer     http.HandlerFunc
		want       int32
	}{
		{"kept", ``, answer(200, "ok"), 1},
		{"kept after a refusal", ``, answer(403, "no"), 1},
		{"not kept", `,"keepalive":false`, answer(200, "ok"), 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var conns atomic.Int32
			server := httptest.NewUnstartedServer(tt.answer)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					conns.Add(1)
				}
			}
			server.Start()
			defer server.Close()
			hooks := plugintest.Configure(t, forwardauth.New(), `{"uri":"`+server.URL+`"`+tt.conf+`}`, sdk.Scope{})
			for range 3 {
				plugintest.Walk(hooks, plugintest.New())
			}
			if err := hooks.Close(); err != nil {
				t.Error(err)
			}
			if got := conns.Load(); got != tt.want {
				t.Errorf("got %d connections, want %d", got, tt.want)
			}
		})
	}
}

// TestClosedMeanwhile asks again where the service has closed a connection that was kept.
func TestClosedMeanwhile(t *testing.T) {
	uri := talk(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	for _, method := range []string{"GET", "POST"} {
		hooks := plugintest.Configure(t, forwardauth.New(), `{"uri":"`+uri+`","request_method":"`+method+`"}`, sdk.Scope{})
		for i := range 20 {
			if out := plugintest.Walk(hooks, plugintest.New(plugintest.WithBody("body"))); out.Status != 200 {
				t.Fatalf("%s: got %d for request %d, want 200", method, out.Status, i)
			}
		}
		_ = hooks.Close()
	}
}

func TestVerify(t *testing.T) {
	server := httptest.NewUnstartedServer(answer(200, ""))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	if out, _ := run(t, server.URL, ``); out.Status != 403 {
		t.Errorf("got %d for a certificate of nobody, want 403", out.Status)
	}
	if out, _ := run(t, server.URL, `,"ssl_verify":false`); out.Status != 200 {
		t.Errorf("got %d without verification, want 200", out.Status)
	}
}

// TestProxy does not let the environment decide whom is asked.
func TestProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	uri, got := serve(t, answer(200, ""))
	if out, _ := run(t, strings.Replace(uri, "127.0.0.1", "localhost", 1), ``); out.Status != 200 || len(*got) != 1 {
		t.Errorf("got %d and %d questions, want 200 and one", out.Status, len(*got))
	}
}

func BenchmarkAccess(b *testing.B) {
	server := httptest.NewServer(answer(200, ""))
	defer server.Close()
	hooks := plugintest.Configure(b, forwardauth.New(), `{"uri":"`+server.URL+`"}`, sdk.Scope{})
	x := plugintest.New()
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Access(x); err != nil {
			b.Fatal(err)
		}
	}
	_ = hooks.Close()
}

package core_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/polygate/polygate/sdk"
)

// tail is a body filter that adds a text behind the body, and says so in the header or not.
func tail(name string, honest bool) sdk.Plugin {
	return native(name, 1, sdk.Hooks{
		HeaderFilter: func(x sdk.Exchange) error {
			if honest {
				x.Response().Header().Del("Content-Length")
			}
			return nil
		},
		BodyFilter: func(_ sdk.Exchange, c *sdk.Chunk) error {
			if c.Last {
				c.Data = append(bytes.Clone(c.Data), "|tail"...)
			}
			return nil
		},
	})
}

func TestBodyFilters(t *testing.T) {
	t.Parallel()
	upper := native("upper", 2, sdk.Hooks{BodyFilter: func(_ sdk.Exchange, c *sdk.Chunk) error {
		copy(c.Data, bytes.ToUpper(c.Data))
		return nil
	}})
	exits := native("exits", 3, sdk.Hooks{Access: func(x sdk.Exchange) error { return x.Exit(200, "exit") }})
	g := start(t, []sdk.Plugin{tail("tail", true), tail("lies", false), upper, exits})
	large := strings.Repeat("abcdefgh", 64<<10)
	tests := []struct {
		name, plugins, method, body string
		chunked                     bool
		length                      int64
		want                        string
		cut                         bool
	}{
		{name: "small", plugins: `{"tail":{},"upper":{}}`, body: "abc", length: 8, want: "ABC|tail"},
		{name: "small without a word to the header", plugins: `{"lies":{}}`, body: "abc", length: 8, want: "abc|tail"},
		{name: "empty", plugins: `{"tail":{}}`, body: "", length: 5, want: "|tail"},
		{name: "large", plugins: `{"tail":{},"upper":{}}`, body: large, length: -1, want: strings.ToUpper(large) + "|tail"},
		{name: "large of the same length", plugins: `{"upper":{}}`, body: large, length: int64(len(large)), want: strings.ToUpper(large)},
		{name: "large without a word to the header", plugins: `{"lies":{}}`, body: large, length: int64(len(large)), cut: true},
		{name: "in chunks", plugins: `{"tail":{}}`, body: "abc", chunked: true, length: -1, want: "abc|tail"},
		{name: "large in chunks", plugins: `{"lies":{}}`, body: large, chunked: true, length: -1, want: large + "|tail"},
		{name: "an exit", plugins: `{"exits":{},"tail":{}}`, length: 9, want: "exit|tail"},
		{name: "HEAD", plugins: `{"lies":{}}`, method: "HEAD", body: "abc", length: 3, want: ""},
		{name: "HEAD of an exit", plugins: `{"exits":{},"tail":{}}`, method: "HEAD", length: 9, want: ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.route(tt.plugins, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if !tt.chunked {
					w.Header().Set("Content-Length", fmt.Sprint(len(tt.body)))
				}
				_, _ = w.Write([]byte(tt.body))
				if tt.chunked {
					w.(http.Flusher).Flush()
				}
			}))
			method := tt.method
			if method == "" {
				method = "GET"
			}
			got := g.do(method, "/", "")
			if tt.cut {
				if got.err == nil || len(got.body) > len(large) {
					t.Errorf("got %d bytes and error %v, want the response cut", len(got.body), got.err)
				}
				return
			}
			if got.err != nil || got.length != tt.length || got.body != tt.want {
				t.Errorf("got %v, length %d, %d bytes, want length %d, %d bytes", got.err, got.length, len(got.body), tt.length, len(tt.want))
			}
		})
	}
}

func TestLastChunk(t *testing.T) {
	t.Parallel()
	var j journal
	count := native("count", 1, sdk.Hooks{BodyFilter: func(_ sdk.Exchange, c *sdk.Chunk) error {
		if c.Last {
			j.add("last ")
		}
		return nil
	}})
	g := start(t, []sdk.Plugin{count})
	for _, size := range []int{0, 1, 4 << 10, 16 << 10, 64 << 10, 64<<10 + 1, 1 << 20} {
		for _, chunkedBody := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, chunked %t", size, chunkedBody), func(t *testing.T) {
				body := strings.Repeat("x", size)
				reply := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body)
				if chunkedBody {
					reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 10000) + "0\r\n\r\n"
				}
				g.route(`{"count":{}}`, answering(t, reply).addr())
				j.reset()
				if got := g.get("/"); got.body != body {
					t.Errorf("got %d bytes, want %d", len(got.body), size)
				}
				if j.String() != "last " {
					t.Errorf("got %q, want one last chunk", j.String())
				}
			})
		}
	}
}

func TestFailingBodyFilterWithinTheBody(t *testing.T) {
	t.Parallel()
	g := start(t, []sdk.Plugin{native("fails", 1, sdk.Hooks{BodyFilter: func(_ sdk.Exchange, c *sdk.Chunk) error {
		if c.Last {
			panic("at the end")
		}
		return nil
	}})})
	large := strings.Repeat("x", 1<<20)
	g.route(`{"fails":{}}`, say(t, large))
	if got := g.get("/"); got.err == nil {
		t.Error("got a complete response, want it cut")
	}
	eventually(t, "the log names the plugin", func() bool { return g.logs.has("plugin fails: body_filter: panic: at the end") })
	if !g.access.has("GET / 200") {
		t.Errorf("got the access log %q", g.access)
	}
}

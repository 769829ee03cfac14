package h1

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/polygate/polygate/core/transport"
)

// readRequest reads a head as a server does.
func readRequest(w *wire, l *transport.Limits) (r *transport.Request, in *input, status int) {
	r, in = &transport.Request{}, newInput(w)
	head, err := in.readHead(l.Head, func() {})
	if refusal, ok := err.(*transport.Refusal); ok {
		return r, in, refusal.Status
	}
	if err != nil {
		return r, in, 0
	}
	if refusal := parseRequest(head, r, l); refusal != nil {
		return r, in, refusal.Status
	}
	return r, in, 200
}

func TestParseRequest(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: h\r\n"
	tests := []struct {
		name, head string
		want       transport.Request // but for the fields
	}{
		{"least", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Request{Path: "/", Target: "/"}},
		{"after an empty line", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", transport.Request{Path: "/", Target: "/"}},
		{"query", "GET /a?b=c?d HTTP/1.1\r\nHost: h\r\n\r\n", transport.Request{Path: "/a", Query: "b=c?d", Target: "/a?b=c?d"}},
		{"absolute form", "GET http://g:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n", transport.Request{Path: "/a", Query: "b", Host: "g:80", Target: "http://g:80/a?b"}},
		{"absolute form without a path", "GET HTTPS://g?b HTTP/1.1\r\nHost: h\r\n\r\n", transport.Request{Path: "/", Query: "b", Host: "g", Target: "HTTPS://g?b"}},
		{"absolute form with nothing", "GET http://g HTTP/1.1\r\nHost: h\r\n\r\n", transport.Request{Path: "/", Host: "g", Target: "http://g"}},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", transport.Request{Method: "OPTIONS", Path: "*", Target: "*"}},
		{"length", get + "Content-Length: 10\r\n\r\n", transport.Request{ContentLength: 10}},
		{"length with zeros", get + "Content-Length: 010\r\n\r\n", transport.Request{ContentLength: 10}},
		{"chunked", get + "Transfer-Encoding: Chunked \r\n\r\n", transport.Request{ContentLength: transport.Chunked}},
		{"close", get + "Connection: foo, Close\r\n\r\n", transport.Request{Close: true, Hops: []string{"foo"}}},
		{"hops do not name what is marked", get + "Connection: keep-alive, Content-Length, host,, x-consumer-username, a, b\r\n\r\n",
			transport.Request{Hops: []string{"a", "b"}}},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", transport.Request{Path: "/", Target: "/", Close: true, Host: "-"}},
		{"1.0 keep-alive", "GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n", transport.Request{Minor: 9}},
		{"1.7 is 1.1", "GET / HTTP/1.7\r\nHost: h\r\n\r\n", transport.Request{}},
		{"continue", get + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", transport.Request{ContentLength: 1, Continue: true}},
		{"continue without a body", get + "Expect: 100-continue\r\n\r\n", transport.Request{}},
		{"trailers", get + "TE: gzip, trailers;q=1\r\n\r\n", transport.Request{Trailers: true}},
		{"websocket", get + "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", transport.Request{WebSocket: true}},
		{"upgrade not in Connection", get + "Upgrade: websocket\r\n\r\n", transport.Request{}},
		{"other upgrade", get + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", transport.Request{}},
		{"websocket with a body", get + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n", transport.Request{ContentLength: 1}},
	}
	limits := transport.DefaultLimits()
	for _, tt := range tests {
		for how, w := range wires(tt.head) {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				got, _, status := readRequest(w, &limits)
				if status != 200 {
					t.Fatalf("got status %d, want the request", status)
				}
				if diff := cmp.Diff(render(defaults(tt.want)), render(*got)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// defaults fills in what most of the requests above have.
func defaults(r transport.Request) transport.Request {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&r.Method, "GET")
	set(&r.Path, "/")
	set(&r.Target, "/")
	set(&r.RawPath, r.Path)
	set(&r.Host, "h")
	r.Host = strings.TrimPrefix(r.Host, "-")
	switch {
	case r.Minor == 9, r.Host == "":
		r.Minor = 0
	default:
		r.Minor = 1
	}
	return r
}

func render(r transport.Request) string {
	return strings.ReplaceAll(fmt.Sprintf("%q %q %q %q %q %q %d %d close:%v continue:%v websocket:%v trailers:%v hops:%q", r.Method, r.Target, r.Path,
		r.RawPath, r.Query, r.Host, r.Minor, r.ContentLength, r.Close, r.Continue, r.WebSocket, r.Trailers, r.Hops), " ", "\n")
}

func TestParseRequestRefuses(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: h\r\n"
	tests := []struct {
		name, head string
		status     int
	}{
		{"two empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"line feed alone", "GET / HTTP/1.1\nHost: h\n\n", 400},
		{"line feed alone in a later line", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400},
		{"carriage return alone", get + "X: a\rb\r\n\r\n", 400},
		{"carriage return alone in the request line", "GET /\rHTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"carriage return twice", get + "X: a\r\r\n\r\n", 400},
		{"method", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"no method", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"space before the method", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"tab", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"space behind the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
		{"0.9", "GET /\r\n\r\n", 400},
		{"2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
		{"version without minor", "GET / HTTP/1.\r\nHost: h\r\n\r\n", 400},
		{"version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
		{"long version", "GET / HTTP/4294967295.255\r\nHost: h\r\n\r\n", 400},
		{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
		{"asterisk with GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"authority form", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"other scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"no authority", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"user information", "GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"only a query", "GET ?a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"fragment in the path", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"fragment in the query", "GET /a?b#c HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"DEL in the query", "GET /a?b\x7f HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"ambiguous path", "GET /a/..%2fb HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"no host beside an absolute form", "GET http://h/ HTTP/1.1\r\n\r\n", 400},
		{"two hosts", get + "Host: g\r\n\r\n", 400},
		{"folded line", get + "X: a\r\n b\r\n\r\n", 400},
		{"space before the colon", get + "X : a\r\n\r\n", 400},
		{"no name", get + ": a\r\n\r\n", 400},
		{"no colon", get + "X\r\n\r\n", 400},
		{"NUL in a name", get + "X\x00: a\r\n\r\n", 400},
		{"byte beyond ASCII in a name", get + "X\xe9: a\r\n\r\n", 400},
		{"NUL in a value", get + "X: a\x00\r\n\r\n", 400},
		{"length and chunked", get + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"chunked and length", get + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
		{"length twice", get + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
		{"list of lengths", get + "Content-Length: 5, 5\r\n\r\n", 400},
		{"signed length", get + "Content-Length: +5\r\n\r\n", 400},
		{"empty length", get + "Content-Length:\r\n\r\n", 400},
		{"length with an underscore", get + "Content-Length: 1_0\r\n\r\n", 400},
		{"superscript length", get + "Content-Length: \xb25\r\n\r\n", 400},
		{"huge length", get + "Content-Length: 9999999999999999999\r\n\r\n", 400},
		{"other encoding", get + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"encoding like chunked", get + "Transfer-Encoding: xchunked\r\n\r\n", 501},
		{"quoted encoding", get + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
		{"encoding behind a control byte", get + "Transfer-Encoding: \x0bchunked\r\n\r\n", 400},
		{"encoding twice", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"encoding twice in a list", get + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
		{"encoding in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"other expectation", get + "Expect: y 100-continue\r\n\r\n", 417},
		{"other expectation before the known one", get + "Expect: x\r\nExpect: 100-continue\r\n\r\n", 417},
		{"long request line", "GET /" + strings.Repeat("a", 33<<10) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
		{"endless request line", "GET /" + strings.Repeat("a", 97<<10), 414},
		{"long head", get + "X: " + strings.Repeat("a", 97<<10) + "\r\n\r\n", 431},
		{"many fields", get + strings.Repeat("A: b\r\n", 200) + "\r\n", 431},
		{"many hops", get + "Connection: " + strings.Repeat("a,", 33) + "\r\n\r\n", 400},
	}
	limits := transport.DefaultLimits()
	for _, tt := range tests {
		for how, w := range wires(tt.head) {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				if _, _, got := readRequest(w, &limits); got != tt.status {
					t.Errorf("got status %d, want %d", got, tt.status)
				}
			})
		}
	}
}

func TestHost(t *testing.T) {
	tests := []struct {
		host string
		want bool
	}{
		{"example.com", true}, {"example.com:", true}, {"example.com:65535", true}, {"EXAMPLE.com.", true}, {"[::1]", true}, {"[::1]:80", true},
		{"a_b", true}, {"127.0.0.1:80", true},
		{"", false}, {":80", false}, {"a:65536", false}, {"a:99999999", false}, {"a:b", false}, {"a:+1", false}, {"a:1:2", false}, {"[::1", false},
		{"[]", false}, {"[::1]80", false}, {"[::1%25eth0]", false}, {"[g]", false}, {"a,b", false}, {"a b", false}, {"a/b", false}, {"u@a", false},
		{"a%00b", false}, {"a\xe9", false}, {"a?b", false}, {"a#b", false}, {"a\\b", false}, {"::1", false},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			if got := validHost(tt.host); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// The host of an absolute target is the one that everybody sees.
func TestTargetHostReplacesField(t *testing.T) {
	limits := transport.DefaultLimits()
	r, _, _ := readRequest(wires("GET http://target/ HTTP/1.1\r\nHost: field\r\n\r\n")["at once"], &limits)
	if got := r.Fields.Get("host"); got != "target" || r.Host != "target" {
		t.Errorf("got %q and %q, want %q", r.Host, got, "target")
	}
}

func TestUnderlinedFields(t *testing.T) {
	limits := transport.DefaultLimits()
	limits.KeepUnderline = false
	r, _, _ := readRequest(wires("GET / HTTP/1.1\r\nHost: h\r\nA_B: c\r\nA-B: c\r\n\r\n")["at once"], &limits)
	if r.Fields.Has("a_b") || !r.Fields.Has("a-b") {
		t.Errorf("got %v, want no name with an underscore", r.Fields.List)
	}
}

func TestParseResponse(t *testing.T) {
	tests := []struct {
		name, head string
		status     int // 0: refused
		length     int64
		close      bool
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, 3, false},
		{"no reason", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, 0, false},
		{"empty reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, 0, false},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, transport.Chunked, false},
		{"until close", "HTTP/1.1 200 OK\r\n\r\n", 200, transport.UntilClose, false},
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200, 0, true},
		{"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, true},
		{"1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 200, 0, false},
		{"1.0 chunked", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, false},
		{"both framings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 0, 0, false},
		{"lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 0, 0, false},
		{"other encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0, 0, false},
		{"version", "HTTP/2.0 200 OK\r\n\r\n", 0, 0, false},
		{"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", 0, 0, false},
		{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 0, 0, false},
		{"status out of range", "HTTP/1.1 600 OK\r\n\r\n", 0, 0, false},
		{"control byte in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n", 0, 0, false},
		{"carriage return in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", 0, 0, false},
		{"folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 0, 0, false},
		{"not a response", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, 0, false},
		{"empty line", "\r\n\r\n", 0, 0, false},
		{"empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r transport.Response
			head, err := newInput(wires(tt.head)["at once"]).readHead(maxResponseHead, nil)
			if err == nil {
				if refusal := parseResponse(head, &r); refusal != nil {
					err = refusal
				}
			}
			if (err == nil) != (tt.status != 0) {
				t.Fatalf("got error %v, want status %d", err, tt.status)
			}
			if err == nil && (r.Status != tt.status || r.ContentLength != tt.length || r.Close != tt.close) {
				t.Errorf("got %d %d %v, want %d %d %v", r.Status, r.ContentLength, r.Close, tt.status, tt.length, tt.close)
			}
		})
	}
}

func TestResponseHops(t *testing.T) {
	var r transport.Response
	if e := parseResponse([]byte("HTTP/1.1 204 No\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nY: 2\r\n\r\n"), &r); e != nil {
		t.Fatal(e)
	}
	if r.Fields.Has("x-hop") || !r.Fields.Has("y") {
		t.Errorf("got %v, want the named field removed", r.Fields.List)
	}
}

package h1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/polygate/polygate/core/transport"
)

// FuzzRequest holds what is accepted against net/http: the same requests one after the other, or none.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		wrkRequest, wrkRequest + wrkRequest, browserRequest,
		"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: u\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET http://t:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "\r\nGET / HTTP/1.1\r\nHost:h\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello", "GET / HTTP/1.1\nHost: h\n\n",
	} {
		f.Add([]byte(s))
	}
	limits := transport.DefaultLimits()
	f.Fuzz(func(t *testing.T, sent []byte) {
		in := newInput(&wire{from: bytes.NewReader(sent)})
		slow := newInput(&wire{from: iotest.OneByteReader(bytes.NewReader(sent))})
		theirs := bufio.NewReader(bytes.NewReader(sent))
		for range 3 {
			r, body, ok := nextRequest(in, &limits)
			r2, body2, ok2 := nextRequest(slow, &limits)
			if ok != ok2 || body != body2 || ok && render(*r) != render(*r2) {
				t.Fatalf("got %v %q, and %v %q byte by byte", ok, body, ok2, body2)
			}
			if !ok {
				return
			}
			compareRequest(t, theirs, r, body)
			in.next()
			slow.next()
		}
	})
}

func nextRequest(in *input, l *transport.Limits) (r *transport.Request, data string, ok bool) {
	head, err := in.readHead(l.Head, func() {})
	if err != nil {
		return nil, "", false
	}
	r = &transport.Request{}
	if parseRequest(head, r, l) != nil {
		return nil, "", false
	}
	b := &body{from: in.nc}
	b.begin(in, r.ContentLength)
	p, err := io.ReadAll(b)
	return r, string(p), err == nil
}

func compareRequest(t *testing.T, theirs *bufio.Reader, r *transport.Request, body string) {
	t.Helper()
	if p, _ := theirs.Peek(2); string(p) == "\r\n" {
		_, _ = theirs.Discard(2)
	}
	want, err := http.ReadRequest(theirs)
	if err != nil {
		t.Fatalf("got %s %q, want error %v", r.Method, r.Target, err)
	}
	data, err := io.ReadAll(want.Body)
	if err != nil {
		t.Fatalf("got the body %q, want error %v", body, err)
	}
	if r.Method != want.Method || r.Target != want.RequestURI || r.Host != want.Host || body != string(data) {
		t.Fatalf("got %s %q for %q with %q, want %s %q for %q with %q", r.Method, r.Target, r.Host, body, want.Method, want.RequestURI,
			want.Host, data)
	}
	for name, values := range want.Header {
		if got := r.Fields.Values(name); strings.Join(got, "\n") != strings.Join(values, "\n") {
			t.Fatalf("got %q for %s, want %q", got, name, values)
		}
	}
}

// FuzzResponse does the same for responses.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		upstreamResponse + strings.Repeat("x", 1024), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nrest",
		"HTTP/1.0 200 OK\r\n\r\nuntil close", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 204\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 404 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, sent []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		in := newInput(&wire{from: bytes.NewReader(sent)})
		raw, err := in.readHead(maxResponseHead, nil)
		var r transport.Response
		if err != nil || parseResponse(raw, &r) != nil || r.Status < 200 {
			return
		}
		b := &body{from: in.nc}
		b.begin(in, bodyLength(method, &r))
		data, err := io.ReadAll(b)
		if err != nil {
			return
		}
		want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(sent)), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("got status %d, want error %v", r.Status, err)
		}
		body, err := io.ReadAll(want.Body)
		if err != nil || want.StatusCode != r.Status || string(body) != string(data) {
			t.Fatalf("got %d %q, want %d %q and error %v", r.Status, data, want.StatusCode, body, err)
		}
	})
}

// FuzzChunked holds chunked bodies against net/http, and checks that it does not matter how they come in.
func FuzzChunked(f *testing.F) {
	for _, s := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\nnext", "1\r\na\r\n1\r\nb\r\n00\r\n\r\n", "A \r\n0123456789\r\n0\r\n\r\n", "5\r\nhello0\r\n",
		"ffffffffffffffff\r\n", "0\r\nA: b\nC: d\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		var data [3]string
		var errs [3]error
		for i, w := range []*wire{
			{from: bytes.NewReader(sent)}, {from: iotest.HalfReader(bytes.NewReader(sent))}, {from: iotest.OneByteReader(bytes.NewReader(sent))},
		} {
			data[i], _, errs[i] = readBody(w, transport.Chunked, 1<<(4*i+1))
			if data[i] != data[0] || (errs[i] == nil) != (errs[0] == nil) {
				t.Fatalf("got %q, %v and %q, %v", data[0], errs[0], data[i], errs[i])
			}
		}
		if errs[0] != nil {
			return
		}
		want, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(sent)))
		if err != nil || string(want) != data[0] {
			t.Fatalf("got %q, want %q and error %v", data[0], want, err)
		}
	})
}

package hostile

import (
	"encoding/json"
	"testing"
)

// TestRunner proves the runner without a gateway: the client speaks with the upstream itself.
func TestRunner(t *testing.T) {
	tests := []struct {
		name string
		line string
		want seen
		reqs int
	}{
		{"one request", `{"raw": ["GET /a HTTP/1.1\r\nHost: h\r\n\r\n"]}`, seen{status: "200", responses: 1}, 1},
		{"pipelined", `{"raw": [{"rep": "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "n": 3}]}`, seen{status: "200", responses: 3}, 3},
		{"drop by drop", `{"raw": ["GET /a HTTP/1.1\r\nHo", {"sleep": 0.01}, "st: h\r\n\r\n"]}`, seen{status: "200", responses: 1}, 1},
		{"a chunked body", `{"raw": ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n\r\n"]}`, seen{status: "200", responses: 2}, 2},
		{"half a request", `{"raw": ["POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhello", {"close_write": true}]}`, seen{status: "close"}, 1},
		{"HEAD", `{"raw": ["HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"]}`, seen{status: "200", responses: 2}, 2},
		{"script", `{"raw": ["GET / HTTP/1.1\r\n\r\n"], "upstream": {"raw": ["HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 404 No\r\n\r\n"], "close": true}}`, seen{status: "404", responses: 1}, 1},
		{"a cut response", `{"raw": ["GET / HTTP/1.1\r\n\r\n"], "upstream": {"raw": ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"], "close": true}}`, seen{status: "cut:200"}, 1},
		{"an early response", `{"raw": ["POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"], "upstream": {"raw": ["HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"], "early": true}}`, seen{status: "413", responses: 1}, 1},
		{"no answer", `{"raw": ["GET / HTTP/1.1\r\n\r\n"], "upstream": {"close": true}}`, seen{status: "close"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c testCase
			if err := json.Unmarshal([]byte(tt.line), &c); err != nil {
				t.Fatal(err)
			}
			u := newUpstream(t)
			u.begin(c.Upstream)
			conn, err := dial("127.0.0.2", u.l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			got := observe(conn, &c)
			if got.status != tt.want.status || got.responses != tt.want.responses {
				t.Errorf("got %s and %d responses, want %s and %d: %q", got.status, got.responses, tt.want.status, tt.want.responses, got.bytes)
			}
			if _, n := u.settled(); n != tt.reqs {
				t.Errorf("got %d requests, want %d", n, tt.reqs)
			}
			if err := probe(u.l.Addr().String(), "/probe"); err != nil {
				t.Error(err)
			}
		})
	}
}

package behave

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newReader(data []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(data)) }

func TestRequestBytes(t *testing.T) {
	tests := []struct{ name, header, text, want string }{
		{"short", "request", "GET /\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"as written", "request", "GET / HTTP/1.0\nhOST:  x \nA: 1\nA: 2\n\n", "GET / HTTP/1.0\r\nhOST:  x \r\nA: 1\r\nA: 2\r\n\r\n"},
		{"body", "request", "POST /\n\na\n\nb\n\n", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\na\n\nb"},
		{"own length", "request", "POST /\nContent-Length: 9\n\nab\n", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab"},
		{"chunked", "request", "POST /\nTransfer-Encoding: chunked\n\nab\n",
			"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
		{"escapes", "request escapes", "POST /\\x41\n\na\\nb\\n\n", "POST /A HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\na\nb\n"},
		{"raw", "request raw", "GET /\n\n", "GET /\r\n\r\n"},
		{"raw with escapes", "request raw escapes", "GET /\\x00\\n\n\n", "GET /\x00\n\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := parseHeader(tt.header)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, requestBytes(&section{header: h}, tt.text)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestReplyBytes(t *testing.T) {
	tests := []struct{ name, header, text, method, want string }{
		{"status", "upstream", "404\n", "GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		{"reason", "upstream", "200 Fine\n\nx\n", "GET", "HTTP/1.1 200 Fine\r\nContent-Length: 1\r\n\r\nx"},
		{"status line", "upstream", "HTTP/1.0 200 OK\n\nx\n", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"},
		{"no content", "upstream", "204 No Content\n", "GET", "HTTP/1.1 204 No Content\r\n\r\n"},
		{"head", "upstream", "200\n\nabc\n", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"},
		{"raw", "upstream raw", "HTTP/1.1 200\nA\n\n", "GET", "HTTP/1.1 200\r\nA\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := parseHeader(tt.header)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, replyBytes(&section{header: h}, tt.text, tt.method)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestReceive(t *testing.T) {
	tests := []struct{ name, method, bytes, want, err string }{
		{"length", "GET", "HTTP/1.1 200 OK\r\nB: 1\r\nA: 2\r\nContent-Length: 2\r\n\r\nabc", "HTTP/1.1 200 OK|B: 1|A: 2|Content-Length: 2|ab", ""},
		{"chunked with trailer", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nT: x\r\n\r\n",
			"HTTP/1.1 200 OK|Transfer-Encoding: chunked|T: x|abc", ""},
		{"to the end", "GET", "HTTP/1.0 200 OK\r\n\r\nabc", "HTTP/1.0 200 OK|abc", ""},
		{"interim", "GET", "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 204 No|", ""},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK|Content-Length: 9|", ""},
		{"closed", "GET", "", "", ""},
		{"short body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "", "receive: body: 3 bytes of 9 came: unexpected EOF"},
		{"short header", "GET", "HTTP/1.1 200 OK\r\nA: 1", "", "receive: header: unexpected EOF"},
		{"length that is none", "GET", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "", `receive: Content-Length is "x"`},
		{"chunk that is none", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "", `receive: size of a chunk is "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := (&client{in: newReader([]byte(tt.bytes))}).receive(tt.method)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if m != nil {
				got = strings.Join(append(append([]string{m.first}, m.fields...), m.body), "|")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDiffLines(t *testing.T) {
	tests := []struct{ name, want, got, diff string }{
		{"same", "a|b", "a|b", " a| b"},
		{"changed", "a|b|c", "a|x|c", " a|-b|+x| c"},
		{"missing", "a|b", "b", "-a| b"},
		{"extra", "a", "a|b", " a|+b"},
		{"patterns", "a*|~ ^b+$", "axx|bbb", " axx| bbb"},
		{"any lines", "a|...|d", "a|b|c|d", " a| b| c| d"},
		{"no lines", "a|...", "a", " a"},
		{"any lines and a change", "...|z", "a|b", " a| b|-z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, e := range diffLines(patternLines(strings.ReplaceAll(tt.want, "|", "\n")), strings.Split(tt.got, "|")) {
				lines = append(lines, string(e.op)+e.text)
			}
			if got := strings.Join(lines, "|"); got != tt.diff {
				t.Errorf("got %q, want %q", got, tt.diff)
			}
		})
	}
	long := strings.Repeat("x\n", maxDiffLines+1)
	if got := diffLines(patternLines(long), strings.Split(long, "\n")); got != nil {
		t.Errorf("equal long texts: got %d changes", len(got))
	}
	if got := diffLines(patternLines(long), strings.Split(long+"y", "\n")); len(got) != 3 {
		t.Errorf("long texts: got %v, want three lines", got)
	}
}

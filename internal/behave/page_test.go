package behave

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const examplePage = "# Page\n\n```yaml\nroutes:\n  - uri: /a\n    upstream: {nodes: {\"127.0.0.1:1980\": 1}}\n```\n\n" +
	"```shell\ncurl -i 'http://127.0.0.1:9080/a?b=c' -H 'X-A: 1'\n```\n\n" +
	"```http\nHTTP/1.1 200 OK\nX-B: 2\nDate: today\n\nhello\n```\n\n" +
	"```shell\ncurl -s http://127.0.0.1:9091/metrics | grep a_metric\n```\n\n```text\na_metric 1\n```\n"

const exampleCase = `-- config --
routes:
  - uri: /a
    upstream: {nodes: {"$upstream": 1}}
#END
-- request --
GET /a?b=c
X-A: 1
-- response --
200
X-B: 2
Date: *
X-C: 3

hel*
-- request to=metrics --
GET /metrics
-- response --
200

...
a_metric *
...
`

func TestUnexercised(t *testing.T) {
	tests := []struct {
		name     string
		from, to string // what is replaced in the case
		want     int
	}{
		{"all", "", "", 0},
		{"other resources", "uri: /a", "uri: /b", 2},
		{"another request", "b=c", "b=d", 1},
		{"another field", "X-A: 1", "X-A: 2", 1},
		{"another body", "X-A: 1\n", "X-A: 1\n\nbody\n", 1},
		{"another status", "\n200\nX-B", "\n404\nX-B", 1},
		{"another field of the response", "X-B: 2", "X-B: 3", 1},
		{"a field that is not looked at", "Date: *\n", "", 1},
		{"another text", "hel*", "hal*", 1},
		{"a body that is not looked at", "\n\nhel*", "", 1},
		{"another line", "a_metric", "b_metric", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("c.txtar", []byte(strings.Replace(exampleCase, tt.from, tt.to, 1)))
			if err != nil {
				t.Fatal(err)
			}
			p := &Page{Text: examplePage, Upstream: "127.0.0.1:1980"}
			if got := p.Unexercised([]*Case{c}); len(got) != tt.want {
				t.Errorf("got %d examples %q, want %d", len(got), got, tt.want)
			}
		})
	}
}

func TestUnexercisedPages(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"no example", "# Page\n", "there is no example: a block of code that is marked as shell and begins with curl"},
		{"no URL", "```shell\ncurl -i\n```\n", "curl -i: there is no URL in it"},
		{"quote", "```shell\ncurl 'http://a/\n```\n", "curl 'http://a/: a quote is not closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &Page{Text: tt.text}
			if diff := cmp.Diff([]string{tt.want}, p.Unexercised(nil)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestParseCurl(t *testing.T) {
	tests := []struct{ command, first, fields, body string }{
		{"curl http://a", "GET /", "", ""},
		{`curl -i "http://a:9080/b?c=d" -H 'A: b c'`, "GET /b?c=d", "A: b c", ""},
		{"curl -i -X PUT http://a/b \\\n  -d '{\"a\": 1}' -H B:c -H 'D: e'", "PUT /b", "B:c,D: e", `{"a": 1}`},
		{"curl -d x http://a/b | jq .", "POST /b", "", "x"},
		{"curl -I http://a/b", "HEAD /b", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.command, func(t *testing.T) {
			m, err := parseCurl(tt.command)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{m.first, strings.Join(m.fields, ","), m.body}
			if diff := cmp.Diff([]string{tt.first, tt.fields, tt.body}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

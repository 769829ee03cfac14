package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// step is a request of testdata/admin.txt and its answer.
type step struct {
	line               int
	method, path, body string
	want               string // status and body
}

// TestAdmin plays the requests of clients. A client that chooses features by the version finds APISIX's.
func TestAdmin(t *testing.T) {
	g := newGateway(t, nil)
	for _, s := range steps(t, "testdata/admin.txt") {
		t.Run(fmt.Sprintf("%d %s %s", s.line, s.method, s.path), func(t *testing.T) {
			got := g.call(s.method, s.path, s.body, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
			if diff := cmp.Diff(s.want, masked(got)); diff != "" {
				t.Errorf("line %d: the answer is not the expected one (-want +got):\n%s", s.line, diff)
			}
			for name, want := range map[string]string{"Content-Type": "application/json", "Server": "APISIX/3.18.0", "X-Api-Version": "v3"} {
				if value := got.header.Get(name); value != want {
					t.Errorf("%s: got %q, want %q", name, value, want)
				}
			}
		})
	}
}

// TestAdminProbe asks as tools do that want to know whether there is an APISIX, and which.
func TestAdminProbe(t *testing.T) {
	g := newGateway(t, nil)
	resp, err := http.Head("http://" + g.admin + "/apisix/admin")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Server") != "APISIX/3.18.0" {
		t.Errorf("got %d of %q, want 200 of APISIX/3.18.0", resp.StatusCode, resp.Header.Get("Server"))
	}
	for _, tt := range []struct{ name, key, want string }{
		{"no key", "", "401 {\"error_msg\":\"failed to check token\",\"description\":\"missing apikey\"}"},
		{"wrong key", "wrong", "401 {\"error_msg\":\"failed to check token\",\"description\":\"wrong apikey\"}"},
		{"right key", adminKey, "200 {\"total\":0,\"list\":[]}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.admin+"/apisix/admin/routes", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.key != "" {
				req.Header.Set("X-API-KEY", tt.key)
			}
			if got := masked(do(t, http.DefaultClient, req)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// masked is an answer without what differs from run to run.
func masked(a answer) string {
	body := strings.TrimSuffix(a.body, "\n")
	for _, m := range []struct{ expr, by string }{
		{`"((?:create|update)_time)":\d+`, `"$1":T`},
		{`"((?:created|modified)Index)":\d+`, `"$1":N`},
		{`\b\d{20}\b`, `ID`},
	} {
		body = regexp.MustCompile(m.expr).ReplaceAllString(body, m.by)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, body))
}

// steps reads a file of requests and answers.
func steps(t *testing.T, path string) []step {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []step
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		switch {
		case strings.HasPrefix(text, "> "):
			method, rest, _ := strings.Cut(text[2:], " ")
			path, body, _ := strings.Cut(rest, " ")
			all = append(all, step{line: n, method: method, path: path, body: body})
		case strings.HasPrefix(text, "<") && len(all) > 0:
			all[len(all)-1].want = strings.TrimSpace(text[1:])
		case text != "" && text[0] != '#':
			t.Fatalf("%s:%d: neither a request nor an answer: %s", path, n, text)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

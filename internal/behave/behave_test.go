package behave

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fake is a gateway whose configuration is one line: "forward ADDRESS" or "reject TEXT".
type fake struct {
	server *httptest.Server
	target atomic.Pointer[url.URL]
	flaky  atomic.Int32
	setup  Setup
}

func startFake(ctx context.Context, s Setup) (Running, error) {
	f := &fake{setup: s}
	if err := f.Apply(ctx, s.Resources); err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(f.target.Load()) }}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(s.Log, "path=%s query=%s\n", r.URL.Path, r.URL.RawQuery)
		switch r.URL.Path {
		case "/deny":
			http.Error(w, "access denied for you", http.StatusForbidden)
		case "/close":
			panic(http.ErrAbortHandler)
		case "/flaky":
			if f.flaky.Add(1) < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	return f, nil
}

func (f *fake) Addr(server string) string {
	if server == "metrics" {
		return f.target.Load().Host
	}
	if server != "" {
		return ""
	}
	return f.server.Listener.Addr().String()
}

func (f *fake) Apply(_ context.Context, resources []byte) error {
	word, rest, _ := strings.Cut(strings.TrimSpace(string(resources)), " ")
	if word == "reject" {
		return errors.New("config: " + rest)
	}
	f.target.Store(&url.URL{Scheme: "http", Host: rest})
	return nil
}

func (f *fake) Close() error {
	f.server.Close()
	note, err := os.ReadFile(filepath.Join(f.setup.Dir, "conf", "note.txt"))
	if err == nil && !strings.HasPrefix(string(note), "upstream is at 127.0.0.1:") {
		return fmt.Errorf("the note is %q", note)
	}
	if f.setup.Settings != nil && !regexp.MustCompile(`^port \d+\n$`).Match(f.setup.Settings) {
		return fmt.Errorf("the settings are %q", f.setup.Settings)
	}
	return nil
}

func TestCasesThatPass(t *testing.T) {
	cases, err := Load("testdata/pass")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Run(t.Context(), startFake); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	cases, err := Load("testdata/fail/responses.txtar")
	if err != nil {
		t.Fatal(err)
	}
	err = cases[0].Run(t.Context(), startFake)
	if err == nil {
		t.Fatal("got no error")
	}
	want, readErr := os.ReadFile("testdata/fail/responses.want")
	if readErr != nil {
		t.Fatal(readErr)
	}
	edits := diffLines(patternLines(strings.TrimRight(string(want), "\n")), strings.Split(err.Error(), "\n"))
	for _, e := range edits {
		if e.op != same {
			t.Fatalf("-want +got\n%s", unified(edits))
		}
	}
}

func TestParseErrors(t *testing.T) {
	const request = "-- request --\nGET /\n"
	tests := []struct{ name, text, want string }{
		{"nothing", "text\n", "c.txtar:1: there is no request in it; a case needs a section such as -- request --"},
		{"unknown section", "-- reqest --\n", `c.txtar:1: unknown section "reqest"; there are config, config.yaml, file, request, upstream, received, response, log and error`},
		{"unknown flag", "text\n-- request fast --\n", `c.txtar:2: "fast" does not belong behind "request"`},
		{"flag with a value", "-- request keep=1 --\n", `c.txtar:1: "keep=1" does not belong behind "request"; write it as in delay=100ms or to=metrics, and flags without a value`},
		{"time", "-- upstream delay=1h --\n", `c.txtar:1: "1h" is not a time of up to a minute, such as 100ms or 2s`},
		{"no server", "-- request to= --\n", `c.txtar:1: "to=" does not belong behind "request"; write it as in delay=100ms or to=metrics, and flags without a value`},
		{"number", "-- request 2 --\nGET /\n", "c.txtar:1: this is request 1, not 2"},
		{"number of a response", request + "-- response 2 --\n200\n", `c.txtar:3: the section "response" with number 2 stands behind request 1`},
		{"response without a request", "-- response --\n200\n", `c.txtar:1: the section "response" needs a request before it`},
		{"nothing expected", request, "c.txtar:1: request 1: nothing is expected of it; add a section -- response --"},
		{"empty request", "-- request --\n-- response --\n200\n", `c.txtar:2: the section "request" is empty`},
		{"empty response", request + "-- response --\n", "c.txtar:4: the section is empty; it begins with a status such as 200"},
		{"field", request + "-- response --\n200\nhello\n", `c.txtar:4: "hello" is not a header field such as Name: value; an empty line goes before the body`},
		{"regular expression", request + "-- response --\n200\nA: ~ (\n", "c.txtar:4: the regular expression \"(\" is wrong: error parsing regexp: missing closing ): `(`"},
		{"regular expression in a body", request + "-- response --\n200\n\n~ (\n", "c.txtar:4: the regular expression \"(\" is wrong: error parsing regexp: missing closing ): `(`"},
		{"json", request + "-- response json --\n200\n\n{\n", "c.txtar:4: the expected body is not JSON: unexpected EOF"},
		{"none with text", request + "-- received none --\nGET /\n", `c.txtar:4: a section with "none" has no text`},
		{"none and more", request + "-- received --\nGET /\n-- received none --\n", `c.txtar:5: "received none" stands alone`},
		{"path", "-- file ../x --\n", `c.txtar:1: the path "../x" leads out of the case's folder`},
		{"error without a config", request + "-- error --\n", "c.txtar:3: an error belongs behind a config"},
		{"request behind an error", "-- config --\n-- error --\nx\n" + request, "c.txtar:4: nothing can be requested of a gateway whose start is expected to fail"},
		{"settings twice", "-- config.yaml --\n-- config.yaml --\n", "c.txtar:2: config.yaml stands once, before the first request"},
		{"log", request + "-- log --\n~ (\n", "c.txtar:4: the regular expression \"(\" is wrong: error parsing regexp: missing closing ): `(`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("c.txtar", []byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	dir := t.TempDir()
	page := "# Page\n\n```yaml\na: b\n```\n\n````txtar\n-- config --\nforward $upstream\n-- request --\nGET /deny\n-- response --\n200\n````\n"
	path := filepath.Join(dir, "page.md")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	cases, err := Load(dir)
	if err != nil || len(cases) != 1 {
		t.Fatalf("got %d cases and %v, want one", len(cases), err)
	}
	if got, want := cases[0].Name, path+":7"; got != want {
		t.Errorf("got name %q, want %q", got, want)
	}
	err = cases[0].Run(t.Context(), startFake)
	if want := path + ":13: request 1: the response is another one"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "no .txtar") {
		t.Errorf("an empty folder: got %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
	for name, text := range map[string]string{"bad.txtar": "-- x --\n", "good.txtar": "-- request --\nGET /\n-- response --\n200\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases, err := Load(dir)
	var bad Failures
	if !errors.As(err, &bad) || len(bad) != 1 || len(cases) != 1 {
		t.Errorf("got %d cases and %v, want one of each", len(cases), err)
	}
}

func TestRunAll(t *testing.T) {
	good, err := Parse("good.txtar", []byte("-- config --\nforward $upstream\n-- request --\nGET /\n-- response --\n200\n"))
	if err != nil {
		t.Fatal(err)
	}
	bad, err := Parse("bad.txtar", []byte("-- config --\nforward $upstream\n-- request --\nGET /deny\n-- response --\n200\n"))
	if err != nil {
		t.Fatal(err)
	}
	times := regexp.MustCompile(`\(\d+(\.\d+)?m?s\)|\(0s\)`)
	tests := []struct {
		name        string
		run         string
		verbose     bool
		ran, failed int
		want        string
	}{
		{"all", "", false, 2, 1, "FAIL bad (T)\nbad.txtar:6: request 1: the response is another one\n    --- expected\n    +++ got\n" +
			"    -200\n    +403\n     Content-Type: text/plain; charset=utf-8\n     X-Content-Type-Options: nosniff\n     Date: *\n1 passed, 1 failed\n"},
		{"some, verbosely", "^go", true, 1, 0, "ok   good (T)\n1 passed, 0 failed\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			o := Options{Start: startFake, Verbose: tt.verbose, Out: &out, Run: regexp.MustCompile(tt.run)}
			ran, failed, err := RunAll(t.Context(), []*Case{good, bad}, o)
			if err != nil {
				t.Fatal(err)
			}
			if ran != tt.ran || failed != tt.failed {
				t.Errorf("got %d ran and %d failed, want %d and %d", ran, failed, tt.ran, tt.failed)
			}
			got := regexp.MustCompile(`Date: .*`).ReplaceAllString(times.ReplaceAllString(out.String(), "(T)"), "Date: *")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestCancelledRun(t *testing.T) {
	c, err := Parse("c.txtar", []byte("-- config --\nforward $upstream\n-- request after=30s --\nGET /\n-- response --\n200\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	start := func(ctx context.Context, s Setup) (Running, error) {
		defer cancel()
		return startFake(ctx, s)
	}
	if err := c.Run(ctx, start); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/pass/all.txtar", "testdata/fail/responses.txtar"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("c.txtar", data)
		if err != nil {
			var failure *Failure
			if !errors.As(err, &failure) || failure.Line < 1 {
				t.Fatalf("got %v, want a failure with a line", err)
			}
			return
		}
		for _, st := range c.steps {
			if st.request != nil {
				requestBytes(st.request, st.request.text)
			}
		}
	})
}

func FuzzReceive(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\nT: 1\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n", "HTTP/1.0 200 OK\n\nto the end", "x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		c := &client{in: newReader(data)}
		for {
			if m, err := c.receive("GET"); m == nil || err != nil {
				return
			}
		}
	})
}

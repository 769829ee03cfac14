package hostile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// testCase is one line of a file of cases.
type testCase struct {
	ID       string `json:"id"`
	Setup    string `json:"setup"`    // name of the gateway that it needs, see gateway_test.go
	Raw      []part `json:"raw"`      // sent in order on one new connection
	Upstream script `json:"upstream"` // how the upstream answers the first request of the case; empty: with an echo
	// Accept lists outcomes. The case passes if one of them holds entirely.
	Accept   []outcome `json:"accept"`
	Expected string    `json:"expected"` // the same in words
	Source   string    `json:"source"`
	Timed    bool      `json:"timed"` // it takes up to two minutes
	Note     string    `json:"note"`
}

// script is an answer of the upstream.
type script struct {
	Raw   []part `json:"raw"`
	Early bool   `json:"early"` // does not wait for the request's body
	Close bool   `json:"close"` // closes the connection behind it
}

// outcome is what may happen. What it does not name does not matter.
type outcome struct {
	// Status lists statuses of the first final response: three digits; "cut:200" for a response that ended before its end;
	// "close" and "timeout" where no response came.
	Status          []string `json:"status"`
	UpstreamMax     *int     `json:"upstream_max"`    // requests that reached the upstream
	UpstreamForbid  []string `json:"upstream_forbid"` // expressions over all bytes that the upstream received
	UpstreamRequire []string `json:"upstream_require"`
	ClientForbid    []string `json:"client_forbid"` // expressions over all bytes that the client received
	ClientRequire   []string `json:"client_require"`
	ResponsesMin    int      `json:"responses_min"`
	ResponsesMax    int      `json:"responses_max"` // 0: any number
	MaxSeconds      float64  `json:"max_s"`         // until the first response, or the end of the connection
	Note            string   `json:"note"`
}

// part is a piece of a connection: a string (one byte per character), {"rep": s, "n": k}, {"drip": s, "every": seconds, "n": k},
// {"sleep": seconds} or {"close_write": true}.
type part struct {
	text       string
	times      int
	pause      time.Duration // after each time
	closeWrite bool
}

func (p *part) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		return p.set(text, 1)
	}
	var form struct {
		Rep, Drip    string
		N            int
		Every, Sleep float64
		CloseWrite   bool `json:"close_write"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&form); err != nil {
		return err
	}
	p.closeWrite = form.CloseWrite
	p.pause = time.Duration((form.Every + form.Sleep) * float64(time.Second))
	return p.set(form.Rep+form.Drip, max(form.N, 1))
}

func (p *part) set(text string, times int) error {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return fmt.Errorf("the character %q is not one byte", r)
		}
		b = append(b, byte(r))
	}
	p.text, p.times = string(b), times
	return nil
}

// send writes a part until it is through or done is closed. That the other side has enough of it is no error.
func (p *part) send(conn net.Conn, done <-chan struct{}) bool {
	if p.pause == 0 {
		if _, err := conn.Write([]byte(strings.Repeat(p.text, p.times))); err != nil {
			return false
		}
	}
	for i := 0; i < p.times && p.pause > 0; i++ {
		if _, err := conn.Write([]byte(p.text)); err != nil {
			return false
		}
		select {
		case <-done:
			return false
		case <-time.After(p.pause):
		}
	}
	half, ok := conn.(interface{ CloseWrite() error })
	return !p.closeWrite || ok && half.CloseWrite() == nil
}

// head tells whether the first request asks for no body.
func (c *testCase) head() bool { return len(c.Raw) > 0 && strings.HasPrefix(c.Raw[0].text, "HEAD ") }

// readCases reads the lines of the files.
func readCases(t *testing.T, files ...string) []testCase {
	t.Helper()
	var list []testCase
	known := map[string]bool{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range bytes.Lines(data) {
			n++
			dec := json.NewDecoder(bytes.NewReader(line))
			dec.DisallowUnknownFields()
			var c testCase
			if err := dec.Decode(&c); err != nil {
				t.Fatalf("%s:%d: %v", name, n, err)
			}
			if known[c.ID] || c.ID == "" || len(c.Accept) == 0 {
				t.Fatalf("%s:%d: the id %q is not new, or nothing is accepted", name, n, c.ID)
			}
			known[c.ID] = true
			list = append(list, c)
		}
	}
	return list
}

package behave

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// exchange sends the request and compares the responses.
func (r *run) exchange(ctx context.Context, st *step) {
	addr := r.gateway.Addr(st.request.to)
	if addr == "" {
		r.fail(st.request, st, fmt.Sprintf("the gateway has no server %q; the case's config.yaml may have switched it off", st.request.to), "")
		return
	}
	data := requestBytes(st.request, r.fill(st.request.text))
	if err := r.client.send(ctx, addr, data, st.request.has("keep")); err != nil {
		r.fail(st.request, st, err.Error(), "")
		return
	}
	method, _, _ := strings.Cut(data, " ")
	responses := st.responses
	if len(responses) == 0 { // what is received or logged is all that matters
		if _, err := r.client.receive(method); err != nil {
			r.fail(st.request, st, err.Error(), "")
		}
		return
	}
	for _, s := range responses {
		if !r.response(st, s, method) {
			return
		}
	}
}

// response reads a response and compares it. It tells whether there may be another one behind it.
func (r *run) response(st *step, s *section, method string) bool {
	e, err := newExpectation(s, r.fill(s.text))
	if err != nil {
		r.fail(s, st, err.Error(), "")
		return false
	}
	m, err := r.client.receive(method)
	switch {
	case err != nil:
		r.fail(s, st, err.Error(), "")
		return false
	case m == nil && !e.closed:
		r.fail(s, st, "the gateway closed the connection without a response", "")
	case m == nil:
	case e.closed:
		r.fail(s, st, "a response came; the connection should be closed instead", "+"+m.first)
	default:
		if edits, ok := e.compare(m); !ok {
			r.fail(s, st, "the response is another one", unified(edits))
		}
	}
	return m != nil
}

// checkReceived compares what upstreams were asked.
func (r *run) checkReceived(st *step) {
	for target := 1; target <= len(r.upstreams); target++ {
		sections := st.received[target]
		if sections == nil {
			continue
		}
		want := len(sections)
		if sections[0].has("none") {
			want = 0
		}
		got := r.upstreams[target-1].wait(want, late)
		if len(got) != want {
			r.fail(sections[0], st, fmt.Sprintf("requests received by the upstream: %d instead of %d", len(got), want), received(got))
			continue
		}
		for i, m := range got {
			e, err := newExpectation(sections[i], r.fill(sections[i].text))
			if err != nil {
				r.fail(sections[i], st, err.Error(), "")
				continue
			}
			if edits, ok := e.compare(m); !ok {
				r.fail(sections[i], st, "the upstream received another request", unified(edits))
			}
		}
	}
}

func received(list []*message) string {
	var b strings.Builder
	for _, m := range list {
		b.WriteString("+" + m.first + "\n")
	}
	return b.String()
}

// checkLog looks for lines that the gateway logged since the step began.
func (r *run) checkLog(st *step, mark int) {
	for _, s := range st.logs {
		for line := range strings.Lines(r.fill(s.text)) {
			if line = strings.TrimSpace(line); line != "" {
				r.checkLogLine(st, s, mark, line)
			}
		}
	}
}

func (r *run) checkLogLine(st *step, s *section, mark int, line string) {
	expr := line
	if !strings.HasPrefix(line, "~ ") {
		expr = "*" + line + "*"
	}
	p, err := newPattern(expr)
	if err != nil {
		r.fail(s, st, err.Error(), "")
		return
	}
	if s.has("none") {
		if found := r.log.find(mark, p, 0); found != "" {
			r.fail(s, st, "the gateway logged "+strconv.Quote(line), "+"+found)
		}
		return
	}
	if r.log.find(mark, p, late) == "" {
		r.fail(s, st, "the gateway did not log "+strconv.Quote(line), "")
	}
}

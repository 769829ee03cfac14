package hostile

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/polygate/polygate/test/program"
)

// TestCases runs all cases. Each is answered as it must be, and the two requests after it get their own answers: the gateway is
// alive, and no connection to the upstream has something left over.
func TestCases(t *testing.T) {
	binary, remove, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	cases := readCases(t, "testdata/cases.jsonl", "testdata/more.jsonl")
	pools := map[string]chan *gateway{}
	for setup, n := range replicas() {
		pools[setup] = make(chan *gateway, n)
		for range n {
			pools[setup] <- start(t, binary, setup)
		}
	}
	results := make([]error, len(cases))
	var wg sync.WaitGroup
	for i := range cases {
		c := &cases[i]
		pool, ok := pools[c.Setup]
		if !ok {
			t.Fatalf("case %s: there is no setup %q", c.ID, c.Setup)
		}
		if c.Timed { // It would keep the others waiting.
			pool = make(chan *gateway, 1)
			pool <- start(t, binary, c.Setup)
		}
		from := fmt.Sprintf("127.0.0.%d", 2+i%250)
		wg.Go(func() {
			g := <-pool
			results[i] = g.try(c, from)
			pool <- g
		})
	}
	wg.Wait()
	for i, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			if results[i] != nil {
				t.Errorf("%v\nexpected: %s\nsource: %s", results[i], c.Expected, c.Source)
			}
		})
	}
}

// try runs a case. Each client has an address of its own, because the Admin API counts failures by address.
func (g *gateway) try(c *testCase, from string) error {
	raw := *c
	raw.Raw = make([]part, len(c.Raw))
	for i, p := range c.Raw {
		p.text = g.keys.Replace(p.text)
		raw.Raw[i] = p
	}
	g.upstream.begin(c.Upstream)
	conn, err := dial(from, g.addr)
	if err != nil {
		return fmt.Errorf("the gateway is gone: %w", err)
	}
	r := result{seen: observe(conn, &raw)}
	r.received, r.requests = g.upstream.settled()
	g.upstream.begin(script{})
	verdict := judge(c.Accept, &r)
	if verdict != nil {
		const most = 2000
		verdict = fmt.Errorf("%w\nthe client received %.*q\nthe upstream received %.*q", verdict, most, r.bytes, most, r.received)
	}
	return errors.Join(verdict, probe(g.data, "/probe-1-"+c.ID), probe(g.data, "/probe-2-"+c.ID))
}

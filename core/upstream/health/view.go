package health

import (
	"sync"
	"sync/atomic"

	"github.com/polygate/polygate/core/upstream/balance"
)

// View is the health of the nodes of one version of an upstream. It is safe for concurrent use.
type View struct {
	checker *Checker
	spec    *Spec
	nodes   []*node // by the index of the upstream's nodes

	mu     sync.Mutex             // held while choice is made again
	choice atomic.Pointer[choice] // nil: not made yet
}

// choice is how nodes are picked as long as none begins or ceases to serve.
type choice struct {
	flips  uint64 // Checker.flips when it was made
	picker balance.Picker
}

// Pick returns a node that serves by the upstream's balancer. If no node serves, all of them do: what the checks say may be wrong, and
// what a request says is not worse than an error.
func (v *View) Pick(t *balance.Try) (*balance.Node, error) {
	c := v.choice.Load()
	if c == nil || c.flips != v.checker.flips.Load() {
		c = v.choose(c)
	}
	return c.picker.Pick(t)
}

// choose makes the choice again. Whoever comes while another one does so uses the old one, if there is one.
func (v *View) choose(old *choice) *choice {
	if old == nil {
		v.mu.Lock()
	} else if !v.mu.TryLock() {
		return old
	}
	defer v.mu.Unlock()
	// What turns from here on is seen by the next pick.
	flips := v.checker.flips.Load()
	if c := v.choice.Load(); c != nil && c.flips == flips {
		return c
	}
	c := &choice{flips: flips, picker: v.spec.Picker}
	down := make([]bool, len(v.nodes))
	failing, serving := 0, 0 // nodes of weight 0 get no requests, and replace none that do
	for i, n := range v.nodes {
		down[i] = !n.load().Serves()
		switch {
		case down[i]:
			failing++
		case v.spec.Nodes[i].Weight > 0:
			serving++
		}
	}
	switch {
	case failing > 0 && serving == 0:
		v.checker.sched.o.Logger.Warn("no node is healthy; requests go to all of them", "resource", v.checker.key)
	case failing > 0:
		c.picker = v.spec.Picker.Without(func(n *balance.Node) bool { return down[n.Index] })
	}
	v.choice.Store(c)
	return c
}

// Answered tells that a request got a response with the status from the node.
func (v *View) Answered(n *balance.Node, status int) {
	p := &v.spec.Checks.passive
	if !p.statuses {
		return
	}
	switch {
	case p.healthy.statuses.has(status):
		v.checker.report(v.nodes[n.Index], success, p.healthy.successes, "passive")
	case p.unhealthy.statuses.has(status):
		v.checker.report(v.nodes[n.Index], httpFailure, p.unhealthy.failures, "passive")
	}
}

// Failed tells that a request got no response from the node, or none in time.
func (v *View) Failed(n *balance.Node, timeout bool) {
	e := tcpFailure
	if timeout {
		e = timeoutFailure
	}
	p := &v.spec.Checks.passive
	v.checker.report(v.nodes[n.Index], e, e.limit(&p.healthy, &p.unhealthy), "passive")
}

// Serves tells whether the node gets requests as far as its own health goes.
func (v *View) Serves(n *balance.Node) bool { return v.nodes[n.Index].load().Serves() }

package health

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Status is how fit a node is. Only unhealthy nodes, the mostly unhealthy ones included, get no requests.
type Status uint32

// The statuses. A node that is mostly healthy has failed since it was healthy, and one that is mostly unhealthy has succeeded
// since it was unhealthy, both not often enough.
const (
	Healthy Status = iota
	Unhealthy
	MostlyHealthy
	MostlyUnhealthy
)

// String returns APISIX's name.
func (s Status) String() string {
	switch s {
	case Healthy:
		return "healthy"
	case Unhealthy:
		return "unhealthy"
	case MostlyHealthy:
		return "mostly_healthy"
	case MostlyUnhealthy:
		return "mostly_unhealthy"
	}
	return fmt.Sprintf("status %d", uint32(s))
}

// Serves tells whether the node gets requests.
func (s Status) Serves() bool { return s == Healthy || s == MostlyHealthy }

// event is what a check or a request says about a node.
type event uint8

const (
	success event = iota
	httpFailure
	tcpFailure
	timeoutFailure
	events
)

func (e event) String() string {
	return [events]string{"successes", "HTTP failures", "TCP failures", "timeouts"}[e]
}

// limit is how many of the events change the status.
func (e event) limit(healthy, unhealthy *rule) int {
	switch e {
	case success:
		return healthy.successes
	case httpFailure:
		return unhealthy.failures
	case tcpFailure:
		return unhealthy.refusals
	}
	return unhealthy.timeouts
}

// identity is what the health of a node belongs to. Nodes that are checked at the same address under the same name share it.
type identity struct {
	host string // to dial: a name or an address, an IPv6 address in brackets
	port int
	name string // hostname of the report
}

// node is the health of one address.
type node struct {
	identity
	checker *Checker
	status  atomic.Uint32
	ip      atomic.Pointer[string] // found for a host that is a name; nil: not yet
	field   atomic.Pointer[string] // Host field of HTTP checks

	mu       sync.Mutex
	counters [events]int // guarded by mu

	// Guarded by Scheduler.mu.
	due     time.Time // of the next check
	at      int       // in the queue; -1: not there
	pending bool      // a check waits for its place or is under way
	gone    bool      // the node is checked no more
}

func (n *node) load() Status { return Status(n.status.Load()) }

// count counts an event towards a limit. It tells whether the node has begun or ceased to serve.
func (n *node) count(e event, limit int) (turned bool) {
	if limit == 0 {
		return false
	}
	goal := Unhealthy
	if e == success {
		goal = Healthy
	}
	// The most frequent case, success of a healthy node, touches nothing that is shared.
	if n.load() == goal {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.load()
	if before == goal {
		return false
	}
	if e == success {
		n.counters = [events]int{success: n.counters[success]}
	} else {
		n.counters[success] = 0
	}
	n.counters[e]++
	after := before
	switch {
	case n.counters[e] >= limit:
		after = goal
	case before == Healthy:
		after = MostlyHealthy
	case before == Unhealthy:
		after = MostlyUnhealthy
	}
	n.status.Store(uint32(after))
	return before.Serves() != after.Serves()
}

func (n *node) snapshot() (Status, [events]int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.load(), n.counters
}

// address is the host that reports show: the address that was found for a name.
func (n *node) address() string {
	if ip := n.ip.Load(); ip != nil {
		return *ip
	}
	return n.host
}

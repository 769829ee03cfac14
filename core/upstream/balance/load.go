package balance

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Load is what a Tracker counts of a node. It is shared by all versions of an upstream that have the node, so that requests that
// began with one version are seen by the next. The zero value is that of a node that was never used. It is safe for concurrent use.
type Load struct {
	active atomic.Int64 // tries that are under way

	mu      sync.Mutex    // held while latency is updated
	latency atomic.Uint64 // bits of a float64: seconds, decaying
	touched atomic.Int64  // when that was updated, in nanoseconds since the epoch; 0: never
}

// decay is the time in which an old latency loses most of its weight.
const decay = 10 * time.Second

// latencyAt returns the latency with what it lost until now.
func (l *Load) latencyAt(now int64) float64 {
	latency := math.Float64frombits(l.latency.Load())
	if latency == 0 {
		return 0
	}
	return latency * fade(now-l.touched.Load())
}

func fade(elapsed int64) float64 { return math.Exp(-float64(max(elapsed, 0)) / float64(decay)) }

// observe learns from one response. Of several at the same time it may leave some out: they say the same.
func (l *Load) observe(took time.Duration, now int64) {
	if !l.mu.TryLock() {
		return
	}
	defer l.mu.Unlock()
	weight := fade(now - l.touched.Load())
	next := math.Float64frombits(l.latency.Load())*weight + took.Seconds()*(1-weight)
	l.latency.Store(math.Float64bits(next))
	l.touched.Store(now)
}

// Loads are the loads of an upstream's nodes. The nil value has none. They do not change.
type Loads map[loadKey]*Load

type loadKey struct {
	addr     string
	priority int
}

// Next gives every node its Load: the one that it has in l, else a new one. It returns the loads of the nodes and of those that are
// gone but still have requests: they may come back before these end.
func (l Loads) Next(nodes []*Node) Loads {
	next := make(Loads, len(nodes))
	for key, load := range l {
		if load.active.Load() > 0 {
			next[key] = load
		}
	}
	for _, n := range nodes {
		key := loadKey{addr: n.Addr, priority: n.Priority}
		n.Load = l[key]
		if n.Load == nil {
			n.Load = &Load{}
		}
		next[key] = n.Load
	}
	return next
}

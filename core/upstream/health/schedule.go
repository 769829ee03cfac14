package health

import (
	"container/heap"
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Options say how checks are made. Lookup is required for nodes that are names.
type Options struct {
	// Lookup finds an address of a name.
	Lookup func(ctx context.Context, host string) (netip.Addr, error)
	// Dial connects to an address; nil: with a net.Dialer.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Logger *slog.Logger // nil: none
	Limit  int          // checks under way at the same time; 0: 1024
	// Settle is called every second while there are checkers, from a goroutine of its own, to stop and bind them as the
	// configuration has it now. nil: nothing is.
	Settle func()
}

// defaultLimit leaves a process of ordinary limits enough files for its work.
const defaultLimit = 1024

// settleEvery is how soon checks follow a configuration that nobody uses.
const settleEvery = time.Second

// Scheduler runs the active checks of all checkers. One goroutine waits for the next check that is due; each check under way has one of its
// own. It is safe for concurrent use.
type Scheduler struct {
	o      Options
	ctx    context.Context // of all checks
	cancel context.CancelFunc
	wake   chan struct{}
	wg     sync.WaitGroup

	mu      sync.Mutex
	queue   queue      // of the nodes that wait to be due; guarded by mu
	line    []*Checker // those with checks that could begin; guarded by mu
	running int        // checks under way; guarded by mu
	live    map[*Checker]struct{}
	started bool // the goroutine; guarded by mu
	closed  bool // guarded by mu
}

// New returns a scheduler, which must be closed. It costs nothing as long as nothing is checked.
func New(o Options) *Scheduler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	s := &Scheduler{o: o, wake: make(chan struct{}, 1), live: map[*Checker]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends all checks and waits for them.
func (s *Scheduler) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

// Live returns the checkers that check.
func (s *Scheduler) Live() []*Checker {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Checker, 0, len(s.live))
	for c := range s.live {
		list = append(list, c)
	}
	return list
}

// reschedule replaces the nodes of a checker.
func (s *Scheduler) reschedule(c *Checker, before, after []*node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.live[c] = struct{}{}
	for _, n := range before {
		n.gone = true
	}
	now := time.Now()
	for _, n := range after {
		n.gone = false
		s.enqueue(n, now)
	}
	for _, n := range before {
		if n.gone && n.at >= 0 {
			heap.Remove(&s.queue, n.at)
		}
	}
	if !s.started {
		s.started = true
		s.wg.Go(s.run)
	}
	s.signal()
}

// drop forgets a checker and its nodes.
func (s *Scheduler) drop(c *Checker, nodes []*node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, c)
	for _, n := range nodes {
		n.gone = true
		if n.at >= 0 {
			heap.Remove(&s.queue, n.at)
		}
	}
}

// enqueue says when the node is to be checked next, by its status, but never later than it already is to be. The caller holds mu.
func (s *Scheduler) enqueue(n *node, now time.Time) {
	spec := n.checker.current.Load()
	if n.pending || n.gone || spec == nil {
		return
	}
	r := &spec.Checks.active.healthy
	if !n.load().Serves() {
		r = &spec.Checks.active.unhealthy
	}
	if r.interval <= 0 {
		if n.at >= 0 {
			heap.Remove(&s.queue, n.at)
		}
		return
	}
	due := now.Add(jitter(r.interval))
	switch {
	case n.at < 0:
		n.due = due
		heap.Push(&s.queue, n)
	case due.Before(n.due):
		n.due = due
		heap.Fix(&s.queue, n.at)
	}
}

// jitter spreads checks that began together: up to a tenth earlier.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

// advance gives a node whose status has turned the time of its next check.
func (s *Scheduler) advance(n *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.enqueue(n, time.Now())
	s.signal()
}

func (s *Scheduler) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Scheduler) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	settled := time.Now()
	settling := make(chan struct{}, 1) // full while Settle runs
	for {
		now := time.Now()
		if now.Sub(settled) >= settleEvery {
			settled = now
			s.settle(settling)
		}
		timer.Reset(min(s.begin(now), settled.Add(settleEvery).Sub(now)))
		select {
		case <-s.ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// settle calls Settle, unless it is still at it.
func (s *Scheduler) settle(busy chan struct{}) {
	if s.o.Settle == nil {
		return
	}
	select {
	case busy <- struct{}{}:
		s.wg.Go(func() {
			defer func() { <-busy }()
			s.o.Settle()
		})
	default:
	}
}

// begin begins the checks that are due and returns how long there is nothing to do.
func (s *Scheduler) begin(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 && !s.queue[0].due.After(now) {
		n := heap.Pop(&s.queue).(*node)
		n.pending = true
		n.checker.waiting = append(n.checker.waiting, n)
		s.offer(n.checker)
	}
	s.dispatch()
	if len(s.queue) == 0 {
		return time.Hour
	}
	return s.queue[0].due.Sub(now)
}

// offer puts a checker into the line if it could begin a check. The caller holds mu.
func (s *Scheduler) offer(c *Checker) {
	if c.ready || len(c.waiting) == 0 || c.running >= c.current.Load().Checks.active.concurrency {
		return
	}
	c.ready = true
	s.line = append(s.line, c)
}

// dispatch begins checks as far as there is room, one of each checker in turn. The caller holds mu.
func (s *Scheduler) dispatch() {
	for s.running < s.o.Limit && len(s.line) > 0 && !s.closed {
		c := s.line[0]
		s.line[0] = nil
		s.line = s.line[1:]
		c.ready = false
		n := c.waiting[0]
		c.waiting[0] = nil
		c.waiting = c.waiting[1:]
		if n.gone {
			n.pending = false
			s.offer(c)
			continue
		}
		c.running++
		s.running++
		s.wg.Go(func() { s.check(n) })
		s.offer(c)
	}
}

func (s *Scheduler) check(n *node) {
	spec := n.checker.current.Load()
	s.probe(spec, n, func(e event) {
		a := &spec.Checks.active
		n.checker.report(n, e, e.limit(&a.healthy, &a.unhealthy), "active")
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	n.pending = false
	n.checker.running--
	s.running--
	s.enqueue(n, time.Now())
	s.offer(n.checker)
	s.dispatch()
	s.signal()
}

// queue is a heap of nodes, the one that is due first on top.
type queue []*node

// Len implements sort.Interface.
func (q queue) Len() int { return len(q) }

// Less implements sort.Interface.
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

// Swap implements sort.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	n := x.(*node)
	n.at = len(*q)
	*q = append(*q, n)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	n := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	n.at = -1
	return n
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// board knows which versions of the hot routes may answer.
type board struct {
	mu     sync.Mutex
	routes [hot]struct { // guarded by mu
		sent int // the newest version that was sent
		sure int // the newest version that must be in service by now
	}
	acked chan ack
}

// ack is a change that the Admin API has answered.
type ack struct {
	n, version int
	at         time.Time
}

func newBoard() *board { return &board{acked: make(chan ack, 1<<20)} }

// settleAcks takes over what was answered long enough ago.
func (b *board) settleAcks(pending []ack) []ack {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.acked) > 0 {
		pending = append(pending, <-b.acked)
	}
	for len(pending) > 0 && time.Since(pending[0].at) > late {
		r := &b.routes[pending[0].n]
		r.sure = max(r.sure, pending[0].version)
		pending = pending[1:]
	}
	return pending
}

func (b *board) sure(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.routes[n].sure
}

func (b *board) sent(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.routes[n].sent
}

// send reserves the next version of a route.
func (b *board) send(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes[n].sent++
	return b.routes[n].sent
}

// reset brings the hot routes to a version that the board knows.
func (s *scene) reset(ctx context.Context, b *board) error {
	c := client()
	for n := range hot {
		b.routes[n].sent = singles + 1
		if err := s.put(ctx, c, n, singles+1); err != nil {
			return err
		}
		b.acked <- ack{n, singles + 1, time.Now()}
	}
	return nil
}

// tally is what came of requests.
type tally struct {
	took          []time.Duration
	failed, wrong int
	err           error // one of the failures
}

func (t *tally) bad() int { return t.failed + t.wrong }

// traffic asks for hot routes at the rate, however long answers take, and checks which version answers. The time of a request
// counts from when it was due.
func (s *scene) traffic(ctx context.Context, addr string, b *board, length time.Duration) tally {
	due := make(chan time.Time, s.rate)
	var mu sync.Mutex
	var t tally
	var wg sync.WaitGroup
	for range clients {
		c := client()
		wg.Go(func() {
			for at := range due {
				wrong, err := check(ctx, c, addr, b)
				took := time.Since(at)
				mu.Lock()
				t.took = append(t.took, took)
				if err != nil {
					t.failed++
					t.err = err
				} else if wrong != nil {
					t.wrong++
					t.err = wrong
				}
				mu.Unlock()
			}
		})
	}
	pace(ctx, s.rate, length, func(at time.Time, pending []ack) []ack {
		due <- at
		return b.settleAcks(pending)
	})
	close(due)
	wg.Wait()
	return t
}

// check asks for one route.
func check(ctx context.Context, c *http.Client, addr string, b *board) (wrong, err error) {
	n := rand.IntN(hot)
	atLeast := b.sure(n)
	got, err := get(ctx, c, addr, n)
	if err != nil {
		return nil, err
	}
	if most := b.sent(n); got < atLeast || got > most {
		return fmt.Errorf("route %d answered as version %d, not as one from %d to %d", n, got, atLeast, most), nil
	}
	return nil, nil
}

// pace calls f rate times in a second.
func pace(ctx context.Context, rate int, length time.Duration, f func(at time.Time, pending []ack) []ack) {
	began := time.Now()
	var pending []ack
	for i := 0; ctx.Err() == nil; i++ {
		at := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if at.Sub(began) >= length {
			return
		}
		time.Sleep(time.Until(at))
		pending = f(at, pending)
	}
}

// storm changes hot routes at the rate of changes until ctx ends, and returns how many it changed.
func (s *scene) storm(ctx context.Context, b *board) (int, error) {
	due := make(chan int, s.changes)
	var mu sync.Mutex
	var done int
	var errs []error
	var wg sync.WaitGroup
	for w := range writers {
		c := client()
		wg.Go(func() {
			for i := range due {
				// Each writer has routes of its own, so that versions of a route arrive in order.
				n := (i*writers + w) % (hot - hot%writers)
				version := b.send(n)
				err := s.put(context.WithoutCancel(ctx), c, n, version)
				b.acked <- ack{n, version, time.Now()}
				mu.Lock()
				done++
				if err != nil {
					errs = append(errs, err)
				}
				mu.Unlock()
			}
		})
	}
	i := 0
	pace(ctx, s.changes, 24*time.Hour, func(time.Time, []ack) []ack {
		select {
		case due <- i:
			i++
		default: // the writers are behind: what they reach is the rate that is told
		}
		return nil
	})
	close(due)
	wg.Wait()
	return done, errors.Join(errs...)
}

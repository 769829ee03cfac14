package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errDNS = errors.New("server misbehaving") // the fake server's
	addr1  = netip.MustParseAddr("10.0.0.1")
	addr2  = netip.MustParseAddr("10.0.0.2")
)

// fakeDNS answers lookups and counts them.
type fakeDNS struct {
	mu    sync.Mutex
	addrs []netip.Addr
	err   error
	delay time.Duration
	calls int
}

func (f *fakeDNS) set(err error, addrs ...netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addrs, f.err = addrs, err
}

func (f *fakeDNS) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeDNS) lookup(ctx context.Context, _ string) ([]netip.Addr, error) {
	f.mu.Lock()
	f.calls++
	delay := f.delay
	f.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addrs, f.err
}

// inBubble runs a test with a fake clock and a resolver that asks f.
func inBubble(t *testing.T, f *fakeDNS, test func(t *testing.T, r *Resolver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := NewResolver(ResolverOptions{Lookup: f.lookup})
		defer r.Close()
		test(t, r)
	})
}

func expect(t *testing.T, r *Resolver, want netip.Addr, wantErr error) {
	t.Helper()
	got, err := r.Lookup(t.Context(), "a.com")
	if got != want || !errors.Is(err, wantErr) {
		t.Fatalf("after %v: got %v %v, want %v %v", time.Now(), got, err, want, wantErr)
	}
}

func TestResolverRefreshes(t *testing.T) {
	f := &fakeDNS{addrs: []netip.Addr{addr1}}
	inBubble(t, f, func(t *testing.T, r *Resolver) {
		for range 10 {
			expect(t, r, addr1, nil)
		}
		if got := f.count(); got != 1 {
			t.Errorf("got %d lookups, want 1", got)
		}
		f.set(nil, addr2)
		time.Sleep(26 * time.Second)
		expect(t, r, addr1, nil)
		time.Sleep(8 * time.Second)
		synctest.Wait()
		expect(t, r, addr2, nil)
		if got := f.count(); got != 2 {
			t.Errorf("got %d lookups, want 2", got)
		}
	})
}

func TestResolverKeepsGoodAddresses(t *testing.T) {
	f := &fakeDNS{addrs: []netip.Addr{addr1}}
	inBubble(t, f, func(t *testing.T, r *Resolver) {
		expect(t, r, addr1, nil)
		f.set(errDNS)
		for range 9 {
			time.Sleep(time.Minute)
			expect(t, r, addr1, nil)
		}
		time.Sleep(2 * time.Minute)
		expect(t, r, netip.Addr{}, errDNS)
		f.set(nil, addr2)
		time.Sleep(2 * time.Second)
		expect(t, r, addr2, nil)
	})
}

func TestResolverNegativeCache(t *testing.T) {
	f := &fakeDNS{err: errDNS}
	inBubble(t, f, func(t *testing.T, r *Resolver) {
		expect(t, r, netip.Addr{}, errDNS)
		f.set(nil, addr1)
		time.Sleep(900 * time.Millisecond)
		expect(t, r, netip.Addr{}, errDNS)
		if got := f.count(); got != 1 {
			t.Errorf("got %d lookups, want 1", got)
		}
		time.Sleep(200 * time.Millisecond)
		expect(t, r, addr1, nil)
	})
}

func TestResolverNoAddress(t *testing.T) {
	inBubble(t, &fakeDNS{}, func(t *testing.T, r *Resolver) {
		expect(t, r, netip.Addr{}, errNoAddress)
	})
}

func TestResolverOneLookup(t *testing.T) {
	f := &fakeDNS{addrs: []netip.Addr{addr1}, delay: time.Second}
	inBubble(t, f, func(t *testing.T, r *Resolver) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { expect(t, r, addr1, nil) })
		}
		wg.Wait()
		if got := f.count(); got != 1 {
			t.Errorf("got %d lookups, want 1", got)
		}
	})
}

func TestResolverWaits(t *testing.T) {
	f := &fakeDNS{addrs: []netip.Addr{addr1}, delay: time.Minute}
	inBubble(t, f, func(t *testing.T, r *Resolver) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Lookup(ctx, "a.com"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want the caller's deadline", err, time.Since(start))
		}
		if _, err := r.Lookup(t.Context(), "a.com"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("got %v after %v, want the resolver's", err, time.Since(start))
		}
	})
}

func TestResolverForgetsIdleNames(t *testing.T) {
	f := &fakeDNS{addrs: []netip.Addr{addr1}}
	inBubble(t, f, func(t *testing.T, r *Resolver) {
		expect(t, r, addr1, nil)
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		before := f.count()
		time.Sleep(10 * time.Minute)
		if got := f.count() - before; got != 0 {
			t.Errorf("got %d lookups of a name that nobody uses", got)
		}
		if len(*r.read.Load()) != 0 {
			t.Errorf("got names %v, want none", *r.read.Load())
		}
		expect(t, r, addr1, nil)
	})
}

func TestResolverClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDNS{addrs: []netip.Addr{addr1}}
		r := NewResolver(ResolverOptions{Lookup: f.lookup})
		expect(t, r, addr1, nil)
		f.mu.Lock()
		f.delay = time.Hour
		f.mu.Unlock()
		done := make(chan error)
		go func() {
			_, err := r.Lookup(t.Context(), "slow.com")
			done <- err
		}()
		synctest.Wait()
		r.Close()
		r.Close()
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v for a lookup under way, want ErrClosed", err)
		}
		if _, err := r.Lookup(t.Context(), "new.com"); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v for a new name, want ErrClosed", err)
		}
		expect(t, r, addr1, nil)
	})
}

func TestResolverAddresses(t *testing.T) {
	f := &fakeDNS{addrs: []netip.Addr{addr1, addr2}}
	inBubble(t, f, func(t *testing.T, r *Resolver) {
		seen := map[netip.Addr]bool{}
		for range 200 {
			a, err := r.Lookup(t.Context(), "a.com")
			if err != nil {
				t.Fatal(err)
			}
			seen[a] = true
		}
		if len(seen) != 2 {
			t.Errorf("got %v, want both addresses", seen)
		}
		for _, literal := range []string{"::1", "[::1]", "10.1.1.1"} {
			if a, err := r.Lookup(t.Context(), literal); err != nil || !a.IsValid() {
				t.Errorf("%s: got %v %v", literal, a, err)
			}
		}
		if got := f.count(); got != 1 {
			t.Errorf("got %d lookups, want 1", got)
		}
	})
}

// TestResolverHammer looks up many names while their addresses change, fail and are forgotten.
func TestResolverHammer(t *testing.T) {
	var n atomic.Int64
	r := NewResolver(ResolverOptions{Valid: time.Millisecond, Lookup: func(context.Context, string) ([]netip.Addr, error) {
		if n.Add(1)%7 == 0 {
			return nil, errDNS
		}
		return []netip.Addr{addr1, addr2}, nil
	}})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20_000 {
				a, err := r.Lookup(t.Context(), fmt.Sprintf("h%d", (i+g)%100))
				if (err == nil) != a.IsValid() || err != nil && !errors.Is(err, errDNS) {
					t.Errorf("got %v %v", a, err)
					return
				}
			}
		})
	}
	wg.Wait()
	r.Close()
	if _, err := r.Lookup(t.Context(), "new"); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v after Close, want ErrClosed", err)
	}
}

func TestResolverDoesNotAllocate(t *testing.T) {
	f := &fakeDNS{addrs: []netip.Addr{addr1, addr2}}
	r := NewResolver(ResolverOptions{Lookup: f.lookup})
	defer r.Close()
	if _, err := r.Lookup(t.Context(), "a.com"); err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(100, func() { _, _ = r.Lookup(t.Context(), "a.com") }); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkLookup(b *testing.B) {
	f := &fakeDNS{addrs: []netip.Addr{addr1, addr2}}
	r := NewResolver(ResolverOptions{Lookup: f.lookup})
	defer r.Close()
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("service-%d.namespace.svc.cluster.local", i)
		if _, err := r.Lookup(b.Context(), names[i]); err != nil {
			b.Fatal(err)
		}
	}
	for range 10_000 {
		_, _ = r.Lookup(b.Context(), names[len(names)-1])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := r.Lookup(b.Context(), names[i%len(names)]); err != nil {
			b.Fatal(err)
		}
	}
}

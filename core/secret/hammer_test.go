package secret_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polygate/polygate/core/secret"
)

// TestHammer does everything at once, for the race detector, and checks that callers who listen to Run end with the last value.
func TestHammer(t *testing.T) {
	const paths = 20
	s := newStage(secret.Options{TTL: 20 * time.Millisecond, NegTTL: 10 * time.Millisecond, Count: 30, NegCount: 30, Timeout: 5 * time.Millisecond})
	ref := func(i int) string { return fmt.Sprintf("$secret://vault/%d/p%d/a", 1+i%2, i%paths) }
	var all []string
	for i := range paths {
		s.vault.set(fmt.Sprintf("kv/apisix/p%d", i), `{"a":"0"}`)
		all = append(all, ref(i))
	}
	configure := func(n int) {
		s.SetManagers(map[string]json.RawMessage{
			"vault/1": vaultResource("http://vault", "root-token"),
			"vault/2": vaultResource(fmt.Sprintf("http://vault%d", n), "root-token"),
		})
	}
	configure(0)

	var held sync.Map // what a user of the resolver has, by reference
	ctx, cancel := context.WithCancel(t.Context())
	hold := func(refs []string) {
		for _, ref := range refs {
			if value, err := s.Resolve(ctx, ref); err == nil {
				held.Store(ref, value)
			}
		}
	}
	hold(all)
	running := make(chan error)
	go func() { running <- s.Run(ctx, hold) }()

	end := time.Now().Add(500 * time.Millisecond)
	var wg sync.WaitGroup
	var round atomic.Int64
	for worker := range 4 {
		wg.Go(func() {
			for time.Now().Before(end) {
				n := int(round.Add(1))
				i := n % paths
				switch n % 40 {
				case 0:
					configure(n)
				case 1:
					s.Retain(all[:n%paths])
				case 2:
					s.vault.behave(func(v *vaultFake) { v.hang = n%80 == 2 })
				case 3:
					s.vault.behave(func(v *vaultFake) {
						v.down = nil
						if n%80 == 3 {
							v.down = errors.New("connection refused")
						}
					})
				case 4:
					s.Prefetch(ctx, all)
				case 5:
					s.Status()
				case 6:
					short, cancel := context.WithTimeout(ctx, time.Duration(worker)*time.Millisecond)
					_, _ = s.Resolve(short, ref(i))
					cancel()
				case 7:
					s.vault.set(fmt.Sprintf("kv/apisix/p%d", i), fmt.Sprintf(`{"a":"%d"}`, n))
				default:
					if value, err := s.Resolve(ctx, ref(i)); err == nil && strings.Trim(value, "0123456789") != "" {
						t.Errorf("got %q, want a number", value)
					}
				}
			}
		})
	}
	wg.Wait()

	s.vault.behave(func(v *vaultFake) { v.hang, v.down = false, nil })
	s.Retain(all)
	for i := range paths {
		s.vault.set(fmt.Sprintf("kv/apisix/p%d", i), `{"a":"last"}`)
	}
	hold(all)
	deadline := time.After(10 * time.Second)
	for _, ref := range all {
		for {
			if value, _ := held.Load(ref); value == "last" {
				break
			}
			select {
			case <-deadline:
				t.Fatalf("%s: the last value never came: %+v", ref, s.Status())
			case <-time.After(time.Millisecond):
			}
		}
	}
	cancel()
	if err := <-running; err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

package secret_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/secret"
)

func TestIsRef(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{"$secret://vault/1/a/b", true}, {"$secret://", true}, {"$ENV://A", true}, {"$env://A", true}, {"$Env://A", true},
		{"", false}, {"$", false}, {"$SECRET://vault/1/a/b", false}, {"secret://vault/1/a/b", false}, {"$env:/A", false}, {"x$env://A", false},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			if got := secret.IsRef(tt.text); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEnv(t *testing.T) {
	r := secret.New(secret.Options{Env: env(map[string]string{
		"A": "test-value", "EMPTY": "", "J": `{"main":"main_value","sub":"s3cret","n":1.50,"o":{}}`, "AB": "longer",
	})})
	tests := []struct {
		ref, value, fails string
	}{
		{ref: "$env://A", value: "test-value"},
		{ref: "$ENV://AB", value: "longer"},
		{ref: "$Env://J/main", value: "main_value"},
		{ref: "$ENV://J/n", value: "1.50"},
		{ref: "$ENV://A/", value: "test-value"},
		{ref: "$ENV://EMPTY"},
		{ref: "$ENV://a", fails: "resolve $ENV://a: the environment variable a is not set: set it for the gateway's process"},
		{ref: "$ENV://", fails: "names no environment variable"},
		{ref: "$ENV://A/main", fails: "environment variable A, field main: what was read is not a JSON object"},
		{ref: "$ENV://J/no", fails: "there is no such field"},
		{ref: "$ENV://J/o", fails: "an object or a list"},
		{ref: "A", fails: "does not begin with $secret:// or $ENV://"},
	}
	for _, tt := range tests {
		t.Run(tt.ref, func(t *testing.T) {
			if tt.fails != "" {
				wantError(t, r, tt.ref, tt.fails)
				return
			}
			want(t, r, tt.ref, tt.value)
		})
	}
}

// stage is a resolver with a Vault where time passes only when everybody waits.
type stage struct {
	*secret.Resolver
	vault *vaultFake
	log   *logBuffer

	mu      sync.Mutex
	changed []string
}

func newStage(o secret.Options) *stage {
	s := &stage{vault: newVaultFake(), log: &logBuffer{}}
	o.Client = &http.Client{Transport: s.vault}
	o.Logger = s.log.logger()
	s.Resolver = secret.New(o)
	s.SetManagers(managers("vault/1", vaultResource("http://vault", "root-token")))
	return s
}

// run starts Run and ends it with the test.
func (s *stage) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- s.Run(ctx, func(refs []string) {
			s.mu.Lock()
			s.changed = append(s.changed, refs...)
			s.mu.Unlock()
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("got %v, want Run to end without an error", err)
		}
	})
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// wantChanged checks what was reported since it was called last, at once or one by one.
func (s *stage) wantChanged(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.changed)
	if diff := cmp.Diff(want, s.changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	s.changed = nil
}

func (s *stage) wantStatus(t *testing.T, want secret.ManagerStatus, says string) {
	t.Helper()
	got := s.Status()
	if len(got) != 1 {
		t.Fatalf("got %+v, want one manager", got)
	}
	if (says == "") != (got[0].LastError == "") || !strings.Contains(got[0].LastError, says) {
		t.Errorf("got last error %q, want %q in it", got[0].LastError, says)
	}
	got[0].LastError = ""
	if got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
}

const (
	jackA = "$secret://vault/1/jack/a"
	jackB = "$secret://vault/1/jack/b"
	jillA = "$secret://vault/1/jill/a"
)

func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.set("kv/apisix/jack", `{"a":"1","b":"1"}`)
		s.run(t)
		want(t, s.Resolver, jackA, "1")
		want(t, s.Resolver, jackB, "1")
		pass(200 * time.Second)
		want(t, s.Resolver, jackA, "1")
		if got := s.vault.total(); got != 1 {
			t.Errorf("got %d reads, want 1 within the time to live", got)
		}
		s.vault.set("kv/apisix/jack", `{"a":"2","b":"1"}`)
		pass(100 * time.Second)
		s.wantChanged(t, jackA)
		want(t, s.Resolver, jackA, "2")
		want(t, s.Resolver, jackB, "1")
		if got := s.vault.total(); got != 2 {
			t.Errorf("got %d reads, want 2: Run has refreshed what was about to expire", got)
		}
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", OK: true, Cached: 2}, "")
		pass(time.Hour)
		s.wantChanged(t)
	})
}

func TestExpiryWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		s := newStage(secret.Options{TTL: time.Minute, Now: func() time.Time { return now }})
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		want(t, s.Resolver, jackA, "1")
		s.vault.set("kv/apisix/jack", `{"a":"2"}`)
		now = now.Add(59 * time.Second)
		want(t, s.Resolver, jackA, "1")
		now = now.Add(time.Second)
		want(t, s.Resolver, jackA, "2")

		s.vault.behave(func(v *vaultFake) { v.down = errors.New("connection refused") })
		now = now.Add(time.Hour)
		want(t, s.Resolver, jackA, "2")
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", Cached: 1, Stale: 1}, "connection refused")
	})
}

func TestVaultDownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		s.vault.set("kv/apisix/jill", `{"a":"1"}`)
		s.vault.behave(func(v *vaultFake) { v.down = errors.New("connection refused") })
		for range 10 {
			wantError(t, s.Resolver, jackA, "ask vault: connection refused: check the address")
			wantError(t, s.Resolver, jillA, "connection refused")
		}
		if got := s.vault.total(); got != 1 {
			t.Errorf("got %d requests, want 1 for all", got)
		}
		s.run(t)
		pass(5 * time.Minute)
		s.wantChanged(t)
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", Failed: 2}, "connection refused")
		if got := s.vault.total(); got < 5 || got > 15 {
			t.Errorf("got %d requests within 5 minutes, want some, less and less often", got)
		}
		s.vault.behave(func(v *vaultFake) { v.down = nil })
		pass(time.Minute)
		s.wantChanged(t, jackA, jillA)
		want(t, s.Resolver, jackA, "1")
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", OK: true, Cached: 2}, "")
		for text, n := range map[string]int{"does not answer": 1, "answers again": 1} {
			if got := s.log.count(text); got != n {
				t.Errorf("got %d lines with %q, want %d:\n%s", got, text, n, s.log)
			}
		}
	})
}

func TestRecoversSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		s.vault.behave(func(v *vaultFake) { v.down = errors.New("connection refused") })
		s.run(t)
		wantError(t, s.Resolver, jackA, "connection refused")
		s.vault.behave(func(v *vaultFake) { v.down = nil })
		pass(3 * time.Second)
		s.wantChanged(t, jackA)
	})
}

func TestVaultAwayLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.set("kv/apisix/jack", `{"a":"1","b":"1"}`)
		s.run(t)
		want(t, s.Resolver, jackA, "1")
		want(t, s.Resolver, jackB, "1")
		s.vault.behave(func(v *vaultFake) { v.hang = true })
		pass(time.Hour)
		begun := time.Now()
		want(t, s.Resolver, jackA, "1")
		wantError(t, s.Resolver, jillA, "does not answer in time")
		if took := time.Since(begun); took != 0 {
			t.Errorf("got %v, want nobody to wait for a manager that is known to hang", took)
		}
		s.wantChanged(t)
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", Cached: 2, Stale: 2, Failed: 1}, "does not answer in time")
		if got := s.log.count("level=WARN"); got != 1 {
			t.Errorf("got %d warnings, want 1:\n%s", got, s.log)
		}
		s.vault.behave(func(v *vaultFake) { v.hang = false })
		s.vault.set("kv/apisix/jack", `{"a":"1","b":"2"}`)
		pass(2 * time.Minute)
		s.wantChanged(t, jackB)
	})
}

// TestSecretGone shows that what a manager no longer has stays in use, and that this is said once.
func TestSecretGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.set("kv/apisix/jack", `{"a":"1","b":"1"}`)
		s.run(t)
		want(t, s.Resolver, jackA, "1")
		want(t, s.Resolver, jackB, "1")
		s.vault.set("kv/apisix/jack", `{"b":"1"}`)
		pass(time.Hour)
		want(t, s.Resolver, jackA, "1")
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", Cached: 2, Stale: 1}, "field a of jack: there is no such field")
		s.vault.behave(func(v *vaultFake) { clear(v.data) })
		pass(time.Hour)
		want(t, s.Resolver, jackB, "1")
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", Cached: 2, Stale: 2}, "Vault answered 404")
		if got := s.log.count("cannot be read again"); got != 2 {
			t.Errorf("got %d warnings, want one per reference:\n%s", got, s.log)
		}
		s.vault.set("kv/apisix/jack", `{"a":"1","b":"1"}`)
		pass(time.Hour)
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", OK: true, Cached: 2}, "")
		s.wantChanged(t)
	})
}

func TestNegativeCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		for range 10 {
			wantError(t, s.Resolver, jackA, "404")
			wantError(t, s.Resolver, jackB, "404")
		}
		if got := s.vault.total(); got != 1 {
			t.Errorf("got %d reads, want 1", got)
		}
		s.run(t)
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		pass(59 * time.Second)
		wantError(t, s.Resolver, jackA, "404")
		pass(2 * time.Second)
		s.wantChanged(t, jackA)
		wantError(t, s.Resolver, jackB, "no such field")
	})
}

func TestSlowVault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.behave(func(v *vaultFake) { v.hang = true })
		begun := time.Now()
		var refs []string
		for i := range 100 {
			refs = append(refs, fmt.Sprintf("$secret://vault/1/p%d/a", i))
		}
		s.Prefetch(t.Context(), refs)
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("got %v for 100 references, want 2s", took)
		}
		for _, ref := range refs {
			wantError(t, s.Resolver, ref, "secret manager vault/1: vault does not answer in time")
		}
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("got %v, want no further wait", took)
		}
		pass(time.Minute)
		for _, ref := range refs {
			wantError(t, s.Resolver, ref, "does not answer in time")
		}
		if took := time.Since(begun); took != 64*time.Second {
			t.Errorf("got %v, want one more wait of 2s per minute", took)
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.behave(func(v *vaultFake) { v.hang = true })
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 3 {
			// The first one ends with an error, and so may the others, or they get what the one who stays has read.
			wg.Go(func() { _, _ = s.Resolve(ctx, jackA) })
		}
		synctest.Wait()
		s.vault.behave(func(v *vaultFake) { v.hang = false })
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		wg.Go(func() { want(t, s.Resolver, jackA, "1") })
		synctest.Wait()
		cancel()
		wg.Wait()
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", OK: true, Cached: 1}, "")

		s.vault.behave(func(v *vaultFake) { v.hang = true })
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Resolve(short, jillA); err == nil {
			t.Error("got a value, want an error")
		}
		begun := time.Now()
		wantError(t, s.Resolver, "$secret://vault/1/other/a", "does not answer in time")
		if took := time.Since(begun); took != 0 {
			t.Errorf("got %v, want a manager to count as away when callers with little time find out", took)
		}
	})
}

func TestManagersChange(t *testing.T) {
	resource := func(token string, update int) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"uri":"http://vault","prefix":"kv/apisix","token":%q,"update_time":%d}`, token, update))
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.SetManagers(map[string]json.RawMessage{"vault/1": resource("root-token", 1), "vault/2": resource("root-token", 1)})
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		const other, missing = "$secret://vault/2/jack/a", "$secret://vault/3/jack/a"
		s.run(t)
		want(t, s.Resolver, jackA, "1")
		want(t, s.Resolver, other, "1")
		wantError(t, s.Resolver, missing, "there is no secret manager vault/3")
		if got := s.Status(); len(got) != 3 || got[2].LastError != "there is no such secret manager" || got[2].Failed != 1 {
			t.Errorf("got status %+v", got)
		}

		t.Log("the same configuration, written again")
		s.SetManagers(map[string]json.RawMessage{"vault/1": resource("root-token", 2), "vault/2": resource("root-token", 2)})
		pass(time.Second)
		if got := s.vault.total(); got != 2 {
			t.Errorf("got %d reads, want 2: nothing was dropped", got)
		}
		s.wantChanged(t)

		t.Log("one changed, one new")
		s.SetManagers(map[string]json.RawMessage{
			"vault/1": resource("wrong-token", 3), "vault/2": resource("root-token", 2), "vault/3": resource("root-token", 2),
		})
		pass(time.Second)
		s.wantChanged(t, jackA, missing)
		wantError(t, s.Resolver, jackA, "403")
		want(t, s.Resolver, other, "1")
		want(t, s.Resolver, missing, "1")

		t.Log("one mended, one removed")
		s.SetManagers(map[string]json.RawMessage{"vault/1": resource("root-token", 3), "vault/3": resource("root-token", 2)})
		pass(time.Second)
		s.wantChanged(t, jackA, other)
		wantError(t, s.Resolver, other, "there is no secret manager vault/2")
	})
}

func TestManagersChangeWithoutRun(t *testing.T) {
	s := newStage(secret.Options{})
	s.vault.set("kv/apisix/jack", `{"a":"1"}`)
	want(t, s.Resolver, jackA, "1")
	s.SetManagers(nil)
	wantError(t, s.Resolver, jackA, "there is no secret manager vault/1")
	s.SetManagers(managers("vault/1", vaultResource("http://vault", "root-token")))
	want(t, s.Resolver, jackA, "1")
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	if err := s.Run(ctx, func(refs []string) { got = refs; cancel() }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{jackA}) {
		t.Errorf("got %v, want what changed before Run to be reported", got)
	}
}

// TestChangeFoundByCaller shows that everybody hears of a value that only one caller saw change.
func TestChangeFoundByCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		s := newStage(secret.Options{Now: func() time.Time { return now }})
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		want(t, s.Resolver, jackA, "1")
		s.vault.set("kv/apisix/jack", `{"a":"2"}`)
		now = now.Add(time.Hour)
		want(t, s.Resolver, jackA, "2")
		s.run(t)
		synctest.Wait()
		s.wantChanged(t, jackA)
	})
}

func TestCountAndRetain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{Count: 2, NegCount: 1})
		path := func(i int) string { return fmt.Sprintf("kv/apisix/p%d", i) }
		ref := func(i int) string { return fmt.Sprintf("$secret://vault/1/p%d/a", i) }
		for i := range 4 {
			s.vault.set(path(i), `{"a":"1"}`)
		}
		want(t, s.Resolver, ref(0), "1")
		want(t, s.Resolver, ref(1), "1")
		want(t, s.Resolver, ref(0), "1")
		want(t, s.Resolver, ref(2), "1")
		want(t, s.Resolver, ref(0), "1")
		if got := s.vault.count(path(0)); got != 1 {
			t.Errorf("got %d reads of what was used last, want 1", got)
		}
		want(t, s.Resolver, ref(1), "1")
		if got := s.vault.count(path(1)); got != 2 {
			t.Errorf("got %d reads of what was dropped, want 2", got)
		}
		s.run(t)
		pass(2 * time.Minute)
		if got := s.log.count("raise count and neg_count in apisix.lru.secret"); got != 1 {
			t.Errorf("got %d warnings, want 1", got)
		}

		s.Retain([]string{ref(0), ref(1), ref(2), ref(3)})
		for i := range 4 {
			want(t, s.Resolver, ref(i), "1")
			s.vault.set(path(i), `{"a":"2"}`)
		}
		pass(5 * time.Minute)
		s.wantChanged(t, ref(0), ref(1), ref(2), ref(3))
		s.Retain([]string{ref(3)})
		s.wantStatus(t, secret.ManagerStatus{Name: "vault/1", OK: true, Cached: 1}, "")
		before := s.vault.total()
		pass(5 * time.Minute)
		if got := s.vault.total() - before; got < 1 || got > 2 {
			t.Errorf("got %d reads, want those of one reference", got)
		}
	})
}

// TestAmbiguousNames shows that a name that AWS does not have is not asked for more often than the one that it has.
func TestAmbiguousNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &awsFake{secrets: map[string]string{"a": `{"SecretString":"{\"b/c\":\"1\",\"d\":\"2\"}"}`}}
		r := secret.New(secret.Options{Client: &http.Client{Transport: inProcess{fake}}})
		r.SetManagers(managers("aws/1", awsResource(nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		var changed []string
		go func() { done <- r.Run(ctx, func(refs []string) { changed = refs }) }()
		want(t, r, "$secret://aws/1/a/b/c", "1")
		want(t, r, "$secret://aws/1/a/d", "2")
		if diff := cmp.Diff([]string{"a/b/c", "a/b", "a", "a/d"}, fake.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		pass(200 * time.Second)
		if got := len(fake.asked); got != 4 {
			t.Errorf("got %d requests, want 4", got)
		}
		fake.mu.Lock()
		fake.secrets["a/b"] = `{"SecretString":"{\"c\":\"3\"}"}`
		fake.mu.Unlock()
		pass(100 * time.Second)
		if diff := cmp.Diff([]string{"$secret://aws/1/a/b/c"}, changed); diff != "" {
			t.Errorf("changed (-want +got):\n%s", diff)
		}
		if got := len(fake.asked); got > 8 {
			t.Errorf("got requests %v, want no more than 8", fake.asked)
		}
		cancel()
		<-done
	})
}

func TestResolveKnownDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(secret.Options{})
		s.vault.set("kv/apisix/jack", `{"a":"1"}`)
		s.run(t)
		want(t, s.Resolver, jackA, "1")
		s.vault.behave(func(v *vaultFake) { v.hang = true })
		end := time.Now().Add(10 * time.Minute)
		for time.Now().Before(end) {
			begun := time.Now()
			want(t, s.Resolver, jackA, "1")
			if took := time.Since(begun); took != 0 {
				t.Fatalf("got %v, want Run to do the waiting", took)
			}
			pass(time.Second / 2)
		}
	})
}

func BenchmarkResolveKnown(b *testing.B) {
	s := newStage(secret.Options{})
	s.vault.set("kv/apisix/jack", `{"a":"1"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Resolve(b.Context(), jackA); err != nil {
			b.Fatal(err)
		}
	}
}

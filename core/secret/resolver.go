// Package secret finds the values that a configuration only refers to, and encrypts what is kept in the store.
//
// A reference is $ENV://NAME or $ENV://NAME/field for the environment, and $secret://<manager>/<id>/<key> for a secret manager:
// HashiCorp Vault, AWS Secrets Manager or Google Cloud's Secret Manager, as in APISIX. [Resolver] reads, keeps and refreshes the
// secrets; a value that was read once stays in use when its manager is away or no longer has it. [Keyring] is the encryption at
// rest.
//
// Neither errors nor logs nor the status contain secrets or the credentials of managers.
package secret

import (
	"container/list"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	defaultTTL     = 300 * time.Second
	defaultNegTTL  = 60 * time.Second
	defaultCount   = 512
	defaultTimeout = 2 * time.Second
	atOnce         = 16 // reads that Prefetch and Run do at the same time
)

// Options say how a resolver works. The zero value has APISIX's limits.
type Options struct {
	Env      func(name string) (string, bool) // looks up environment variables; nil: [os.LookupEnv]
	Client   *http.Client                     // asks the managers; nil: one with limits, which verifies certificates
	Roots    *x509.CertPool                   // that the client made for a nil Client trusts; nil: the system's
	Logger   *slog.Logger                     // nil: [slog.Default]
	TTL      time.Duration                    // how long a value is used before it is read again; 0: 300 s
	NegTTL   time.Duration                    // how long nothing is tried for a caller after a failure; 0: 60 s
	Count    int                              // references with a value that are kept; 0: 512
	NegCount int                              // references without one; 0: 512
	Timeout  time.Duration                    // of one read, with all its requests; 0: 2 s
	Now      func() time.Time                 // nil: [time.Now]
}

// Resolver finds the values of references. It is safe for concurrent use; make it with [New].
//
// Resolve is meant to be called when a configuration is compiled, not per request. Whoever compiles it runs [Resolver.Run], and
// compiles again what has the references that Run reports.
type Resolver struct {
	options Options
	log     *slog.Logger
	now     func() time.Time
	clients *clients
	wake    chan struct{} // of one element: there is something for Run to do

	mu        sync.Mutex
	managers  map[string]*manager      // by name, such as "vault/1"; guarded by mu
	entries   map[string]*entry        // by reference; guarded by mu
	documents map[documentID]*document // guarded by mu
	good      *list.List               // entries with a value, the last used first, without those retained; guarded by mu
	bad       *list.List               // those without one; guarded by mu
	retained  map[string]bool          // references that Retain named; guarded by mu
	pending   map[string]bool          // references to report; guarded by mu
	crowded   bool                     // entries were dropped; guarded by mu
}

// New returns a resolver without managers.
func New(o Options) *Resolver {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.TTL = positive(o.TTL, defaultTTL)
	o.NegTTL = positive(o.NegTTL, defaultNegTTL)
	o.Timeout = positive(o.Timeout, defaultTimeout)
	o.Count = positive(o.Count, defaultCount)
	o.NegCount = positive(o.NegCount, defaultCount)
	return &Resolver{
		options: o, log: o.Logger, now: o.Now, clients: newClients(o.Client, o.Roots), wake: make(chan struct{}, 1),
		managers: map[string]*manager{}, entries: map[string]*entry{}, documents: map[documentID]*document{},
		good: list.New(), bad: list.New(), pending: map[string]bool{},
	}
}

func positive[T int | time.Duration](n, otherwise T) T {
	if n > 0 {
		return n
	}
	return otherwise
}

// SetManagers replaces the managers. The keys are their ids, such as "vault/1", and the values the secret resources. A manager
// whose configuration is the same keeps its values; those of the others are dropped, and [Resolver.Run] reads them again and
// reports what became of them. A manager whose configuration is bad is there all the same: its references cannot be resolved,
// and [Resolver.Status] says why.
func (r *Resolver) SetManagers(resources map[string]json.RawMessage) {
	next := make(map[string]*manager, len(resources))
	for name, raw := range resources {
		next[name] = r.newManager(name, raw)
	}
	r.mu.Lock()
	for name, m := range next {
		if old := r.managers[name]; old != nil && old.same(m) {
			next[name] = old
		}
	}
	r.managers = next
	for _, e := range r.entries {
		if e.from != next[e.ref.manager] {
			e.held, e.has = "", false
			r.file(e)
		}
	}
	for id, d := range r.documents {
		if id.manager != next[id.manager.name] {
			d.content = nil
		}
	}
	r.mu.Unlock()
	r.kick()
}

// Resolve returns the value of a reference. It asks the secret manager only if nothing fresh is known, waits at most until ctx or
// the time limit of a read ends, and waits once for all callers that need the same secret. When the read fails it returns the
// value that it knew before, whatever its age. Otherwise the error names the reference, the cause and what to do; for a while
// it is the answer to later calls as well.
func (r *Resolver) Resolve(ctx context.Context, ref string) (string, error) {
	value, err := r.resolve(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", show(ref), err)
	}
	return value, nil
}

func (r *Resolver) resolve(ctx context.Context, ref string) (string, error) {
	if isEnv(ref) {
		return envValue(r.options.Env, ref)
	}
	parsed, err := parseReference(ref)
	if err != nil {
		return "", err
	}
	return r.update(ctx, r.entry(ref, parsed), usual)
}

// update finds the current value of an entry. It starts again if the manager was replaced in the meantime.
func (r *Resolver) update(ctx context.Context, e *entry, how urgency) (string, error) {
	for {
		found := r.find(ctx, e, how)
		value, err := r.settle(e, found)
		if !errors.Is(err, errOvertaken) {
			return value, err
		}
	}
}

// Prefetch resolves references at the same time, so that Resolve has their values at hand. It returns when all are done or ctx
// ends; what cannot be resolved is for Resolve to tell.
func (r *Resolver) Prefetch(ctx context.Context, refs []string) {
	each(ctx, refs, func(ref string) {
		_, _ = r.resolve(ctx, ref)
	})
}

// Retain names the references that the configuration in service has. They are kept and refreshed beyond Count and NegCount;
// the others are forgotten, but for those resolved within the last NegTTL, which may belong to a configuration that is being
// compiled. Without Retain, references beyond those numbers are dropped, the longest unused first, and are not refreshed.
func (r *Resolver) Retain(refs []string) {
	retained := make(map[string]bool, len(refs))
	for _, ref := range refs {
		retained[ref] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retained = retained
	recent := r.now().Add(-r.options.NegTTL)
	for ref, e := range r.entries {
		if !retained[ref] && e.used.Before(recent) {
			r.forget(e)
			continue
		}
		r.file(e)
	}
}

// each calls f with every item, some at the same time, until ctx ends.
func each[T any](ctx context.Context, items []T, f func(T)) {
	queue := make(chan T)
	var wg sync.WaitGroup
	for range min(atOnce, len(items)) {
		wg.Go(func() {
			for item := range queue {
				f(item)
			}
		})
	}
	for _, item := range items {
		if ctx.Err() != nil {
			break
		}
		queue <- item
	}
	close(queue)
	wg.Wait()
}

// kick wakes Run.
func (r *Resolver) kick() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

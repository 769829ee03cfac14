package etcd_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/etcd"
	"github.com/polygate/polygate/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func contains(text, part string) bool { return strings.Contains(text, part) }

// eventually waits for cond.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	every(t, 5*time.Millisecond, what, cond)
}

// patient waits for cond, and looks rarely.
func patient(t *testing.T, what string, cond func() bool) {
	t.Helper()
	every(t, 2500*time.Millisecond, what, cond)
}

func every(t *testing.T, pause time.Duration, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func open(t *testing.T, opts etcd.Options) *etcd.Store {
	t.Helper()
	opts.ResyncDelay = cmp.Or(opts.ResyncDelay, 500*time.Millisecond)
	s, err := etcd.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// view is what a running Watch brought.
type view struct {
	mu     sync.Mutex // guards what follows
	values map[string]string
	count  int
	fulls  int
	empty  int // full batches without an item
	times  []time.Time
}

// look watches the store until the test ends.
func look(t *testing.T, s store.Store) *view {
	t.Helper()
	v := &view{values: map[string]string{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Watch(ctx, v.apply) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("watch: got %v, want %v", err, context.Canceled)
		}
	})
	return v
}

func (v *view) apply(b store.Batch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count++
	v.times = append(v.times, time.Now())
	if b.Full {
		v.fulls++
		clear(v.values)
		if len(b.Changes) == 0 {
			v.empty++
		}
	}
	for _, c := range b.Changes {
		if c.Deleted {
			delete(v.values, c.Key)
		} else {
			v.values[c.Key] = string(c.Value)
		}
	}
}

func (v *view) counts() (batches, fulls, empty int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count, v.fulls, v.empty
}

func (v *view) get(key string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.values[key]
}

// holds waits until the values are want.
func (v *view) holds(t *testing.T, want map[string]string) {
	t.Helper()
	limit := time.Now().Add(30 * time.Second)
	eventually(t, "the watch brings what is stored", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		if time.Now().After(limit) {
			t.Fatalf("values (-want +got):\n%s", gocmp.Diff(want, v.values))
		}
		return v.count > 0 && maps.Equal(v.values, want)
	})
}

func TestStore(t *testing.T) {
	srv := newServer(t)
	n := 0
	storetest.Run(t, func(t *testing.T) (store.Store, store.Writer) {
		n++
		s := open(t, etcd.Options{Endpoints: []string{"http://" + srv.client}, Prefix: fmt.Sprintf("/suite%d/", n)})
		return s, s
	})
}

func TestPlaceholders(t *testing.T) {
	srv := newServer(t)
	for _, dir := range []string{"routes/", "services/"} {
		srv.put(dir, "init_dir")
	}
	srv.put("routes/1", "{}")
	srv.put("routes/2", "init_dir")
	srv.do(func(ctx context.Context, cli *clientv3.Client) error {
		_, err := cli.Put(ctx, "/apisixother/routes/9", "{}")
		return err
	})
	s := open(t, etcd.Options{Endpoints: []string{"http://" + srv.client}})
	want := map[string]string{"routes/1": "{}", "routes/2": "init_dir"}
	v := look(t, s)
	v.holds(t, want)
	srv.put("upstreams/", "init_dir")
	srv.put("routes/3", "{}")
	want["routes/3"] = "{}"
	v.holds(t, want)
	items, _, err := s.List(t.Context(), "")
	if err != nil || len(items) != 3 {
		t.Errorf("got %d items, %v, want 3", len(items), err)
	}
}

func TestBadOptions(t *testing.T) {
	for name, opts := range map[string]etcd.Options{
		"no endpoint": {},
		"no scheme":   {Endpoints: []string{"127.0.0.1:2379"}},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := etcd.New(opts); err == nil {
				t.Errorf("got %v and no error", s)
			}
		})
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// checkWriters checks that all writing methods report within 3 s what is wrong.
func checkWriters(t *testing.T, w store.Writer, want ...string) {
	t.Helper()
	calls := map[string]func(context.Context) error{
		"get":  func(ctx context.Context) error { _, err := w.Get(ctx, "other/1"); return err },
		"list": func(ctx context.Context) error { _, _, err := w.List(ctx, "other/"); return err },
		"put": func(ctx context.Context) error {
			_, err := w.Put(ctx, "other/1", nil, store.Cond{TTL: time.Hour})
			return err
		},
		"delete":  func(ctx context.Context) error { _, err := w.Delete(ctx, "other/1"); return err },
		"next id": func(ctx context.Context) error { _, err := w.NextID(ctx); return err },
	}
	var wg sync.WaitGroup
	for name, call := range calls {
		wg.Go(func() {
			began := time.Now()
			err := call(t.Context())
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s: got the error after %v, want it within 3 s", name, took)
			}
			for _, part := range want {
				if err == nil || !contains(err.Error(), part) {
					t.Errorf("%s: got %v, want %q in it", name, err, part)
				}
			}
		})
	}
	wg.Wait()
}

func TestUnreachableAtStart(t *testing.T) {
	addr := freeAddress(t)
	var log logBuffer
	for _, user := range []string{"", "root"} {
		t.Run("user "+user, func(t *testing.T) {
			s := open(t, etcd.Options{
				Endpoints: []string{"http://" + addr}, User: user, Password: user,
				ResyncDelay: 20 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			look(t, s)
			checkWriters(t, s, "http://"+addr, "connection refused", "check that etcd runs there")
			eventually(t, "the status tells why", func() bool {
				st := s.Status()
				return !st.Reachable && st.Err != nil && contains(st.Err.Error(), "connection refused")
			})
		})
	}
	if got := strings.Count(log.String(), "not reachable"); got != 2 {
		t.Errorf("got %d lines, want one for each store:\n%s", got, log.String())
	}
}

func TestStartsLater(t *testing.T) {
	srv := newServer(t)
	px := newProxy(t, srv.client)
	px.cut()
	var log logBuffer
	// The first endpoint stays away: the store goes on to the next one.
	s := open(t, etcd.Options{Endpoints: []string{"http://" + freeAddress(t), px.url()}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	v := look(t, s)
	eventually(t, "the store is away", func() bool { return s.Status().Err != nil && log.String() != "" })
	srv.put("routes/1", "{}")
	px.mend()
	v.holds(t, map[string]string{"routes/1": "{}"})
	if st := s.Status(); !st.Reachable || st.Err != nil || st.Revision < 2 {
		t.Errorf("got %+v, want it reachable", st)
	}
	if !contains(log.String(), "reachable again") {
		t.Errorf("got no line about the recovery:\n%s", log.String())
	}
}

func TestKillAndRestart(t *testing.T) {
	srv := newServer(t)
	dir := t.TempDir()
	srv.kill()
	srv.start(dir)
	s := open(t, etcd.Options{Endpoints: []string{"http://" + srv.client}})
	v := look(t, s)
	if _, err := s.Put(t.Context(), "routes/1", []byte("before"), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	v.holds(t, map[string]string{"routes/1": "before"})

	srv.kill()
	eventually(t, "the loss is noticed", func() bool { return !s.Status().Reachable })
	checkWriters(t, s, "http://"+srv.client, "check that etcd runs there")
	srv.start(dir)
	srv.put("routes/2", "after")
	v.holds(t, map[string]string{"routes/1": "before", "routes/2": "after"})
	eventually(t, "writing works again", func() bool {
		_, err := s.Put(t.Context(), "routes/3", []byte("x"), store.Cond{})
		return err == nil
	})
	v.holds(t, map[string]string{"routes/1": "before", "routes/2": "after", "routes/3": "x"})
	if _, fulls, _ := v.counts(); fulls != 1 {
		t.Errorf("got %d full batches, want 1: the watch goes on where it was", fulls)
	}
}

func TestStopped(t *testing.T) {
	srv := newServer(t)
	s := open(t, etcd.Options{Endpoints: []string{"http://" + srv.client}})
	v := look(t, s)
	if _, err := s.Put(t.Context(), "routes/1", []byte("{}"), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	v.holds(t, map[string]string{"routes/1": "{}"})

	srv.signal(syscall.SIGSTOP)
	began := time.Now()
	checkWriters(t, s, "no answer in time")
	eventually(t, "the watch notices too", func() bool {
		return !s.Status().Reachable
	})
	if took := time.Since(began); took > 11*time.Second {
		t.Errorf("noticed after %v, want at most 10 s", took)
	}
	srv.signal(syscall.SIGCONT)
	srv.ready()
	srv.put("routes/2", "{}")
	// Whether the writes that got no answer were done in the end is open.
	eventually(t, "the watch goes on", func() bool { return v.get("routes/1") == "{}" && v.get("routes/2") == "{}" })
	eventually(t, "the store is reachable", func() bool { return s.Status().Reachable })
}

func TestCompacted(t *testing.T) {
	srv := newServer(t)
	px := newProxy(t, srv.client)
	s := open(t, etcd.Options{Endpoints: []string{px.url()}})
	v := look(t, s)
	srv.put("routes/1", "old")
	srv.put("routes/2", "old")
	v.holds(t, map[string]string{"routes/1": "old", "routes/2": "old"})

	px.cut()
	eventually(t, "the loss is noticed", func() bool { return !s.Status().Reachable })
	srv.do(func(ctx context.Context, cli *clientv3.Client) error {
		_, err := cli.Delete(ctx, "/apisix/routes/1")
		return err
	})
	srv.put("routes/2", "new")
	srv.put("routes/3", "new")
	srv.compact()
	px.mend()
	v.holds(t, map[string]string{"routes/2": "new", "routes/3": "new"})
	if _, fulls, _ := v.counts(); fulls != 2 {
		t.Errorf("got %d full batches, want 2", fulls)
	}
	srv.put("routes/4", "more")
	v.holds(t, map[string]string{"routes/2": "new", "routes/3": "new", "routes/4": "more"})
}

func TestReplacedCluster(t *testing.T) {
	srv := newServer(t)
	s := open(t, etcd.Options{Endpoints: []string{"http://" + srv.client}})
	v := look(t, s)
	v.holds(t, map[string]string{})
	srv.put("routes/1", "{}")
	v.holds(t, map[string]string{"routes/1": "{}"})

	t.Run("filled before it is believed to be empty", func(t *testing.T) {
		srv.kill()
		srv.start(t.TempDir())
		srv.put("routes/2", "{}")
		v.holds(t, map[string]string{"routes/2": "{}"})
		if _, _, empty := v.counts(); empty != 1 {
			t.Errorf("got %d empty batches, want only the first one of all", empty)
		}
	})
	t.Run("empty", func(t *testing.T) {
		srv.kill()
		began := time.Now()
		srv.start(t.TempDir())
		v.holds(t, map[string]string{})
		if took := time.Since(began); took < 2*time.Second {
			t.Errorf("the empty set was applied after %v, want it confirmed first", took)
		}
	})
	t.Run("and filled then", func(t *testing.T) {
		srv.put("routes/3", "{}")
		v.holds(t, map[string]string{"routes/3": "{}"})
	})
}

func TestBurst(t *testing.T) {
	srv := newServer(t)
	s := open(t, etcd.Options{Endpoints: []string{"http://" + srv.client}})
	v := look(t, s)
	v.holds(t, map[string]string{})
	want := map[string]string{}
	srv.do(func(ctx context.Context, cli *clientv3.Client) error {
		for i := range 1000 {
			key, value := fmt.Sprintf("routes/%d", i%20), fmt.Sprint(i)
			want[key] = value
			if _, err := cli.Put(ctx, "/apisix/"+key, value); err != nil {
				return err
			}
		}
		return nil
	})
	v.holds(t, want)
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := 1; i < len(v.times); i++ {
		if gap := v.times[i].Sub(v.times[i-1]); gap < 4*time.Millisecond {
			t.Errorf("batch %d came %v after the one before, want 5 ms at least", i, gap)
		}
	}
}

func TestAuthentication(t *testing.T) {
	srv := newServer(t)
	srv.do(func(ctx context.Context, cli *clientv3.Client) error {
		_, err1 := cli.UserAdd(ctx, "root", "secret")
		_, err2 := cli.UserGrantRole(ctx, "root", "root")
		_, err3 := cli.AuthEnable(ctx)
		return errors.Join(err1, err2, err3)
	})
	tests := []struct {
		name     string
		password string
		want     string // of the error
	}{
		{"right", "secret", ""},
		{"wrong", "guess", "invalid user ID or password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, etcd.Options{Endpoints: []string{"http://" + srv.client}, User: "root", Password: tt.password})
			v := look(t, s)
			if tt.want != "" {
				checkWriters(t, s, tt.want)
				eventually(t, "the status tells why", func() bool {
					err := s.Status().Err
					return err != nil && contains(err.Error(), tt.want)
				})
				return
			}
			if _, err := s.Put(t.Context(), "routes/1", []byte("{}"), store.Cond{}); err != nil {
				t.Fatal(err)
			}
			v.holds(t, map[string]string{"routes/1": "{}"})
		})
	}
}

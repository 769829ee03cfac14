package etcd_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/polygate/polygate/core/store/etcd"
)

func (s *server) remove(key string) {
	s.t.Helper()
	s.do(func(ctx context.Context, cli *clientv3.Client) error {
		_, err := cli.Delete(ctx, "/apisix/"+key)
		return err
	})
}

// TestRestored replaces the cluster's data by an older state of it, and writes to that before the store sees it: the revisions
// follow upon those of before, but the history is another one.
func TestRestored(t *testing.T) {
	tests := []struct {
		name string
		last func(*server) // the last change before the loss
	}{
		{"after a write", func(srv *server) { srv.put("routes/4", "lost") }},
		{"after a removal", func(srv *server) { srv.remove("routes/1") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := unstarted(t)
			dir, older := t.TempDir(), t.TempDir()
			srv.start(dir)
			srv.put("routes/1", "{}")
			srv.kill()
			if err := os.CopyFS(older, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			srv.start(dir)
			px := newProxy(t, srv.client)
			s := open(t, etcd.Options{Endpoints: []string{px.url()}})
			v := look(t, s)
			srv.put("routes/2", "lost")
			srv.put("routes/3", "lost")
			tt.last(srv)
			eventually(t, "the last change is seen", func() bool { return v.get("routes/4") == "lost" || v.get("routes/1") == "" && v.get("routes/3") != "" })

			px.cut()
			srv.kill()
			srv.start(older)
			want := map[string]string{"routes/1": "{}"}
			for i := range 10 {
				key := fmt.Sprintf("services/%d", i)
				srv.put(key, "{}")
				want[key] = "{}"
			}
			px.mend()
			v.holds(t, want)
			if _, fulls, _ := v.counts(); fulls != 2 {
				t.Errorf("got %d full batches, want 2", fulls)
			}
		})
	}
}

// TestSameHistory loses the connection after different last changes: the watch goes on where it was.
func TestSameHistory(t *testing.T) {
	tests := []struct {
		name  string
		last  func(*server) // before the loss
		meant func(*server) // during it
	}{
		{"a key that stays", func(srv *server) { srv.put("routes/2", "{}") }, func(*server) {}},
		{"a key that is written again", func(srv *server) { srv.put("routes/2", "{}") }, func(srv *server) { srv.put("routes/2", "[]") }},
		{"a key that is removed", func(srv *server) { srv.put("routes/2", "{}") }, func(srv *server) { srv.remove("routes/2") }},
		{"a removed key", func(srv *server) { srv.remove("routes/1") }, func(*server) {}},
		{"a removed key that comes back", func(srv *server) { srv.remove("routes/1") }, func(srv *server) { srv.put("routes/1", "[]") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			px := newProxy(t, srv.client)
			srv.put("routes/1", "{}")
			s := open(t, etcd.Options{Endpoints: []string{px.url()}})
			v := look(t, s)
			v.holds(t, map[string]string{"routes/1": "{}"})
			tt.last(srv)
			eventually(t, "the change is seen", func() bool { return v.get("routes/1") == "" || v.get("routes/2") != "" })
			px.cut()
			eventually(t, "the loss is noticed", func() bool { return !s.Status().Reachable })
			tt.meant(srv)
			srv.put("routes/3", "{}")
			px.mend()
			eventually(t, "the watch goes on", func() bool { return v.get("routes/3") != "" })
			if _, fulls, _ := v.counts(); fulls != 1 {
				t.Errorf("got %d full batches, want 1", fulls)
			}
			if st := s.Status(); st.LastChange < 4 || st.LastChange > st.Revision || st.LastEvent.IsZero() {
				t.Errorf("got %+v, want the revision and the time of the last change", st)
			}
		})
	}
}

// TestAnyBytes writes keys and values that no gateway would write.
func TestAnyBytes(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	want := map[string]string{
		"consumers/jack": `{"username":"jack"}`, "consumers/jack/credentials/one": "{}", "services/1/graphql_cost_decorations/2": "{}",
		"routes/": "{}", "routes/no json": "init_dir", "routes/empty": "", "routes/bytes": "\x00\xff\xfe", "routes/ü\n/": "{", "\xff": "{}",
		"/routes//1": "null", "routes": "[]",
	}
	huge := strings.Repeat("0123456789abcdef", 80<<10) // 1.25 MiB
	for i := range 40 {
		want[fmt.Sprintf("protos/%d", i)] = huge
	}
	for key, value := range want {
		srv.put(key, value)
	}
	s := open(t, etcd.Options{Endpoints: []string{srv.url()}})
	v := look(t, s)
	v.holds(t, want)
	items, _, err := s.List(t.Context(), "")
	if err != nil || len(items) != len(want) {
		t.Errorf("got %d items, %v, want %d", len(items), err, len(want))
	}
	for i := range 5 {
		key := fmt.Sprintf("protos/%d", i)
		want[key] = huge[1:]
		srv.put(key, want[key])
	}
	v.holds(t, want)
}

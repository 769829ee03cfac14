package admin

import (
	"context"
	"fmt"
	"testing"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// fakeIndex knows what a test tells it.
type fakeIndex struct {
	owner   config.Owner
	users   []string
	reached int64 // the revision that it is at
}

func (x *fakeIndex) CredentialOwner(string, string) (config.Owner, bool) {
	return x.owner, x.owner.Username != ""
}

func (x *fakeIndex) Users(string, string) []string { return x.users }

func (x *fakeIndex) Reached(_ context.Context, revision int64) bool { return x.reached >= revision }

// countingStore counts the lists of whole kinds.
type countingStore struct {
	store.Writer
	lists map[string]int
}

func (s countingStore) List(ctx context.Context, prefix string) ([]store.Item, int64, error) {
	s.lists[prefix]++
	return s.Writer.List(ctx, prefix)
}

func TestIndex(t *testing.T) {
	const (
		inUse     = `{"error_msg":"can not delete this service directly, route [r] is still using it now"}`
		gone      = `{"deleted":"1","key":"/apisix/services/s"}`
		duplicate = `{"error_msg":"duplicate key of plugin key-auth found with consumer: jack"}`
	)
	deletion := step{method: "DELETE", path: "/services/s"}
	second := step{method: "PUT", path: "/consumers/rose", body: `{"username":"rose","plugins":{"key-auth":{"key":"k"}}}`}
	tests := []struct {
		name   string
		index  fakeIndex
		step   step
		status int
		want   string // empty: any
		walked string // a folder that was listed, empty: none
	}{
		{"user", fakeIndex{users: []string{"routes/r"}, reached: 99}, deletion, 400, inUse, ""},
		{"user of an index that lags", fakeIndex{}, deletion, 400, inUse, "routes/"},
		{"user that uses no more", fakeIndex{users: []string{"routes/other"}, reached: 99}, deletion, 200, gone, ""},
		{"user that is gone", fakeIndex{users: []string{"routes/none", "nonsense"}, reached: 99}, deletion, 200, gone, ""},
		{"no user", fakeIndex{reached: 99}, deletion, 200, gone, ""},
		{"owner", fakeIndex{owner: config.Owner{Username: "jack"}, reached: 99}, second, 400, duplicate, ""},
		{"owner of an index that lags", fakeIndex{}, second, 400, duplicate, "consumers/"},
		{"owner that has it no more", fakeIndex{owner: config.Owner{Username: "mia", CredentialID: "c"}, reached: 99}, second, 400, duplicate, "consumers/"},
		{"no owner", fakeIndex{reached: 99}, second, 201, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			counting := countingStore{lists: map[string]int{}}
			index := tt.index
			w := newWorld(t, func(o *Options) {
				counting.Writer = o.Store
				o.Store, o.Index = counting, &index
			})
			index.reached = 99
			w.put("services/s", `{}`)
			w.put("routes/r", `{"uri":"/a","service_id":"s"}`)
			w.put("routes/other", `{"uri":"/a",`+upstream+`}`)
			w.put("consumers/jack", `{"username":"jack","plugins":{"key-auth":{"key":"k"}}}`)
			index.reached = tt.index.reached
			clear(counting.lists)
			rec := w.do(tt.step.method, "/apisix/admin"+tt.step.path, tt.step.body)
			if got := rec.Body.String(); rec.Code != tt.status || tt.want != "" && got != tt.want+"\n" {
				t.Errorf("got %d %s, want %d %s", rec.Code, got, tt.status, tt.want)
			}
			for _, folder := range []string{"routes/", "consumers/"} {
				if got := counting.lists[folder] > 0; got != (folder == tt.walked) {
					t.Errorf("list of %s: got %v, want %v", folder, got, folder == tt.walked)
				}
			}
		})
	}
}

// sharedStore is one that other programs write to outside of what is watched.
type sharedStore struct{ countingStore }

func (s sharedStore) List(ctx context.Context, prefix string) ([]store.Item, int64, error) {
	items, revision, err := s.countingStore.List(ctx, prefix)
	return items, revision + 1000, err
}

func TestIndexOfASharedStore(t *testing.T) {
	counting := countingStore{lists: map[string]int{}}
	w := newWorld(t, func(o *Options) {
		counting.Writer = o.Store
		o.Store, o.Index = sharedStore{counting}, &fakeIndex{reached: 99}
	})
	for _, id := range []string{"1", "2"} {
		w.put("services/"+id, `{}`)
	}
	for _, id := range []string{"1", "2"} {
		if rec := w.do("DELETE", "/apisix/admin/services/"+id, ""); rec.Code != 200 {
			t.Errorf("%s: got %d %s, want 200", id, rec.Code, rec.Body)
		}
	}
	if n := counting.lists["routes/"]; n > 0 {
		t.Errorf("all routes were listed %d times, want never", n)
	}
}

func TestWroteKeepsTheHighest(t *testing.T) {
	var h handler
	for _, revision := range []int64{3, 7, 5} {
		h.wrote(revision)
	}
	if got := h.written.Load(); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
}

// BenchmarkPutConsumer writes consumers with credentials next to many others.
func BenchmarkPutConsumer(b *testing.B) {
	const others = 20_000
	for name, index := range map[string]Index{"walk": nil, "index": &fakeIndex{reached: 1 << 60}} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, func(o *Options) { o.Index = index })
			for i := range others {
				value := fmt.Appendf(nil, `{"username":"u%d","plugins":{"key-auth":{"key":"key-%d"}}}`, i, i)
				if _, err := w.store.Put(b.Context(), fmt.Sprintf("consumers/u%d", i), value, store.Cond{}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				w.put("consumers/jack", `{"username":"jack","plugins":{"key-auth":{"key":"mine"}}}`)
			}
		})
	}
}

package persistent_test

import (
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/polygate/polygate/internal/persistent"
)

func TestMapAgainstGo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var m persistent.Map[int]
	want := map[string]int{}
	type version struct {
		m    persistent.Map[int]
		want map[string]int
	}
	var versions []version
	for range 200 {
		e := m.Edit()
		for range r.IntN(40) {
			key := strconv.Itoa(r.IntN(300))
			if r.IntN(3) == 0 {
				e.Delete(key)
				delete(want, key)
				continue
			}
			value := r.Int()
			e.Set(key, value)
			want[key] = value
			if got, ok := e.Get(key); !ok || got != value {
				t.Fatalf("within the edit: got %v %v, want %v", got, ok, value)
			}
		}
		m = e.Map()
		versions = append(versions, version{m, maps.Clone(want)})
	}
	for n, v := range versions {
		if v.m.Len() != len(v.want) {
			t.Fatalf("version %d: got %d keys, want %d", n, v.m.Len(), len(v.want))
		}
		for i := range 300 {
			key := strconv.Itoa(i)
			got, ok := v.m.Get(key)
			want, wantOK := v.want[key]
			if got != want || ok != wantOK {
				t.Fatalf("version %d, key %s: got %v %v, want %v %v", n, key, got, ok, want, wantOK)
			}
		}
	}
}

func TestNoChangeIsTheSameVersion(t *testing.T) {
	var m persistent.Map[int]
	m.Edit().Delete("x")
	if got := m.Edit().Map().Len(); got != 0 {
		t.Fatalf("got %d keys, want 0", got)
	}
}

func TestReadersWhileEdited(t *testing.T) {
	e := persistent.Map[int]{}.Edit()
	for i := range 1000 {
		e.Set(strconv.Itoa(i), i)
	}
	m := e.Map()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 1000 {
				if got, ok := m.Get(strconv.Itoa(i)); !ok || got != i {
					t.Errorf("got %v %v, want %v", got, ok, i)
				}
			}
		})
	}
	next := m
	for i := range 1000 {
		e := next.Edit()
		e.Set(strconv.Itoa(i), -1)
		e.Delete(strconv.Itoa(i + 1))
		next = e.Map()
	}
	wg.Wait()
}

func TestGetDoesNotAllocate(t *testing.T) {
	e := persistent.Map[int]{}.Edit()
	e.Set("a", 1)
	m := e.Map()
	if got := testing.AllocsPerRun(100, func() { m.Get("a"); m.Get("b") }); got != 0 {
		t.Fatalf("got %v allocations, want 0", got)
	}
}

func BenchmarkOneChangeOf100000(b *testing.B) {
	e := persistent.Map[int]{}.Edit()
	for i := range 100_000 {
		e.Set(strconv.Itoa(i), i)
	}
	m := e.Map()
	b.ReportAllocs()
	for i := range b.N {
		e := m.Edit()
		e.Set(strconv.Itoa(i%100_000), -1)
		m = e.Map()
	}
}

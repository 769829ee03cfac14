package prometheus

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/polygate/polygate/internal/metrics"
)

func TestCacheOpensEachKindOnce(t *testing.T) {
	opened := map[string]int{}
	c := newCache(metrics.New(metrics.Options{}), func(l *labels) *handles {
		opened[l.consumer]++
		return &handles{}
	})
	first := map[string]*handles{}
	for round := range 3 {
		for i := range 1000 {
			l := labels{consumer: strconv.Itoa(i)}
			h := c.get(&l)
			if round == 0 {
				first[l.consumer] = h
			} else if first[l.consumer] != h {
				t.Fatalf("kind %s has other series than before", l.consumer)
			}
		}
	}
	for consumer, n := range opened {
		if n != 1 {
			t.Errorf("kind %s was opened %d times, want once", consumer, n)
		}
	}
	if got := len(c.table.Load().entries); got < 750 {
		t.Errorf("got %d published kinds of 1000", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(metrics.New(metrics.Options{}), func(*labels) *handles { return &handles{} })
	for i := range 3 * maxCached {
		l := labels{consumer: strconv.Itoa(i)}
		if c.get(&l) == nil {
			t.Fatal("got no series")
		}
	}
	if got := len(c.fresh) + len(c.table.Load().entries); got > 2*maxCached {
		t.Errorf("got %d entries, want at most %d", got, 2*maxCached)
	}
}

func TestCacheStartsAnewWithTheEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := metrics.New(metrics.Options{})
		v := metrics.Must(r.CounterVec(metrics.Spec{Name: "c", Labels: []string{"a"}, Expire: time.Second}))
		c := newCache(r, func(*labels) *handles { return &handles{} })
		l := labels{route: "1"}
		before := c.get(&l)
		if c.get(&l) != before {
			t.Error("a kind was opened twice in one epoch")
		}
		v.With("1").Inc()
		time.Sleep(2 * time.Second)
		if err := r.WriteText(discard{}); err != nil {
			t.Fatal(err)
		}
		if c.get(&l) == before {
			t.Error("the series of an earlier epoch are still in use")
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

package limitcount

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
)

func TestTableIsBounded(t *testing.T) {
	const max, keys = 100_000, 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := newTable(max)
	for i := range keys {
		table.update(key{scope: 1, text: strconv.Itoa(i)}, int64(i), func(c *counter) { c.fixed(limit{count: 1, window: 3600}, int64(i)) })
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := table.len(); got > max+shards || got < max/2 {
		t.Errorf("counters: got %d, want about %d", got, max)
	}
	if got := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / max; got > 400 {
		t.Errorf("bytes per counter: got %d, want at most 400", got)
	}
	runtime.KeepAlive(table)
}

func TestTableForgetsTheExpiredFirst(t *testing.T) {
	table := newTable(shards * 8)
	// A counter that lives on among many that expire must stay.
	kept := key{scope: 1, text: "kept"}
	table.update(kept, 0, func(c *counter) { c.fixed(limit{count: 9, window: 1 << 30}, 0) })
	for i := range int64(100_000) {
		now := i * second
		table.update(key{scope: 2, text: strconv.FormatInt(i, 10)}, now, func(c *counter) { c.fixed(limit{count: 9, window: 1}, now) })
	}
	table.update(kept, 100_000*second, func(c *counter) {
		if c.count != 1 {
			t.Errorf("count: got %d, want 1", c.count)
		}
	})
	if got := table.len(); got > shards*8 {
		t.Errorf("counters: got %d, want at most %d", got, shards*8)
	}
}

func TestTableHammer(t *testing.T) {
	const clients, rounds, keys = 8, 2000, 16
	table := newTable(1 << 10)
	var passed [clients]int64
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for i := range rounds {
				k := key{scope: 1, text: strconv.Itoa(i % keys)}
				table.update(k, 1, func(c *counter) {
					if !c.fixed(limit{count: 100, window: 60}, 1).rejected {
						passed[client]++
					}
				})
			}
		})
	}
	group.Wait()
	total := int64(0)
	for _, n := range passed {
		total += n
	}
	if total != keys*100 {
		t.Errorf("passed: got %d, want %d", total, keys*100)
	}
}

func BenchmarkTable(b *testing.B) {
	table := newTable(1 << 16)
	texts := make([]string, 1<<18)
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		now++
		table.update(key{scope: 1, text: texts[now&(1<<18-1)]}, now, func(c *counter) { c.fixed(limit{count: 1, window: 60}, now) })
	}
}

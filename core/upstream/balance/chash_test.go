package balance

import (
	"fmt"
	"hash/crc32"
	"math"
	"testing"
)

func TestHash(t *testing.T) {
	for _, s := range []string{"", "a", "127.0.0.1", "the quick brown fox \x00\xff"} {
		for cut := range len(s) + 1 {
			if got, want := uint32(Hash(0).Add(s[:cut]).Add(s[cut:])), crc32.ChecksumIEEE([]byte(s)); got != want {
				t.Errorf("%q cut at %d: got %08x, want %08x", s, cut, got, want)
			}
		}
	}
}

func pickFor(t *testing.T, p Picker, key string) int {
	t.Helper()
	n, err := p.Pick(&Try{Hash: Hash(0).Add(key)})
	if err != nil {
		t.Fatal(err)
	}
	return n.Index
}

// TestHashRingAgreesWithAPISIX has what APISIX's tests say (t/node/healthcheck.t, t/node/chash-hashon.t).
func TestHashRingAgreesWithAPISIX(t *testing.T) {
	ring := NewHashRing(loaded(1, 1))
	for key, want := range map[string]int{"127.0.0.1": 0, "jack": 1, "tom": 0} {
		if got := pickFor(t, ring, key); got != want {
			t.Errorf("%s: got node %d, want %d", key, got, want)
		}
	}
}

// TestPoints checks the points against those worked out in the plainest way.
func TestPoints(t *testing.T) {
	all := loaded(2)
	got := points(append(all, loaded(4)[0]))
	if len(got) != 3*pointsPerWeight {
		t.Fatalf("got %d points, want %d", len(got), 3*pointsPerWeight)
	}
	seen := map[uint32]bool{}
	for i, p := range got {
		if i > 0 && p.hash < got[i-1].hash {
			t.Fatalf("point %d is out of order", i)
		}
		seen[p.hash] = true
	}
	hash, base := uint32(0), ^crc32.ChecksumIEEE([]byte("127.0.0.1\x001980"))
	for range pointsPerWeight {
		crc := base
		for shift := 0; shift < 32; shift += 8 {
			crc = crc32.IEEETable[byte(crc)^byte(hash>>shift)] ^ crc>>8
		}
		hash = ^crc
		if !seen[hash] {
			t.Fatalf("there is no point %08x", hash)
		}
	}
}

func TestHashRingShares(t *testing.T) {
	tests := []struct {
		name    string
		weights []int
		most    float64 // relative deviation of a share
	}{
		{"equal", []int{1, 1, 1, 1}, 0.2},
		{"weights", []int{10, 20, 30}, 0.2},
		{"no common divisor", []int{100003, 200003, 300007}, 0.2},
		{"very large", []int{1000000000, 0, math.MaxInt32}, 0.2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ring := NewHashRing(loaded(tt.weights...))
			count, sum := make([]float64, len(tt.weights)), 0
			const keys = 20000
			for i := range keys {
				count[pickFor(t, ring, fmt.Sprint("key", i))]++
			}
			for _, w := range tt.weights {
				sum += w
			}
			for i, w := range tt.weights {
				want := keys * float64(w) / float64(sum)
				if math.Abs(count[i]-want) > want*tt.most {
					t.Errorf("node %d: got %v of %d keys, want about %.0f", i, count[i], keys, want)
				}
			}
			if n := len(ring.rings[0].points); n > maxPoints+pointsPerWeight*len(tt.weights) {
				t.Errorf("the ring has %d points", n)
			}
		})
	}
}

// TestHashRingIsStable checks that only the keys of a node move when it goes, whether it is left out or not configured.
func TestHashRingIsStable(t *testing.T) {
	all := loaded(1, 1, 1, 1)
	whole := NewHashRing(all)
	const gone = 2
	passed := whole.Without(func(n *Node) bool { return n.Index == gone })
	shorter := NewHashRing([]*Node{all[0], all[1], all[3]})
	moved := map[int]int{}
	for i := range 5000 {
		key := fmt.Sprint("key", i)
		before, after := pickFor(t, whole, key), pickFor(t, passed, key)
		if other := pickFor(t, shorter, key); other != after {
			t.Fatalf("%s: got %d with the node left out and %d without it", key, after, other)
		}
		if before != gone && after != before {
			t.Fatalf("%s moved from %d to %d", key, before, after)
		}
		if before == gone {
			moved[after]++
		}
	}
	for _, i := range []int{0, 1, 3} {
		if moved[i] == 0 {
			t.Errorf("none of the keys went to node %d", i)
		}
	}
}

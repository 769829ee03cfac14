package requestid

import (
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestSequenceAscends(t *testing.T) {
	var s sequence
	last := s.next(1000)
	for _, millis := range []uint64{1000, 1000, 999, 0, 1001} {
		next := s.next(millis)
		if next <= last {
			t.Errorf("at %d ms got stamp %d after %d", millis, next, last)
		}
		last = next
	}
	s.last.Store(1000<<seqBits | (1<<seqBits - 1))
	if got, want := s.next(1000)>>seqBits, uint64(1001); got != want {
		t.Errorf("after a full count got millisecond %d, want %d", got, want)
	}
}

func TestUUIDsHoldTime(t *testing.T) {
	var s sequence
	before := time.Now().UnixMilli()
	id, err := uuid.Parse(s.uuid())
	if err != nil {
		t.Fatal(err)
	}
	if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		t.Errorf("got version %v, variant %v", id.Version(), id.Variant())
	}
	if sec, nsec := id.Time().UnixTime(); sec*1000+nsec/1e6 < before {
		t.Errorf("got an id of %d s, want one after %d ms", sec, before)
	}
}

// Many goroutines must see ids that differ and, each for itself, ascend; run with -race.
func TestSequenceHammer(t *testing.T) {
	var s sequence
	const workers, each = 8, 2000
	ids := make([][]string, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range each {
				ids[w] = append(ids[w], s.uuid())
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, list := range ids {
		if !slices.IsSorted(list) {
			t.Error("the ids of one goroutine do not ascend")
		}
		for _, id := range list {
			seen[id[:23]] = true
		}
	}
	if len(seen) != workers*each {
		t.Errorf("got %d different stamps, want %d", len(seen), workers*each)
	}
}

func TestFormatKSUID(t *testing.T) {
	tests := []struct {
		name, want string
		words      [5]uint32
	}{
		{"zero", strings.Repeat("0", 27), [5]uint32{}},
		{"largest", "aWgEPTl1tmebfsQzFP4bxwgy80V", [5]uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1}},
		{"example of the definition", "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
			[5]uint32{0x0669F7EF, 0xB5A1CD34, 0xB5F99D11, 0x54FB6853, 0x345C9735}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := formatKSUID(tt.words); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzFormatKSUID(f *testing.F) {
	f.Add(uint32(1), uint64(2), uint64(3))
	f.Fuzz(func(t *testing.T, seconds uint32, high, low uint64) {
		words := [5]uint32{seconds, uint32(high >> 32), uint32(high), uint32(low >> 32), uint32(low)}
		n := new(big.Int)
		for _, w := range words {
			n.Or(n.Lsh(n, 32), big.NewInt(int64(w)))
		}
		got := new(big.Int)
		for _, c := range formatKSUID(words) {
			digit := int64(strings.IndexRune(ksuidAlphabet, c))
			got.Add(got.Mul(got, big.NewInt(62)), big.NewInt(digit))
		}
		if got.Cmp(n) != 0 {
			t.Errorf("%v reads back as %s, want %s", words, got.Text(16), n.Text(16))
		}
	})
}

func TestFormatUUID(t *testing.T) {
	got := formatUUID(0x0123456789abcdef, 0xfedcba9876543210)
	if want := "01234567-89ab-cdef-fedc-ba9876543210"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := hex.DecodeString(strings.ReplaceAll(uuid4(), "-", "")); err != nil {
		t.Error(err)
	}
}

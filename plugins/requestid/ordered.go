package requestid

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Ids of version 7 hold 18 bits below the millisecond that ascend: 12 in rand_a and 6 at the top of rand_b.
const (
	seqBits  = 18
	seqStart = 1<<(seqBits-1) - 1 // a new millisecond starts in the lower half, so that there is room to count
)

// sequence makes UUIDs of version 7 that ascend, also when the clock stands still or goes back. The zero value is ready.
type sequence struct {
	last atomic.Uint64 // the millisecond, shifted left by seqBits, plus the count
}

// uuid returns the next id (RFC 9562 section 5.7 and method 1 of section 6.2).
func (s *sequence) uuid() string {
	stamp := s.next(uint64(time.Now().UnixMilli()))
	millis, count := stamp>>seqBits, stamp&(1<<seqBits-1)
	high := millis<<16 | 0x7000 | count>>6
	low := 0x80<<56 | (count&0x3f)<<56 | rand.Uint64()>>8
	return formatUUID(high, low)
}

func (s *sequence) next(millis uint64) uint64 {
	fresh := millis<<seqBits | uint64(rand.Uint32()&seqStart)
	for {
		last := s.last.Load()
		// A full count runs over into the millisecond: the ids then run ahead of the clock instead of waiting for it.
		stamp := max(fresh, last+1)
		if s.last.CompareAndSwap(last, stamp) {
			return stamp
		}
	}
}

const (
	ksuidEpoch    = 1_400_000_000 // seconds since 1970, by KSUID's definition
	ksuidLength   = 27
	ksuidAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// ksuid returns a KSUID: 32 bits of seconds and 128 random bits, in base 62.
func ksuid() string {
	high, low := rand.Uint64(), rand.Uint64()
	return formatKSUID([5]uint32{
		uint32(time.Now().Unix() - ksuidEpoch),
		uint32(high >> 32), uint32(high), uint32(low >> 32), uint32(low),
	})
}

// formatKSUID writes a number of 160 bits, the most significant word first.
func formatKSUID(words [5]uint32) string {
	const step = 62 * 62 * 62 * 62 * 62 // the largest power that fits a word: five digits for each long division
	var text [ksuidLength]byte
	for end := ksuidLength; end > 0; end -= 5 {
		var rest uint64
		for i, word := range words {
			part := rest<<32 | uint64(word)
			words[i] = uint32(part / step)
			rest = part % step
		}
		for i := end - 1; i >= max(end-5, 0); i-- {
			text[i] = ksuidAlphabet[rest%62]
			rest /= 62
		}
	}
	return string(text[:])
}

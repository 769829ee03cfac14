package requestid

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
)

// maxRangeID bounds the length of an id: it becomes a header field of every request.
const maxRangeID = 1024

const nanoAlphabet = "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// The top-level functions of math/rand/v2 draw from ChaCha8 generators of the runtime, one per thread, seeded and reseeded
// by the operating system: unpredictable, without a lock and without a system call.

// uuid4 returns a random UUID (RFC 9562 section 5.4).
func uuid4() string {
	return formatUUID(rand.Uint64()&^0xf000|0x4000, rand.Uint64()&^(0xc0<<56)|0x80<<56)
}

// formatUUID writes the 128 bits of a UUID.
func formatUUID(high, low uint64) string {
	var bits [16]byte
	for i := range 8 {
		bits[i] = byte(high >> (56 - 8*i))
		bits[8+i] = byte(low >> (56 - 8*i))
	}
	var text [36]byte
	hex.Encode(text[0:8], bits[0:4])
	hex.Encode(text[9:13], bits[4:6])
	hex.Encode(text[14:18], bits[6:8])
	hex.Encode(text[19:23], bits[8:10])
	hex.Encode(text[24:36], bits[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// nanoID returns 21 characters of 6 random bits each.
func nanoID() string {
	var text [21]byte
	var pool uint64
	for i := range text {
		if i%10 == 0 {
			pool = rand.Uint64()
		}
		text[i] = nanoAlphabet[pool&63]
		pool >>= 6
	}
	return string(text[:])
}

// rangeID returns a generator of ids of that many bytes of charSet.
func rangeID(length int, charSet string) (func() string, error) {
	if length < 1 || length > maxRangeID {
		return nil, fmt.Errorf("range_id.length is %d: choose 6 to %d", length, maxRangeID)
	}
	if charSet == "" {
		return nil, fmt.Errorf("range_id.char_set is empty: name at least 6 characters")
	}
	for _, c := range []byte(charSet) {
		if c < ' ' || c == 0x7f {
			return nil, fmt.Errorf("range_id.char_set has the control character %#x, which no header field can hold", c)
		}
	}
	count := uint32(len(charSet))
	return func() string {
		var buf [64]byte
		text := buf[:0]
		for range length {
			text = append(text, charSet[rand.Uint32N(count)])
		}
		return string(text)
	}, nil
}

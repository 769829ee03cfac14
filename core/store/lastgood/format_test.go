package lastgood

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store"
)

func sample() content {
	return content{
		origin:   origin{prefix: "/apisix", endpoints: []string{"http://127.0.0.1:2379", "http://127.0.0.2:2379"}},
		made:     time.UnixMilli(1700000000123),
		revision: 42,
		items: []store.Item{
			{Key: "consumers/jack/credentials/1", Value: []byte("init_dir"), CreateRev: 3, ModRev: 41},
			{Key: "routes/1", Value: []byte(`{"uri":"/a"}`), CreateRev: 1, ModRev: 1 << 40},
			{Key: "routes/2", Value: []byte{0, 0xff, 0xfe}, CreateRev: 7, ModRev: 7},
			{Key: "routes/3", Value: []byte{}, CreateRev: 8, ModRev: 9},
			{Key: "routes/4", Value: bytes.Repeat([]byte("x"), 300), CreateRev: 8, ModRev: 9},
		},
	}
}

func encoded(t testing.TB, c content) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := encode(context.Background(), &buf, c); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func read(b []byte) (content, error) { return decode(bytes.NewReader(b), int64(len(b))) }

func diff(want, got content) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(content{}, origin{}))
}

func TestRoundTrip(t *testing.T) {
	tests := []struct {
		name string
		want content
	}{
		{"nothing", content{made: time.UnixMilli(0), items: []store.Item{}}},
		{"all kinds of values", sample()},
		{"before 1970, and revisions that are none", content{made: time.UnixMilli(-5), revision: -1, items: []store.Item{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(encoded(t, tt.want))
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestEveryDamageIsSeen(t *testing.T) {
	whole := encoded(t, sample())
	for i := range whole {
		for bit := range 8 {
			bad := bytes.Clone(whole)
			bad[i] ^= 1 << bit
			if _, err := read(bad); !isRefused(err) {
				t.Errorf("bit %d of byte %d: got %v, want it refused", bit, i, err)
			}
		}
		if _, err := read(whole[:i]); !isRefused(err) {
			t.Errorf("cut after %d bytes: got %v, want it refused", i, err)
		}
		bad := bytes.Clone(whole)
		clear(bad[i:])
		if _, err := read(bad); !isRefused(err) && !bytes.Equal(bad, whole) {
			t.Errorf("zeros from byte %d on: got %v, want it refused", i, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	whole := encoded(t, sample())
	unordered := sample()
	unordered.items[0], unordered.items[1] = unordered.items[1], unordered.items[0]
	tests := []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"empty", nil, errNotCopy},
		{"text", []byte("routes: []\n#END\n"), errNotCopy},
		{"newer format", append([]byte(magic+"\x02"), whole[len(magic)+1:]...), errVersion},
		{"cut", whole[:len(whole)-1], errCut},
		{"longer", append(bytes.Clone(whole), 0), errDamaged},
		{"keys out of order", encoded(t, unordered), errDamaged},
		{"sum", append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), errChecksum},
		{"more items than bytes", []byte(magic + "\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f1234"), errCut},
		{"a number without an end", []byte(magic + "\x01" + strings.Repeat("\xff", 20)), errCut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := read(tt.bytes); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestForeign(t *testing.T) {
	gateway := Options{Prefix: "/apisix", Endpoints: []string{"http://a:1", "http://b:1"}}
	tests := []struct {
		name string
		opts Options
		from origin
		want string // of the error
	}{
		{"same", gateway, origin{"/apisix", []string{"http://a:1", "http://b:1"}}, ""},
		{"same prefix in another form", gateway, origin{"/apisix/", []string{"http://a:1"}}, ""},
		{"one in common", gateway, origin{"/apisix", []string{"http://c:1", "http://b:1"}}, ""},
		{"other prefix", gateway, origin{"/other", []string{"http://a:1"}}, `the prefix "/other", and the gateway uses "/apisix"`},
		{"other hosts", gateway, origin{"/apisix", []string{"http://c:1"}}, "made of http://c:1, and the gateway uses http://a:1, http://b:1"},
		{"no hosts at all", Options{}, origin{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.opts.foreign(tt.from)
			if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, errForeign) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEncodeEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := encode(ctx, &bytes.Buffer{}, sample()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func FuzzDecode(f *testing.F) {
	whole := encoded(f, sample())
	for _, seed := range [][]byte{
		nil, []byte(magic), whole, whole[:len(whole)/2], encoded(f, content{}),
		[]byte(magic + "\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f1234"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := read(b)
		if err != nil {
			if !isRefused(err) {
				t.Errorf("got %v, want one of the package's errors", err)
			}
			return
		}
		again, err := read(encoded(t, c))
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(c, again); d != "" {
			t.Errorf("after another round (-want +got):\n%s", d)
		}
	})
}

// many are n items of 600 bytes.
func many(n int) []store.Item {
	items := make([]store.Item, n)
	for i := range items {
		items[i] = store.Item{Key: fmt.Sprintf("routes/%08d", i), Value: bytes.Repeat([]byte("r"), 600), CreateRev: 5, ModRev: int64(i)}
	}
	return items
}

func BenchmarkEncode(b *testing.B) {
	c := content{items: many(100_000)}
	size := int64(len(encoded(b, c)))
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		if err := encode(context.Background(), discard{}, c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	whole := encoded(b, content{items: many(100_000)})
	b.ReportAllocs()
	b.SetBytes(int64(len(whole)))
	for b.Loop() {
		if _, err := read(whole); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is a writer without the shortcuts of io.Discard.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

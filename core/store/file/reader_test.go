package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/polygate/polygate/core/store"
)

// wholly parses a YAML file in one piece.
func wholly(name string, data []byte, env func(string) (string, bool)) ([]store.Item, map[string]int, error) {
	p := newParser(name, env)
	if text, ok := p.substituteText(string(data)); ok {
		p.whole(text)
	}
	lines := map[string]int{}
	for key, it := range p.found {
		lines[key] = it.line
	}
	if p.fatal {
		return nil, lines, p.err()
	}
	return p.items(), lines, p.err()
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// sameAsWhole checks that what a reader makes of a file is what it is as a whole.
func sameAsWhole(t *testing.T, r *reader, text string) {
	t.Helper()
	data := []byte(text + "\n#END\n")
	want, lines, err := wholly("a.yaml", data, r.env)
	got := r.read(data)
	if diff := cmp.Diff(want, got.items, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("items of %q (-whole +parts):\n%s", text, diff)
	}
	if (want == nil) != (got.items == nil) {
		t.Errorf("got nil: %v, want nil: %v", got.items == nil, want == nil)
	}
	if diff := cmp.Diff(errText(err), errText(got.err)); diff != "" {
		t.Errorf("error of %q (-whole +parts):\n%s", text, diff)
	}
	if diff := cmp.Diff(lines, got.lines); want != nil && diff != "" {
		t.Errorf("lines of %q (-whole +parts):\n%s", text, diff)
	}
}

func texts() []string {
	return []string{
		"routes:\n  - id: 1\n    uri: /a\n  # comment\n\n  - id: 2\n    uri: /b\nservices: []\n",
		"routes:\n- id: 1\n- id: 2\n-\n  id: 3\nupstreams:\n    -   id: 1\n        nodes:\n        - host: a\n",
		"---\nroutes: # all\n  - id: 1\n",
		"---\n---\nroutes:\n  - id: 1\n",
		"routes:\n  - id: 1\n---\nroutes:\n  - id: 2\n",
		"routes:\n  - id: 1\n...\n",
		"%YAML 1.1\n---\nroutes:\n  - id: 1\n",
		"routes:\n  - id: 1\n    desc: \"one\n  - id: 2\"\n  - id: 3\n",
		"routes:\n  - id: 1\n    desc: {a: [1,\n  - 2, 3]}\n  - id: 3\n",
		"routes:\n  - id: 1\n    desc: |\n      - a\n      text\n\n  - id: 2\n    desc: |+\n      keep\n\n\n  - id: 3\n    desc: >-\n      a\n       b\n",
		"routes:\n  - {id: 1, \n  uri: /a}\n  - {id: 2}\n",
		"routes:\n  - &a {id: 1, uri: /a}\n  - {<<: *a, id: 2}\n",
		"x: &a {uri: /a}\nroutes:\n  - {<<: *a, id: 2}\n  - id: 3\n",
		"routes:\n  - &a {id: 1}\n  - &a {id: 2}\nservices:\n  - *a\n",
		"routes:\n  - id: 1\nroutes:\n  - id: 2\n",
		"routes:\n  - id: 1\n  - id: 1\n  - a\n  - [1]\n  -\n  - id: 5\n    x: .inf\n",
		"routes:\n  - id: 1\n id: 2\n", "routes:\n  id: 1\n", "routes:\n  text\n", "routes: text\n", "- a\n", "a\n", "",
		"routes:\n  - id: 1\n\t- id: 2\n", "routes:\n\t- id: 1\n", "routes:\n  -\tid: 1\n  -\n    id: 2\n",
		"routes:\n  - id: 1\u0085  - id: 2\n", "routes:\n  - id: 1\r  - id: 2\r\n  - id: 3\r\n", "routes:\n  - id: 1\u2028services:\n  - id: 2\n",
		"\"routes\":\n  - id: 1\n", "? routes\n: - id: 1\n", "routes :\n  - id: 1\n", "routes:\n  - - id: 1\n  - id: 2\n",
		"routes:\n  - id: a\n    uri: /b\n     c\n  - id: 2\n", "plugins:\n  - name: a\nroutes:\n  - uri: /x\n  - uri: /y\n",
		"plugins:\nroutes:\n", "plugins:\n  - name: a\n  - b\n    c\n", "routes:\n  - id: 1 # one\n  -   # two\n    id: 2\n",
		"routes:\n  - id: ${{A}}\n    d: ${{B}}\n  - id: 4\n  - nope\n", "routes:\n  - !!map {id: 1}\n  - !<json> x\n  - id: 1\n    k: !<json> {bad\n",
		"routes:\n  - id: 1\n  - ? a\n    : b\n  - \"id\": 2\n", "routes: [\n{id: 1},\n{id: 2}]\n", "routes: {\na: 1\n}\n",
		"routes:\n  - id: 1\n    \"a\n\n  - b\": c\n  - id: 2\n    'x\n  - y': z\n",
	}
}

func variables(name string) (string, bool) {
	v, ok := map[string]string{"A": "1", "B": "one\n  - id: 2"}[name]
	return v, ok
}

func TestPartsAreTheWhole(t *testing.T) {
	for i, text := range texts() {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r := newReader("a.yaml", variables)
			sameAsWhole(t, r, text)
			sameAsWhole(t, r, text)
			for j, other := range texts() {
				if i != j {
					sameAsWhole(t, r, other+text)
					sameAsWhole(t, r, text)
				}
			}
		})
	}
}

func TestMemory(t *testing.T) {
	r := newReader("a.yaml", nil)
	first := r.read([]byte(routes(1000, 0) + "#END"))
	second := r.read([]byte("services: []\n" + routes(1000, 7) + "#END"))
	if len(first.items) != 1000 || len(second.items) != 1000 || second.err != nil {
		t.Fatalf("got %d and %d items and %v, want 1000 of each", len(first.items), len(second.items), second.err)
	}
	for i, it := range second.items {
		same := &it.Value[0] == &first.items[i].Value[0]
		if changed := it.Key == "routes/7"; same == changed {
			t.Errorf("%s: taken from memory: %v, want %v", it.Key, same, !changed)
		}
		if second.lines[it.Key] != first.lines[it.Key]+1 {
			t.Errorf("%s: got line %d, want %d", it.Key, second.lines[it.Key], first.lines[it.Key]+1)
		}
	}
}

// routes returns n routes in YAML, one of them changed.
func routes(n, changed int) string {
	var text strings.Builder
	text.WriteString("routes:\n")
	for i := range n {
		count := 100
		if i == changed && changed > 0 {
			count = 200
		}
		fmt.Fprintf(&text, "  - id: %d\n    uri: /path/%d/*\n    name: route number %d\n    labels:\n      team: \"a\"\n      tier: gold\n"+
			"    plugins:\n      limit-count:\n        count: %d\n        time_window: 60\n        key: remote_addr\n"+
			"    upstream:\n      type: roundrobin\n      nodes:\n        \"127.0.0.1:1980\": 1\n", i, i, i, count)
	}
	return text.String()
}

func jsonRoutes(n, changed int) string {
	list := make([]string, n)
	for i := range list {
		count := 100
		if i == changed && changed > 0 {
			count = 200
		}
		list[i] = fmt.Sprintf(`{"id":"%d","uri":"/path/%d/*","name":"route number %d","labels":{"team":"a","tier":"gold"},"plugins":{"limit-count":`+
			`{"count":%d,"time_window":60,"key":"remote_addr"}},"upstream":{"type":"roundrobin","nodes":{"127.0.0.1:1980":1}}}`, i, i, i, count)
	}
	return `{"routes":[` + strings.Join(list, ",\n") + "]}"
}

func BenchmarkRead(b *testing.B) {
	const n = 100_000
	for _, format := range []struct {
		name, file string
		text       func(changed int) string
	}{
		{"yaml", "a.yaml", func(changed int) string { return routes(n, changed) + "#END\n" }},
		{"json", "a.json", func(changed int) string { return jsonRoutes(n, changed) }},
	} {
		data := [][]byte{[]byte(format.text(n / 2)), []byte(format.text(n / 3))}
		b.Run(format.name+"/first", func(b *testing.B) {
			b.SetBytes(int64(len(data[0])))
			for b.Loop() {
				if res := newReader(format.file, nil).read(data[0]); len(res.items) != n || res.err != nil {
					b.Fatal(len(res.items), res.err)
				}
			}
		})
		b.Run(format.name+"/one changed", func(b *testing.B) {
			b.SetBytes(int64(len(data[0])))
			r := newReader(format.file, nil)
			r.read(data[0])
			for i := 1; b.Loop(); i++ {
				if res := r.read(data[i%2]); len(res.items) != n || res.err != nil {
					b.Fatal(len(res.items), res.err)
				}
			}
		})
	}
}

func FuzzParts(f *testing.F) {
	for _, text := range texts() {
		f.Add(text, "routes:\n  - id: 1\n")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		r := newReader("a.yaml", variables)
		sameAsWhole(t, r, first)
		sameAsWhole(t, r, second)
		sameAsWhole(t, r, first)
	})
}

// BenchmarkReload measures the time from the moment that a file of 100,000 routes is replaced by one with a changed route until the
// change is delivered.
func BenchmarkReload(b *testing.B) {
	const n = 100_000
	path := filepath.Join(b.TempDir(), "apisix.yaml")
	replace := func(changed int) {
		if err := os.WriteFile(path+".next", []byte(routes(n, changed)+"#END\n"), 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(path+".next", path); err != nil {
			b.Fatal(err)
		}
	}
	replace(1)
	s, err := New(Options{Path: path, Env: variables})
	if err != nil {
		b.Fatal(err)
	}
	batches := make(chan store.Batch)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Watch(b.Context(), func(batch store.Batch) { batches <- batch }) })
	b.Cleanup(wg.Wait)
	if first := <-batches; len(first.Changes) != n {
		b.Fatalf("got %d items, want %d", len(first.Changes), n)
	}
	for i := 2; b.Loop(); i++ {
		b.StopTimer()
		replace(i)
		b.StartTimer()
		if batch := <-batches; len(batch.Changes) != 2 || batch.Full {
			b.Fatalf("got %d changes, want 2", len(batch.Changes))
		}
	}
}

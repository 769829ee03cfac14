package keyauth

import (
	"net/url"
	"testing"
)

// What the upstream would read from the query must be what was looked up, and nothing of it may remain after hiding.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "apikey=1", "a=1&apikey=%31&b", "%61pikey=+", "apikey", "apikey=%", "&&=&", "apikey=1&APIKEY=2", "apikey=1;apikey=2",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		found := lookup(query, "apikey")
		values, err := url.ParseQuery(query)
		if err == nil && (found.place == inQuery) != values.Has("apikey") {
			t.Errorf("lookup in %q found %+v, but the values are %q", query, found, values["apikey"])
		}
		if !found.bad && found.place == inQuery && err == nil && values.Get("apikey") != found.key {
			t.Errorf("lookup in %q found %q, want %q", query, found.key, values.Get("apikey"))
		}
		rest := without(query, "apikey")
		if left := lookup(rest, "apikey"); left.place != nowhere {
			t.Errorf("%q without the key is %q, which still has it", query, rest)
		}
	})
}

package basicauth

import (
	"encoding/base64"
	"strings"
	"testing"
)

// What is read must be what was encoded.
func FuzzRead(f *testing.F) {
	for _, field := range []string{
		"", "Basic", "Basic ", "Basic Zm9vOmJhcg==", "basic Zm9vOmJhcg", "Basic Zm9v", "Bearer x", "Basic =", "Basic Zm9v OmJh", "Basic\tZm9vOmJhcg==",
	} {
		f.Add(field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		given, err := read([]string{field})
		if err != nil {
			if given != (credentials{}) {
				t.Errorf("read %q: got %q with error %v, want nothing", field, given, err)
			}
			return
		}
		if given.password == "" || strings.Contains(given.username, ":") {
			t.Errorf("read %q: got %q, want a password and a name without a colon", field, given)
		}
		again, err := read([]string{"Basic " + base64.StdEncoding.EncodeToString([]byte(given.username+":"+given.password))})
		if err != nil || again != given {
			t.Errorf("read %q: got %q, which is read again as %q (error %v)", field, given, again, err)
		}
	})
}

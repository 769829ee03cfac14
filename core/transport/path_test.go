package transport

import (
	"errors"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	keep := PathRules{KeepEncodedSlash: true}
	tests := []struct {
		name, path   string
		rules        PathRules
		decoded, raw string
		err          error
	}{
		{name: "root", path: "/", decoded: "/", raw: "/"},
		{name: "plain", path: "/a/b.c/-_~", decoded: "/a/b.c/-_~", raw: "/a/b.c/-_~"},
		{name: "sub-delimiters", path: "/a!$&'()*+,=:@", decoded: "/a!$&'()*+,=:@", raw: "/a!$&'()*+,=:@"},
		{name: "slash at the end", path: "/a/", decoded: "/a/", raw: "/a/"},
		{name: "parameters", path: "/a;v=1/b", decoded: "/a;v=1/b", raw: "/a;v=1/b"},
		{name: "hidden file", path: "/.well-known/x", decoded: "/.well-known/x", raw: "/.well-known/x"},
		{name: "three dots", path: "/.../x", decoded: "/.../x", raw: "/.../x"},
		{name: "escapes are kept in raw", path: "/%41%42/%7e", decoded: "/AB/~", raw: "/%41%42/%7e"},
		{name: "escaped space and fragment", path: "/a%20b%23c%3fd", decoded: "/a b#c?d", raw: "/a%20b%23c%3fd"},
		{name: "bytes are encoded in raw", path: "/é\"<>", decoded: "/é\"<>", raw: "/%C3%A9%22%3C%3E"},
		{name: "escaped percent stays one", path: "/%252e%252e/x", decoded: "/%2e%2e/x", raw: "/%252e%252e/x"},
		{name: "merged slashes", path: "//a///b//", decoded: "/a/b/", raw: "/a/b/"},
		{name: "dot", path: "/a/./b/.", decoded: "/a/b/", raw: "/a/b/"},
		{name: "dot dot", path: "/a/../b", decoded: "/b", raw: "/b"},
		{name: "dot dot at the end", path: "/a/b/..", decoded: "/a/", raw: "/a/"},
		{name: "dot dot beyond the root", path: "/../../a", decoded: "/a", raw: "/a"},
		{name: "only dot dot", path: "/..", decoded: "/", raw: "/"},
		{name: "escaped dot dot", path: "/a/%2e%2E/b", decoded: "/b", raw: "/b"},
		{name: "half escaped dot dot", path: "/a/.%2e/b", decoded: "/b", raw: "/b"},
		{name: "dot dot over an escape", path: "/%61/../b", decoded: "/b", raw: "/b"},
		{name: "empty segment before dot dot", path: "/a//../b", decoded: "/b", raw: "/b"},
		{name: "kept slash", path: "/a%2Fb%2fc", rules: keep, decoded: "/a%2Fb%2fc", raw: "/a%2Fb%2fc"},

		{name: "empty", path: "", err: ErrPathByte},
		{name: "not rooted", path: "a", err: ErrPathByte},
		{name: "space", path: "/a b", err: ErrPathByte},
		{name: "fragment", path: "/a#b", err: ErrPathByte},
		{name: "control byte", path: "/a\x01", err: ErrPathByte},
		{name: "DEL", path: "/a\x7f", err: ErrPathByte},
		{name: "backslash", path: `/a\b`, err: ErrPathAmbiguous},
		{name: "escaped slash", path: "/a/..%2fb", err: ErrPathAmbiguous},
		{name: "escaped backslash", path: "/a/..%5cb", err: ErrPathAmbiguous},
		{name: "escaped NUL", path: "/a%00", err: ErrPathAmbiguous},
		{name: "escaped line feed", path: "/a%0a", err: ErrPathAmbiguous},
		{name: "escaped DEL", path: "/a%7f", err: ErrPathAmbiguous},
		{name: "parameters on dot dot", path: "/a/..;/b", err: ErrPathAmbiguous},
		{name: "parameters on dot", path: "/a/.;x/b", err: ErrPathAmbiguous},
		{name: "escaped parameters on dot dot", path: "/a/..%3b/b", err: ErrPathAmbiguous},
		{name: "overlong dot", path: "/a/%c0%ae%c0%ae/b", err: ErrPathAmbiguous},
		{name: "overlong slash of three bytes", path: "/a%e0%80%af", err: ErrPathAmbiguous},
		{name: "overlong slash of four bytes", path: "/a%f0%80%80%af", err: ErrPathAmbiguous},
		{name: "overlong bytes as they are", path: "/a\xc0\xaf", err: ErrPathAmbiguous},
		{name: "kept slash makes dot dot", path: "/a/..%2fb", rules: keep, err: ErrPathAmbiguous},
		{name: "kept slash makes dot dot at the end", path: "/a%2F..", rules: keep, err: ErrPathAmbiguous},
		{name: "kept slash makes parameters on dot dot", path: "/a%2F..;x", rules: keep, err: ErrPathAmbiguous},
		{name: "kept slash but no backslash", path: "/a%5cb", rules: keep, err: ErrPathAmbiguous},
		{name: "percent", path: "/%", err: ErrPathEscape},
		{name: "one digit", path: "/%4", err: ErrPathEscape},
		{name: "escape over a segment's end", path: "/%4/1", err: ErrPathEscape},
		{name: "not hexadecimal", path: "/%zz", err: ErrPathEscape},
		{name: "escape of the wide kind", path: "/%u002e", err: ErrPathEscape},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			decoded, raw, err := Canonical(tt.path, tt.rules)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if decoded != tt.decoded || raw != tt.raw {
				t.Errorf("got %q and %q, want %q and %q", decoded, raw, tt.decoded, tt.raw)
			}
		})
	}
}

func TestEncodePath(t *testing.T) {
	tests := []struct{ name, path, want string }{
		{"plain", "/a/b;c", "/a/b;c"},
		{"question mark and fragment", "/a?b#c", "/a%3Fb%23c"},
		{"percent", "/100%", "/100%25"},
		{"space and beyond ASCII", "/a é", "/a%20%C3%A9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := EncodePath(tt.path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzPath checks what routes and upstreams rely on: no accepted path has dot segments, the two forms are the same path, and
// reading either again changes nothing.
func FuzzPath(f *testing.F) {
	for _, s := range []string{
		"/", "/a/b", "/a/../b", "/%2e%2e/x", "//a//./b/..", "/a%2Fb", "/a%252Fb", "/%c0%ae", "/a;b/..;c", "/\xff%ff", "/..%2f", "/a%20b?", "/.",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, path string, keep bool) {
		rules := PathRules{KeepEncodedSlash: keep}
		decoded, raw, err := Canonical(path, rules)
		if err != nil {
			return
		}
		checkCanonical(t, decoded, raw)
		if d, r, err := Canonical(raw, rules); err != nil || d != decoded || r != raw {
			t.Errorf("got %q, %q, %v for the raw path %q again, want %q", d, r, err, raw, decoded)
		}
		if d, _, err := Canonical(EncodePath(decoded), rules); err != nil || d != decoded {
			t.Errorf("got %q, %v for the decoded path encoded, want %q", d, err, decoded)
		}
	})
}

func checkCanonical(t *testing.T, decoded, raw string) {
	t.Helper()
	if !strings.HasPrefix(decoded, "/") || strings.Count(decoded, "/") != strings.Count(raw, "/") {
		t.Errorf("got %q and %q, want the same segments", decoded, raw)
	}
	for i, segment := range strings.Split(decoded[1:], "/") {
		if segment == "." || segment == ".." || segment == "" && i < strings.Count(decoded, "/")-1 {
			t.Errorf("got the segment %q in %q", segment, decoded)
		}
	}
	if strings.ContainsAny(decoded, "\\\x00\r\n") {
		t.Errorf("got an ambiguous byte in %q", decoded)
	}
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c != '%' && !pathByte[c] {
			t.Errorf("got the byte %q in the raw path %q", c, raw)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	for _, bb := range []struct{ name, path string }{{"plain", "/assets/app/main.css"}, {"escaped", "/caf%C3%A9/men%20u/x"}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Canonical(bb.path, PathRules{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestPathRules(t *testing.T) {
	servlet, tail := PathRules{CutParameters: true}, PathRules{CutLastSlash: true}
	tests := []struct {
		name, path   string
		rules        PathRules
		decoded, raw string
		err          error
	}{
		{"parameters", "/a;x=1/b;y", servlet, "/a/b", "/a;x=1/b;y", nil},
		{"encoded parameters", "/a%3bx", servlet, "/a", "/a%3bx", nil},
		{"parameters alone at the end", "/a/;x", servlet, "/a/", "/a/;x", nil},
		{"parameters alone before", "/;x/a", servlet, "", "", ErrPathAmbiguous},
		{"no parameters", "/a/b", servlet, "/a/b", "/a/b", nil},
		{"slash at the end", "/a/", tail, "/a", "/a/", nil},
		{"slash alone", "/", tail, "/", "/", nil},
		{"without the rules", "/a;x/", PathRules{}, "/a;x/", "/a;x/", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			decoded, raw, err := Canonical(tt.path, tt.rules)
			if decoded != tt.decoded || raw != tt.raw || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %q, %v, want %q, %q, %v", decoded, raw, err, tt.decoded, tt.raw, tt.err)
			}
		})
	}
}

package transport

import (
	"errors"
	"strings"
)

// Why a path is refused. The texts are shown to clients.
var (
	ErrPathEscape    = errors.New("the path has an invalid percent-encoding")
	ErrPathAmbiguous = errors.New("the path is ambiguous: it has an encoded slash, backslash or control byte, a backslash, an overlong " +
		"UTF-8 sequence, or more than dots in a dot segment")
	ErrPathByte = errors.New("the path has a byte that a target may not have")
)

// PathRules are the choices in reading a path.
type PathRules struct {
	KeepEncodedSlash bool // "%2F" is kept encoded in both forms of the path instead of being refused
	CutParameters    bool // ";…" behind a segment is cut from the decoded path, as servlet containers do, and stays in the raw one
	CutLastSlash     bool // a slash at the end is cut from the decoded path and stays in the raw one
}

// Canonical reads a path as it was sent and returns the one path that decides the route, that plugins see and that is logged
// (decoded), and the same path for the upstream (raw). Escapes of the client's are kept in raw; dot segments are resolved and
// slashes merged in both. A path that a lax reader could take for another one is refused.
//
// For a path of unreserved bytes only, which most are, both results are the argument.
func Canonical(path string, rules PathRules) (decoded, raw string, err error) {
	decoded, raw = path, path
	if !plainPath(path) {
		if decoded, raw, err = canonicalSlow(path, rules); err != nil {
			return "", "", err
		}
	}
	if rules.CutParameters {
		if decoded, err = cutParameters(decoded); err != nil {
			return "", "", err
		}
	}
	if rules.CutLastSlash && len(decoded) > 1 {
		decoded = strings.TrimSuffix(decoded, "/")
	}
	return decoded, raw, nil
}

// cutParameters cuts what stands behind a semicolon in each segment (apisix/init.lua, normalize_uri_like_servlet). A segment of
// parameters alone, but for the last one, would change what its neighbours are.
func cutParameters(path string) (string, error) {
	if strings.IndexByte(path, ';') < 0 {
		return path, nil
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		name, _, found := strings.Cut(segment, ";")
		if found && name == "" && i < len(segments)-1 {
			return "", ErrPathAmbiguous
		}
		segments[i] = name
	}
	return strings.Join(segments, "/"), nil
}

// EncodePath percent-encodes a decoded path for the upstream.
func EncodePath(path string) string {
	n := 0
	for i := 0; i < len(path); i++ {
		if !pathByte[path[i]] {
			n++
		}
	}
	if n == 0 {
		return path
	}
	b := make([]byte, 0, len(path)+2*n)
	for i := 0; i < len(path); i++ {
		b = appendPathByte(b, path[i])
	}
	return string(b)
}

const upperHex = "0123456789ABCDEF"

func appendPathByte(b []byte, c byte) []byte {
	if pathByte[c] {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

func plainPath(p string) bool {
	last := byte(0)
	for i := 0; i < len(p); i++ {
		c := p[i]
		if !plainByte[c] || last == '/' && (c == '/' || c == '.') {
			return false
		}
		last = c
	}
	return len(p) > 0 && p[0] == '/'
}

func canonicalSlow(path string, rules PathRules) (decoded, raw string, err error) {
	if path == "" || path[0] != '/' {
		return "", "", ErrPathByte
	}
	dec, enc := make([]byte, 0, len(path)), make([]byte, 0, len(path)+8)
	for rest := path; rest != ""; {
		segment := rest[1:]
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment = segment[:i]
		}
		last := len(segment)+1 == len(rest)
		rest = rest[1+len(segment):]
		if segment == "" && !last {
			continue
		}
		d, e := len(dec), len(enc)
		if dec, enc, err = appendSegment(append(dec, '/'), append(enc, '/'), segment, rules); err != nil {
			return "", "", err
		}
		up, dot := dotSegment(string(dec[d+1:]))
		if !dot {
			continue
		}
		dec, enc = dec[:d], enc[:e]
		if up {
			dec, enc = cutSegment(dec), cutSegment(enc)
		}
		if last {
			dec, enc = append(dec, '/'), append(enc, '/')
		}
	}
	if hasDotParameters(dec) || hasOverlong(dec) || rules.KeepEncodedSlash && hasKeptDots(dec) {
		return "", "", ErrPathAmbiguous
	}
	return string(dec), string(enc), nil
}

// hasOverlong tells whether there is a UTF-8 sequence that is longer than it need be: a lax decoder makes a dot or a slash of it.
func hasOverlong(p []byte) bool {
	for i := 1; i < len(p); i++ {
		if next := p[i]; next >= 0x80 && next < 0xc0 {
			switch lead := p[i-1]; {
			case lead == 0xc0, lead == 0xc1, lead == 0xe0 && next < 0xa0, lead == 0xf0 && next < 0x90:
				return true
			}
		}
	}
	return false
}

// hasKeptDots tells whether there would be a dot segment if the encoded slashes that were kept were slashes.
func hasKeptDots(p []byte) bool {
	s := strings.ReplaceAll(strings.ToLower(View(p)), "%2f", "/") + "/"
	return strings.Contains(s, "/../") || strings.Contains(s, "/./") || hasDotParameters([]byte(s))
}

func dotSegment(s string) (up, dot bool) { return s == "..", s == "." || s == ".." }

func cutSegment(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '/' {
			return b[:i]
		}
	}
	return b[:0]
}

// Servlet containers cut ";…" from a segment before they resolve dots.
func hasDotParameters(p []byte) bool {
	s := View(p)
	return strings.Contains(s, "/..;") || strings.Contains(s, "/.;")
}

func appendSegment(dec, enc []byte, s string, rules PathRules) (decoded, raw []byte, err error) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			if c < 0x20 || c == 0x7f || c == '#' || c == ' ' {
				return dec, enc, ErrPathByte
			}
			if c == '\\' {
				return dec, enc, ErrPathAmbiguous
			}
			dec, enc = append(dec, c), appendPathByte(enc, c)
			continue
		}
		if i+2 >= len(s) || unhex[s[i+1]] == 0 || unhex[s[i+2]] == 0 {
			return dec, enc, ErrPathEscape
		}
		c = (unhex[s[i+1]]-1)<<4 | (unhex[s[i+2]] - 1)
		switch {
		case c == '/' && rules.KeepEncodedSlash:
			dec = append(dec, s[i:i+3]...)
		case c == '/' || c == '\\' || c < 0x20 || c == 0x7f:
			return dec, enc, ErrPathAmbiguous
		default:
			dec = append(dec, c)
		}
		enc = append(enc, s[i:i+3]...)
		i += 2
	}
	return dec, enc, nil
}

// plainByte marks the bytes of a path that stand for themselves; pathByte those that need no encoding (RFC 3986 section 3.3).
var plainByte, pathByte, unhex = pathTables()

func pathTables() (plain, path [256]bool, hex [256]byte) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/!$&'()*+,=:@") {
		plain[c], path[c] = true, true
	}
	path[';'] = true
	for i, c := range []byte("0123456789abcdef") {
		hex[c] = byte(i) + 1
	}
	for i, c := range []byte("ABCDEF") {
		hex[c] = byte(i) + 11
	}
	return plain, path, hex
}

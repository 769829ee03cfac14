package router

import (
	"strings"

	"github.com/polygate/polygate/internal/regex"
)

// maxStars is the number of wildcards up to which a template is matched by hand.
const maxStars = 8

// pattern is a configured path, taken apart.
type pattern struct {
	path  string // as configured
	key   string // literal bytes that a path begins with, or is, if exact
	exact bool
	tmpl  *template // nil: the key says it all
}

// cutPath returns the literal beginning of a configured path, and whether that is all of it.
func cutPath(mode Mode, path string) (key string, exact bool) {
	if mode == ModeParameter {
		if i := strings.IndexByte(path, ':'); i >= 0 {
			return path[:i], false
		}
	}
	if i := strings.IndexByte(path, '*'); i >= 0 {
		return path[:i], false
	}
	return path, true
}

func parsePattern(mode Mode, path string) pattern {
	p := pattern{path: path}
	p.key, p.exact = cutPath(mode, path)
	if !p.exact {
		p.tmpl = parseTemplate(path, p.key)
	}
	return p
}

// template is what a path has to look like beyond its literal beginning: segments, of which ":name" stands for one or more
// bytes other than a slash and "*name" for any bytes.
type template struct {
	skip   int      // bytes at the beginning that the key has already compared
	blocks []block  // the first one stands at the beginning, each other one follows a wildcard
	stars  []string // names of the wildcards between the blocks
	re     *regex.Regexp
	names  []string // of re's groups; "" is none of ours
}

// block is a piece of a template between wildcards.
type block []token

// token is a literal, or a parameter of that name.
type token struct {
	param bool
	text  string
}

// parseTemplate returns nil if a path needs only begin with key. That is so when no segment begins with ':' or '*',
// whatever follows the wildcard inside a segment.
func parseTemplate(path, key string) *template {
	segments := strings.Split(strings.TrimRight(path, "/"), "/")
	found, regular, stars := false, false, 0
	pos := 0
	for _, s := range segments {
		switch {
		case strings.HasPrefix(s, ":"):
			found = true
		case strings.HasPrefix(s, "*"):
			found = true
			stars++
		case pos+len(s) > len(key) && strings.ContainsAny(s, special):
			regular = true
		}
		pos += len(s) + 1
	}
	if !found {
		return nil
	}
	if regular || stars > maxStars {
		if t := regexpTemplate(segments, path, key); t != nil {
			return t
		}
	}
	return blockTemplate(segments, path, key)
}

func blockTemplate(segments []string, path, key string) *template {
	t := &template{}
	var b block
	lit := ""
	flush := func() {
		if lit != "" {
			b = append(b, token{text: lit})
			lit = ""
		}
	}
	for i, s := range segments {
		if i > 0 {
			lit += "/"
		}
		switch {
		case strings.HasPrefix(s, ":"):
			flush()
			b = append(b, token{param: true, text: s[1:]})
		case strings.HasPrefix(s, "*") && len(t.stars) < maxStars:
			flush()
			t.blocks = append(t.blocks, b)
			t.stars = append(t.stars, starName(s))
			b = nil
		default:
			lit += s
		}
	}
	if strings.HasSuffix(path, "/") {
		lit += "/"
	}
	flush()
	t.blocks = append(t.blocks, b)
	if first := t.blocks[0]; len(first) > 0 && !first[0].param && strings.HasPrefix(key, first[0].text) {
		t.skip = len(first[0].text)
		t.blocks[0] = first[1:]
	}
	return t
}

// starName is the name under which APISIX gives what the wildcard s stands for.
func starName(s string) string {
	if s == "*" {
		return ":ext"
	}
	return s[1:]
}

// match tells whether all of path is of the template's form, and puts the parameters into m.
func (t *template) match(path string, m *Match) bool {
	if t.re != nil {
		return t.matchRegexp(path, m)
	}
	end, ok := t.blocks[0].match(path, t.skip, nil)
	if !ok {
		return false
	}
	var begins, ends [maxStars + 1]int
	ends[0] = end
	if !t.place(path, &begins, &ends) {
		return false
	}
	t.blocks[0].match(path, t.skip, m)
	for i, name := range t.stars {
		m.set(name, path[ends[i]:begins[i+1]])
		t.blocks[i+1].match(path, begins[i+1], m)
	}
	return true
}

// place finds where each block after a wildcard stands, from the last one to the first and each as far right as it can: what
// a regular expression with greedy wildcards finds, without its backtracking.
func (t *template) place(path string, begins, ends *[maxStars + 1]int) bool {
	last := len(t.stars)
	if last == 0 {
		return ends[0] == len(path)
	}
	limit := len(path)
	for k := last; k > 0; k-- {
		b := t.blocks[k]
		if len(b) == 0 {
			begins[k], ends[k] = limit, limit
			continue
		}
		pos := limit
		for {
			pos = strings.LastIndexByte(path[:pos], '/')
			if pos < ends[0] {
				return false
			}
			end, ok := b.match(path, pos, nil)
			if ok && (end == limit || end < limit && k < last) {
				begins[k], ends[k] = pos, end
				break
			}
		}
		limit = pos
	}
	return ends[0] <= begins[1]
}

// match tells where the block ends if it stands at pos. With m it puts the parameters there.
func (b block) match(path string, pos int, m *Match) (int, bool) {
	for _, t := range b {
		rest := path[pos:]
		if !t.param {
			if !strings.HasPrefix(rest, t.text) {
				return 0, false
			}
			pos += len(t.text)
			continue
		}
		n := strings.IndexByte(rest, '/')
		if n < 0 {
			n = len(rest)
		}
		if n == 0 {
			return 0, false
		}
		if m != nil {
			m.set(t.text, rest[:n])
		}
		pos += n
	}
	return pos, true
}

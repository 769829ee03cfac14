package router

import (
	"strconv"
	"strings"

	"github.com/polygate/polygate/internal/regex"
)

// regexpTemplate returns nil if the segments are no regular expression.
func regexpTemplate(segments []string, path, key string) *template {
	var sb strings.Builder
	var ours []string
	sb.WriteString(`\A(?:`)
	pos := 0
	for i, s := range segments {
		if i > 0 {
			sb.WriteByte('/')
		}
		pos += len(s) + 1
		switch {
		case strings.HasPrefix(s, ":"):
			sb.WriteString(`(?P<` + groupName(len(ours)) + `>[^/]+)`)
			ours = append(ours, s[1:])
		case strings.HasPrefix(s, "*"):
			sb.WriteString(`(?P<` + groupName(len(ours)) + `>(?s:.*))`)
			ours = append(ours, starName(s))
		case pos-1 <= len(key) || !strings.ContainsAny(s, special):
			sb.WriteString(quote(s))
		default:
			sb.WriteString(s)
		}
	}
	if strings.HasSuffix(path, "/") {
		sb.WriteByte('/')
	}
	sb.WriteString(`)\z`)
	re, err := regex.Compile(sb.String())
	if err != nil {
		return nil
	}
	t := &template{re: re, names: make([]string, len(re.SubexpNames()))}
	next := 0
	for i, name := range re.SubexpNames() {
		if next < len(ours) && name == groupName(next) {
			t.names[i] = ours[next]
			next++
		}
	}
	return t
}

// groupName names the group of the i-th parameter, since groups of the pattern's own may stand between them.
func groupName(i int) string { return "pg" + strconv.Itoa(i) + "_" }

// special are the characters by which a segment is taken for a regular expression. The dot is not one of them.
const special = `\^$|?*+()[]{}`

func quote(s string) string {
	var sb strings.Builder
	for i := range len(s) {
		if s[i] == '.' || strings.IndexByte(special, s[i]) >= 0 {
			sb.WriteByte('\\')
		}
		sb.WriteByte(s[i])
	}
	return sb.String()
}

func (t *template) matchRegexp(path string, m *Match) bool {
	loc, err := t.re.FindStringSubmatchIndex(path, 0)
	if err != nil || loc == nil {
		return false
	}
	for i, name := range t.names {
		if name != "" && loc[2*i] >= 0 {
			m.set(name, path[loc[2*i]:loc[2*i+1]])
		}
	}
	return true
}

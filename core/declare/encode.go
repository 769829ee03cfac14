package declare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/polygate/polygate/core/config"
)

// Encode returns the items as a file that [Load] reads back as they are: YAML in block style, in an order that depends on nothing but the
// items. Only null becomes {}, and members named "<<" are not read back: APISIX's YAML has neither. Certificates whose private keys are not there come with a comment that says so.
func Encode(items []Item) []byte {
	items = slices.Clone(items)
	Sort(items)
	e := &encoder{}
	folder := ""
	for _, it := range grouped(items) {
		name, id, _ := strings.Cut(it.Key, "/")
		if it.Kind.Identity == config.Single {
			continue
		}
		if name != folder {
			folder = name
			e.line(0, name+":")
		}
		if lacksKey(it) {
			e.line(1, "# The private key is not shown. Where a gateway has this certificate, its key stays; elsewhere write it here.")
		}
		e.item(it, id)
	}
	if len(items) == 0 {
		e.line(0, "routes: []")
	}
	e.line(0, "#END")
	return []byte(e.out.String())
}

// grouped puts what belongs to a resource into the list of its owner's kind, behind the owners.
func grouped(items []Item) []Item {
	rank := ranks()
	folder := func(it Item) int { return rank[cmp.Or(it.Kind.Parent, it.Kind.Name)] }
	slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(folder(a), folder(b)) })
	return items
}

// EncodeValue returns a value as lines of YAML.
func EncodeValue(value map[string]any) []string {
	if len(value) == 0 {
		return nil
	}
	e := &encoder{}
	e.members(0, value, "")
	return strings.Split(strings.TrimSuffix(e.out.String(), "\n"), "\n")
}

type encoder struct {
	out strings.Builder
}

func (e *encoder) line(depth int, text string) {
	e.out.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

// item writes one item of a list, with its id in front.
func (e *encoder) item(it Item, id string) {
	value := it.Value
	first := "id: " + scalar(id)
	if it.Kind.Identity == config.ByName && it.Value["username"] == id {
		value = maps.Clone(it.Value)
		delete(value, "username")
		first = "username: " + scalar(id)
	}
	e.line(1, "- "+first)
	e.members(2, value, "")
}

// names returns the members of an object in the order in which they are written: what names it comes first.
func names(value map[string]any) []string {
	front := []string{"id", "username", "name", "desc", "labels", "uri", "uris"}
	return slices.SortedFunc(maps.Keys(value), func(a, b string) int {
		rank := func(s string) int {
			if i := slices.Index(front, s); i >= 0 {
				return i
			}
			return len(front)
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

// members writes an object. The first line may begin with something else than its indentation.
func (e *encoder) members(depth int, value map[string]any, lead string) {
	for _, name := range names(value) {
		key := scalar(name)
		e.out.WriteString(cmp.Or(lead, strings.Repeat("  ", depth)) + key + ":")
		lead = ""
		e.value(depth, value[name])
	}
}

// value writes what stands behind a key or a dash, and the end of the line.
func (e *encoder) value(depth int, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			e.out.WriteString(" {}\n")
			return
		}
		e.out.WriteString("\n")
		e.members(depth+1, v, "")
	case []any:
		if len(v) == 0 {
			e.out.WriteString(" []\n")
			return
		}
		e.out.WriteString("\n")
		e.list(depth+1, v, "")
	case string:
		if block(v) {
			e.block(depth+1, v)
			return
		}
		e.out.WriteString(" " + scalar(v) + "\n")
	default:
		e.out.WriteString(" " + plain(v) + "\n")
	}
}

// list writes the items of an array. The first line may begin with something else than its indentation.
func (e *encoder) list(depth int, items []any, lead string) {
	for _, item := range items {
		dash := cmp.Or(lead, strings.Repeat("  ", depth)) + "-"
		lead = ""
		switch v := item.(type) {
		case map[string]any:
			if len(v) > 0 {
				e.members(depth+1, v, dash+" ")
				continue
			}
		case []any:
			if len(v) > 0 {
				e.list(depth+1, v, dash+" ")
				continue
			}
		}
		e.out.WriteString(dash)
		e.value(depth, item)
	}
}

func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

// block tells whether a text is written as lines of its own, such as a certificate.
func block(s string) bool {
	if !strings.Contains(strings.TrimRight(s, "\n"), "\n") || s[0] == ' ' || s[0] == '\n' || strings.Contains(s, "${{") {
		return false
	}
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimRight(line, " \t") != line || strings.HasPrefix(line, "\t") || strings.ContainsFunc(line, special) {
			return false
		}
	}
	return true
}

func (e *encoder) block(depth int, s string) {
	rest := strings.TrimRight(s, "\n")
	switch len(s) - len(rest) {
	case 0:
		e.out.WriteString(" |-\n")
	case 1:
		e.out.WriteString(" |\n")
	default:
		e.out.WriteString(" |+\n")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		if line != "" {
			e.out.WriteString(strings.Repeat("  ", depth) + line)
		}
		e.out.WriteString("\n")
	}
}

// simple are the texts that mean themselves without quotes for every reader of YAML.
var simple = regexp.MustCompile(`^[A-Za-z/_^$][A-Za-z0-9_./:@%+=~^$()*?\\-]*([ ,]+[A-Za-z0-9_./(=+-]+)*$`)

// word tells whether a text is something else without quotes, or were not in some version of YAML.
func word(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", ".inf", ".nan", "nan", "inf":
		return true
	}
	return false
}

// dollar is a variable that stands for the sign itself: there is no other way to write what looks like the reference to a variable.
const dollar = "${{POLYGATE_DOLLAR:=$}}"

// scalar returns a text as YAML.
func scalar(s string) string {
	if simple.MatchString(s) && !word(s) && !strings.HasSuffix(s, ":") && !strings.Contains(s, ": ") {
		return s
	}
	return strings.ReplaceAll(quote(s), "${{", dollar+"{{")
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case special(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case special(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// special tells whether a character cannot be written as it is.
func special(r rune) bool {
	return r == utf8.RuneError || r == 0xfeff || r == 0x85 || r == 0x2028 || r == 0x2029 || !unicode.IsPrint(r) && r != ' ' && r != '\t'
}

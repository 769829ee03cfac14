package file

import (
	"hash/maphash"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v3"
)

// pieceSize is how much text is parsed at once, in bytes. The trees of all pieces are never in memory together.
const pieceSize = 64 << 10

// digest stands for the text of an item of some kind.
type digest struct {
	kind string
	sums [2]uint64
}

// memo is what the text of an item became.
type memo struct {
	id    string
	value []byte
	below int // lines between the beginnings of the text and of the item
}

// digester makes digests, which only one and the same digester makes equal.
type digester [2]maphash.Seed

func newDigester() digester { return digester{maphash.MakeSeed(), maphash.MakeSeed()} }

func (d digester) sum(kind, text string) digest {
	return digest{kind, [2]uint64{maphash.String(d[0], text), maphash.String(d[1], text)}}
}

// piece is a run of parts that are parsed together.
type piece struct {
	list    *listing
	first   int // index of the first part
	parts   []part
	digests []digest
}

// listing is a list whose parts were parsed or remembered.
type listing struct {
	kind    string
	entries []entry
}

// parts parses a text of YAML piece by piece, leaving out what is remembered, on all processors. It reports false, and has done
// nothing, if the text is of a form that has to be parsed as a whole, or is wrong.
func (p *parser) parts(text string) bool {
	sections, ok := split(text)
	if !ok {
		return false
	}
	q := p.fork()
	q.remembered = p.remembered
	var lists []*listing
	var pieces []piece
	seen := map[string]bool{}
	for _, s := range sections {
		if seen[s.name] {
			return false
		}
		seen[s.name] = true
		if s.parts == nil || s.name == single || !slices.Contains(listKinds(), s.name) {
			if !q.section(s) {
				return false
			}
			continue
		}
		list := &listing{kind: s.name, entries: make([]entry, len(s.parts))}
		lists = append(lists, list)
		pieces = append(pieces, q.pieces(list, s.parts)...)
	}
	if !q.parse(pieces, textPiece) {
		return false
	}
	for _, list := range lists {
		q.add(list.kind, list.entries)
	}
	*p = *q
	return true
}

// section parses a member of the root object that is not a list in block style.
func (p *parser) section(s section) bool {
	root, several, err := decode(s.text)
	if err != nil || root == nil || several > 0 || root.Kind != yaml.MappingNode || len(root.Content) != 2 || root.Content[0].Value != s.name {
		return false
	}
	p.base = s.line - 1
	p.kinds(root)
	p.base = 0
	return true
}

// pieces returns the runs of parts that have to be parsed, and takes over what is remembered of the others.
func (p *parser) pieces(list *listing, parts []part) []piece {
	var out []piece
	open, size := false, 0
	for i, part := range parts {
		d := p.digester.sum(list.kind, part.text)
		if known, ok := p.memo[d]; ok {
			p.fresh[d] = known
			list.entries[i] = entry{id: known.id, value: known.value, line: part.line + known.below}
			open = false
			continue
		}
		if !open || size > pieceSize {
			out = append(out, piece{list: list, first: i})
			open, size = true, 0
		}
		last := &out[len(out)-1]
		last.parts, last.digests = append(last.parts, part), append(last.digests, d)
		size += len(part.text)
	}
	return out
}

// parse runs a function over all pieces at once, each with a parser of its own, and takes over what they found. It reports false
// as soon as one of them does.
func (p *parser) parse(pieces []piece, run func(*parser, piece) ([]entry, bool)) bool {
	helpers := make([]*parser, len(pieces))
	var next atomic.Int64
	var wrong atomic.Bool
	var wg sync.WaitGroup
	for range min(len(pieces), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(pieces) && !wrong.Load(); i = int(next.Add(1)) - 1 {
				helpers[i] = p.fork()
				entries, ok := run(helpers[i], pieces[i])
				if !ok {
					wrong.Store(true)
					return
				}
				copy(pieces[i].list.entries[pieces[i].first:], entries)
			}
		})
	}
	wg.Wait()
	if wrong.Load() {
		return false
	}
	for i, h := range helpers {
		p.takeOver(pieces[i], h)
	}
	return true
}

// takeOver adds what a helper found in a piece.
func (p *parser) takeOver(c piece, h *parser) {
	for _, pr := range h.problems {
		p.note(pr)
	}
	p.fatal = p.fatal || h.fatal
	if p.spent += h.spent; p.spent > aliasBudget && !h.fatal {
		p.fail(c.parts[0].line, errAliases)
	}
	for i, d := range c.digests {
		if it := c.list.entries[c.first+i]; !it.shared && len(h.problems) == 0 {
			p.fresh[d] = memo{id: it.id, value: it.value, below: it.line - c.parts[i].line}
		}
	}
}

// textPiece parses parts of a text of YAML.
func textPiece(p *parser, c piece) ([]entry, bool) {
	size := 0
	for _, part := range c.parts {
		size += len(part.text)
	}
	text := make([]byte, 0, size)
	for _, part := range c.parts {
		text = append(text, part.text...)
	}
	root, several, err := decode(string(text))
	if err != nil || root == nil || several > 0 || root.Kind != yaml.SequenceNode || len(root.Content) != len(c.parts) {
		return nil, false
	}
	p.base = c.parts[0].line - 1
	return p.entries(c.list.kind, root.Content, c.first), true
}

package regex

import (
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// timeLimit bounds one match of the backtracking engine. The engine's clock is coarse: a match ends between one and three times
// this.
const timeLimit = 100 * time.Millisecond

// backtracker is a pattern compiled for the engine that knows look-arounds and back-references.
type backtracker struct {
	re    *regexp2.Regexp
	names []string
}

// lazyBacktracker returns a function that compiles the pattern at its first call: most patterns never need this engine.
func lazyBacktracker(pattern, letters string) func() (*backtracker, error) {
	return sync.OnceValues(func() (*backtracker, error) {
		t, err := translate(pattern, letters, forBacktracker)
		if err != nil {
			return nil, err
		}
		re, err := regexp2.Compile(t.pattern, regexp2.None)
		if err != nil {
			return nil, err
		}
		re.MatchTimeout = timeLimit
		return &backtracker{re: re, names: t.names}, nil
	})
}

func (b *backtracker) match(s string) (bool, error) {
	ok, err := b.re.MatchString(s)
	if err != nil {
		return false, ErrTimeout
	}
	return ok, nil
}

// find is FindStringSubmatchIndex. from must be the start of a character.
func (b *backtracker) find(s *subject, from int) ([]int, error) {
	m, err := b.re.FindRunesMatchStartingAt(s.runes, s.runeIndex(from))
	if err != nil {
		return nil, ErrTimeout
	}
	if m == nil {
		return nil, nil
	}
	loc := make([]int, 0, 2*len(b.names))
	for i := range b.names {
		g := m.GroupByNumber(i)
		if g == nil || len(g.Captures) == 0 {
			loc = append(loc, -1, -1)
			continue
		}
		loc = append(loc, s.offset(g.Index), s.offset(g.Index+g.Length))
	}
	return loc, nil
}

// subject is a string as the backtracking engine reads it. Offsets lead back to the string itself, so that bytes that are not
// UTF-8 survive.
type subject struct {
	text    string
	runes   []rune
	offsets []int // of each rune and of the end; nil if they are the same as the runes' indices
}

func newSubject(s string) *subject {
	sub := &subject{text: s, runes: []rune(s)}
	if len(sub.runes) == len(s) {
		return sub
	}
	sub.offsets = make([]int, 0, len(sub.runes)+1)
	for i := range s {
		sub.offsets = append(sub.offsets, i)
	}
	sub.offsets = append(sub.offsets, len(s))
	return sub
}

func (s *subject) offset(runeIndex int) int {
	if s.offsets == nil {
		return runeIndex
	}
	return s.offsets[runeIndex]
}

func (s *subject) runeIndex(offset int) int {
	if s.offsets == nil {
		return offset
	}
	return utf8.RuneCountInString(s.text[:offset])
}

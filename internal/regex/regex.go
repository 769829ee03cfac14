// Package regex matches the regular expressions of configurations, which are written for PCRE.
//
// A pattern that Go's linear-time engine can express runs there. One with look-arounds, back-references, atomic groups or
// possessive quantifiers runs on a backtracking engine under a time limit, so that no pattern can hang a request. In both
// engines a pattern means what it means to PCRE in UTF-8 mode without Unicode properties: \d, \w, \s and \b know ASCII only,
// and $ also matches before a final newline.
package regex

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxPattern is the greatest length of a pattern in bytes.
const maxPattern = 64 << 10

// ErrTimeout says that a match was given up because it ran out of time.
var ErrTimeout = errors.New("regular expression ran out of time")

// Regexp is a compiled regular expression. It is safe for concurrent use.
type Regexp struct {
	pattern string
	names   []string       // by group number; names[0] is empty
	linear  *regexp.Regexp // nil if only the backtracking engine understands the pattern
	back    func() (*backtracker, error)

	// finalNewline is set if a subject that ends in a newline must go to the backtracking engine: the linear one has no
	// assertion for "at the end or before the final newline".
	finalNewline bool
	// looksBack is set if what stands before the start of a search matters (^, \A, \b, \B).
	looksBack bool
}

// Compile compiles pattern. The options are letters as for ngx.re.match: i ignores case, m lets ^ and $ match at lines, s lets
// the dot match newlines, x ignores white space and comments in the pattern, a anchors it at the start. The letters d, D, j, J, o,
// u and U are accepted and change nothing: matching is always compiled and always UTF-8.
func Compile(pattern string, options ...string) (*Regexp, error) {
	letters := strings.Join(options, "")
	if at := strings.IndexFunc(letters, func(r rune) bool { return !strings.ContainsRune("imsxadDjJouU", r) }); at >= 0 {
		return nil, fmt.Errorf("unknown flag %q (flags %q)", letters[at:at+1], letters)
	}
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("regular expression of %d bytes is longer than %d", len(pattern), maxPattern)
	}
	if !utf8.ValidString(pattern) {
		return nil, fmt.Errorf("regular expression %q is not valid UTF-8", pattern)
	}
	re, err := compile(pattern, letters)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	return re, nil
}

func compile(pattern, letters string) (*Regexp, error) {
	re := &Regexp{pattern: pattern, back: lazyBacktracker(pattern, letters)}
	t, err := translate(pattern, letters, forLinear)
	if err == nil {
		re.linear, err = regexp.Compile(t.pattern)
	} else if !errors.Is(err, errNotLinear) {
		return nil, err
	}
	if err == nil {
		re.names, re.finalNewline, re.looksBack = t.names, t.finalNewline, t.looksBack
		return re, nil
	}
	re.linear = nil
	b, err := re.back()
	if err != nil {
		return nil, err
	}
	re.names = b.names
	return re, nil
}

// String returns the pattern as it was given to Compile.
func (re *Regexp) String() string { return re.pattern }

// Linear tells whether matching takes time proportional to the subject's length, so that it cannot run out of time.
func (re *Regexp) Linear() bool { return re.linear != nil && !re.finalNewline }

// SubexpNames returns the names of the groups by number; unnamed groups and the whole match have the empty name. The caller
// must not change the result.
func (re *Regexp) SubexpNames() []string { return re.names }

// MatchString tells whether re matches anywhere in s. A match that runs out of time counts as none.
func (re *Regexp) MatchString(s string) bool {
	ok, err := re.Match(s)
	return ok && err == nil
}

// Match tells whether re matches anywhere in s. The error is ErrTimeout or nil.
func (re *Regexp) Match(s string) (bool, error) {
	if re.useLinear(s) {
		return re.linear.MatchString(s), nil
	}
	b, err := re.back()
	if err != nil {
		return false, err
	}
	return b.match(s)
}

// FindStringSubmatch returns the first match in s and what its groups matched; groups that took no part are empty. It returns nil if there
// is no match in time.
func (re *Regexp) FindStringSubmatch(s string) []string {
	loc, err := re.FindStringSubmatchIndex(s, 0)
	if err != nil || loc == nil {
		return nil
	}
	groups := make([]string, len(loc)/2)
	for i := range groups {
		if loc[2*i] >= 0 {
			groups[i] = s[loc[2*i]:loc[2*i+1]]
		}
	}
	return groups
}

// FindStringSubmatchIndex returns the byte offsets in s of the first match that starts at from or later, as pairs for the whole match
// and each group; groups that took no part have -1. Text before from is seen by ^, \b and look-behinds. It returns nil if there is
// no match. The error is ErrTimeout, or says that only the linear engine understands the pattern, which cannot start in the middle of
// a text.
func (re *Regexp) FindStringSubmatchIndex(s string, from int) ([]int, error) {
	if from < 0 || from > len(s) {
		return nil, nil
	}
	if re.useLinear(s) && (from == 0 || !re.looksBack) {
		return shift(re.linear.FindStringSubmatchIndex(s[from:]), from), nil
	}
	b, err := re.back()
	if err != nil {
		return nil, err
	}
	return b.find(newSubject(s), from)
}

func (re *Regexp) useLinear(s string) bool {
	if re.linear == nil || !re.finalNewline || !strings.HasSuffix(s, "\n") {
		return re.linear != nil
	}
	_, err := re.back()
	return err != nil
}

func shift(loc []int, by int) []int {
	for i := range loc {
		if loc[i] >= 0 {
			loc[i] += by
		}
	}
	return loc
}

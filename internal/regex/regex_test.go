package regex

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// nestedQuantifiers takes exponential time to fail on many a's; the back-reference sends it to the backtracking engine.
const nestedQuantifiers = `^(a+)+\1{0}(?=b)$`

func TestMatch(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		options string
		subject string
		want    bool
		linear  bool
	}{
		{"literal", "abc", "jo", "xabcx", true, true},
		{"anchors", "^abc$", "", "xabc", false, true},
		{"case", "ABC", "", "abc", false, true},
		{"ignore case", "ABC", "i", "abc", true, true},
		{"dot and newline", "a.c", "", "a\nc", false, true},
		{"dot matches newline", "a.c", "s", "a\nc", true, true},
		{"lines", "^b$", "m", "a\nb\nc", true, true},
		{"no lines", "^b$", "", "a\nb\nc", false, true},
		{"extended", "a b # comment\n [ c]", "x", "abc", true, true},
		{"extended keeps white space in classes", "a[ ]b", "x", "a b", true, true},
		{"extended inside", "(?x) a b", "", "ab", true, true},
		{"extended ends with its group", "(?x: a )b c", "", "ab c", true, true},
		{"extended off", "(?-x)a b", "x", "a b", true, true},
		{"anchored", "b", "a", "ab", false, true},
		{"anchored, at the start", "b|c", "a", "cb", true, true},
		{"dollar before final newline", "abc$", "", "abc\n", true, false},
		{"dollar before two newlines", "abc$", "", "abc\n\n", false, false},
		{"backslash Z before final newline", `abc\Z`, "", "abc\n", true, false},
		{"backslash z before final newline", `abc\z`, "", "abc\n", false, true},
		{"dollar in the middle", "a$|b", "", "xb\n", true, false},

		{"digit is ASCII", `^\d$`, "", "٣", false, true},
		{"word is ASCII", `^\w$`, "", "é", false, true},
		{"word is ASCII, back", `(?=.)^\w$`, "", "é", false, false},
		{"digit is ASCII, back", `(?=.)^[\d]$`, "", "٣", false, false},
		{"space knows the vertical tab", `^\s$`, "", "\v", true, true},
		{"no space", `^\S+$`, "", "a b", false, true},
		{"no space in a class", `^[\Sx]+$`, "", "a\tb", false, true},
		{"no digit, no word", `^\D\W$`, "", "a-", true, true},
		{"no digit, no word, back", `(?=.)^[^\D][\W]$`, "", "1-", true, false},
		{"horizontal and vertical space", `^\h\H\v\V$`, "", "\ta\nb", true, true},
		{"boundary", `\bfoo\b`, "", "a foo.", true, true},
		{"boundary is ASCII, back", `(?=.)\bfoo\b`, "", "éfoo", true, false},
		{"no boundary, back", `(?=.)o\Bo`, "", "foo", true, false},
		{"not newline", `^\N+$`, "", "abc", true, true},
		{"any newline", `^a\Rb$`, "", "a\r\nb", true, true},

		{"class of PCRE style", `^[a-zA-Z0-9-_.]+$`, "", "a-b_c.d", true, true},
		{"class with dash behind a set", `^[\w-.]+$`, "", "a-b.c", true, true},
		{"class with a set as end of a range", `^[+-\d]+$`, "", "+-1", true, true},
		{"class with a set as end of a range, other", `^[+-\d]+$`, "", ",", false, true},
		{"class that begins with a bracket", `^[]a]+$`, "", "]a", true, true},
		{"class without a bracket", `^[^]a]+$`, "", "b]", false, true},
		{"class that contains an opening bracket", `^[a-z-[b]+$`, "", "a-[b", true, true},
		{"class that contains an opening bracket, back", `(?=.)^[a-z-[aeiou]+$`, "", "a[-", true, false},
		{"class with escapes", `^[\[\]\\\/\-\.\x41\x{42}\103\b\n\t\e\cA]+$`, "", "[]\\/-.ABC\b\n\t\x1b\x01", true, true},
		{"class with POSIX names", `^[[:alpha:][:digit:]_]+$`, "", "aB3_", true, true},
		{"class with POSIX names, back", `(?=.)^[[:upper:]]+[[:^space:]]$`, "", "ABc", true, false},
		{"class with unknown POSIX name", `^[[:x:]]$`, "", ":]", true, true},
		{"class with property", `^[\p{Lu}\P{L}]+$`, "", "É1", true, true},
		{"class with \\E", `^[a\Eb]+$`, "", "ab", true, true},

		{"property", `^\pL\p{Lu}\P{Lu}\p{^Lu}$`, "", "éÉéé", true, true},
		{"property, back", `(?=.)^\pL\p{Lu}$`, "", "éÉ", true, false},
		{"quoted", `^\Qa.b*\Ec$`, "", "a.b*c", true, true},
		{"quoted to the end", `^\Qa.b`, "", "a.b", true, true},
		{"end of no quotation", `^a\Eb$`, "", "ab", true, true},
		{"braces that are no quantifier", `^a{,3}{x}{$`, "", "a{,3}{x}{", true, true},
		{"braces that are none, back", `(?=.)^a{b}$`, "", "a{b}", true, false},
		{"quantifiers", `^a{2}b{1,}c{0,2}?d*?e+?f??$`, "", "aabde", true, true},
		{"many repetitions", `^(?:ab){1001}$`, "", strings.Repeat("ab", 1001), true, false},
		{"letters that are no escapes", `^\y\_\@\/$`, "", "y_@/", true, true},
		{"octal", `^\0\012\o{101}\x$`, "", "\x00\nA\x00", true, true},
		{"comment", `a(?#b)c`, "", "ac", true, true},
		{"flags", `^(?i)a(?-i:b)C(?s:.)$`, "", "Abc\n", true, false},
		{"ungreedy, for which there is no back", `(?U)^a+$`, "", "aa\n", false, true},
		{"groups by name", `^(?<a>x)(?P<b>y)(?'c'z)$`, "", "xyz", true, true},

		{"look-ahead", `foo(?=bar)`, "", "foobar", true, false},
		{"negative look-ahead", `^(?!/api)`, "", "/api/x", false, false},
		{"look-behind", `(?<=/)x`, "", "a/x", true, false},
		{"negative look-behind", `(?<!a)b`, "", "ab", false, false},
		{"back-reference", `^(.)\1$`, "", "aa", true, false},
		{"back-reference and digit", `^(.)\g{1}0$`, "", "aa0", true, false},
		{"back-reference, counted backwards", `^(.)(.)\g{-1}\g-2\g1$`, "", "abbaa", true, false},
		{"back-reference by name", `^(?<q>.)(?P=q)\k<q>\k{q}\k'q'\g{q}$`, "", "aaaaaa", true, false},
		{"back-reference among names and numbers", `^(?<n>a)(b)\2\1$`, "", "abba", true, false},
		{"atomic", `^(?>a+)ab`, "", "aaab", false, false},
		{"possessive", `^a++ab`, "", "aaab", false, false},
		{"possessive group", `^(?:a|ab)?+c`, "", "abc", false, false},
		{"possessive count", `^x{1,2}+x`, "", "xx", false, false},
		{"conditional", `^(\()?a(?(1)\))$`, "", "(a)", true, false},
		{"ignore case, back", `(?=.)É`, "i", "é", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			re, err := Compile(tt.pattern, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := re.MatchString(tt.subject); got != tt.want {
				t.Errorf("MatchString(%q): got %v, want %v", tt.subject, got, tt.want)
			}
			if got := re.useLinear(tt.subject); got != tt.linear {
				t.Errorf("linear engine for %q: got %v, want %v", tt.subject, got, tt.linear)
			}
			if re.String() != tt.pattern {
				t.Errorf("String: got %q, want %q", re.String(), tt.pattern)
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		options string
		want    string
	}{
		{"unknown flag", "a", "iq", `unknown flag "q" (flags "iq")`},
		{"too long", strings.Repeat("a", maxPattern+1), "", "regular expression of 65537 bytes is longer than 65536"},
		{"not UTF-8", "\xff", "", `regular expression "\xff" is not valid UTF-8`},
		{"open group", "(a", "", `regular expression "(a": missing )`},
		{"open group, back", "(?=(a)", "", `regular expression "(?=(a)": missing )`},
		{"open flags", "(?i", "", `regular expression "(?i": missing )`},
		{"unmatched parenthesis", "a)", "", `regular expression "a)": unmatched )`},
		{"open class", "[a", "", `regular expression "[a": missing terminating ] for character class`},
		{"class that ends in a backslash", `[\`, "", `regular expression "[\\": \ at the end of the pattern`},
		{"range out of order", "[z-a]", "", `regular expression "[z-a]": range z-a is out of order`},
		{"backslash at the end", `a\`, "", `regular expression "a\\": \ at the end of the pattern`},
		{"control at the end", `\c`, "", `regular expression "\\c": \c is not followed by an ASCII character`},
		{"open character code", `\x{41`, "", `regular expression "\\x{41": missing } or empty character code`},
		{"character out of range", `\x{110000}`, "", `regular expression "\\x{110000}": "110000" is not the code of a character`},
		{"property without a name", `\p`, "", `regular expression "\\p": property without a name`},
		{"open property", `\p{L`, "", `regular expression "\\p{L": missing }`},
		{"open comment", `(?#a`, "", `regular expression "(?#a": missing )`},
		{"open name", `(?<a`, "", `regular expression "(?<a": missing >`},
		{"empty name", `(?<>a)`, "", `regular expression "(?<>a)": group name is empty`},
		{"reference to no group", `\k<a>`, "", `regular expression "\\k<a>": reference to a group "a" that does not exist`},
		{"reference before the first group", `(a)\g{-2}`, "", `regular expression "(a)\\g{-2}": reference to a group that does not exist`},
		{"reference without a name", `\kx`, "", `regular expression "\\kx": \k is not followed by a name`},
		{"subroutine", `(a)\g<1>`, "", `subroutine calls are not supported`},
		{"recursion", `a(?R)`, "", `group (?R is not supported`},
		{"verb", `(*UTF8)a`, "", "verbs as (*NAME) are not supported"},
		{"keep", `a\Kb`, "", `\K is not supported`},
		{"condition", `(?(R)a)`, "", "condition (R) is not supported"},
		{"ungreedy with look-ahead", `(?U)(?=a)`, "", "option U is not supported together with look-arounds"},
		{"nested too deeply", strings.Repeat("(", 251) + strings.Repeat(")", 251), "", "groups are nested more than 250 deep"},
		{"nothing to repeat", "*a", "", "regular expression"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(tt.pattern, tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestFindStringSubmatch(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		subject string
		want    []string
		names   []string
	}{
		{"groups", `(\d+)-(x)?`, "a12-b", []string{"12-", "12", ""}, []string{"", "", ""}},
		{"names", `(?<y>\d{4})(?:-)(\d+)`, "2024-05", []string{"2024-05", "2024", "05"}, []string{"", "y", ""}},
		{"names, back", `(?<y>\d{4})(?=-)-(\d+)`, "2024-05", []string{"2024-05", "2024", "05"}, []string{"", "y", ""}},
		{"absent group, back", `(?=a)a(b)?`, "ac", []string{"a", ""}, []string{"", ""}},
		{"text that is not UTF-8, back", `(?<=é)(.)(.)`, "aé\xffb", []string{"\xffb", "\xff", "b"}, []string{"", "", ""}},
		{"none", `x`, "abc", nil, []string{""}},
		{"none, back", `(?=x)`, "abc", nil, []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			re, err := Compile(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, re.FindStringSubmatch(tt.subject)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.names, re.SubexpNames()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindFrom(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		subject string
		from    int
		want    []int
	}{
		{"later match", `(b)(c)?`, "abab", 2, []int{3, 4, 3, 4, -1, -1}},
		{"start of the text only", `^a`, "aa", 1, nil},
		{"boundary sees what is before", `\ba`, "aa a", 1, []int{3, 4}},
		{"look-behind sees what is before", `(?<=é)a`, "éa", 2, []int{2, 3}},
		{"at the end", `$`, "ab", 2, []int{2, 2}},
		{"beyond the end", `$`, "ab", 3, nil},
		{"before the start", `$`, "ab", -1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			re, err := Compile(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			got, err := re.FindStringSubmatchIndex(tt.subject, tt.from)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("offsets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplaceAll(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		subject string
		repl    string
		once    bool
		want    string
	}{
		{"all", "[0-9]", "hello, 1234", "[$0]", false, "hello, [1][2][3][4]"},
		{"once", "[0-9]", "hello, 1234", "[$0]", true, "hello, [1]234"},
		{"braces", "[0-9]", "hello, 1234", "${0}00", true, "hello, 100234"},
		{"dollar sign", "a", "a", "$$0", false, "$0"},
		{"groups", "^/(.*)/(.*)$", "/a/b", "/$2/$1", true, "/b/a"},
		{"group of several digits", strings.Repeat("(.)", 11), "abcdefghijk", "$11$10", true, "kj"},
		{"absent groups", "a(b)?", "ac", "<$1$2>", false, "<>c"},
		{"none", "x", "abc", "y", false, "abc"},
		{"empty matches", "", "aé", "-", false, "-a-é-"},
		{"empty match behind another", "b*", "abb", "-", false, "-a--"},
		{"pattern that looks back", `\bb*`, "abb", "-", false, "-abb-"},
		{"empty match behind another, looking back", `\Bb*`, "abb", "-", false, "a-"},
		{"back", "(?<=a)b", "abab", "<$0>", false, "a<b>a<b>"},
		{"back, once", "(?<=a)b", "abab", "x", true, "axab"},
		{"back, empty matches", "(?=b)", "abab", "-", false, "a-ba-b"},
		{"back, not UTF-8", "(?=b)b", "\xffb\xfe", "x", false, "\xffx\xfe"},
		{"malformed template", "a", "a", "$x", false, "a"},
		{"out of time", nestedQuantifiers, strings.Repeat("a", 40) + "c", "x", false, strings.Repeat("a", 40) + "c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			re, err := Compile(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := re.ReplaceAll(tt.subject, tt.repl, tt.once); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReplaceCounts(t *testing.T) {
	re, err := Compile("a")
	if err != nil {
		t.Fatal(err)
	}
	if got, n, err := re.Replace("banana", "o", false); got != "bonono" || n != 3 || err != nil {
		t.Errorf("got %q %d %v, want bonono 3 and no error", got, n, err)
	}
	if got, n, err := re.Replace("xyz", "o", false); got != "xyz" || n != 0 || err != nil {
		t.Errorf("got %q %d %v, want xyz 0 and no error", got, n, err)
	}
}

func TestCheckTemplate(t *testing.T) {
	for _, good := range []string{"", "a", "$1", "${12}x", "$$", "a$0b$99999999999999999999"} {
		if err := CheckTemplate(good); err != nil {
			t.Errorf("%q: got %v, want no error", good, err)
		}
	}
	for _, bad := range []string{"$", "$a", "${", "${}", "${1", "${a}", "a$$$"} {
		if err := CheckTemplate(bad); err == nil || !strings.HasPrefix(err.Error(), "invalid capturing variable name found in ") {
			t.Errorf("%q: got %v, want an error", bad, err)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	re, err := Compile(nestedQuantifiers)
	if err != nil {
		t.Fatal(err)
	}
	if re.Linear() {
		t.Fatal("Linear: got true, want false")
	}
	subject := strings.Repeat("a", 64) + "c"
	start := time.Now()
	if ok, err := re.Match(subject); ok || !errors.Is(err, ErrTimeout) {
		t.Errorf("Match: got %v %v, want false and %v", ok, err, ErrTimeout)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("a match took %v, want about %v", took, timeLimit)
	}
	if _, err := re.FindStringSubmatchIndex(subject, 0); !errors.Is(err, ErrTimeout) {
		t.Errorf("FindStringSubmatchIndex: got %v, want %v", err, ErrTimeout)
	}
	if re.MatchString(subject) || re.FindStringSubmatch(subject) != nil {
		t.Error("a match that runs out of time counts as one")
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	re, err := Compile(`^(\w+)$`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if !re.MatchString("abc") || !re.MatchString("abc\n") {
					t.Error("got no match, want one")
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompile(f *testing.F) {
	for _, p := range []string{`^[\w-.]+$`, `(?<n>a)\k<n>(?i)b`, `[[:alpha:]\d-z]`, `a{1,2}+(?>b|c)*?`, `\Qa\E\x{41}\cA`, `(?x) # c`, nestedQuantifiers} {
		f.Add(p, "jo", "abc\n")
	}
	f.Add("a b", "xims", "é\xff")
	f.Fuzz(func(t *testing.T, pattern, options, subject string) {
		if len(pattern) > 200 || len(subject) > 200 {
			return
		}
		re, err := Compile(pattern, options)
		if err != nil {
			return
		}
		ok, err := re.Match(subject)
		loc, findErr := re.FindStringSubmatchIndex(subject, 0)
		if err == nil && findErr == nil && ok != (loc != nil) {
			t.Errorf("%q on %q: Match gives %v and Find %v", pattern, subject, ok, loc)
		}
		re.ReplaceAll(subject, "[$0]", false)
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, bb := range []struct{ name, pattern string }{
		{"linear", `^/api/v\d+/users/[\w-]+$`},
		{"backtracking", `^/api/v\d+/(?!admins)users/[\w-]+$`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			re, err := Compile(bb.pattern, "jo")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !re.MatchString("/api/v2/users/some-user") {
					b.Fatal("got no match, want one")
				}
			}
		})
	}
}

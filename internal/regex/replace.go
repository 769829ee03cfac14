package regex

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// ReplaceAll returns s with the matches of re (only the first one if once is set) replaced by the template repl, in which $1 or
// ${1} stands for a group, $0 for the whole match and $$ for a dollar sign. It returns s itself if nothing matches in time or if the
// template is malformed.
func (re *Regexp) ReplaceAll(s, repl string, once bool) string {
	out, _, err := re.Replace(s, repl, once)
	if err != nil {
		return s
	}
	return out
}

// Replace is ReplaceAll and also returns the number of replacements. The error is ErrTimeout or says what is wrong with the
// template.
func (re *Regexp) Replace(s, repl string, once bool) (string, int, error) {
	if err := CheckTemplate(repl); err != nil {
		return "", 0, err
	}
	var out []byte
	count, copied := 0, 0
	err := re.each(s, once, func(loc []int) {
		out = append(out, s[copied:loc[0]]...)
		out = expand(out, repl, s, loc)
		copied = loc[1]
		count++
	})
	if err != nil {
		return "", 0, err
	}
	if count == 0 {
		return s, 0, nil
	}
	return string(append(out, s[copied:]...)), count, nil
}

// each calls fn for every match in s, or for the first one only. Like ngx.re.gsub it also finds an empty match directly behind
// another match, as PCRE does; only for patterns that look back in the linear engine does it not.
func (re *Regexp) each(s string, once bool, fn func(loc []int)) error {
	if !re.useLinear(s) {
		b, err := re.back()
		if err != nil {
			return err
		}
		return b.each(newSubject(s), once, fn)
	}
	if re.looksBack && !once {
		for _, loc := range re.linear.FindAllStringSubmatchIndex(s, -1) {
			fn(loc)
		}
		return nil
	}
	for from := 0; from <= len(s); {
		loc := shift(re.linear.FindStringSubmatchIndex(s[from:]), from)
		if loc == nil {
			return nil
		}
		fn(loc)
		if once {
			return nil
		}
		from = next(s, loc)
	}
	return nil
}

func (b *backtracker) each(s *subject, once bool, fn func(loc []int)) error {
	start := time.Now()
	for from := 0; from <= len(s.text); {
		loc, err := b.find(s, from)
		if err != nil {
			return err
		}
		if loc == nil {
			return nil
		}
		fn(loc)
		if once {
			return nil
		}
		// Each match has its own limit; many slow ones together must not add up.
		if time.Since(start) > timeLimit {
			return ErrTimeout
		}
		from = next(s.text, loc)
	}
	return nil
}

// next returns where the search goes on after the match loc.
func next(s string, loc []int) int {
	if loc[1] > loc[0] {
		return loc[1]
	}
	if loc[1] == len(s) {
		return len(s) + 1
	}
	_, size := utf8.DecodeRuneInString(s[loc[1]:])
	return loc[1] + size
}

// CheckTemplate tells what is wrong with a template for ReplaceAll; it returns nil if nothing is.
func CheckTemplate(repl string) error {
	for i := 0; i < len(repl); {
		if repl[i] != '$' {
			i++
			continue
		}
		_, size := variable(repl[i:])
		if size == 0 {
			return fmt.Errorf("invalid capturing variable name found in %q", repl)
		}
		i += size
	}
	return nil
}

func expand(out []byte, repl, s string, loc []int) []byte {
	for i := 0; i < len(repl); {
		if repl[i] != '$' {
			out = append(out, repl[i])
			i++
			continue
		}
		group, size := variable(repl[i:])
		i += size
		if group == dollarSign {
			out = append(out, '$')
		} else if 2*group < len(loc) && loc[2*group] >= 0 {
			out = append(out, s[loc[2*group]:loc[2*group+1]]...)
		}
	}
	return out
}

// dollarSign is the "group" of $$.
const dollarSign = -1

// variable reads the variable at the start of t, which begins with a dollar sign, and returns its group and length; the length
// is 0 if it is malformed.
func variable(t string) (group, size int) {
	if len(t) > 1 && t[1] == '$' {
		return dollarSign, 2
	}
	i := 1
	braced := len(t) > 1 && t[1] == '{'
	if braced {
		i = 2
	}
	first := i
	for ; i < len(t) && t[i] >= '0' && t[i] <= '9'; i++ {
		// No pattern has so many groups; this only keeps the number from overflowing.
		group = min(group*10+int(t[i]-'0'), maxPattern)
	}
	if i == first {
		return 0, 0
	}
	if !braced {
		return group, i
	}
	if i == len(t) || t[i] != '}' {
		return 0, 0
	}
	return group, i + 1
}

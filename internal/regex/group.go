package regex

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// openGroup translates what stands at an opening parenthesis.
func (t *translator) openGroup() error {
	if strings.HasPrefix(t.in, "(*") {
		return errors.New("verbs as (*NAME) are not supported")
	}
	if !t.accept("(?") {
		t.take(1)
		return t.capture("")
	}
	for _, s := range []string{"=", "!", "<=", "<!", ">"} {
		if t.accept(s) {
			if err := t.backtracking(); err != nil {
				return err
			}
			return t.push("(?" + s)
		}
	}
	switch {
	case t.accept("#"):
		_, err := t.until(")")
		return err
	case t.accept(":"):
		return t.push("(?:")
	case t.accept("P<"), t.accept("<"):
		return t.namedGroup(">")
	case t.accept("'"):
		return t.namedGroup("'")
	case t.accept("P="):
		name, err := t.until(")")
		if err != nil {
			return err
		}
		return t.named(name)
	case t.accept("("):
		return t.conditional()
	}
	return t.flags()
}

func (t *translator) namedGroup(end string) error {
	name, err := t.until(end)
	if err != nil {
		return err
	}
	if name == "" {
		return errors.New("group name is empty")
	}
	return t.capture(name)
}

// conditional translates (?(1)yes|no), of which the part up to the second parenthesis is gone.
func (t *translator) conditional() error {
	condition, err := t.until(")")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(condition); err != nil || n < 1 {
		return fmt.Errorf("condition (%s) is not supported, only the number of a group is", condition)
	}
	if err := t.backtracking(); err != nil {
		return err
	}
	return t.push("(?(" + condition + ")")
}

// flags translates (?i-m) and (?i-m:…), of which the part up to the question mark is gone.
func (t *translator) flags() error {
	end := strings.IndexAny(t.in, ":)")
	if end < 0 {
		return errors.New("missing )")
	}
	flags := t.take(end)
	if strings.Trim(flags, "imsxUJ-") != "" || strings.Count(flags, "-") > 1 {
		return fmt.Errorf("group (?%s is not supported", flags)
	}
	on, off, _ := strings.Cut(flags, "-")
	if strings.ContainsRune(flags, 'U') && t.target == forBacktracker {
		return errors.New("option U is not supported together with look-arounds and the like")
	}
	kept := keep(on, "imsU")
	if o := keep(off, "imsU"); o != "" {
		kept += "-" + o
	}
	extended := (t.extended || strings.ContainsRune(on, 'x')) && !strings.ContainsRune(off, 'x')
	if t.take(1) == ")" {
		t.extended = extended
		if kept != "" {
			t.emit("(?" + kept + ")")
		}
		return nil
	}
	if err := t.push("(?" + kept + ":"); err != nil {
		return err
	}
	t.extended = extended
	return nil
}

package regex

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// reference translates \k<name>, \k{name}, \k'name', \g1, \g{1}, \g{-1} and \g{name} without their backslash.
func (t *translator) reference() error {
	c := t.take(1)
	if c == "g" && t.in != "" && t.in[0] != '{' {
		digits := leading(t.in, "-0123456789", 5)
		if digits == "" {
			return errors.New("subroutine calls are not supported")
		}
		t.take(len(digits))
		return t.numbered(digits)
	}
	for open, end := range map[string]string{"{": "}", "<": ">", "'": "'"} {
		if !t.accept(open) {
			continue
		}
		name, err := t.until(end)
		if err != nil {
			return err
		}
		if c == "g" && strings.Trim(name, "-0123456789") == "" {
			return t.numbered(name)
		}
		return t.named(name)
	}
	return fmt.Errorf(`\%s is not followed by a name`, c)
}

// numbered emits a reference by number, counted backwards if it is negative.
func (t *translator) numbered(digits string) error {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return fmt.Errorf("reference to group %q", digits)
	}
	if n < 0 {
		n += len(t.names)
	}
	return t.backreference(n)
}

// backreference emits a reference to the group with that number.
func (t *translator) backreference(n int) error {
	if err := t.backtracking(); err != nil {
		return err
	}
	if n < 1 {
		return errors.New("reference to a group that does not exist")
	}
	t.single(`(?:\` + strconv.Itoa(n) + ")")
	return nil
}

// named emits a reference to the group of that name.
func (t *translator) named(name string) error {
	for n, have := range t.names {
		if n > 0 && have == name {
			return t.backreference(n)
		}
	}
	return fmt.Errorf("reference to a group %q that does not exist", name)
}

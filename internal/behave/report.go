package behave

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Options say which cases run and what is told about them.
type Options struct {
	Start   Starter
	Run     *regexp.Regexp // only cases whose names match; nil: all
	Verbose bool           // tell about cases that pass, too
	Out     io.Writer
}

// RunAll runs cases one after the other and writes what fails to Out. It returns how many ran and how many failed; the error is that of
// ctx or of Out.
func RunAll(ctx context.Context, cases []*Case, o Options) (ran, failed int, err error) {
	for _, c := range cases {
		if o.Run != nil && !o.Run.MatchString(c.Name) {
			continue
		}
		begin := time.Now()
		err := c.Run(ctx, o.Start)
		if ctx.Err() != nil {
			return ran, failed, ctx.Err()
		}
		ran++
		text := ""
		took := time.Since(begin).Round(time.Millisecond)
		switch {
		case err != nil:
			failed++
			text = fmt.Sprintf("FAIL %s (%s)\n%s\n", c.Name, took, shift(err))
		case o.Verbose:
			text = fmt.Sprintf("ok   %s (%s)\n", c.Name, took)
		}
		if _, err := io.WriteString(o.Out, text); err != nil {
			return ran, failed, fmt.Errorf("write the report: %w", err)
		}
	}
	_, err = fmt.Fprintf(o.Out, "%d passed, %d failed\n", ran-failed, failed)
	return ran, failed, err
}

// shift moves the diffs of an error to the right, so that what begins a line is a place in a file.
func shift(err error) string {
	var fs Failures
	if !errors.As(err, &fs) {
		return err.Error()
	}
	var b strings.Builder
	for _, f := range fs {
		b.WriteString(strings.ReplaceAll(f.Error(), "\n", "\n    ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

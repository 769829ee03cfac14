package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/declare"
)

// reporter prints problems in one of several forms.
type reporter struct {
	console
	format string
}

func formatFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVar(format, "format", "text", "form of what is printed: text, json, or github for annotations of a workflow")
}

func newReporter(format string, c console) (*reporter, error) {
	switch format {
	case "text", "json", "github":
		return &reporter{c, format}, nil
	}
	return nil, fmt.Errorf("--format is %q; it is text, json or github", format)
}

// verdict prints the problems, and fails if one is an error.
func (r *reporter) verdict(list []declare.Problem) error {
	var err error
	switch r.format {
	case "json":
		if list == nil {
			list = []declare.Problem{}
		}
		err = printJSON(r.console, struct {
			Valid    bool              `json:"valid"`
			Problems []declare.Problem `json:"problems"`
		}{!failed(list), list})
	case "github":
		err = r.annotate(list)
	default:
		err = r.explain(list)
	}
	switch {
	case err != nil:
		return err
	case failed(list):
		return &failure{exitConfig, errors.New("the configuration is not valid: " + tally(list))}
	case r.format == "text":
		return say(r.out, "the configuration is valid\n")
	}
	return nil
}

// explain prints problems for people.
func (r *reporter) explain(list []declare.Problem) error {
	for _, p := range list {
		if err := p.Print(r.err); err != nil {
			return &failure{exitRuntime, fmt.Errorf("print: %w", err)}
		}
	}
	return nil
}

// annotate prints problems as the commands of a GitHub workflow, which shows them beside the lines.
func (r *reporter) annotate(list []declare.Problem) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, p := range list {
		level := "error"
		if p.Warning {
			level = "warning"
		}
		var at []string
		if p.File != "" {
			at = append(at, "file="+property.Replace(filepath.ToSlash(p.File)))
		}
		if p.Line > 0 {
			at = append(at, fmt.Sprintf("line=%d,col=%d,endColumn=%d", p.Line, p.Col, p.Col+max(1, p.Width)))
		}
		if p.Key != "" {
			at = append(at, "title="+property.Replace(p.Key))
		}
		text := p.Text
		if p.Hint != "" {
			text += "; " + p.Hint
		}
		if err := say(r.out, "::%s %s::%s\n", level, strings.Join(at, ","), data.Replace(text)); err != nil {
			return err
		}
	}
	return nil
}

// tally counts errors and warnings.
func tally(list []declare.Problem) string {
	warnings := 0
	for _, p := range list {
		if p.Warning {
			warnings++
		}
	}
	text := count(len(list)-warnings, "error")
	if warnings > 0 {
		text += ", " + count(warnings, "warning")
	}
	return text
}

func printJSON(c console, v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return &failure{exitRuntime, fmt.Errorf("print: %w", err)}
	}
	return nil
}

// painter puts colours on lines, or does not.
type painter bool

// newPainter colours what goes to a terminal, unless the user has said that there are to be no colours.
func newPainter(c console) painter {
	f, ok := c.out.(*os.File)
	if !ok {
		return false
	}
	if v, set := c.env("NO_COLOR"); set && v != "" {
		return false
	}
	if v, _ := c.env("TERM"); v == "dumb" {
		return false
	}
	info, err := f.Stat()
	return painter(err == nil && info.Mode()&os.ModeCharDevice != 0)
}

// paint colours a line by the sign in front of it.
func (p painter) paint(sign byte, line string) string {
	colour, ok := map[byte]string{'+': "32", '-': "31", '~': "33", '@': "36"}[sign]
	if !ok || !bool(p) {
		return line
	}
	return "\x1b[" + colour + "m" + line + "\x1b[0m"
}

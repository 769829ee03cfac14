package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/declare"
)

func newDiff(c console) *cobra.Command {
	var f adminFlags
	var scope declare.Scope
	format := "text"
	cmd := &cobra.Command{
		Use:   "diff FILE|FOLDER|-...",
		Short: "Compare files with what a running gateway has",
		Long: `Diff shows what "polygate sync" would change: + for a resource that would be created, ~ for one that would be updated, and - for one that
would be deleted, each with its lines. What the gateway adds by itself, such as times, does not count, nor does a default that only one
side spells out.

It ends with 0 if there is no difference, and with 6 if there is one.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format is %q; it is text or json", format)
			}
			found, err := f.compare(cmd.Context(), cmd, args, scope, c)
			if err != nil {
				return err
			}
			if err := found.show(format, c); err != nil {
				return err
			}
			if len(found.changes) > 0 || found.leftOut > 0 {
				return &failure{code: exitDifference}
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&scope.Keep, "no-delete", false, "leave out what the files do not have")
	cmd.Flags().BoolVar(&scope.Keys, "rewrite-keys", false, "count certificates with a private key as different: the gateway does not show its keys")
	cmd.Flags().StringVar(&format, "format", "text", "form of what is printed: text or json")
	return cmd
}

// difference is a change in JSON.
type difference struct {
	Op     declare.Op     `json:"op"`
	Key    string         `json:"key"`
	Paths  []string       `json:"paths,omitempty"`
	Before map[string]any `json:"before,omitempty"`
	After  map[string]any `json:"after,omitempty"`
}

// show prints the changes and the warnings.
func (f *comparison) show(format string, c console) error {
	if err := (&reporter{c, "text"}).explain(f.warnings); err != nil {
		return err
	}
	if format == "json" {
		list := make([]difference, 0, len(f.changes))
		for i := range f.changes {
			ch := &f.changes[i]
			list = append(list, difference{ch.Op, ch.Item.Key, ch.Paths, ch.Before, ch.After})
		}
		return printJSON(c, list)
	}
	paint := newPainter(c)
	for i := range f.changes {
		if err := showChange(&f.changes[i], paint, c); err != nil {
			return err
		}
	}
	if len(f.changes) == 0 && f.leftOut == 0 {
		return say(c.out, "no differences\n")
	}
	return say(c.out, "%s\n", declare.Summary(f.changes))
}

func showChange(ch *declare.Change, paint painter, c console) error {
	if err := say(c.out, "%s\n", paint.paint(sign(ch.Op), title(ch))); err != nil {
		return err
	}
	for _, l := range ch.Lines() {
		if err := say(c.out, "%s\n", paint.paint(l.Sign, "    "+string(l.Sign)+" "+l.Text)); err != nil {
			return err
		}
	}
	return say(c.out, "\n")
}

func sign(op declare.Op) byte {
	switch op {
	case declare.Create:
		return '+'
	case declare.Delete:
		return '-'
	}
	return '~'
}

// title is a change on one line.
func title(ch *declare.Change) string {
	text := string(sign(ch.Op)) + " " + ch.Item.Key
	if name, ok := ch.Item.Value["name"].(string); ok {
		text += " " + fmt.Sprintf("%q", name)
	}
	if len(ch.Paths) > 0 {
		text += ": " + strings.Join(ch.Paths, ", ")
	}
	return text
}

// errLeftOut ends a command that did all it could, which was not all.
var errLeftOut = errors.New("what the files want could not be given to the gateway in full")

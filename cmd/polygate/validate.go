package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/declare"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins"
)

func newValidate(c console) *cobra.Command {
	configPath, format := "", "text"
	cmd := &cobra.Command{
		Use:   "validate [-c config.yaml] [FILE|FOLDER|-]...",
		Short: "Look for mistakes in configuration files",
		Long: `Validate reads config.yaml and files with resources (apisix.yaml or apisix.json, or folders of such files) and prints everything that is
wrong with them, with file, line and column. Several files are one configuration. Where config.yaml has the gateway read a file and none is
named, that file is looked at. Resources without mistakes are then given to a gateway within the process, which listens on nothing that
others reach, so that plugins can refuse what no schema forbids.

It ends with 3 if there are errors; warnings are none.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := newReporter(format, c)
			if err != nil {
				return err
			}
			v := validation{console: c, in: cmd.InOrStdin()}
			if err := v.run(cmd.Context(), configPath, args); err != nil {
				return err
			}
			return report.verdict(declare.SortProblems(v.problems))
		},
	}
	cmd.Flags().StringVarP(&configPath, "config", "c", "", "path of config.yaml")
	formatFlag(cmd, &format)
	return cmd
}

// validation collects what is wrong.
type validation struct {
	console
	in       io.Reader
	problems []declare.Problem
}

func (v *validation) run(ctx context.Context, configPath string, paths []string) error {
	s, err := v.settings(configPath)
	if err != nil {
		return err
	}
	watched := len(paths) == 0 && !failed(v.problems) && s.Deployment.Store() == settings.StoreFile
	if watched {
		paths = []string{s.Standalone()}
	}
	if len(paths) == 0 {
		return nil
	}
	sources, err := declare.Read(paths, v.in)
	if err != nil {
		v.problems = append(v.problems, declare.Problem{Text: err.Error()})
		return nil //nolint:nilerr // it is among the problems
	}
	catalog, err := newCatalog(s.Plugins)
	if err != nil {
		return &failure{exitRuntime, err}
	}
	doc, found := declare.Load(sources, v.env)
	v.problems = append(v.problems, found...)
	if watched && !sources[0].Ended() {
		v.problems = append(v.problems, declare.Problem{File: sources[0].Name, Text: "the last line is not #END, without which a gateway takes the file for incomplete"})
	}
	v.problems = append(v.problems, doc.Check(declare.Rules{Catalog: catalog})...)
	if failed(v.problems) {
		return nil
	}
	return v.try(ctx, s, doc)
}

// settings reads config.yaml. What is wrong with it is noted, and the defaults are used in its place.
func (v *validation) settings(path string) (*settings.Settings, error) {
	s, err := loadSettings(path, v.env)
	if err == nil {
		for _, w := range s.Warnings {
			v.add(w, true)
		}
		if _, err = accessFormat(s); err == nil {
			return s, nil
		}
	}
	var list settings.Problems
	if errors.As(err, &list) {
		for _, p := range list {
			v.add(p, false)
		}
	} else {
		v.problems = append(v.problems, declare.Problem{Text: err.Error()})
	}
	s, err = settings.Parse("", nil, nil)
	if err != nil {
		return nil, &failure{exitRuntime, err}
	}
	return s, nil
}

// add notes a problem of config.yaml, with the line that it is about.
func (v *validation) add(p settings.Problem, warning bool) {
	out := declare.Problem{File: p.File, Line: p.Line, Col: p.Col, Width: 1, Path: p.Key, Text: p.Text, Warning: warning}
	if text, err := os.ReadFile(p.File); err == nil && p.Line > 0 {
		if lines := strings.Split(string(text), "\n"); p.Line <= len(lines) {
			out.Excerpt = lines[p.Line-1]
		}
	}
	v.problems = append(v.problems, out)
}

// try starts a gateway with the resources, away from everything, and stops it at once.
func (v *validation) try(ctx context.Context, s *settings.Settings, doc *declare.Document) error {
	t, err := newTrial(ctx, trialOptions{s, "resources.json", doc.JSON(), io.Discard, v.env})
	if err == nil {
		return t.Close()
	}
	if ctx.Err() != nil {
		return &failure{exitRuntime, fmt.Errorf("start a gateway with the resources: %w", err)}
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		key, text, _ := strings.Cut(line, ": ")
		if _, _, ok := config.KindOfKey(key); ok {
			v.problems = append(v.problems, doc.About(key, text))
		} else {
			v.problems = append(v.problems, declare.Problem{Text: line})
		}
	}
	return nil
}

// newCatalog makes a catalog of the plugins that this program has. Nil enables all of them.
func newCatalog(enabled []string) (*config.Catalog, error) {
	catalog, err := config.NewCatalog(plugins.All(metrics.New(metrics.Options{})), config.CatalogOptions{Enabled: enabled, Strict: true})
	if err != nil {
		return nil, fmt.Errorf("plugins: %w", err)
	}
	return catalog, nil
}

// failed tells whether there is an error among the problems.
func failed(list []declare.Problem) bool {
	for _, p := range list {
		if !p.Warning {
			return true
		}
	}
	return false
}

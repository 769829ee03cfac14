package main

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store/file"
)

func newValidate(c console) *cobra.Command {
	config := ""
	cmd := &cobra.Command{
		Use:   "validate [-c config.yaml] [apisix.yaml]",
		Short: "Look for mistakes in configuration files",
		Long: `Validate reads config.yaml and prints everything that is wrong with it, with file, line and column. Given a file with
routes as well (apisix.yaml or apisix.json), or where config.yaml has the gateway read one, it looks at that file too: each resource
is checked as a gateway does when it starts, plugins included. It ends with 1 if there are errors; warnings are none.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) == 1 {
				path = args[0]
			}
			return validate(cmd.Context(), config, path, c)
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "path of config.yaml")
	return cmd
}

func validate(ctx context.Context, config, path string, c console) error {
	var errs []string
	s, err := loadSettings(config, c.env)
	if err == nil {
		_, err = accessFormat(s)
	}
	if err != nil {
		errs = append(errs, problems(err))
		if s, err = settings.Parse("", nil, nil); err != nil {
			return &failure{exitRuntime, err}
		}
	}
	for _, w := range s.Warnings {
		if err := say(c.err, "warning: %v\n", w); err != nil {
			return err
		}
	}
	if path == "" && len(errs) == 0 && s.Deployment.Store() == settings.StoreFile {
		path = s.Standalone()
	}
	if path != "" {
		if err := validateResources(ctx, s, path, c.env); err != nil {
			errs = append(errs, err.Error())
		}
	}
	if len(errs) > 0 {
		return &failure{exitRuntime, errors.New("the configuration is not valid:\n" + strings.Join(errs, "\n"))}
	}
	return say(c.out, "the configuration is valid\n")
}

// problems returns the lines of an error of loadSettings.
func problems(err error) string {
	var ps settings.Problems
	if errors.As(err, &ps) {
		return ps.Error()
	}
	return err.Error()
}

// validateResources starts a gateway with the resources, away from everything, and stops it at once.
func validateResources(ctx context.Context, s *settings.Settings, path string, env settings.Env) error {
	text, err := readResources(path)
	if err != nil {
		return err
	}
	t, err := newTrial(ctx, trialOptions{s, path, text, io.Discard, env})
	if err != nil {
		return named(path, file.Lines(path, text, env), err)
	}
	return t.Close()
}

// named puts the name of the file, and the line of the resource that they are about, before the lines of an error that lack it.
func named(path string, at map[string]int, err error) error {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, path) {
			continue
		}
		key, _, _ := strings.Cut(line, ": ")
		if n, ok := at[key]; ok {
			line = strconv.Itoa(n) + ": " + line
		} else {
			line = " " + line
		}
		lines[i] = path + ":" + line
	}
	return errors.New(strings.Join(lines, "\n"))
}

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/polygate/polygate/core/settings"
)

// loadSettings reads config.yaml. Without a path it is looked for as APISIX does, and the defaults hold where there is none.
func loadSettings(path string, env settings.Env) (*settings.Settings, error) {
	if path != "" {
		s, err := settings.Load(path, env)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; name the file with -c, or leave -c out for the defaults", err)
		}
		return s, configFailure(err)
	}
	name := "config.yaml"
	if profile, ok := env("APISIX_PROFILE"); ok && profile != "" {
		name = "config-" + filepath.Base(profile) + ".yaml"
	}
	for _, path := range []string{name, filepath.Join("conf", name)} {
		s, err := settings.Load(path, env)
		if !errors.Is(err, fs.ErrNotExist) {
			return s, configFailure(err)
		}
	}
	s, err := settings.Parse("", nil, env)
	return s, configFailure(err)
}

// configFailure makes an error of the configuration one that says so with its exit code.
func configFailure(err error) error {
	if err == nil {
		return nil
	}
	var problems settings.Problems
	if errors.As(err, &problems) {
		err = fmt.Errorf("the configuration has %s:\n%w", count(len(problems), "error"), problems)
	}
	return &failure{exitConfig, err}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// newLogger makes the logger of the process. format is "text" or "json".
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// dataDir is the folder for what outlives the process. It is made when it is needed first, for its owner alone.
type dataDir string

// path makes the folder and returns a path in it.
func (d dataDir) path(name string) (string, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return "", &failure{exitStore, fmt.Errorf("make the data folder: %w; choose another one with --data-dir", err)}
	}
	return filepath.Join(string(d), name), nil
}

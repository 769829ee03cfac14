package main

import (
	"fmt"
	"io"
)

// The exit codes.
const (
	exitOK         = 0
	exitRuntime    = 1
	exitUsage      = 2
	exitConfig     = 3
	exitListen     = 4
	exitStore      = 5
	exitDifference = 6
)

// failure is an error with the exit code that it ends the program with.
type failure struct {
	code int
	err  error // nil: everything has been said already
}

// Error returns what is to be printed; empty for nothing.
func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// say prints for people.
func say(w io.Writer, format string, args ...any) error {
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		return &failure{exitRuntime, fmt.Errorf("print: %w", err)}
	}
	return nil
}

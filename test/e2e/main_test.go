package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/polygate/polygate/test/program"
)

// binary is the gateway's program.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	path, remove, err := program.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	binary = path
	return m.Run()
}

// missing skips a test for want of a program, and says so loudly. Where CI is true it fails.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("NOT TESTED: %s", what)
	}
	fmt.Fprintf(os.Stderr, "NOT TESTED: %s: %s\n", t.Name(), what)
	t.Skip(what)
}

// poll tries again until it succeeds.
func poll(t *testing.T, what string, try func() error) {
	t.Helper()
	program.Poll(t, 30*time.Second, what, try)
}

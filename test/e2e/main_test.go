package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	// Their sources are what the test cache is told that the results depend on.
	_ "github.com/polygate/polygate/core"
	_ "github.com/polygate/polygate/core/store/lastgood"
	_ "github.com/polygate/polygate/plugins"
)

// binary is the gateway's program.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	path, remove, err := program()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	binary = path
	return m.Run()
}

// program builds polygate, or takes the one that the environment variable POLYGATE names.
func program() (string, func(), error) {
	if given := os.Getenv("POLYGATE"); given != "" {
		return given, func() {}, nil
	}
	sources, err := filepath.Glob("../../cmd/polygate/*.go")
	if err != nil {
		return "", nil, err
	}
	for _, name := range sources {
		if _, err := os.ReadFile(name); err != nil {
			return "", nil, err
		}
	}
	dir, err := os.MkdirTemp("", "polygate-e2e-")
	if err != nil {
		return "", nil, err
	}
	path := filepath.Join(dir, "polygate")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/polygate").CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return path, func() { os.RemoveAll(dir) }, nil
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
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		<-tick.C
	}
}

// freeAddr returns an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

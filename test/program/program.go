// Package program is what the tests of the whole program have in common: they build it, start it, and wait for what it does.
package program

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

// Build builds polygate from a folder two levels below the top of the source, or takes the program that the environment variable
// POLYGATE names. The caller calls remove at the end.
func Build() (path string, remove func(), err error) {
	if given := os.Getenv("POLYGATE"); given != "" {
		return given, func() {}, nil
	}
	// Reading the sources tells the test cache what the result depends on.
	sources, err := filepath.Glob("../../cmd/polygate/*.go")
	if err != nil {
		return "", nil, err
	}
	for _, name := range sources {
		if _, err := os.ReadFile(name); err != nil {
			return "", nil, err
		}
	}
	dir, err := os.MkdirTemp("", "polygate-test-")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "polygate")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/polygate").CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return path, func() { _ = os.RemoveAll(dir) }, nil
}

// Poll tries again until it succeeds. After that time the test fails with the last error.
func Poll(t *testing.T, within time.Duration, what string, try func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(within)
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

// FreeAddr returns an address that nobody listens on.
func FreeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

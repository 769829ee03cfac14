package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/polygate/polygate/test/program"
)

// binary is the gateway's program.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if _, err := exec.LookPath("etcd"); err != nil {
		fmt.Fprintln(os.Stderr, "NOT TESTED: there is no program etcd; `make setup` installs it (Debian package etcd-server)")
		if os.Getenv("CI") == "true" {
			return 1
		}
		return 0
	}
	path, remove, err := program.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	binary = path
	return m.Run()
}

// poll tries again until it succeeds.
func poll(t *testing.T, what string, try func() error) {
	t.Helper()
	program.Poll(t, 45*time.Second, what, try)
}

// Command polygate is an API gateway that hosts plugins in many languages and is compatible with Apache APISIX.
//
// main wires everything together by hand; each subcommand has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/settings"
)

// version is set by the linker, with -X main.version=…; it is never written to.
var version = "dev"

// console is how the program meets the world, so that tests can stand in for it.
type console struct {
	out, err io.Writer
	env      settings.Env
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], console{out: os.Stdout, err: os.Stderr, env: os.LookupEnv})
	stop()
	os.Exit(code)
}

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, c console) int {
	root := newRoot(c)
	root.SetArgs(goFlags(args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		_, _ = fmt.Fprintln(c.err, "polygate: "+text) // nobody is left to tell if this does not work
	}
	var failure *failure
	if errors.As(err, &failure) {
		return failure.code
	}
	_, _ = fmt.Fprintln(c.err, `Run "polygate help" for how to use it.`)
	return exitUsage
}

// goFlags lets "polygate test" take -run as "go test" does; flags of this program have two dashes otherwise.
func goFlags(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		if args[0] == "test" && (arg == "-run" || strings.HasPrefix(arg, "-run=")) {
			arg = "-" + arg
		}
		out[i] = arg
	}
	return out
}

func newRoot(c console) *cobra.Command {
	root := &cobra.Command{
		Use:   "polygate",
		Short: "An API gateway that hosts plugins in many languages",
		Long: `polygate is an API gateway that hosts plugins in many languages. It reads Apache APISIX's config.yaml,
speaks its Admin API and keeps its configuration where APISIX does.

Exit codes:
  0  all is well
  1  it failed while it ran; also what "test" finds wrong
  2  the command line is wrong
  3  the configuration is wrong; also what "validate" finds
  4  an address cannot be listened on
  5  the store cannot be opened
  6  "diff" found differences`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
	}
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetVersionTemplate("polygate {{.Version}}\n")
	root.AddCommand(newRun(c), newValidate(c), newDiff(c), newSync(c), newDump(c), newTest(c), newVersion(c))
	return root
}

// Command measure tells what a proxied request costs in CPU time, through polygate and through others, and how much memory polygate
// needs. `make bench` runs it from the top of the source; README.md beside it describes the method.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// options are those of the command line.
type options struct {
	binary, floor string
	rounds        int
	length        time.Duration
	conns         int
	routes        int
	subjects      []string // empty: all
	hook          string
	memory        bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "measure:", err)
		stop()
		os.Exit(1) //nolint:gocritic // the deferred call has been made
	}
}

func parse(args []string) (options, error) {
	var o options
	var subjects string
	f := flag.NewFlagSet("measure", flag.ContinueOnError)
	f.StringVar(&o.binary, "polygate", "bin/polygate", "the `program` to measure")
	f.StringVar(&o.floor, "floor", "bin/floor", "the `program` that is the unit")
	f.IntVar(&o.rounds, "rounds", 5, "how often each subject is measured")
	f.DurationVar(&o.length, "length", 3*time.Second, "how long one round takes, in whole seconds")
	f.IntVar(&o.conns, "connections", 50, "keep-alive connections")
	f.IntVar(&o.routes, "routes", 10000, "how many the gateway with many routes has")
	f.StringVar(&subjects, "subjects", "", "`names` to measure, separated by commas (default all): "+strings.Join(names(), ", "))
	f.StringVar(&o.hook, "hook", "", "shell `command` to run beside each round, with SUBJECT, PID, ROUND and SECONDS in its environment,\nfor example 'perf record -o $SUBJECT.$ROUND.data -p $PID sleep $SECONDS'")
	f.BoolVar(&o.memory, "memory", true, "measure memory too")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.length < time.Second {
		return o, errors.New("at least one round of one second is needed")
	}
	if subjects != "" {
		o.subjects = strings.Split(subjects, ",")
	}
	for _, s := range o.subjects {
		if !slices.Contains(names(), s) {
			return o, fmt.Errorf("no subject is called %q; there are %s", s, strings.Join(names(), ", "))
		}
	}
	return o, needed(o)
}

// needed checks that the programs are there.
func needed(o options) error {
	for _, program := range []string{"taskset", "wrk", o.binary, o.floor} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w (scripts/setup installs what others made, make what is ours)", err)
		}
	}
	return nil
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "polygate-measure-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	b, err := newBench(ctx, o, dir)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.cpu(ctx); err != nil {
		return err
	}
	b.reportCPU(os.Stdout)
	if !o.memory {
		return nil
	}
	rows, err := b.memory(ctx)
	if err != nil {
		return err
	}
	reportMemory(os.Stdout, rows)
	return nil
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/polygate/polygate/bench/lab"
)

// bench is one measurement with all that runs for it.
type bench struct {
	options
	dir          string
	uploadScript string
	upstream     *lab.Process
	running      map[string]*lab.Process // by the names of servers
	started      []*lab.Process          // beside them
	samples      map[string][]sample     // by subject, one per round
}

// sample is the result of a round.
type sample struct {
	cost time.Duration // of one request
	rate float64       // requests per second
}

// upload sends bodies of 100,000 bytes.
const upload = `wrk.method = "POST"
wrk.body = string.rep("x", 100000)
wrk.headers["Content-Type"] = "application/octet-stream"
`

func newBench(ctx context.Context, o options, dir string) (*bench, error) {
	b := &bench{options: o, dir: dir, running: map[string]*lab.Process{}, samples: map[string][]sample{}}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open the folder to nginx: %w", err)
	}
	b.uploadScript = filepath.Join(dir, "upload.lua")
	if err := os.WriteFile(b.uploadScript, []byte(upload), 0o600); err != nil {
		return nil, fmt.Errorf("write script: %w", err)
	}
	var err error
	b.upstream, err = lab.Nginx(ctx, filepath.Join(dir, "upstream"), "", lab.CPULoad)
	return b, err
}

func (b *bench) close() {
	for _, p := range b.running {
		p.Stop()
	}
	for _, p := range b.started {
		p.Stop()
	}
	b.upstream.Stop()
}

// cpu measures all subjects in turn, round by round, so that what disturbs the machine disturbs all of them.
func (b *bench) cpu(ctx context.Context) error {
	list := chosen(b.subjects)
	servers := b.servers()
	for _, s := range list {
		if b.running[s.server] != nil {
			continue
		}
		p, err := servers[s.server](ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.server, err)
		}
		b.running[s.server] = p
	}
	for _, s := range list {
		warm := b.load(s, b.running[s.server])
		warm.For = time.Second
		if _, err := warm.Run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for round := range b.rounds {
		for _, s := range list {
			if err := b.round(ctx, s, round); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		slices.Reverse(list) // none is always the one after the heaviest
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, b.rounds)
	}
	return nil
}

func (b *bench) round(ctx context.Context, s subject, round int) error {
	server := b.running[s.server]
	before, err := server.CPU()
	if err != nil {
		return err
	}
	hook, err := b.startHook(ctx, s, round)
	if err != nil {
		return err
	}
	done, err := b.load(s, server).Run(ctx)
	if err != nil {
		return err
	}
	after, err := server.CPU()
	if err != nil {
		return err
	}
	if hook != nil {
		if err := hook.Wait(); err != nil {
			return fmt.Errorf("hook: %w", err)
		}
	}
	cost := (after - before) / time.Duration(done.Requests)
	b.samples[s.name] = append(b.samples[s.name], sample{cost, done.Rate()})
	return nil
}

// startHook runs the command that accompanies a round, if there is one.
func (b *bench) startHook(ctx context.Context, s subject, round int) (*exec.Cmd, error) {
	if b.hook == "" {
		return nil, nil
	}
	c := exec.CommandContext(ctx, "sh", "-c", b.hook)
	c.Env = append(os.Environ(), "SUBJECT="+s.name, "PID="+strconv.Itoa(b.running[s.server].PID()),
		"ROUND="+strconv.Itoa(round+1), "SECONDS="+strconv.Itoa(int(b.length.Seconds())))
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start the hook: %w", err)
	}
	return c, nil
}

// Command soak watches the memory of a gateway: during a million requests, and while bodies of 2 GiB pass through it in both
// directions. It fails if memory grows. `make soak` runs it from the top of the source.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/polygate/polygate/bench/lab"
)

const mib = 1 << 20

// The growth of memory that is allowed.
const (
	maxGrowth = 8 * mib  // over a million requests, after the first tenth of them
	maxBody   = 32 * mib // while a large body passes
)

// options are those of the command line.
type options struct {
	binary   string
	requests int64
	body     int64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.StringVar(&o.binary, "polygate", "bin/polygate", "the `program` to watch")
	flag.Int64Var(&o.requests, "requests", 1_000_000, "how many requests")
	flag.Int64Var(&o.body, "body", 2<<30, "size of the large bodies in bytes")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		stop()
		os.Exit(1) //nolint:gocritic // the deferred call has been made
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "polygate-soak-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("open the folder to nginx: %w", err)
	}
	small, err := lab.Nginx(ctx, filepath.Join(dir, "upstream"), "", lab.CPULoad)
	if err != nil {
		return err
	}
	defer small.Stop()
	large, err := newStreams()
	if err != nil {
		return err
	}
	defer large.close()
	gateway, err := lab.Gateway{
		Binary: o.binary, Dir: filepath.Join(dir, "gateway"), Store: lab.StoreFile,
		Resources: []lab.Resource{route("stream", "/stream", large.addr), route("small", "/small", small.Addr)},
	}.Start(ctx)
	if err != nil {
		return err
	}
	defer gateway.Stop()
	return errors.Join(
		many(ctx, gateway, o.requests),
		passing(gateway, "upload", func() error { return large.upload(ctx, gateway.Addr, o.body) }),
		passing(gateway, "download", func() error { return large.download(ctx, gateway.Addr, o.body) }),
	)
}

func route(id, uri, upstream string) lab.Resource {
	return lab.Resource{Kind: "routes", ID: id, Body: map[string]any{
		"uri": uri, "upstream": map[string]any{"type": "roundrobin", "nodes": map[string]any{upstream: 1}},
	}}
}

// many makes the requests in rounds and reads the memory after each.
func many(ctx context.Context, gateway *lab.Process, requests int64) error {
	var samples []int64
	for done := int64(0); done < requests; {
		load := lab.Load{URL: "http://" + gateway.Addr + "/small", Conns: 50, For: 2 * time.Second}
		d, err := load.Run(ctx)
		if err != nil {
			return err
		}
		done += d.Requests
		rss, err := gateway.RSS()
		if err != nil {
			return err
		}
		samples = append(samples, rss)
		fmt.Printf("%8d requests: %.1f MiB\n", done, float64(rss)/mib)
	}
	settled := samples[len(samples)/10]
	if growth := slices.Max(samples) - settled; growth > maxGrowth {
		return fmt.Errorf("memory grew by %.1f MiB over the requests, at most %d are allowed", float64(growth)/mib, maxGrowth/mib)
	}
	return nil
}

// passing reads the memory again and again while something large passes.
func passing(gateway *lab.Process, what string, pass func() error) error {
	before, err := gateway.RSS()
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	begin := time.Now()
	go func() { result <- pass() }()
	for peak := before; ; {
		select {
		case err := <-result:
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			growth := peak - before
			fmt.Printf("%s took %.1f s: memory grew by %.1f MiB from %.1f\n", what, time.Since(begin).Seconds(), float64(growth)/mib, float64(before)/mib)
			if growth > maxBody {
				return fmt.Errorf("%s: memory grew by %.1f MiB, at most %d are allowed", what, float64(growth)/mib, maxBody/mib)
			}
			return nil
		case <-time.After(50 * time.Millisecond):
			rss, err := gateway.RSS()
			if err != nil {
				return errors.Join(err, <-result)
			}
			peak = max(peak, rss)
		}
	}
}

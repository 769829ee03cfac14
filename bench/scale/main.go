// Command scale measures a gateway with very many routes: how soon it serves after a start and with how much memory, how soon a
// changed route is in service, and what a thousand changes in a second do to requests. It fails if a request is answered wrongly.
// `make scale` runs it from the top of the source.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/polygate/polygate/bench/lab"
)

const mib = 1 << 20

// options are those of the command line.
type options struct {
	binary  string
	routes  int
	changes int
	rate    int
	length  time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.StringVar(&o.binary, "polygate", "bin/polygate", "the `program` to measure")
	flag.IntVar(&o.routes, "routes", 100_000, "how many routes")
	flag.IntVar(&o.changes, "changes", 1000, "changes in a second")
	flag.IntVar(&o.rate, "rate", 1000, "requests in a second during the changes")
	flag.DurationVar(&o.length, "length", time.Minute, "how long routes are changed")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		stop()
		os.Exit(1) //nolint:gocritic // the deferred call has been made
	}
}

// scene is what is measured, and what it needs.
type scene struct {
	options
	dir            string
	upstream, etcd *lab.Process
	admin          string
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "polygate-scale-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("open the folder to nginx: %w", err)
	}
	s := &scene{options: o, dir: dir}
	if s.upstream, err = lab.Nginx(ctx, filepath.Join(dir, "upstream"), "", lab.CPUAny); err != nil {
		return err
	}
	defer s.upstream.Stop()
	if s.etcd, err = lab.Etcd(ctx, filepath.Join(dir, "etcd")); err != nil {
		return err
	}
	defer s.etcd.Stop()
	if s.admin, err = lab.FreeAddr(); err != nil {
		return err
	}
	if err := s.seed(ctx); err != nil {
		return err
	}
	gateway, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer gateway.Stop()
	if err := s.single(ctx, gateway); err != nil {
		return err
	}
	return s.many(ctx, gateway)
}

// start measures the way to the first answer of the last route, and the memory afterwards.
func (s *scene) start(ctx context.Context) (*lab.Process, error) {
	began := time.Now()
	p, err := lab.Gateway{
		Binary: s.binary, Dir: filepath.Join(s.dir, "gateway"), Store: lab.StoreEtcd, Etcd: s.etcd.Addr, Admin: s.admin,
		Path: path(s.routes - 1), AllCPUs: true,
	}.Start(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	if err := settle(ctx, p); err != nil {
		p.Stop()
		return nil, err
	}
	rss, err := p.RSS()
	if err != nil {
		p.Stop()
		return nil, err
	}
	fmt.Printf("start with %d routes: %.2f s to the first answer, RSS %d MiB\n", s.routes, took.Seconds(), rss/mib)
	return p, nil
}

// settle waits until the process is at rest: garbage of the start is collected, and the copy of the configuration written.
func settle(ctx context.Context, p *lab.Process) error {
	before, err := p.CPU()
	for err == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
		var now time.Duration
		if now, err = p.CPU(); now-before < 50*time.Millisecond {
			break
		}
		before = now
	}
	return err
}

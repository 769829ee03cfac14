package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins"
)

// runFlags are the flags of "polygate run".
type runFlags struct {
	config    string
	data      string
	logFormat string
	example   bool
}

func newRun(c console) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a gateway",
		Long: `Run starts a gateway and serves until SIGINT or SIGTERM; then it lets requests finish. SIGUSR1 opens the access
log again.

Without -c it reads config.yaml or conf/config.yaml, and takes the defaults where there is neither. The configuration of
routes is kept in an etcd within the process, below the data folder, unless config.yaml names hosts of etcd or a file.
If config.yaml has no key for the Admin API, one is made on the first start and kept in the data folder.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.logFormat != "text" && f.logFormat != "json" {
				return fmt.Errorf("--log-format is %q; it is text or json", f.logFormat)
			}
			return runGateway(cmd.Context(), f, c)
		},
	}
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "path of config.yaml")
	cmd.Flags().StringVar(&f.data, "data-dir", "data", "folder for what outlives the process")
	cmd.Flags().BoolVar(&f.example, "example", false, "have an upstream and a route ready, and tell what to try")
	cmd.Flags().StringVar(&f.logFormat, "log-format", "text", "form of the log on standard error: text or json")
	return cmd
}

func runGateway(ctx context.Context, f runFlags, c console) (err error) {
	s, err := loadSettings(f.config, c.env)
	if err != nil {
		return err
	}
	log := newLogger(c.err, f.logFormat, s.Nginx.Level())
	for _, w := range s.Warnings {
		log.Warn(w.Error())
	}
	if n := s.Nginx.WorkerProcesses; n > 0 {
		runtime.GOMAXPROCS(n)
	}
	data := dataDir(f.data)
	keys, err := adminKeys(s, data, c.err)
	if err != nil {
		return err
	}
	st, err := openStore(s, data, c.env, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing("the store", st.Close())) }()
	access, err := openAccessLog(s, log)
	if err != nil {
		return err
	}
	o := gatewayOptions(s, log)
	o.Store, o.Writer, o.AdminKeys = st.Store, st.writer, keys
	o.Reload = func() (*settings.Settings, error) { return loadSettings(f.config, c.env) }
	if access != nil {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { access.reopenOn(ctx) })
		defer func() {
			cancel()
			wg.Wait()
			err = errors.Join(err, closing("the access log", access.writer.Close()))
		}()
		o.AccessLog = access.record
		if err := access.count(o.Metrics); err != nil {
			return err
		}
	}
	if f.example {
		return serveExample(ctx, o, adminKeyFile(data, keys), c.out)
	}
	return serve(ctx, o)
}

// gatewayOptions are the options that do not depend on where the configuration comes from.
func gatewayOptions(s *settings.Settings, log *slog.Logger) core.Options {
	registry := metrics.New(metrics.Options{Prefix: s.Metrics().Prefix, Runtime: true})
	return core.Options{
		Settings: s, Plugins: plugins.All(registry), Logger: log, Metrics: registry, Version: buildVersion(),
	}
}

func serve(ctx context.Context, o core.Options) error {
	g, err := core.New(o)
	if err != nil {
		return &failure{exitConfig, fmt.Errorf("make the gateway: %w", err)}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-g.Synced():
			trimHeap()
		case <-ctx.Done():
		}
	})
	err = runtimeFailure(g.Run(ctx))
	cancel()
	wg.Wait()
	return err
}

// serveExample serves together with the example, which ends with the gateway.
func serveExample(ctx context.Context, o core.Options, keyFile string, tell io.Writer) error {
	g, err := core.New(o)
	if err != nil {
		return &failure{exitConfig, fmt.Errorf("make the gateway: %w", err)}
	}
	e, err := newExample(g, o.Writer, keyFile, tell)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var exampleErr error
	wg.Go(func() {
		if exampleErr = e.run(ctx); exampleErr != nil {
			cancel()
		}
	})
	err = runtimeFailure(g.Run(ctx))
	cancel()
	wg.Wait()
	return errors.Join(err, exampleErr)
}

// runtimeFailure gives the error of a gateway its exit code, and what to do about it.
func runtimeFailure(err error) error {
	var listen *core.ListenError
	var away *core.StoreError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &away):
		return &failure{exitStore, away}
	case !errors.As(err, &listen):
		return &failure{exitRuntime, err}
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("%w; stop the process that listens there, or choose another port", err)
	case errors.Is(err, syscall.EACCES):
		err = fmt.Errorf("%w; ports below 1024 need the capability CAP_NET_BIND_SERVICE", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		err = fmt.Errorf("%w; this machine does not have that address", err)
	}
	return &failure{exitListen, err}
}

func closing(what string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{exitRuntime, fmt.Errorf("close %s: %w", what, err)}
}

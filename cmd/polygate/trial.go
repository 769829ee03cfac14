package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/file"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/internal/behave"
)

// trial is a gateway within the process for "test" and "validate": it listens on free ports of the loopback interface, and its configuration is
// in memory.
type trial struct {
	gateway *core.Gateway
	store   *mem.Store
	env     settings.Env
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error // of Run; to be read when ended is closed
}

// startTrial is a behave.Starter.
func startTrial(env settings.Env) behave.Starter {
	return func(ctx context.Context, setup behave.Setup) (behave.Running, error) {
		path := filepath.Join(setup.Dir, "config.yaml")
		s, err := settings.Parse(path, setup.Settings, env)
		if err != nil {
			return nil, err
		}
		return newTrial(ctx, trialOptions{s, "config", setup.Resources, setup.Log, env})
	}
}

// trialOptions are what a trial is made of.
type trialOptions struct {
	settings  *settings.Settings
	file      string // name of the resources in errors
	resources []byte
	log       io.Writer // of the gateway, and of its access log; safe for concurrent use
	env       settings.Env
}

func newTrial(ctx context.Context, o trialOptions) (*trial, error) {
	s := o.settings
	aside(s)
	t := &trial{store: mem.New(), env: o.env, ended: make(chan struct{})}
	options := gatewayOptions(s, slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: min(s.Nginx.Level(), slog.LevelInfo)})))
	options.Store = t.store
	format, err := accessFormat(s)
	if err != nil {
		return nil, err
	}
	options.AccessLog = func(v core.Vars) { _, _ = o.log.Write(append(format.Append(nil, v), '\n')) } // kept in memory
	if _, err = t.put(ctx, o.file, o.resources); err != nil {
		return nil, err
	}
	if t.gateway, err = core.New(options); err != nil {
		return nil, fmt.Errorf("make the gateway: %w", err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.cancel = cancel
	go func() {
		defer close(t.ended)
		t.err = t.gateway.Run(running)
	}()
	if err := t.serving(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// aside keeps a gateway off the addresses that the settings name.
func aside(s *settings.Settings) {
	const loopback = "127.0.0.1"
	s.APISIX.NodeListen = []settings.Listener{{IP: loopback, HTTP2: s.APISIX.EnableHTTP2}}
	s.APISIX.SSL.Enable = false
	s.APISIX.EnableAdmin = false
	s.APISIX.EnableControl = false
	s.APISIX.Status = settings.Address{IP: loopback}
	// As with a file, a plugin that does not exist is an error.
	s.Deployment.Role, s.Deployment.RoleDataPlane.ConfigProvider = settings.RoleDataPlane, settings.ProviderYAML
	s.Nginx.ShutdownTimeout = min(s.Nginx.ShutdownTimeout, time.Second)
	var attr map[string]json.RawMessage
	if json.Unmarshal(s.PluginAttr["prometheus"], &attr) == nil && attr != nil {
		attr["export_addr"] = json.RawMessage(`{"ip":"` + loopback + `","port":0}`)
		if text, err := json.Marshal(attr); err == nil {
			s.PluginAttr["prometheus"] = text
		}
	}
}

// serving waits until the gateway listens and has its first configuration in service, all of it.
func (t *trial) serving(ctx context.Context) error {
	for _, step := range []<-chan struct{}{t.gateway.Listening(), t.gateway.Synced()} {
		select {
		case <-step:
		case <-t.ended:
			return t.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return t.rejected()
}

// rejected returns what of the configuration is not in service.
func (t *trial) rejected() error {
	var errs []error
	for _, r := range t.gateway.Status().Rejected {
		text := r.Reason
		if !strings.HasPrefix(text, r.Key+": ") {
			text = r.Key + ": " + text
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}

// put makes the store have what the text has, and returns the store's revision then.
func (t *trial) put(ctx context.Context, name string, text []byte) (int64, error) {
	items, err := file.Parse(name, text, t.env)
	if err != nil {
		return 0, err
	}
	before, revision, err := t.store.List(ctx, "")
	if err != nil {
		return 0, err
	}
	gone := make(map[string]string, len(before))
	for _, item := range before {
		gone[item.Key] = string(item.Value)
	}
	for _, item := range items {
		old, known := gone[item.Key]
		delete(gone, item.Key)
		if known && old == string(item.Value) {
			continue
		}
		written, err := t.store.Put(ctx, item.Key, item.Value, store.Cond{})
		if err != nil {
			return 0, err
		}
		revision = written.ModRev
	}
	for key := range gone {
		if _, err := t.store.Delete(ctx, key); err != nil {
			return 0, err
		}
	}
	if len(gone) > 0 {
		_, revision, err = t.store.List(ctx, "")
	}
	return revision, err
}

// Addr returns the address for requests, or that of the server with the name "metrics" or "status".
func (t *trial) Addr(server string) string {
	planes := map[string]core.Plane{"": core.PlaneHTTP, "metrics": core.PlaneMetrics, "status": core.PlaneStatus}
	if list := t.gateway.Addresses(planes[server]); len(list) > 0 {
		return list[0]
	}
	return ""
}

// Apply replaces the configuration.
func (t *trial) Apply(ctx context.Context, resources []byte) error {
	revision, err := t.put(ctx, "config", resources)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for t.gateway.Status().Revision < revision {
		select {
		case <-tick.C:
		case <-t.ended:
			return t.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return t.rejected()
}

// Close stops the gateway.
func (t *trial) Close() error {
	t.cancel()
	<-t.ended
	return errors.Join(t.err, t.store.Close())
}

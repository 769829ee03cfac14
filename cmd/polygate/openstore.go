package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/embedded"
	"github.com/polygate/polygate/core/store/etcd"
	"github.com/polygate/polygate/core/store/file"
	"github.com/polygate/polygate/core/store/lastgood"
	"github.com/polygate/polygate/core/store/mem"
)

// opened is a store and, where there is an Admin API, its writing side.
type opened struct {
	store.Store
	writer store.Writer
}

// openStore opens the store that the settings ask for.
func openStore(s *settings.Settings, data dataDir, env settings.Env, log *slog.Logger) (opened, error) {
	switch s.Deployment.Store() {
	case settings.StoreFile:
		return openFile(s.Standalone(), env, log)
	case settings.StoreMemory:
		m := mem.NewPending()
		return opened{m, m}, nil
	case settings.StoreEtcd:
		return openEtcd(s, data, log)
	}
	dir, err := data.path("etcd")
	if err != nil {
		return opened{}, err
	}
	e, err := embedded.Open(embedded.Options{Dir: dir, Prefix: s.Deployment.Etcd.Prefix, Logger: log})
	if err != nil {
		return opened{}, &failure{exitStore, err}
	}
	return opened{e, e}, nil
}

// openFile reads the file before the gateway starts, which would wait for a file that makes sense.
func openFile(path string, env settings.Env, log *slog.Logger) (opened, error) {
	f, err := file.New(file.Options{Path: path, Logger: log, Env: env})
	if err != nil {
		return opened{}, &failure{exitStore, err}
	}
	err = f.Load()
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; it has the routes of a gateway whose config_provider is yaml or json: create it, or set config_provider to etcd", err)
	}
	if err != nil {
		return opened{}, &failure{exitConfig, err}
	}
	return opened{f, nil}, nil
}

// openEtcd opens an external cluster. What it delivers is kept in the data folder, for a start while it is away.
func openEtcd(s *settings.Settings, data dataDir, log *slog.Logger) (opened, error) {
	conf := &s.Deployment.Etcd
	config, err := etcdTLS(s)
	if err != nil {
		return opened{}, &failure{exitConfig, err}
	}
	e, err := etcd.New(etcd.Options{
		Endpoints: conf.Host, Prefix: conf.Prefix, User: conf.User, Password: conf.Password,
		TLS: config, Timeout: conf.Timeout, ResyncDelay: conf.ResyncDelay, Logger: log,
	})
	if err != nil {
		return opened{}, &failure{exitStore, err}
	}
	st, err := withCopy(e, conf, data, log)
	if err != nil {
		return opened{}, &failure{exitStore, err}
	}
	if s.APISIX.EnableAdmin {
		return opened{st, e}, nil
	}
	return opened{st, nil}, nil
}

// withCopy keeps what the store delivers in the data folder. A folder that cannot be made is no reason not to serve.
func withCopy(st store.Store, conf *settings.Etcd, data dataDir, log *slog.Logger) (store.Store, error) {
	path, err := data.path("configuration")
	if err != nil {
		log.Error("no copy of the configuration is kept; without one the gateway cannot start while etcd is away", "error", err)
		return st, nil
	}
	return lastgood.New(st, lastgood.Options{Path: path, Prefix: conf.Prefix, Endpoints: conf.Host, Logger: log})
}

func etcdTLS(s *settings.Settings) (*tls.Config, error) {
	conf := &s.Deployment.Etcd.TLS
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: conf.SNI}
	config.InsecureSkipVerify = !conf.Verify // the operator's choice: deployment.etcd.tls.verify
	if conf.Cert != "" {
		pair, err := tls.LoadX509KeyPair(conf.Cert, conf.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: deployment.etcd.tls: %w", s.File, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	var err error
	if config.RootCAs, err = s.APISIX.SSL.Roots(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.File, err)
	}
	return config, nil
}

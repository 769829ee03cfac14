package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/embedded"
	"github.com/polygate/polygate/core/store/etcd"
	"github.com/polygate/polygate/core/store/file"
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
		m := mem.New()
		return opened{m, m}, nil
	case settings.StoreEtcd:
		return openEtcd(s, log)
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

// openFile reads the file once before the gateway starts, which would wait for a file that makes sense.
func openFile(path string, env settings.Env, log *slog.Logger) (opened, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; it has the routes of a gateway whose config_provider is yaml or json", err)
	}
	if err != nil {
		return opened{}, &failure{exitConfig, err}
	}
	if items, err := file.Parse(path, text, env); err != nil && items == nil {
		return opened{}, &failure{exitConfig, err}
	}
	f, err := file.New(file.Options{Path: path, Logger: log, Env: env})
	if err != nil {
		return opened{}, &failure{exitStore, err}
	}
	return opened{f, nil}, nil
}

func openEtcd(s *settings.Settings, log *slog.Logger) (opened, error) {
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
	if s.APISIX.EnableAdmin {
		return opened{e, e}, nil
	}
	return opened{e, nil}, nil
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
	if path := s.APISIX.SSL.TrustedCertificate; path != "system" && path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: apisix.ssl.ssl_trusted_certificate: %w", s.File, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: apisix.ssl.ssl_trusted_certificate: there is no PEM certificate in %s", s.File, path)
		}
	}
	return config, nil
}

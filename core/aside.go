package core

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/polygate/polygate/core/admin"
	"github.com/polygate/polygate/core/admin/standalone"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/settings"
)

// openAside opens what is not for the gateway's clients: Admin, Control and Status API, and the metrics.
func (g *Gateway) openAside(add func(plane, string)) error {
	s := g.opts.Settings
	source := control.Source(g)
	if g.opts.Writer != nil && s.APISIX.EnableAdmin {
		h, err := g.adminHandler()
		if err != nil {
			return err
		}
		p := g.aside(PlaneAdmin, h)
		if p.tls, err = adminTLS(&s.Deployment.Admin); err != nil {
			return err
		}
		add(p, s.Deployment.Admin.Listen.String())
	}
	if s.APISIX.EnableControl {
		h := control.New(control.Options{Source: source, Catalog: g.catalog, Logger: g.log, Reload: g.reload, Prefix: g.keyPrefix()})
		add(g.aside(PlaneControl, h), s.APISIX.Control.String())
	}
	add(g.aside(PlaneStatus, control.NewStatus(source, g.log)), s.APISIX.Status.String())
	if export := s.Metrics(); export.Enabled && g.opts.Metrics != nil {
		mux := http.NewServeMux()
		mux.Handle(export.URI, g.opts.Metrics.Handler())
		add(g.aside(PlaneMetrics, mux), export.Address.String())
	}
	return nil
}

// adminServer is the Server field of the Admin API, without a version if versions are not to be shown.
func (g *Gateway) adminServer() string {
	name := g.opts.Settings.Polygate.AdminServer
	if !g.opts.Settings.APISIX.EnableServerTokens {
		name, _, _ = strings.Cut(name, "/")
	}
	return name
}

// keyPrefix is what the keys of the store begin with in APISIX's words; without a store that has one it is the slash.
func (g *Gateway) keyPrefix() string {
	switch g.opts.Settings.Deployment.Store() {
	case settings.StoreFile, settings.StoreMemory:
		return "/"
	}
	return g.opts.Settings.Deployment.Etcd.Prefix
}

func (g *Gateway) adminHandler() (http.Handler, error) {
	a := &g.opts.Settings.Deployment.Admin
	var allow []string
	for _, p := range a.Allow {
		allow = append(allow, p.String())
	}
	keys := make([]admin.Key, 0, len(g.opts.AdminKeys))
	for _, k := range g.opts.AdminKeys {
		keys = append(keys, admin.Key{Name: k.Name, Key: k.Key, Role: admin.Role(k.Role)})
	}
	configs, err := g.standaloneHandler()
	if err != nil {
		return nil, err
	}
	return admin.New(admin.Options{
		Configs: configs,
		Store:   g.opts.Writer, Catalog: g.catalog, Keys: keys, KeyRequired: a.KeyRequired, Allow: allow, CORS: a.EnableCORS,
		Prefix: g.opts.Settings.Deployment.Etcd.Prefix, Logger: g.log, Try: g.builder.try, Index: index{g}, Reload: g.reload,
		StreamMode: g.opts.Settings.APISIX.Stream(), Keyring: g.keyring,
		ServerHeader: g.adminServer(), Version: a.APIVersion, KeyAnywhere: g.opts.Settings.Polygate.AdminKeyAnywhere,
		PlainFields: !g.opts.Settings.APISIX.DataEncryption.EnableEncryptFields,
	})
}

// standaloneHandler serves the whole configuration as one document where there is no store; else it is nil.
func (g *Gateway) standaloneHandler() (http.Handler, error) {
	st, ok := g.opts.Writer.(standalone.Store)
	if !ok || g.opts.Settings.Deployment.Store() != settings.StoreMemory {
		return nil, nil
	}
	return standalone.New(standalone.Options{Store: st, Catalog: g.catalog, Logger: g.log, Try: g.builder.try})
}

// aside makes a plane of an ordinary handler.
func (g *Gateway) aside(kind Plane, h http.Handler) plane {
	server := &http.Server{
		Handler: g.contained(kind, h), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
	return plane{kind: kind, serve: server.Serve, stop: server.Shutdown}
}

// contained answers with 500 for a handler that panics, and says so in the log: net/http only closes the connection.
func (g *Gateway) contained(kind Plane, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler:
				panic(cause)
			default:
				g.log.Error("panic", "for", kind, "method", r.Method, "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
				http.Error(w, `{"error_msg":"internal error, see the log of the gateway"}`, http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// adminTLS is how the Admin API is served where https_admin is set; nil: without TLS. With admin_ssl_ca_cert clients must show a
// certificate that it signed. A file that cannot be read is an error: the API must not stand open for it.
func adminTLS(a *settings.Admin) (*tls.Config, error) {
	if !a.HTTPS {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(a.MTLS.Cert, a.MTLS.Key)
	if err != nil {
		return nil, fmt.Errorf("deployment.admin.admin_api_mtls: load certificate and key: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if a.MTLS.CACert == "" {
		return config, nil
	}
	pem, err := os.ReadFile(a.MTLS.CACert)
	if err != nil {
		return nil, fmt.Errorf("deployment.admin.admin_api_mtls.admin_ssl_ca_cert: %w", err)
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("deployment.admin.admin_api_mtls.admin_ssl_ca_cert: %s has no certificate in PEM form", a.MTLS.CACert)
	}
	return config, nil
}

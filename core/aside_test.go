package core_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/sdk"
)

func TestAdminOverTLS(t *testing.T) {
	cert, key := selfSigned(t, "admin.test")
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, text := range map[string]string{certFile: cert, keyFile: key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		ca     string
		client []tls.Certificate
		want   bool
	}{
		{name: "any client", want: true},
		{name: "client without the certificate that is asked for", ca: certFile, want: false},
		{name: "client with it", ca: certFile, client: []tls.Certificate{own}, want: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, []sdk.Plugin{}, func(o *core.Options) {
				a := &o.Settings.Deployment.Admin
				a.HTTPS, a.KeyRequired, a.MTLS.Cert, a.MTLS.Key, a.MTLS.CACert = true, false, certFile, keyFile, tt.ca
			})
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM([]byte(cert))
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "admin.test", Certificates: tt.client}}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			res, err := client.Get("https://" + g.Addresses(core.PlaneAdmin)[0] + "/apisix/admin/routes")
			if err == nil {
				_ = res.Body.Close()
			}
			if got := err == nil && res.StatusCode == http.StatusOK; got != tt.want {
				t.Errorf("got %v (%v), want %v", got, err, tt.want)
			}
		})
	}
}

func TestAdminTLSFailsClosed(t *testing.T) {
	st := mem.New()
	o := core.Options{Settings: testSettings([]sdk.Plugin{}), Store: st, Writer: st, Logger: discard()}
	a := &o.Settings.Deployment.Admin
	a.HTTPS, a.KeyRequired, a.MTLS.Cert = true, false, filepath.Join(t.TempDir(), "missing.pem")
	g, err := core.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want an error about the certificate that is not there", err)
	}
}

// awayStore is a store that is never reachable.
type awayStore struct{ *mem.Store }

func (awayStore) Watch(ctx context.Context, _ func(store.Batch)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (awayStore) Status() store.Status { return store.Status{Err: errors.New("nobody there")} }

func TestNoConfiguration(t *testing.T) {

	o := core.Options{Settings: testSettings([]sdk.Plugin{}), Store: awayStore{mem.New()}, Logger: discard()}
	o.Settings.Deployment.Etcd.Timeout = 50 * time.Millisecond
	g, err := core.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var away *core.StoreError
	if err := g.Run(t.Context()); !errors.As(err, &away) || !strings.Contains(err.Error(), "nobody there") {
		t.Errorf("got %v, want a StoreError with its cause", err)
	}
}

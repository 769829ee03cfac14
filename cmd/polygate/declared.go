package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/declare"
	"github.com/polygate/polygate/core/declare/remote"
)

// keyVariable is the environment variable with the key of the Admin API.
const keyVariable = "POLYGATE_ADMIN_KEY"

// adminFlags say how to reach the Admin API of a running gateway.
type adminFlags struct {
	url, key          string
	data              string
	ca, cert, certKey string
	parallel          int
	retry             time.Duration
	labels            []string
}

func (f *adminFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "admin", "http://127.0.0.1:9180", "address of the Admin API")
	flags.StringVar(&f.key, "key", "", "key of the Admin API; better than here, where other users see it, it is in "+keyVariable)
	flags.StringVar(&f.data, "data-dir", "data", "data folder of a gateway on this machine, which has the key that was made for it")
	flags.StringVar(&f.ca, "ca", "", "file with certificates of authorities to trust for the Admin API, instead of the system's")
	flags.StringVar(&f.cert, "cert", "", "file with a certificate to show the Admin API")
	flags.StringVar(&f.certKey, "key-file", "", "file with the private key of --cert")
	flags.IntVar(&f.parallel, "parallel", 8, "how many requests to send side by side")
	flags.DurationVar(&f.retry, "retry", 10*time.Second, "for how long to try again while the gateway or its store is away")
	flags.StringArrayVar(&f.labels, "select", nil, "name=value: look only at resources with this label; may be repeated")
}

// client makes the client of the Admin API.
func (f *adminFlags) client(c console) (*remote.Client, error) {
	key, err := f.adminKey(c)
	if err != nil {
		return nil, err
	}
	config, err := f.tls()
	if err != nil {
		return nil, &failure{exitConfig, err}
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, MaxIdleConnsPerHost: f.parallel, IdleConnTimeout: 30 * time.Second,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	}
	client, err := remote.New(remote.Options{
		URL: f.url, Key: key, Retry: f.retry, HTTP: &http.Client{Transport: transport, Timeout: 2 * time.Minute},
	})
	if err != nil {
		return nil, fmt.Errorf("--admin: %w", err)
	}
	return client, nil
}

// adminKey returns the key from the flag, from the environment, or from the data folder. The last one is the key of a gateway on this
// machine and is sent to no other.
func (f *adminFlags) adminKey(c console) (string, error) {
	if f.key != "" {
		return f.key, nil
	}
	if key, ok := c.env(keyVariable); ok && key != "" {
		return key, nil
	}
	u, err := url.Parse(f.url)
	if err != nil {
		return "", fmt.Errorf("--admin: %w", err)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", nil
	}
	text, err := os.ReadFile(filepath.Join(f.data, keyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", &failure{exitConfig, fmt.Errorf("read the key of the Admin API: %w; give it in %s", err, keyVariable)}
	}
	return strings.TrimSpace(string(text)), nil
}

func (f *adminFlags) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca: there is no PEM certificate in %s", f.ca)
		}
	}
	if f.cert != "" || f.certKey != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.certKey)
		if err != nil {
			return nil, fmt.Errorf("--cert and --key-file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// comparison is what files want, what a gateway has, and what is between the two.
type comparison struct {
	client   *remote.Client
	doc      *declare.Document
	have     []declare.Item
	changes  []declare.Change
	leftOut  int // how many resources of the files cannot be given to the gateway
	warnings []declare.Problem
}

// compare reads the files and the gateway. Mistakes in the files end it before the gateway is asked.
func (f *adminFlags) compare(ctx context.Context, cmd *cobra.Command, paths []string, scope declare.Scope, c console) (*comparison, error) {
	var err error
	if scope.Labels, err = declare.ParseLabels(f.labels); err != nil {
		return nil, fmt.Errorf("--select: %w", err)
	}
	if scope.Catalog, err = newCatalog(nil); err != nil {
		return nil, &failure{exitRuntime, err}
	}
	sources, err := declare.Read(paths, cmd.InOrStdin())
	if err != nil {
		return nil, &failure{exitConfig, err}
	}
	doc, problems := declare.Load(sources, c.env)
	// What a reference leads to may be on the gateway, so that it is looked for later.
	rules := declare.Rules{Catalog: scope.Catalog, Foreign: true, Named: true, Keyless: true, Has: func(string, string) bool { return true }}
	problems = append(problems, doc.Check(rules)...)
	if err := refuse(problems, c); err != nil {
		return nil, err
	}
	client, err := f.client(c)
	if err != nil {
		return nil, err
	}
	out := &comparison{client: client, doc: doc}
	if out.have, err = client.All(ctx, f.parallel); err != nil {
		return nil, &failure{exitRuntime, err}
	}
	var apart []declare.Problem
	out.changes, apart = declare.Compare(doc, out.have, scope)
	for _, p := range apart {
		if _, ok := doc.Find(p.Key); ok {
			out.leftOut++
		}
	}
	rules.Has = declare.Remaining(out.have, out.changes)
	out.warnings = slices.Concat(problems, apart, doc.Dangling(rules))
	return out, refuse(out.warnings, c)
}

// refuse prints problems, and fails if one is an error. Without one, warnings are printed where the command ends.
func refuse(problems []declare.Problem, c console) error {
	if !failed(problems) {
		return nil
	}
	r := reporter{c, "text"}
	if err := r.explain(declare.SortProblems(problems)); err != nil {
		return err
	}
	return &failure{exitConfig, errors.New("the files cannot be applied: " + tally(problems))}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/store"
)

// example is what "run --example" has ready for somebody who sees polygate for the first time: an upstream within the process, and a
// route to it.
type example struct {
	gateway  *core.Gateway
	writer   store.Writer
	keyFile  string // of the Admin API; empty: it needs none
	tell     io.Writer
	listener net.Listener
	server   *http.Server
}

// exampleRoute is the value of the route that the example begins with.
const exampleRoute = `{"id":"hello","uri":"/hello","plugins":{"request-id":{}},` +
	`"upstream":{"type":"roundrobin","nodes":{"%s":1}}}`

// newExample opens the upstream.
func newExample(g *core.Gateway, w store.Writer, keyFile string, tell io.Writer) (*example, error) {
	if w == nil {
		return nil, &failure{exitConfig, errors.New("--example puts a route into the store, but routes come from a file here; leave it out")}
	}
	// Routes to the upstream outlive the process: where it can, it has the same address the next time.
	l, err := net.Listen("tcp", "127.0.0.1:1980")
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, &failure{exitListen, fmt.Errorf("open the example's upstream: %w", err)}
	}
	hello := func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "Hello from the upstream. You asked for %s.\n", r.URL.Path)
	}
	server := &http.Server{Handler: http.HandlerFunc(hello), ReadHeaderTimeout: 10 * time.Second}
	return &example{gateway: g, writer: w, keyFile: keyFile, tell: tell, listener: l, server: server}, nil
}

// run serves the upstream until ctx ends, and tells what to try as soon as it works.
func (e *example) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = e.server.Close() })
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- e.prepare(ctx) }()
	if err := e.server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, <-failed)
	}
	return <-failed
}

func (e *example) prepare(ctx context.Context) error {
	select {
	case <-e.gateway.Listening():
	case <-ctx.Done():
		return nil
	}
	upstream := e.listener.Addr().String()
	if _, err := e.writer.Put(ctx, "routes/hello", fmt.Appendf(nil, exampleRoute, upstream), store.Cond{}); err != nil {
		return fmt.Errorf("store the example's route: %w", err)
	}
	gateway := reachable(e.gateway.Addresses(core.PlaneHTTP)[0])
	if err := await(ctx, "http://"+gateway+"/hello"); err != nil {
		return err
	}
	return e.explain(gateway, upstream)
}

// explain prints the commands to try.
func (e *example) explain(gateway, upstream string) error {
	key := ""
	if e.keyFile != "" {
		key = fmt.Sprintf(` -H "X-API-KEY: $(cat %s)"`, e.keyFile)
	}
	admin := e.gateway.Addresses(core.PlaneAdmin)
	if len(admin) == 0 {
		return say(e.tell, "polygate is ready. Try this:\n\n  curl -i http://%s/hello\n\n", gateway)
	}
	return say(e.tell, `polygate is ready. Try these in another terminal:

  curl -i http://%[1]s/hello

  curl -i http://%[2]s/apisix/admin/routes/limited -X PUT%[3]s -d '{"uri":"/limited","plugins":{"limit-count":{"count":2,"time_window":60,"rejected_code":429}},"upstream":{"type":"roundrobin","nodes":{"%[4]s":1}}}'

  curl -i http://%[1]s/limited

The third one passes twice a minute; after that the plugin limit-count refuses it. Stop with Ctrl-C.
`, gateway, admin[0], key, upstream)
}

// await asks for a URL until it is answered with 200.
func await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody); err == nil && answers(r) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("the example at %s did not answer within 10 s", url)
			}
			return nil
		}
	}
}

func answers(r *http.Request) bool {
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// reachable makes an address that a client can use of one that is listened on.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// adminKeyFile returns the path of the key that was made for the Admin API, as seen from the working directory.
func adminKeyFile(data dataDir, keys []core.AdminKey) string {
	if len(keys) == 0 {
		return ""
	}
	return filepath.Join(string(data), keyFile)
}

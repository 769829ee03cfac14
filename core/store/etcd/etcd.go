// Package etcd keeps configuration in an etcd cluster, in the layout that Apache APISIX uses.
//
// One watch follows the whole prefix. It starts at the revision that was loaded, goes on from there after a lost
// connection, and reads everything anew after a compaction or when the cluster was replaced by another one.
package etcd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// placeholder is the value of the keys that stand for APISIX's directories.
	placeholder = "init_dir"
	// idKey is what NextID writes. It is no configuration: neither listed nor watched.
	idKey = "gen_id"
	// writeLimit bounds every request of a writer, so that a cluster that hangs is an error in less than 3 s.
	writeLimit = 2 * time.Second
)

// Options say where the cluster is and how to talk to it. Only Endpoints is needed.
type Options struct {
	Endpoints   []string      // like "http://127.0.0.1:2379"; https uses TLS
	Prefix      string        // of all keys; default "/apisix"
	User        string        // empty: no authentication
	Password    string        // of User
	TLS         *tls.Config   // for https endpoints; nil: the system's roots
	Timeout     time.Duration // of one request; default 30 s; writers wait 2 s at most
	DialTimeout time.Duration // of one attempt to connect; default 1.5 s, at most 2 s
	ResyncDelay time.Duration // longest pause between two attempts; default 5 s
	Logger      *slog.Logger  // default: discard
	Advice      string        // the next step in the error of an unreachable cluster; has a default
}

// Store is a store.Store and a store.Writer over an etcd cluster. Use New or Over to make one. It is safe for concurrent
// use.
type Store struct {
	opts   Options
	prefix string // with the slash at its end
	state  *tracker
	shared *clientv3.Client      // given by Over, else nil
	writer chan *clientv3.Client // holds the one client of the writing side, nil before its first use
}

// New returns a store over a cluster. It does not connect: a cluster that is away is reported by Status and by the methods.
func New(opts Options) (*Store, error) {
	if len(opts.Endpoints) == 0 {
		return nil, errors.New("no etcd endpoint is configured: set deployment.etcd.host")
	}
	opts.Advice = cmp.Or(opts.Advice, "check that etcd runs there and that deployment.etcd names the right hosts, user and certificates")
	for _, e := range opts.Endpoints {
		if !strings.HasPrefix(e, "https://") && !strings.HasPrefix(e, "http://") {
			return nil, fmt.Errorf("etcd endpoint %q does not begin with http:// or https://", e)
		}
	}
	return newStore(opts, nil), nil
}

// Over returns a store over a client that somebody else made, for example one of an embedded server. Close does not close
// the client. Of opts, what concerns connections only names the store in errors.
func Over(client *clientv3.Client, opts Options) *Store {
	return newStore(opts, client)
}

func newStore(opts Options, shared *clientv3.Client) *Store {
	opts.Timeout = cmp.Or(opts.Timeout, 30*time.Second)
	opts.DialTimeout = min(cmp.Or(opts.DialTimeout, 1500*time.Millisecond), writeLimit)
	opts.ResyncDelay = cmp.Or(opts.ResyncDelay, 5*time.Second)
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		opts:   opts,
		prefix: strings.TrimRight(cmp.Or(opts.Prefix, "/apisix"), "/") + "/",
		state:  newTracker(opts.Logger),
		shared: shared,
		writer: make(chan *clientv3.Client, 1),
	}
	s.writer <- nil
	return s
}

// Close implements store.Store.
func (s *Store) Close() error {
	client := <-s.writer
	s.writer <- nil
	if client == nil {
		return nil
	}
	if err := client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close etcd client: %w", err)
	}
	return nil
}

// key returns the item's key for a key of the cluster.
func (s *Store) key(full []byte) string {
	return strings.TrimPrefix(string(full), s.prefix)
}

// hidden tells whether a key of the cluster is not an item: a directory's placeholder or the counter of NextID.
func (s *Store) hidden(full, value []byte) bool {
	return (len(full) > 0 && full[len(full)-1] == '/' && string(value) == placeholder) || s.key(full) == idKey
}

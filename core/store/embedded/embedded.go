// Package embedded keeps configuration in an etcd server inside the process, over a data folder.
//
// It is the default store: nothing to install, and a cluster of its own kind to move to later. The server has one
// member and no listening socket at all; requests reach it as function calls.
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/etcd"
)

const (
	startLimit = 10 * time.Second // for the server to become ready
	stopLimit  = 5 * time.Second  // for it to stop
)

var (
	errStartLimit = errors.New("the server did not become ready in time")
	errStopLimit  = errors.New("the server did not stop in time")
)

// Options say where the data is. Only Dir is needed.
type Options struct {
	Dir    string       // data folder, made with mode 0700 if it is missing; one process at a time
	Prefix string       // of all keys; default "/apisix"
	Logger *slog.Logger // receives errors; default: discard
}

// Store is a store.Store and a store.Writer over the server in the process. Use Open to make one. It is safe for
// concurrent use.
type Store struct {
	*etcd.Store
	dir    string
	server *etcdserver.EtcdServer
	client *clientv3.Client
	lock   *lock
	fault  *fault
	once   func() error // closes everything, once
}

// Open starts the server over the folder and returns when it serves, or an error that names the folder, the cause and the
// next step. What an earlier process wrote and was told to be written is there, even if that process was killed.
func Open(opts Options) (*Store, error) {
	if opts.Dir == "" {
		return nil, errors.New("the embedded store has no data folder")
	}
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	held, err := claim(opts.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: opts.Dir, lock: held, fault: &fault{happened: make(chan struct{})}}
	if err := s.start(opts); err != nil {
		_ = held.release()
		return nil, fmt.Errorf("open the data folder %s: %w; %s", opts.Dir, err, advice(err))
	}
	s.client = v3client.New(s.server)
	s.Store = etcd.Over(s.client, etcd.Options{
		Endpoints: []string{opts.Dir + " (embedded)"},
		Prefix:    opts.Prefix,
		Logger:    opts.Logger,
		Advice:    "the log says what stopped the embedded store; check the space and the permissions of its folder and restart",
	})
	s.once = sync.OnceValue(s.stop)
	// Replaying the log needs several times the memory that serving needs.
	debug.FreeOSMemory()
	return s, nil
}

// start runs the server and waits until it serves. The server's own code ends a goroutine when it meets an error that it
// cannot handle; that is why it gets one of its own to start in.
func (s *Store) start(opts Options) error {
	started := make(chan *etcdserver.EtcdServer, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				s.fault.set(fmt.Errorf("%w: %v", errCorrupt, r))
			}
		}()
		server, err := etcdserver.NewServer(serverConfig(opts.Dir, zapLogger(opts.Logger, s.fault)))
		if err != nil {
			s.fault.set(err)
			return
		}
		server.Start()
		started <- server
	}()

	deadline := time.NewTimer(startLimit)
	defer deadline.Stop()
	select {
	case s.server = <-started:
	case <-s.fault.happened:
		return s.fault.get()
	case <-deadline.C:
		return errStartLimit
	}
	select {
	case <-s.server.ReadyNotify():
		return nil
	case <-s.fault.happened:
		return s.fault.get()
	case <-deadline.C:
		return errors.Join(errStartLimit, s.halt())
	}
}

// Status implements store.Store. A server that stopped by itself is not reachable any more; the process has to be restarted.
func (s *Store) Status() store.Status {
	st := s.Store.Status()
	if err := s.fault.get(); err != nil {
		st.Reachable = false
		st.Err = fmt.Errorf("the embedded store over %s stopped: %w; %s", s.dir, err, advice(err))
	}
	return st
}

// Close stops the server, flushes what it holds to disk and releases the folder.
func (s *Store) Close() error { return s.once() }

func (s *Store) stop() error {
	err := s.Store.Close()
	if cerr := s.client.Close(); cerr != nil && !errors.Is(cerr, context.Canceled) {
		err = errors.Join(err, cerr)
	}
	if err = errors.Join(err, s.halt(), s.lock.release()); err != nil {
		return fmt.Errorf("close the data folder %s: %w", s.dir, err)
	}
	return nil
}

// halt stops the server. One that stopped half-way may never end: it is left to the end of the process.
func (s *Store) halt() error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.server.HardStop()
	}()
	deadline := time.NewTimer(stopLimit)
	defer deadline.Stop()
	select {
	case <-stopped:
		return nil
	case <-s.fault.happened:
		return nil
	case <-deadline.C:
		return errStopLimit
	}
}

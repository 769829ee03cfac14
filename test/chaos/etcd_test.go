package chaos

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/polygate/polygate/test/program"
)

// member is an etcd process on addresses that stay the same when it is started again.
type member struct {
	t            *testing.T
	name         string
	client, peer string // addresses
	dir          string
	flags        []string
	cmd          *exec.Cmd
	exited       chan struct{} // closed when cmd has ended
}

// newEtcd starts a server over an empty folder. It is killed after the test.
func newEtcd(t *testing.T) *member {
	t.Helper()
	m := newMember(t, "one")
	m.flags = []string{"--initial-cluster", "one=http://" + m.peer}
	m.start()
	return m
}

func newMember(t *testing.T, name string) *member {
	t.Helper()
	m := &member{t: t, name: name, client: program.FreeAddr(t), peer: program.FreeAddr(t), dir: filepath.Join(t.TempDir(), name)}
	t.Cleanup(m.kill)
	return m
}

func (m *member) url() string { return "http://" + m.client }

// launch starts the process over its folder.
func (m *member) launch() {
	m.t.Helper()
	peer := "http://" + m.peer
	m.cmd = exec.Command("etcd", "--data-dir", m.dir, "--name", m.name, "--log-level", "error",
		"--listen-client-urls", m.url(), "--advertise-client-urls", m.url(),
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		"--heartbeat-interval", "50", "--election-timeout", "300", "--snapshot-count", "500")
	m.cmd.Args = append(m.cmd.Args, m.flags...)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	cmd, exited := m.cmd, make(chan struct{})
	m.exited = exited
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
}

// start launches the process and waits until it serves.
func (m *member) start() {
	m.t.Helper()
	m.launch()
	m.await()
}

// await waits until the process serves. One that has ended, because its port was not free yet, is launched again.
func (m *member) await() {
	m.t.Helper()
	c := dial(m.t, m)
	poll(m.t, "etcd serves", func() error {
		select {
		case <-m.exited:
			m.launch()
		default:
		}
		ctx, cancel := context.WithTimeout(m.t.Context(), time.Second)
		defer cancel()
		_, err := c.Get(ctx, "any")
		return err
	})
}

// kill ends the process at once.
func (m *member) kill() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		<-m.exited
	}
}

func (m *member) signal(sig syscall.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(sig); err != nil {
		m.t.Fatal(err)
	}
}

// restart starts the server over another folder.
func (m *member) restart(dir string) {
	m.t.Helper()
	m.kill()
	m.dir = dir
	// With a token of its own an empty folder is another cluster.
	m.flags = append(m.flags, "--initial-cluster-token", dir)
	m.start()
}

// cluster is a client of one or more members.
type cluster struct {
	*clientv3.Client
	t *testing.T
}

func dial(t *testing.T, members ...*member) *cluster {
	t.Helper()
	var urls []string
	for _, m := range members {
		urls = append(urls, m.url())
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: urls, Logger: zap.NewNop(), DialKeepAliveTime: time.Second, DialKeepAliveTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &cluster{Client: c, t: t}
}

// do runs a command, again and again until it works.
func (c *cluster) do(command func(context.Context) error) {
	c.t.Helper()
	poll(c.t, "a command for etcd", func() error {
		ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
		defer cancel()
		return command(ctx)
	})
}

// put writes a value below the gateway's prefix, and returns its revision.
func (c *cluster) put(key, value string) (revision int64) {
	c.t.Helper()
	c.do(func(ctx context.Context) error {
		resp, err := c.Put(ctx, "/apisix/"+key, value)
		if err == nil {
			revision = resp.Header.Revision
		}
		return err
	})
	return revision
}

// putAll writes values in one step.
func (c *cluster) putAll(values map[string]string) {
	c.t.Helper()
	var ops []clientv3.Op
	for key, value := range values {
		ops = append(ops, clientv3.OpPut("/apisix/"+key, value))
	}
	c.do(func(ctx context.Context) error {
		_, err := c.Txn(ctx).Then(ops...).Commit()
		return err
	})
}

// value returns what a key holds.
func (c *cluster) value(key string) (value string) {
	c.t.Helper()
	c.do(func(ctx context.Context) error {
		resp, err := c.Get(ctx, "/apisix/"+key)
		if err != nil {
			return err
		}
		if len(resp.Kvs) != 1 {
			return fmt.Errorf("%s has %d values", key, len(resp.Kvs))
		}
		value = string(resp.Kvs[0].Value)
		return nil
	})
	return value
}

// revision returns the cluster's revision.
func (c *cluster) revision() (revision int64) {
	c.t.Helper()
	c.do(func(ctx context.Context) error {
		resp, err := c.Get(ctx, "any")
		if err == nil {
			revision = resp.Header.Revision
		}
		return err
	})
	return revision
}

// remove deletes a key.
func (c *cluster) remove(key string) (revision int64) {
	c.t.Helper()
	c.do(func(ctx context.Context) error {
		resp, err := c.Delete(ctx, "/apisix/"+key)
		if err == nil {
			revision = resp.Header.Revision
		}
		return err
	})
	return revision
}

// compact forgets all revisions but the last, and gives their space back.
func (c *cluster) compact() {
	c.t.Helper()
	c.do(func(ctx context.Context) error {
		resp, err := c.Get(ctx, "any")
		if err != nil {
			return err
		}
		_, err = c.Compact(ctx, resp.Header.Revision, clientv3.WithCompactPhysical())
		if err != nil && !strings.Contains(err.Error(), "has been compacted") {
			return err
		}
		for _, endpoint := range c.Endpoints() {
			if _, err := c.Defragment(ctx, endpoint); err != nil {
				return err
			}
		}
		return nil
	})
}

// leader returns the member that leads.
func leader(t *testing.T, c *cluster, members []*member) (lead *member) {
	t.Helper()
	poll(t, "the cluster has a leader", func() error {
		for _, m := range members {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			st, err := c.Client.Status(ctx, m.url())
			cancel()
			if err == nil && st.Leader == st.Header.MemberId {
				lead = m
				return nil
			}
		}
		return fmt.Errorf("none of %d members leads", len(members))
	})
	return lead
}

package etcd_test

import (
	"context"
	"errors"
	"testing"

	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/etcd"
)

// guarded starts a server that knows the user root, and the user gateway who may only use the default prefix. Passwords are as
// the names. Tokens end when they were not used for a second.
func guarded(t *testing.T) *server {
	t.Helper()
	srv := unstarted(t)
	srv.flags = []string{"--auth-token-ttl", "1"}
	srv.start(t.TempDir())
	srv.do(func(ctx context.Context, cli *clientv3.Client) error {
		_, err1 := cli.UserAdd(ctx, "root", "root")
		_, err2 := cli.UserGrantRole(ctx, "root", "root")
		_, err3 := cli.UserAdd(ctx, "gateway", "gateway")
		_, err4 := cli.RoleAdd(ctx, "apisix")
		perm := clientv3.PermissionType(authpb.READWRITE)
		_, err5 := cli.RoleGrantPermission(ctx, "apisix", "/apisix/", clientv3.GetPrefixRangeEnd("/apisix/"), perm)
		_, err6 := cli.UserGrantRole(ctx, "gateway", "apisix")
		_, err7 := cli.AuthEnable(ctx)
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
	srv.user = "root"
	return srv
}

// expired waits until a token that was given out now is not valid any more.
func (s *server) expired() {
	s.t.Helper()
	s.do(func(ctx context.Context, cli *clientv3.Client) error {
		_, err := cli.Get(ctx, "any")
		return err
	})
	cli, err := clientv3.New(clientv3.Config{Endpoints: []string{s.url()}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer cli.Close()
	resp, err := cli.Authenticate(s.t.Context(), s.user, s.user)
	if err != nil {
		s.t.Fatal(err)
	}
	// Asking with a token makes it last longer; that is why the second question must be late enough.
	old, err := clientv3.New(clientv3.Config{Endpoints: []string{s.url()}, Token: resp.Token})
	if err != nil {
		s.t.Fatal(err)
	}
	defer old.Close()
	patient(s.t, "the token ends", func() bool {
		_, err := old.Get(s.t.Context(), "any")
		return errors.Is(err, rpctypes.ErrInvalidAuthToken)
	})
}

// TestTokenEnds lets the tokens of a watch and of a writer end, and breaks the connection after that.
func TestTokenEnds(t *testing.T) {
	t.Parallel()
	srv := guarded(t)
	px := newProxy(t, srv.client)
	s := open(t, etcd.Options{Endpoints: []string{px.url()}, User: "gateway", Password: "gateway"})
	v := look(t, s)
	if _, err := s.Put(t.Context(), "routes/1", []byte("{}"), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	v.holds(t, map[string]string{"routes/1": "{}"})

	srv.expired()
	if _, err := s.Put(t.Context(), "routes/2", []byte("{}"), store.Cond{}); err != nil {
		t.Errorf("write after the token has ended: %v", err)
	}
	v.holds(t, map[string]string{"routes/1": "{}", "routes/2": "{}"})

	px.cut()
	eventually(t, "the loss is noticed", func() bool { return !s.Status().Reachable })
	srv.put("routes/3", "{}")
	srv.expired()
	px.mend()
	v.holds(t, map[string]string{"routes/1": "{}", "routes/2": "{}", "routes/3": "{}"})
	if _, fulls, _ := v.counts(); fulls != 1 {
		t.Errorf("got %d full batches, want 1", fulls)
	}
}

// TestRightsEnd takes what a gateway needs from it while it watches, and gives it back.
func TestRightsEnd(t *testing.T) {
	tests := []struct {
		name       string
		take, give func(context.Context, *clientv3.Client) error
		want       string // of the status's error
	}{
		{
			"the role", func(ctx context.Context, cli *clientv3.Client) error {
				_, err := cli.UserRevokeRole(ctx, "gateway", "apisix")
				return err
			}, func(ctx context.Context, cli *clientv3.Client) error {
				_, err := cli.UserGrantRole(ctx, "gateway", "apisix")
				return err
			}, "permission denied",
		},
		{
			"the password", func(ctx context.Context, cli *clientv3.Client) error {
				_, err := cli.UserChangePassword(ctx, "gateway", "other")
				return err
			}, func(ctx context.Context, cli *clientv3.Client) error {
				_, err := cli.UserChangePassword(ctx, "gateway", "gateway")
				return err
			}, "invalid user ID or password",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := guarded(t)
			s := open(t, etcd.Options{Endpoints: []string{srv.url()}, User: "gateway", Password: "gateway"})
			v := look(t, s)
			srv.put("routes/1", "{}")
			v.holds(t, map[string]string{"routes/1": "{}"})
			srv.do(tt.take)
			eventually(t, "the status tells why", func() bool {
				st := s.Status()
				return !st.Reachable && st.Err != nil && contains(st.Err.Error(), tt.want)
			})
			srv.put("routes/2", "{}")
			srv.do(tt.give)
			v.holds(t, map[string]string{"routes/1": "{}", "routes/2": "{}"})
			eventually(t, "the store is reachable", func() bool { return s.Status().Reachable })
		})
	}
}

package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

// longestBackoff is the longest pause between two attempts of a client to connect again.
const longestBackoff = time.Second

// connect returns a client of the endpoints and a function that releases it. Nothing is sent unless a user is set: then the
// client logs in, within DialTimeout and ctx's deadline.
func (s *Store) connect(ctx context.Context, endpoints ...string) (*clientv3.Client, func(), error) {
	if s.shared != nil {
		return s.shared, func() {}, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	limit := s.opts.DialTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	conf := clientv3.Config{
		Endpoints:            endpoints,
		Username:             s.opts.User,
		Password:             s.opts.Password,
		DialTimeout:          max(limit, time.Millisecond),
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 5 * time.Second,
		// Two tries, because the second one of them comes with a new token when the old one expired.
		MaxUnaryRetries: 2,
		Logger:          zap.NewNop(),
		Context:         context.WithoutCancel(ctx),
		DialOptions: []grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: longestBackoff},
				MinConnectTimeout: s.opts.DialTimeout,
			}),
			grpc.WithChainUnaryInterceptor(failFast, logInOnce),
		},
	}
	if strings.HasPrefix(endpoints[0], "https://") {
		conf.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		if s.opts.TLS != nil {
			conf.TLS = s.opts.TLS.Clone()
		}
	}
	client, err := clientv3.New(conf)
	if err != nil {
		return nil, nil, err
	}
	return client, func() { _ = client.Close() }, nil
}

// failFast makes a request over a connection that cannot be made fail at once, with the reason. The client's default is to
// wait for the connection, and to forget the reason.
//
//nolint:revive // the signature is that of grpc.UnaryClientInterceptor
func failFast(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(ctx, method, req, reply, cc, append(opts, grpc.WaitForReady(false))...)
}

// errLogin is that a login was refused because of the token of an earlier one.
var errLogin = status.Error(codes.Unauthenticated, "the login has expired")

// logInOnce ends a login that is refused because of the token that has expired: servers before 3.5 look at it even then, and the
// client would log in for ever. A new client has no token.
//
//nolint:revive // the signature is that of grpc.UnaryClientInterceptor
func logInOnce(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	if method == etcdserverpb.Auth_Authenticate_FullMethodName && errors.Is(rpctypes.Error(err), rpctypes.ErrInvalidAuthToken) {
		return errLogin
	}
	return err
}

// loginExpired tells whether a request was refused because its client has to log in anew.
func loginExpired(err error) bool {
	st, ok := status.FromError(err)
	return ok && st.Code() == codes.Unauthenticated && st.Message() == status.Convert(errLogin).Message()
}

// writeClient returns the client of the writing side, made on first use.
func (s *Store) writeClient(ctx context.Context) (*clientv3.Client, error) {
	if s.shared != nil {
		return s.shared, nil
	}
	var client *clientv3.Client
	select {
	case client = <-s.writer:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var err error
	if client == nil {
		client, _, err = s.connect(ctx, s.opts.Endpoints...)
	}
	s.writer <- client
	return client, err
}

// dropWriteClient closes the client of the writing side, unless another one has taken its place.
func (s *Store) dropWriteClient(client *clientv3.Client) {
	present := <-s.writer
	if present == client && client != nil {
		_ = client.Close()
		present = nil
	}
	s.writer <- present
}

// connectionLost returns when the client's connection is no longer ready, or ctx has ended. It never returns early for a
// client without a connection of its own.
func connectionLost(ctx context.Context, client *clientv3.Client) {
	conn := client.ActiveConnection()
	if conn == nil {
		<-ctx.Done()
		return
	}
	conn.WaitForStateChange(ctx, connectivity.Ready)
}

// unreachable wraps err with who was asked, and what to do about it.
func (s *Store) unreachable(err error, endpoints ...string) error {
	switch st, ok := status.FromError(err); {
	case errors.Is(err, context.DeadlineExceeded), ok && st.Code() == codes.DeadlineExceeded:
		err = fmt.Errorf("no answer in time: %w", err)
	case ok && st.Code() == codes.Unavailable:
		err = &transportError{text: st.Message(), cause: err}
	}
	return s.blame(err, s.opts.Advice, endpoints...)
}

// transportError is an error of the connection without the words around it.
type transportError struct {
	text  string
	cause error
}

func (e *transportError) Error() string { return e.text }
func (e *transportError) Unwrap() error { return e.cause }

// refused wraps the error of a cluster that answered.
func (s *Store) refused(err error) error {
	if errors.Is(err, rpctypes.ErrNoSpace) {
		return s.blame(err, "compact and defragment it or raise its quota, then disarm the alarm")
	}
	return s.blame(err, "")
}

func (s *Store) blame(err error, advice string, endpoints ...string) error {
	if len(endpoints) == 0 {
		endpoints = s.opts.Endpoints
	}
	if advice != "" {
		advice = "; " + advice
	}
	return fmt.Errorf("etcd at %s: %w%s", strings.Join(endpoints, ", "), err, advice)
}

// answered tells whether err, or its absence, came from a cluster that works: it refused the request, but it is there.
func answered(err error) bool {
	if err == nil {
		return true
	}
	var e rpctypes.EtcdError
	if !errors.As(err, &e) {
		if st, ok := status.FromError(err); ok {
			return st.Code() == codes.InvalidArgument || st.Code() == codes.OutOfRange || st.Code() == codes.ResourceExhausted
		}
		return false
	}
	switch e.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Unauthenticated, codes.Canceled, codes.Unknown:
		return false
	default:
		return true
	}
}

package forwardauth

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Bounds of what the service may send.
const (
	maxHeader = 256 << 10
	maxAnswer = 8 << 20 // of the body of a refusal
	maxUnread = 64 << 10
)

// service is the authorization service with the connections to it.
type service struct {
	url       *url.URL
	timeout   time.Duration
	transport *http.Transport
}

// answer is what the service says. The body is only read where it is a refusal.
type answer struct {
	status int
	header http.Header
	body   string
}

func newService(conf *config) (*service, error) {
	u, err := url.Parse(conf.URI)
	if err != nil {
		return nil, fmt.Errorf("uri: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("uri %q is none of an HTTP service: write it as http://host:port/path or https://host:port/path", conf.URI)
	}
	timeout := milliseconds(conf.Timeout)
	return &service{
		url:     u,
		timeout: timeout,
		// Neither a proxy from the environment nor a redirect is followed, and nothing is decompressed: the answer is taken as it is.
		transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
			TLSHandshakeTimeout:    timeout,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: !conf.Verify}, //nolint:gosec // ssl_verify
			DisableKeepAlives:      !conf.Keepalive,
			DisableCompression:     true,
			IdleConnTimeout:        milliseconds(conf.KeepaliveTimeout),
			MaxIdleConnsPerHost:    conf.KeepalivePool,
			MaxResponseHeaderBytes: maxHeader,
		},
	}, nil
}

func milliseconds(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// ask sends a question and waits for the answer, no longer than the timeout allows.
func (s *service) ask(ctx context.Context, q *question) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := q.request(ctx, s.url)
	if err != nil {
		return nil, err
	}
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	a := &answer{status: response.StatusCode, header: response.Header}
	if a.status < 200 || a.status > 599 {
		return nil, fmt.Errorf("the service answered with status %d", a.status)
	}
	if a.status < 300 {
		// A connection is only used again when nothing is left to read. What is wrong with the rest changes no answer.
		_, _ = io.CopyN(io.Discard, response.Body, maxUnread)
		return a, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	a.body = string(body)
	return a, nil
}

func (s *service) close() error {
	s.transport.CloseIdleConnections()
	return nil
}

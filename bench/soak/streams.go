package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// streams is an upstream that takes bodies of any size and makes them.
type streams struct {
	addr   string
	server *http.Server
	done   chan error
}

func newStreams() (*streams, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &streams{addr: l.Addr().String(), done: make(chan error, 1)}
	s.server = &http.Server{Handler: http.HandlerFunc(serve), ReadHeaderTimeout: 10 * time.Second}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

func (s *streams) close() {
	s.server.Close()
	<-s.done
}

// serve answers with the size of the body that came, or with a body of the size that is asked for.
func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			n = -1
		}
		fmt.Fprint(w, n)
		return
	}
	n, err := strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
	if err != nil {
		return // the first request, which asks whether the gateway serves
	}
	_, _ = io.CopyN(w, zeros{}, n) // if it fails, the other side has received less than it asked for
}

func (s *streams) upload(ctx context.Context, gateway string, size int64) error {
	got, err := exchange(ctx, http.MethodPost, "http://"+gateway+"/stream", io.LimitReader(zeros{}, size))
	if err != nil {
		return err
	}
	defer got.Close()
	var arrived int64
	if _, err := fmt.Fscan(got, &arrived); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return same(arrived, size)
}

func (s *streams) download(ctx context.Context, gateway string, size int64) error {
	url := fmt.Sprintf("http://%s/stream?size=%d", gateway, size)
	got, err := exchange(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	defer got.Close()
	arrived, err := io.Copy(io.Discard, got)
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return same(arrived, size)
}

func same(arrived, sent int64) error {
	if arrived != sent {
		return fmt.Errorf("%d of %d bytes arrived", arrived, sent)
	}
	return nil
}

func exchange(ctx context.Context, method, url string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: status %d", method, resp.StatusCode)
	}
	return resp.Body, nil
}

// zeros is an endless body.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

package health

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is read of a response.
const (
	maxLine  = 8 << 10
	maxLines = 256
	maxBody  = 16 << 10
	maxDrain = 100 * time.Millisecond
)

// probe checks a node once and tells what came of it, unless the scheduler ends meanwhile or the response says nothing.
func (s *Scheduler) probe(spec *Spec, n *node, found func(event)) {
	nc, err := s.connect(spec, n)
	if err != nil {
		s.failed(err, found)
		return
	}
	defer nc.Close()
	defer context.AfterFunc(s.ctx, func() { _ = nc.Close() })()
	a := &spec.Checks.active
	if a.kind == "tcp" {
		found(success)
		return
	}
	r, status, err := converse(nc, a, *n.field.Load())
	switch {
	case errors.Is(err, errMalformed):
		found(httpFailure)
		return
	case err != nil:
		s.failed(err, found)
		return
	case a.healthy.statuses.has(status):
		found(success)
	case a.unhealthy.statuses.has(status):
		found(httpFailure)
	}
	// A server that is cut off within its response would note an error for each check.
	_ = nc.SetDeadline(time.Now().Add(min(a.timeout, maxDrain)))
	_, _ = io.CopyN(io.Discard, r, maxBody)
}

func (s *Scheduler) failed(err error, found func(event)) {
	var t net.Error
	switch {
	case s.ctx.Err() != nil:
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &t) && t.Timeout():
		found(timeoutFailure)
	default:
		found(tcpFailure)
	}
}

// connect connects to the node, with TLS if the check is one of https.
func (s *Scheduler) connect(spec *Spec, n *node) (net.Conn, error) {
	a := &spec.Checks.active
	ctx, cancel := context.WithTimeout(s.ctx, a.timeout)
	defer cancel()
	address := n.host + ":" + strconv.Itoa(n.port)
	if isName(n.host) {
		ip, err := s.o.Lookup(ctx, n.host)
		if err != nil {
			return nil, err
		}
		text := ip.String()
		n.ip.Store(&text)
		address = net.JoinHostPort(text, strconv.Itoa(n.port))
	}
	nc, err := s.o.Dial(ctx, "tcp", address)
	if err != nil || a.kind != "https" {
		return nc, err
	}
	// Each step has the whole time, as in APISIX.
	ctx, cancel = context.WithTimeout(s.ctx, a.timeout)
	defer cancel()
	//nolint:gosec // G402: checks.active.https_verify_certificate says so; it is true by default
	config := &tls.Config{ServerName: serverName(*n.field.Load()), MinVersion: tls.VersionTLS12, InsecureSkipVerify: !a.verify}
	if spec.Certificate != nil {
		config.Certificates = []tls.Certificate{*spec.Certificate}
	}
	secure := tls.Client(nc, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return secure, nil
}

func isName(host string) bool {
	return !strings.HasPrefix(host, "[") && net.ParseIP(host) == nil
}

// serverName is a Host field without brackets.
func serverName(host string) string { return strings.Trim(host, "[]") }

var errMalformed = errors.New("malformed response")

// converse sends the request and returns the status of the response, and what follows the status line.
func converse(nc net.Conn, a *active, host string) (*bufio.Reader, int, error) {
	if err := nc.SetDeadline(time.Now().Add(a.timeout)); err != nil {
		return nil, 0, err
	}
	if _, err := nc.Write(request(a, host)); err != nil {
		return nil, 0, err
	}
	r := bufio.NewReaderSize(nc, maxLine)
	for range maxLines {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, 0, readError(err, len(line))
		}
		status, ok := statusOf(line)
		if !ok {
			return nil, 0, errMalformed
		}
		if status >= 200 {
			return r, status, nil
		}
		if err := skipHead(r); err != nil {
			return nil, 0, err
		}
	}
	return nil, 0, errMalformed
}

// readError is a failure to read a line: too long a line, or half of one, is malformed.
func readError(err error, got int) error {
	if errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, io.EOF) && got > 0 {
		return errMalformed
	}
	return err
}

// skipHead reads to the end of an informational response.
func skipHead(r *bufio.Reader) error {
	for range maxLines {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return readError(err, len(line))
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return nil
		}
	}
	return errMalformed
}

// statusOf reads a status line.
func statusOf(line []byte) (int, bool) {
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/"))
	if !ok {
		return 0, false
	}
	version, rest, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(version) != 3 || version[1] != '.' {
		return 0, false
	}
	rest = bytes.TrimLeft(rest, " ")
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if digits != 3 {
		return 0, false
	}
	status, err := strconv.Atoi(string(rest[:digits]))
	return status, err == nil && status >= 100
}

// request is the request of an HTTP check.
func request(a *active, host string) []byte {
	var b []byte
	b = append(b, a.method...)
	b = append(b, ' ')
	b = append(b, a.path...)
	b = append(b, " HTTP/1.1\r\n"...)
	own := map[string]bool{}
	for _, h := range a.headers {
		own[strings.ToLower(h.name)] = true
		b = appendField(b, h.name, h.value)
	}
	if !own["host"] {
		b = appendField(b, "Host", host)
	}
	if !own["connection"] {
		b = appendField(b, "Connection", "close")
	}
	if a.body != "" && !own["content-length"] && !own["transfer-encoding"] {
		b = appendField(b, "Content-Length", strconv.Itoa(len(a.body)))
	}
	b = append(b, "\r\n"...)
	return append(b, a.body...)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

package core

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/transport"
)

// imagined is a request that nobody has sent. What is written to it is lost.
type imagined struct {
	req  transport.Request
	peer transport.Peer
}

var _ transport.Stream = (*imagined)(nil)

// imagine makes a request of a question. Its error names the part of the question that is not right.
func (g *Gateway) imagine(q control.Question) (*imagined, error) {
	s := &imagined{}
	s.req.Begin(nil)
	s.req.Minor = 1
	if s.req.Method = orElse(q.Method, "GET"); !transport.ValidName(s.req.Method) {
		return nil, fmt.Errorf("method: %q is not a method", q.Method)
	}
	scheme, host, target := splitURI(q.URI)
	if err := s.setTarget(target, g.limits.PathRules); err != nil {
		return nil, err
	}
	s.req.Host = orElse(q.Host, orElse(host, "localhost"))
	if !transport.ValidValue(s.req.Host) || strings.ContainsAny(s.req.Host, " \t/?#@,;\\\"<>") {
		return nil, fmt.Errorf("host: %q is not a host", s.req.Host)
	}
	for _, f := range q.Header {
		if !transport.ValidName(f.Name) || !transport.ValidValue(f.Value) {
			return nil, fmt.Errorf("header.%s: not a header field", f.Name)
		}
		s.req.Fields.List = append(s.req.Fields.List, transport.Field{Name: f.Name, Value: f.Value, ID: transport.Identify(f.Name)})
	}
	return s, g.setPeer(s, q, orElse(q.Scheme, orElse(scheme, "http")))
}

// splitURI takes scheme and authority off an absolute URI.
func splitURI(uri string) (scheme, host, target string) {
	for _, scheme := range []string{"http", "https"} {
		rest, ok := strings.CutPrefix(uri, scheme+"://")
		if !ok {
			continue
		}
		end := strings.IndexAny(rest, "/?")
		switch {
		case end < 0:
			return scheme, rest, "/"
		case rest[end] == '?':
			return scheme, rest[:end], "/" + rest[end:]
		}
		return scheme, rest[:end], rest[end:]
	}
	return "", "", uri
}

func (s *imagined) setTarget(target string, rules transport.PathRules) error {
	r := &s.req
	r.Target = target
	path, query, _ := strings.Cut(target, "?")
	if path == "" || path[0] != '/' {
		return fmt.Errorf("uri: %q does not begin with a slash", target)
	}
	if r.Query = query; !transport.ValidTarget(query) {
		return errors.New("uri: the query has a byte that a target may not have; a client would get 400")
	}
	var err error
	if r.Path, r.RawPath, err = transport.Canonical(path, rules); err != nil {
		return fmt.Errorf("uri: %w; a client would get 400", err)
	}
	return nil
}

// setPeer makes the connection on which the request would come.
func (g *Gateway) setPeer(s *imagined, q control.Question, scheme string) error {
	addr, err := netip.ParseAddr(orElse(q.RemoteAddr, "127.0.0.1"))
	if err != nil {
		return fmt.Errorf("remote_addr: %q is not an IP address", q.RemoteAddr)
	}
	addr = addr.Unmap().WithZone("")
	listeners, port := g.opts.Settings.APISIX.NodeListen, 80
	switch scheme {
	case "http":
	case "https":
		listeners, port = g.opts.Settings.APISIX.SSL.Listen, 443
		s.peer.TLS = &tls.ConnectionState{ServerName: hostName(s.req.Host)}
	default:
		return fmt.Errorf("scheme: %q is neither http nor https", scheme)
	}
	switch {
	case q.Port < 0 || q.Port > 65535:
		return fmt.Errorf("port: %d is not one from 1 to 65535", q.Port)
	case q.Port > 0:
		port = q.Port
	case len(listeners) > 0 && listeners[0].Port > 0:
		port = listeners[0].Port
	}
	s.peer.Remote, s.peer.RemoteIP = netip.AddrPortFrom(addr, 0), addr.String()
	s.peer.Local = netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port))
	s.peer.LocalPort = strconv.Itoa(port)
	return nil
}

// Request returns the request's head.
func (s *imagined) Request() *transport.Request { return &s.req }

// Peer tells who would have sent it.
func (s *imagined) Peer() *transport.Peer { return &s.peer }

// Body returns an empty body.
func (s *imagined) Body() transport.Body { return emptyBody{} }

// Waiting does nothing: there is no client that could go away.
func (s *imagined) Waiting(func()) {}

// Bytes returns nothing.
func (s *imagined) Bytes() (received, sent int64) { return 0, 0 }

// Interim sends nothing.
func (s *imagined) Interim(int, *transport.Fields) error { return nil }

// Respond sends nothing.
func (s *imagined) Respond(*transport.Response, bool) {}

// Write sends nothing.
func (s *imagined) Write([]byte, bool) error { return nil }

// Finish sends nothing.
func (s *imagined) Finish(*transport.Fields) error { return nil }

// Abort does nothing.
func (s *imagined) Abort() {}

// Hijack has no connection to hand over.
func (s *imagined) Hijack() (ahead []byte, nc net.Conn, err error) { return nil, nil, net.ErrClosed }

// emptyBody is the body of a request without one.
type emptyBody struct{}

// Read returns the end.
func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }

// Buffered returns that nothing is all of it.
func (emptyBody) Buffered() (p []byte, all bool) { return nil, true }

// Discard does nothing.
func (emptyBody) Discard(int) {}

// Trailers returns none.
func (emptyBody) Trailers() *transport.Fields { return nil }

package router

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/polygate/polygate/internal/ipset"
)

// compiled is a route with its conditions prepared.
type compiled struct {
	route   *Route
	methods uint16        // set of methodBit; 0: any
	addrs   *ipset.Set    // nil: any
	hosts   []hostPattern // conditions, hence none in ModeHostURI
}

// hostPattern is a host as a condition of a route.
type hostPattern struct {
	suffix bool   // name is what a host has to end with
	port   bool   // name is compared with Query.HostPort
	text   string // lower case
	name   string // text without the wildcard
}

// entry is a route under one of its paths.
type entry struct {
	*compiled
	path string
	tmpl *template
}

// compareEntries orders the candidates under one literal path.
func compareEntries(a, b entry) int {
	if c := cmp.Compare(b.route.Priority, a.route.Priority); c != 0 {
		return c
	}
	if c := cmp.Compare(len(b.path), len(a.path)); c != 0 {
		return c
	}
	if c := cmp.Compare(a.route.Order, b.route.Order); c != 0 {
		return c
	}
	if c := strings.Compare(a.route.ID, b.route.ID); c != 0 {
		return c
	}
	return strings.Compare(a.path, b.path)
}

// Check returns the error with which [Router.Update] would leave the route out; it is the same in every mode.
func Check(r *Route) error {
	_, err := compile(ModeURI, r)
	return err
}

func compile(mode Mode, r *Route) (*compiled, error) {
	c := &compiled{route: r}
	if len(r.Paths) == 0 {
		return nil, errors.New("no path")
	}
	for _, p := range r.Paths {
		if p == "" {
			return nil, errors.New("a path is empty")
		}
	}
	for _, m := range r.Methods {
		bit := methodBit(m)
		if bit == 0 {
			return nil, fmt.Errorf("unknown method %q", m)
		}
		c.methods |= bit
	}
	for _, h := range r.Hosts {
		if h == "" {
			return nil, errors.New("a host is empty")
		}
		if mode != ModeHostURI {
			c.hosts = append(c.hosts, parseHost(h))
		}
	}
	if len(r.RemoteAddrs) > 0 {
		set, err := ipset.Parse(r.RemoteAddrs)
		if err != nil {
			return nil, fmt.Errorf("remote addresses: %w", err)
		}
		c.addrs = set
	}
	return c, nil
}

func parseHost(h string) hostPattern {
	text := strings.ToLower(h)
	name, suffix := strings.CutPrefix(text, "*")
	return hostPattern{suffix: suffix, port: strings.Contains(name, ":"), text: text, name: name}
}

// methodBit returns 0 for a method that is not one of APISIX's.
func methodBit(method string) uint16 {
	switch method {
	case "GET":
		return 1 << 0
	case "POST":
		return 1 << 1
	case "PUT":
		return 1 << 2
	case "DELETE":
		return 1 << 3
	case "PATCH":
		return 1 << 4
	case "HEAD":
		return 1 << 5
	case "OPTIONS":
		return 1 << 6
	case "CONNECT":
		return 1 << 7
	case "TRACE":
		return 1 << 8
	case "PURGE":
		return 1 << 9
	}
	return 0
}

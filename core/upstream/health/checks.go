// Package health finds out which nodes of an upstream are fit to serve: actively, by asking them again and again, and passively, by
// what becomes of requests. Names, defaults and the rules of counting are those of APISIX's checks (lua-resty-healthcheck).
//
// A [Scheduler] runs the active checks of all upstreams of a process. A [Checker] is the health of one upstream's nodes; it stays when
// the upstream's configuration changes. A [View] is that health as one version of the configuration sees it, and chooses nodes by it.
package health

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Checks are the checks of an upstream, compiled.
type Checks struct {
	raw     json.RawMessage
	active  active
	passive passive
}

// active is how nodes are asked.
type active struct {
	kind        string // http, https or tcp
	timeout     time.Duration
	concurrency int
	host        string // "": the node's own
	port        int    // 0: the node's own
	verify      bool   // the certificate, for https
	method      string
	path        string
	body        string
	headers     []header
	healthy     rule
	unhealthy   rule
}

// passive is what is learned from requests. Failures to connect and timeouts always count; statuses only where that is configured.
type passive struct {
	kind      string
	statuses  bool
	healthy   rule
	unhealthy rule
}

// rule is what counts towards being healthy, or unhealthy, and how much of it is needed. A limit of 0 means that it never is.
type rule struct {
	interval                                time.Duration // between two checks of a node that is so; 0: none is made
	statuses                                statuses
	successes, failures, refusals, timeouts int
}

type header struct{ name, value string }

// statuses is a set of HTTP statuses from 200 to 599.
type statuses [10]uint64

func (s *statuses) has(status int) bool {
	return status >= 0 && status < 640 && s[status/64]&(1<<(status%64)) != 0
}

func setOf(list []int) (s statuses) {
	for _, status := range list {
		if status >= 0 && status < 640 {
			s[status/64] |= 1 << (status % 64)
		}
	}
	return s
}

// Kind returns the type that a report gives: that of the active check, else of the passive one.
func (c *Checks) Kind() string { return c.active.kind }

// Equal tells whether both are compiled from the same text.
func (c *Checks) Equal(other *Checks) bool { return bytes.Equal(c.raw, other.raw) }

// The property "checks" of an upstream as it is written.
type rawChecks struct {
	Active  *rawActive  `json:"active"`
	Passive *rawPassive `json:"passive"`
}

type rawActive struct {
	Type        string   `json:"type"`
	Timeout     float64  `json:"timeout"`
	Concurrency int      `json:"concurrency"`
	Host        string   `json:"host"`
	Port        int      `json:"port"`
	Method      string   `json:"http_method"`
	Path        string   `json:"http_path"`
	Body        string   `json:"http_req_body"`
	Verify      bool     `json:"https_verify_certificate"`
	Headers     []string `json:"req_headers"`
	Healthy     *rawRule `json:"healthy"`
	Unhealthy   *rawRule `json:"unhealthy"`
}

type rawPassive struct {
	Type      string   `json:"type"`
	Healthy   *rawRule `json:"healthy"`
	Unhealthy *rawRule `json:"unhealthy"`
}

type rawRule struct {
	Interval  int   `json:"interval"`
	Statuses  []int `json:"http_statuses"`
	Successes int   `json:"successes"`
	Failures  int   `json:"http_failures"`
	Refusals  int   `json:"tcp_failures"`
	Timeouts  int   `json:"timeouts"`
}

func activeHealthy() rawRule { return rawRule{Interval: 1, Statuses: []int{200, 302}, Successes: 2} }

func activeUnhealthy() rawRule {
	return rawRule{
		Interval: 1, Statuses: []int{429, 404, 500, 501, 502, 503, 504, 505}, Failures: 5, Refusals: 2, Timeouts: 3,
	}
}

func passiveHealthy() rawRule {
	return rawRule{
		Statuses:  []int{200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308},
		Successes: 5,
	}
}

func passiveUnhealthy() rawRule {
	return rawRule{Statuses: []int{429, 500, 503}, Failures: 5, Refusals: 2, Timeouts: 7}
}

// UnmarshalJSON fills in the defaults of the active checks.
func (a *rawActive) UnmarshalJSON(b []byte) error {
	type plain rawActive
	p := plain{Type: "http", Timeout: 1, Concurrency: 10, Method: "GET", Path: "/", Verify: true}
	healthy, unhealthy := activeHealthy(), activeUnhealthy()
	p.Healthy, p.Unhealthy = &healthy, &unhealthy
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	var given struct{ Healthy, Unhealthy json.RawMessage }
	if err := json.Unmarshal(b, &given); err != nil {
		return err
	}
	// Why no checks where the object is missing? APISIX fills in the interval only where there is an object to put it into, and
	// people write an empty "active" to have passive checks alone, which the schema does not allow.
	if given.Healthy == nil {
		p.Healthy.Interval = 0
	}
	if given.Unhealthy == nil {
		p.Unhealthy.Interval = 0
	}
	*a = rawActive(p)
	return nil
}

// UnmarshalJSON fills in the defaults of the passive checks.
func (r *rawPassive) UnmarshalJSON(b []byte) error {
	type plain rawPassive
	healthy, unhealthy := passiveHealthy(), passiveUnhealthy()
	p := plain{Type: "http", Healthy: &healthy, Unhealthy: &unhealthy}
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*r = rawPassive(p)
	return nil
}

func (r *rawRule) compile() rule {
	if r == nil {
		return rule{}
	}
	return rule{
		interval: time.Duration(r.Interval) * time.Second, statuses: setOf(r.Statuses),
		successes: r.Successes, failures: r.Failures, refusals: r.Refusals, timeouts: r.Timeouts,
	}
}

// Parse compiles the property "checks" of an upstream, which has been checked against its schema. What is missing gets APISIX's
// defaults. It returns nil if raw is empty.
func Parse(raw json.RawMessage) (*Checks, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var r rawChecks
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("checks: %w", err)
	}
	if r.Active == nil {
		return nil, errors.New("checks: active is required; write \"active\": {} for passive checks alone")
	}
	c := &Checks{raw: raw}
	var err error
	if c.active, err = compileActive(r.Active); err != nil {
		return nil, fmt.Errorf("checks.active.%w", err)
	}
	p := r.Passive
	c.passive.statuses = p != nil
	if p == nil {
		healthy, unhealthy := passiveHealthy(), passiveUnhealthy()
		p = &rawPassive{Type: "http", Healthy: &healthy, Unhealthy: &unhealthy}
	}
	c.passive.kind, c.passive.healthy, c.passive.unhealthy = p.Type, p.Healthy.compile(), p.Unhealthy.compile()
	return c, nil
}

// maxTimeout keeps a check that hangs from holding its place for ever.
const maxTimeout = time.Hour

func compileActive(r *rawActive) (a active, err error) {
	a = active{
		kind: r.Type, concurrency: max(r.Concurrency, 1), host: r.Host, port: r.Port, verify: r.Verify,
		method: r.Method, path: target(r.Path), body: r.Body, healthy: r.Healthy.compile(), unhealthy: r.Unhealthy.compile(),
	}
	switch a.kind {
	case "http", "https", "tcp":
	default:
		return a, fmt.Errorf("type: unknown type %q: use http, https or tcp", a.kind)
	}
	a.timeout = maxTimeout
	if r.Timeout < maxTimeout.Seconds() {
		a.timeout = max(time.Duration(r.Timeout*float64(time.Second)), time.Millisecond)
	}
	for i, line := range r.Headers {
		h, err := parseHeader(line)
		if err != nil {
			return a, fmt.Errorf("req_headers: item %d: %w", i+1, err)
		}
		a.headers = append(a.headers, h)
	}
	return a, nil
}

func parseHeader(line string) (header, error) {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return header{}, fmt.Errorf("%q is not a header field: write \"Name: value\"", line)
	}
	value = strings.Trim(value, " \t")
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return header{}, fmt.Errorf("the value of %s has control bytes", name)
	}
	return header{name, value}, nil
}

// target makes a path fit for a request line.
func target(path string) string {
	clean := func(c byte) bool { return c > ' ' && c != 0x7f }
	var b strings.Builder
	if !strings.HasPrefix(path, "/") {
		b.WriteByte('/')
	}
	for i := 0; i < len(path); i++ {
		if c := path[i]; clean(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

package upstream

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/polygate/polygate/core/config"
)

func decode(t *testing.T, s string) *config.Upstream {
	t.Helper()
	var cfg config.Upstream
	if err := json.Unmarshal([]byte(s), &cfg); err != nil {
		t.Fatal(err)
	}
	return &cfg
}

func TestNew(t *testing.T) {
	minute := Timeouts{Connect: time.Minute, Send: time.Minute, Read: time.Minute}
	pool := Keepalive{Size: 320, Idle: time.Minute, Requests: 1000}
	tests := []struct {
		name, cfg string
		want      Upstream
	}{
		{"defaults", `{"nodes":{"a:1":1,"b:1":1,"c:1":0}}`, Upstream{Scheme: "http", Retries: 2, Timeouts: minute, Keepalive: pool}},
		{"no nodes", `{"service_name":"s","discovery_type":"dns"}`, Upstream{Scheme: "http", Timeouts: minute, Keepalive: pool}},
		{"no retries", `{"retries":0,"nodes":{"a:1":1,"b:1":1}}`, Upstream{Scheme: "http", Timeouts: minute, Keepalive: pool}},
		{"everything", `{"scheme":"grpcs","type":"roundrobin","retries":7,"retry_timeout":1.5,"pass_host":"rewrite","upstream_host":"h",
			"timeout":{"connect":0.5,"send":1,"read":1e300},"keepalive_pool":{"size":1,"idle_timeout":0,"requests":2}}`,
			Upstream{Scheme: "grpcs", Retries: 7, RetryTimeout: 1500 * time.Millisecond, PassHost: PassRewrite, UpstreamHost: "h",
				Timeouts:  Timeouts{Connect: 500 * time.Millisecond, Send: time.Second, Read: 100 * 365 * 24 * time.Hour},
				Keepalive: Keepalive{Size: 1, Requests: 2}}},
		{"node", `{"pass_host":"node"}`, Upstream{Scheme: "http", PassHost: PassNode, Timeouts: minute, Keepalive: pool}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := New(decode(t, tt.cfg))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(Upstream{}, "Config", "Nodes", "Picker"), cmpopts.IgnoreUnexported(Upstream{})); diff != "" {
				t.Errorf("upstream (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNodes(t *testing.T) {
	tests := []struct {
		name, scheme, nodes string
		want                []Node
	}{
		{"map", "http", `{"a.com:8080":2,"127.0.0.1":1}`, []Node{
			{Addr: "127.0.0.1:80", Host: "127.0.0.1", HostHeader: "127.0.0.1", IP: netip.MustParseAddr("127.0.0.1"), Port: 80, DefaultPort: true, Weight: 1},
			{Addr: "a.com:8080", Host: "a.com", HostHeader: "a.com:8080", Port: 8080, Weight: 2, Index: 1}}},
		{"array", "https", `[{"host":"a.com","weight":1,"priority":3,"metadata":{"x":1}},{"host":"[::1]","port":80,"weight":0}]`, []Node{
			{Addr: "a.com:443", Host: "a.com", HostHeader: "a.com", Port: 443, DefaultPort: true, Weight: 1, Priority: 3, Metadata: json.RawMessage(`{"x":1}`)},
			{Addr: "[::1]:80", Host: "[::1]", HostHeader: "[::1]:80", IP: netip.MustParseAddr("::1"), Port: 80, Index: 1}}},
		{"standard port", "grpcs", `[{"host":"a.com","port":443,"weight":1}]`, []Node{
			{Addr: "a.com:443", Host: "a.com", HostHeader: "a.com", Port: 443, Weight: 1}}},
		{"twice", "tcp", `[{"host":"a","port":1,"weight":1},{"host":"b","port":1,"weight":1},{"host":"a","port":1,"weight":5},{"host":"a","port":1,"weight":1,"priority":1}]`, []Node{
			{Addr: "a:1", Host: "a", HostHeader: "a:1", Port: 1, Weight: 5},
			{Addr: "b:1", Host: "b", HostHeader: "b:1", Port: 1, Weight: 1, Index: 1},
			{Addr: "a:1", Host: "a", HostHeader: "a:1", Port: 1, Weight: 1, Priority: 1, Index: 2}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := New(decode(t, `{"scheme":"`+tt.scheme+`","nodes":`+tt.nodes+`}`))
			if err != nil {
				t.Fatal(err)
			}
			var got []Node
			for _, n := range u.Nodes {
				got = append(got, *n)
			}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		cfg  config.Upstream
		want string
	}{
		{"type", config.Upstream{Type: "nope"}, "invalid balancer type: nope (supported: chash, ewma, least_conn, roundrobin)"},
		{"pass_host", config.Upstream{PassHost: "x"}, `unknown pass_host "x"`},
		{"rewrite", config.Upstream{PassHost: "rewrite"}, "`upstream_host` can't be empty when `pass_host` is `rewrite`"},
		{"no port", config.Upstream{Scheme: "tcp", Nodes: config.Nodes{{Host: "a", Weight: 1}}}, "node 1: a: no port, and the scheme tcp has no default one"},
		{"no host", config.Upstream{Nodes: config.Nodes{{Weight: 1}}}, "node 1: no host"},
		{"port", config.Upstream{Nodes: config.Nodes{{Host: "a", Port: 65536}}}, "node 1: invalid port 65536"},
		{"weight", config.Upstream{Nodes: config.Nodes{{Host: "a", Weight: -1}}}, "node 1: a: weight -1 is below 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(&tt.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestWithNodes(t *testing.T) {
	u, err := New(&config.Upstream{ServiceName: "s"})
	if err != nil {
		t.Fatal(err)
	}
	var try Try
	if n, err := u.Picker.Pick(&try); !errors.Is(err, ErrNoNode) {
		t.Errorf("got %v %v without nodes, want ErrNoNode", n, err)
	}
	found, err := u.WithNodes(config.Nodes{{Host: "::1", Port: 80, Weight: 1}, {Host: "b", Weight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if found.Retries != 1 || found.Nodes[0].Addr != "[::1]:80" || len(u.Nodes) != 0 {
		t.Errorf("got retries %d, address %s, %d nodes in the old one", found.Retries, found.Nodes[0].Addr, len(u.Nodes))
	}
	if n, err := found.Picker.Pick(&try); err != nil {
		t.Errorf("got %v %v, want a node", n, err)
	}
}

// TestOneNode retries the only node, as APISIX does.
func TestOneNode(t *testing.T) {
	u, err := New(decode(t, `{"retries":1,"nodes":{"a:1":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	var try Try
	for range 2 {
		n, err := u.Picker.Pick(&try)
		if err != nil {
			t.Fatal(err)
		}
		try.Mark(n)
	}
}

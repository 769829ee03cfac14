package iprestriction_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/polygate/polygate/plugins/iprestriction"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestAccess(t *testing.T) {
	const refused = `{"message":"Your IP address is not allowed"}` + "\n"
	tests := []struct {
		name, conf, remote string
		status             int
		body               string
	}{
		{"listed address", `{"whitelist":["127.0.0.1"]}`, "127.0.0.1", 200, ""},
		{"listed network", `{"whitelist":["10.0.0.0/8","127.0.0.1"]}`, "10.200.3.4", 200, ""},
		{"not on the whitelist", `{"whitelist":["10.0.0.0/8"]}`, "11.0.0.1", 403, refused},
		{"on the blacklist", `{"blacklist":["10.0.0.0/8"]}`, "10.0.0.1", 403, refused},
		{"not on the blacklist", `{"blacklist":["10.0.0.0/8"]}`, "11.0.0.1", 200, ""},
		{"IPv6 address", `{"blacklist":["::1"]}`, "::1", 403, refused},
		{"IPv6 network", `{"whitelist":["fe80::/32"]}`, "fe80::1:1", 200, ""},
		{"zone", `{"whitelist":["fe80::/32"]}`, "fe80::1%eth0", 200, ""},
		{"mapped address", `{"blacklist":["10.0.0.1"]}`, "::ffff:10.0.0.1", 403, refused},
		{"everybody", `{"blacklist":["0.0.0.0/0"]}`, "8.8.8.8", 403, refused},
		{"no address, whitelist", `{"whitelist":["0.0.0.0/0","::/0"]}`, "unix:", 403, refused},
		{"no address, blacklist", `{"blacklist":["0.0.0.0/0","::/0"]}`, "unix:", 200, ""},
		{"message", `{"blacklist":["::1"],"message":"Do you want to do <something> bad?"}`, "::1", 403,
			`{"message":"Do you want to do <something> bad?"}` + "\n"},
		{"status", `{"blacklist":["::1"],"response_code":404}`, "::1", 404, refused},
		{"unknown attribute", `{"blacklist":["::1"],"more":1}`, "::2", 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, iprestriction.New(), tt.conf, plugintest.New(plugintest.WithRemoteAddr(tt.remote)))
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
		})
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"address", `{"whitelist":["10.255.256.0/24"]}`, "invalid ip address: 10.255.256.0"},
		{"mask", `{"blacklist":["::1/129"]}`, "invalid ip address: ::1/129"},
		{"second of a list", `{"blacklist":["::1","::g"]}`, "invalid ip address: ::g"},
		{"type", `{"blacklist":"::1"}`, "decode configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(iprestriction.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	info := iprestriction.New().Info()
	if info.Name != "ip-restriction" || info.Priority != 3000 || !json.Valid(info.Schema) {
		t.Errorf("got info %+v", info)
	}
}

func TestAllocations(t *testing.T) {
	hooks := plugintest.Configure(t, iprestriction.New(), `{"whitelist":["10.0.0.0/8","127.0.0.1"]}`, sdk.Scope{})
	x := plugintest.New()
	got := testing.AllocsPerRun(100, func() {
		if err := hooks.Access(x); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkAccess(b *testing.B) {
	hooks := plugintest.Configure(b, iprestriction.New(), `{"whitelist":["10.0.0.0/8","192.168.0.0/16","127.0.0.1","::1"]}`, sdk.Scope{})
	x := plugintest.New()
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Access(x); err != nil {
			b.Fatal(err)
		}
	}
}

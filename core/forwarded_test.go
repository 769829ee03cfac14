package core_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/sdk"
)

func TestForwardedFields(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	trust := func(o *core.Options) { o.Settings.APISIX.TrustedAddresses = loopback }
	noRealIP := func(o *core.Options) { o.Settings.Nginx.HTTP.RealIPFrom = nil }
	fromChain := func(o *core.Options) {
		http := &o.Settings.Nginx.HTTP
		http.RealIPHeader, http.RealIPRecursive = "X-Forwarded-For", true
		http.RealIPFrom = append(loopback, netip.MustParsePrefix("10.0.0.0/8"))
	}
	sent := []string{
		"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2", "X-Forwarded-Proto: https", "X-Forwarded-Host: h.test", "X-Forwarded-Port: 444",
		"X-Real-IP: 3.3.3.3", "Forwarded: for=4.4.4.4", "X-Forwarded-Prefix: /p",
	}
	type figures struct{ For, Proto, Host, Port, RealIP, Prefix, Remote string }
	tests := []struct {
		name   string
		change []func(*core.Options)
		lines  []string
		want   figures
	}{
		{
			name: "a peer that is not trusted is not believed", change: []func(*core.Options){noRealIP}, lines: sent,
			want: figures{"127.0.0.1", "http", "gw.test", "", "127.0.0.1", "", "127.0.0.1"},
		},
		{
			name: "nothing sent", lines: nil,
			want: figures{"127.0.0.1", "http", "gw.test", "", "127.0.0.1", "", "127.0.0.1"},
		},
		{
			name: "real_ip_from is about X-Real-IP alone", lines: sent,
			want: figures{"127.0.0.1", "http", "gw.test", "", "3.3.3.3", "", "3.3.3.3"},
		},
		{
			name: "a trusted peer is added to", change: []func(*core.Options){trust, noRealIP}, lines: sent,
			want: figures{"1.1.1.1, 2.2.2.2, 127.0.0.1", "https", "h.test", "444", "127.0.0.1", "/p", "127.0.0.1"},
		},
		{
			name: "the last untrusted address of a chain", change: []func(*core.Options){fromChain},
			lines: []string{"X-Forwarded-For: 9.9.9.9, 8.8.8.8, 10.0.0.1"},
			want:  figures{"127.0.0.1", "http", "gw.test", "", "8.8.8.8", "", "8.8.8.8"},
		},
		{
			name: "an address that is none ends the chain", change: []func(*core.Options){fromChain},
			lines: []string{"X-Forwarded-For: 9.9.9.9, nonsense, 10.0.0.1"},
			want:  figures{"127.0.0.1", "http", "gw.test", "", "10.0.0.1", "", "10.0.0.1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var j journal
			g := start(t, []sdk.Plugin{native("look", 1, sdk.Hooks{Rewrite: func(x sdk.Exchange) error {
				v, _ := x.Var("remote_addr")
				j.add(v)
				return nil
			}})}, tt.change...)
			g.route(`{"look":{}}`, serve(t, echo))
			_, port, _ := net.SplitHostPort(g.addr)
			if tt.want.Port == "" {
				tt.want.Port = port
			}
			h := decodeEcho(t, g.get("/", tt.lines...)).Header
			got := figures{
				h.Get("X-Forwarded-For"), h.Get("X-Forwarded-Proto"), h.Get("X-Forwarded-Host"), h.Get("X-Forwarded-Port"), h.Get("X-Real-Ip"),
				h.Get("X-Forwarded-Prefix"), j.String(),
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestForwardedFieldOfAPlugin(t *testing.T) {
	t.Parallel()
	g := start(t, []sdk.Plugin{native("set", 1, sdk.Hooks{Rewrite: func(x sdk.Exchange) error {
		x.Request().Header().Set("X-Forwarded-Proto", "gopher")
		return nil
	}})})
	g.route(`{"set":{}}`, serve(t, echo))
	h := decodeEcho(t, g.get("/", "X-Forwarded-Proto: https")).Header
	if got := h.Values("X-Forwarded-Proto"); len(got) != 1 || got[0] != "gopher" {
		t.Errorf("got %v, want the plugin's", got)
	}
	if h.Get("X-Forwarded-For") != "127.0.0.1" {
		t.Errorf("got %v, want the other fields of the gateway's", h)
	}
}

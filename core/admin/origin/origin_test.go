package origin

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

func TestCrossSite(t *testing.T) {
	for _, tt := range []struct {
		name string
		head http.Header
		want bool
	}{
		{"no browser", http.Header{}, false},
		{"own page", http.Header{"Origin": {"http://GW:9180"}, "Sec-Fetch-Site": {"same-origin"}}, false},
		{"typed by a person", http.Header{"Sec-Fetch-Site": {"none"}}, false},
		{"other site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, true},
		{"sister site", http.Header{"Sec-Fetch-Site": {"same-site"}}, true},
		{"other origin", http.Header{"Origin": {"http://evil"}}, true},
		{"other port", http.Header{"Origin": {"http://gw:80"}}, true},
		{"origin without a name", http.Header{"Origin": {"null"}}, true},
		{"origin that is none", http.Header{"Origin": {"://"}}, true},
		{"second origin", http.Header{"Origin": {"http://gw:9180", "http://evil"}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "http://gw:9180/", http.NoBody)
			r.Header = tt.head
			if got := CrossSite(r); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRebound(t *testing.T) {
	self, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, local, host string
		want              bool
	}{
		{"foreign name", "127.0.0.1", "evil.example", true},
		{"foreign name with a port", "::1", "evil.example:9180", true},
		{"begins with an address", "127.0.0.1", "127.0.0.1.evil.example", true},
		{"ends like localhost", "127.0.0.1", "notlocalhost", true},
		{"address", "127.0.0.1", "127.0.0.1:9180", false},
		{"IPv6", "::1", "[::1]:9180", false},
		{"localhost", "127.0.0.1", "LocalHost.:9180", false},
		{"below localhost", "127.0.0.1", "gw.localhost", false},
		{"no host", "127.0.0.1", "", false},
		{"own name", "127.0.0.1", self + ":1", false},
		{"foreign name from outside", "192.0.2.1", "evil.example", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.Host = tt.host
			local := &net.TCPAddr{IP: net.ParseIP(tt.local), Port: 9180}
			if got := Rebound(r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if Rebound(r) {
				t.Error("got true for a connection that tells no address, want false")
			}
		})
	}
}

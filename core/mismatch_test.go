package core_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/core"
)

// A key that is not the certificate's does not replace a pair that works.
func TestMismatchedCertificate(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	cert, key := selfSigned(t, "a.com")
	_, other := selfSigned(t, "a.com")
	good := `{"sni":"a.com","cert":` + quote(cert) + `,"key":` + quote(key) + `}`
	bad := `{"sni":"a.com","cert":` + quote(cert) + `,"key":` + quote(other) + `}`
	g.put("ssls/1", good)
	admin := dial(t, g.Addresses(core.PlaneAdmin)[0])
	admin.send(request("PUT", "/apisix/admin/ssls/1", bad, "X-API-KEY: secret", "Connection: close"))
	if got := admin.read("PUT"); got.status != 400 || !strings.Contains(got.body, "private key does not match") {
		t.Errorf("got %d %s, want 400 with the reason", got.status, got.body)
	}
	g.put("ssls/1", bad)
	s := g.Status()
	if len(s.Rejected) != 1 || s.Rejected[0].Key != "ssls/1" || !s.Rejected[0].Kept {
		t.Errorf("got %v rejected, want ssls/1 with its last good version in service", s.Rejected)
	}
}

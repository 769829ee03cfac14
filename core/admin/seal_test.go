package admin

import (
	"errors"
	"strings"
	"testing"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// reverser is a keyring whose ciphertexts are easy to read.
type reverser struct{}

func (reverser) Encrypt(plain string) (string, error) {
	if plain == "unlucky" {
		return "", errors.New("no luck")
	}
	return "enc(" + plain + ")", nil
}

func (reverser) Decrypt(text string) (string, bool) {
	plain, ok := strings.CutPrefix(text, "enc(")
	return strings.TrimSuffix(plain, ")"), ok
}

func sealedWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	return newWorld(t, func(o *Options) {
		o.Keyring, o.StreamMode = reverser{}, true
		var err error
		if o.Catalog, err = config.NewCatalog(testPlugins(), config.CatalogOptions{Keyring: reverser{}}); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(o)
		}
	})
}

func TestEncryptedFields(t *testing.T) {
	const (
		plain  = `"plugins":{"high":{"token":"t","auth":{"tokens":["a",{"x":"y"},"b"],"user":"u"},"list":[{"secret":"s","n":1},2]}}`
		sealed = `"plugins":{"high":{"token":"enc(t)","auth":{"tokens":["enc(a)",{"x":"y"},"enc(b)"],"user":"u"},"list":[{"secret":"enc(s)","n":1},2]}}`
	)
	tests := []struct{ name, path, put, stored string }{
		{"route", "routes/1", `{"uri":"/a",` + plain + `}`, sealed},
		{"service", "services/1", `{` + plain + `}`, sealed},
		{"plugin config", "plugin_configs/1", `{` + plain + `}`, sealed},
		{"consumer group", "consumer_groups/1", `{` + plain + `}`, sealed},
		{"global rule", "global_rules/1", `{` + plain + `}`, sealed},
		{"consumer", "consumers/jack", `{"username":"jack","plugins":{"key-auth":{"key":"k"}}}`, `"plugins":{"key-auth":{"key":"enc(k)"}}`},
		{"credential", "consumers/jack/credentials/c", `{"plugins":{"key-auth":{"key":"l"}}}`, `"plugins":{"key-auth":{"key":"enc(l)"}}`},
		{"metadata", "plugin_metadata/high", `{"token":"t"}`, `{"token":"enc(t)"`},
	}
	w := sealedWorld(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if rec := w.do("PUT", "/apisix/admin/"+tt.path, tt.put); rec.Code != 201 || !strings.Contains(rec.Body.String(), tt.stored) {
				t.Fatalf("PUT: got %d %s, want 201 with what is stored", rec.Code, rec.Body)
			}
			item, err := w.store.Get(t.Context(), tt.path)
			if err != nil || !strings.Contains(string(item.Value), tt.stored) {
				t.Errorf("stored: got %s, %v, want %s", item.Value, err, tt.stored)
			}
			want := strings.TrimSuffix(strings.TrimPrefix(tt.put, "{"), "}")
			if got := w.do("GET", "/apisix/admin/"+tt.path, "").Body.String(); !strings.Contains(got, want) {
				t.Errorf("GET: got %s, want %s", got, want)
			}
			folder := tt.path[:strings.LastIndexByte(tt.path, '/')]
			if got := w.do("GET", "/apisix/admin/"+folder, "").Body.String(); !strings.Contains(got, want) {
				t.Errorf("list: got %s, want %s", got, want)
			}
			if got := w.do("GET", "/apisix/admin/"+tt.path, "", "X-API-KEY", viewerKey).Body.String(); strings.Contains(got, "enc(") || strings.Contains(got, want) {
				t.Errorf("a viewer got %s", got)
			}
		})
	}
}

func TestPatchEncryptsOnce(t *testing.T) {
	w := sealedWorld(t, nil)
	w.put("routes/1", `{"uri":"/a","plugins":{"high":{"token":"t"}}}`)
	for _, s := range []step{
		{method: "PATCH", path: "", body: `{"uri":"/b"}`, want: `"uri":"/b","plugins":{"high":{"token":"enc(t)"}}`},
		{method: "PATCH", path: "/uri", body: `"/c"`, want: `"uri":"/c","plugins":{"high":{"token":"enc(t)"}}`},
		{method: "PATCH", path: "/plugins/high/token", body: `"u"`, want: `"plugins":{"high":{"token":"enc(u)"}}`},
	} {
		rec := w.do(s.method, "/apisix/admin/routes/1"+s.path, s.body)
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), s.want) {
			t.Errorf("%s: got %d %s, want %s", s.path, rec.Code, rec.Body, s.want)
		}
	}
}

func TestDuplicateOfEncryptedCredential(t *testing.T) {
	w := sealedWorld(t, nil)
	w.put("consumers/jack", `{"username":"jack","plugins":{"key-auth":{"key":"k"}}}`)
	w.run([]step{{"PUT", "/consumers/rose", `{"username":"rose","plugins":{"key-auth":{"key":"k"}}}`, 400,
		`{"error_msg":"duplicate key of plugin key-auth found with consumer: jack"}`}})
}

func TestPrivateKeys(t *testing.T) {
	certPEM, keyPEM := certificate(t)
	cert, key := quoted(t, certPEM), quoted(t, keyPEM)
	tests := []struct{ name, path, body, want string }{
		{"ssl", "ssls/1", `{"sni":"a.com","cert":` + cert + `,"key":` + key + `,"certs":[` + cert + `],"keys":[` + key + `]}`, `"keys":["enc(`},
		{"secret", "ssls/2", `{"sni":"b.com","cert":"$secret://vault/1/a/cert","key":"$secret://vault/1/a/key"}`, `"key":"$secret://vault/1/a/key"`},
		{"upstream", "upstreams/1", `{"nodes":{"a:1":1},"tls":{"client_cert":` + cert + `,"client_key":` + key + `}}`, `"client_key":"enc(`},
		{"route", "routes/1", `{"uri":"/a","upstream":{"nodes":{"a:1":1},"tls":{"client_cert":` + cert + `,"client_key":` + key + `}}}`, `"client_key":"enc(`},
		{"stream route", "stream_routes/1", `{"server_port":1,"upstream":{"nodes":{"a:1":1},"tls":{"client_cert":` + cert + `,"client_key":` + key + `}}}`, `"client_key":"enc(`},
	}
	for _, plain := range []bool{false, true} {
		w := sealedWorld(t, func(o *Options) { o.PlainFields = plain })
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				rec := w.do("PUT", "/apisix/admin/"+tt.path, tt.body)
				if rec.Code != 201 || !strings.Contains(rec.Body.String(), tt.want) {
					t.Fatalf("got %d %s, want 201 with %s", rec.Code, rec.Body, tt.want)
				}
				item, err := w.store.Get(t.Context(), tt.path)
				if err != nil || strings.Contains(string(item.Value), `"-----BEGIN PRIVATE`) {
					t.Errorf("stored: got %s, %v, want no plain key", item.Value, err)
				}
			})
		}
		if got := w.do("GET", "/apisix/admin/ssls/1", "").Body.String(); strings.Contains(got, "enc(") {
			t.Errorf("GET: got %s, want no keys", got)
		}
		rec := w.do("PATCH", "/apisix/admin/ssls/1", `{"sni":"c.com"}`)
		if rec.Code != 200 || strings.Contains(rec.Body.String(), "enc(enc(") {
			t.Errorf("PATCH: got %d %s, want keys that are encrypted once", rec.Code, rec.Body)
		}
		rec = w.do("PATCH", "/apisix/admin/ssls/1/keys", `[`+key+`]`)
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"keys":["enc(`) {
			t.Errorf("PATCH of a sub path: got %d %s, want an encrypted key", rec.Code, rec.Body)
		}
		if got := w.do("GET", "/apisix/admin/upstreams/1", "", "X-API-KEY", viewerKey).Body.String(); strings.Contains(got, "enc(") {
			t.Errorf("a viewer got %s", got)
		}
	}
}

func TestPlainFields(t *testing.T) {
	w := sealedWorld(t, func(o *Options) { o.PlainFields = true })
	w.put("routes/1", `{"uri":"/a","plugins":{"high":{"token":"t"}}}`)
	item, err := w.store.Get(t.Context(), "routes/1")
	if err != nil || !strings.Contains(string(item.Value), `"token":"t"`) {
		t.Errorf("got %s, %v, want the field as it came", item.Value, err)
	}
}

func TestUndecryptedStays(t *testing.T) {
	w := sealedWorld(t, nil)
	const value = `{"uri":"/a","plugins":{"high":{"token":"old"}}}`
	if _, err := w.store.Put(t.Context(), "routes/1", []byte(value), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	if got := w.do("GET", "/apisix/admin/routes/1", "").Body.String(); !strings.Contains(got, `"token":"old"`) {
		t.Errorf("got %s, want the stored token", got)
	}
}

// TestMetadataWithoutID reads what another program has written: if it were shown encrypted, a client would have it encrypted again.
func TestMetadataWithoutID(t *testing.T) {
	w := sealedWorld(t, nil)
	if _, err := w.store.Put(t.Context(), "plugin_metadata/high", []byte(`{"token":"enc(t)"}`), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	if got := w.do("GET", "/apisix/admin/plugin_metadata/high", "").Body.String(); !strings.Contains(got, `"token":"t"`) {
		t.Errorf("got %s, want the decrypted token", got)
	}
}

func TestSealFails(t *testing.T) {
	w := sealedWorld(t, nil)
	w.run([]step{{"PUT", "/routes/1", `{"uri":"/a","plugins":{"high":{"token":"unlucky"}}}`, 503, `{"error_msg":"encrypt routes/1: no luck"}`}})
}

func TestTransformPath(t *testing.T) {
	tests := []struct{ name, path, in, want string }{
		{"string", "a", `{"a":"x","b":"y"}`, `{"a":"X","b":"y"}`},
		{"number", "a", `{"a":1}`, `{"a":1}`},
		{"array", "a", `{"a":["x",1,["y"]]}`, `{"a":["X",1,["y"]]}`},
		{"object", "a", `{"a":{"k":"x","l":{"m":"y"}}}`, `{"a":{"k":"X","l":{"m":"y"}}}`},
		{"nested", "a.b", `{"a":{"b":"x"}}`, `{"a":{"b":"X"}}`},
		{"array on the way", "a.b.c", `{"a":[{"b":{"c":"x"}},{"b":[{"c":"y"}]},1]}`, `{"a":[{"b":{"c":"X"}},{"b":[{"c":"Y"}]},1]}`},
		{"absent", "a.b", `{"c":"x"}`, `{"c":"x"}`},
		{"no object", "a", `["x"]`, `["x"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := document.Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			transformPath(doc, tt.path, func(s string) (string, bool) { return strings.ToUpper(s), true })
			if got := string(doc.Bytes()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

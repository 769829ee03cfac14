package chaos

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// garbage are values that nobody can serve by.
func garbage() []string {
	return []string{
		"", "init_dir", "{", "null", "[]", "0", `"text"`, "\x00\xff\xfe", "{\"uri\":\"/\xff\"}", `{"uri":7}`, `{"uri":"/g","upstream":"x"}`,
		`{"uri":"/g","plugins":["x"]}`, `{"nodes":{"a:b:c":-1}}`, `{"username":{}}`, strings.Repeat(`{"a":`, 20_000),
		strings.Repeat("[", 100_000), `{"uri":"/` + strings.Repeat("x", 1_000_000) + `"`, `{"id":"other","uri":"/g","vars":[["a"`,
	}
}

// TestGarbage writes garbage over good values and beside them.
func TestGarbage(t *testing.T) {
	e := newEtcd(t)
	c := dial(t, e)
	steady(t, c)
	c.put("routes/", "init_dir")
	c.put("routes/a", route("a", "good"))
	c.put("consumers/jack", `{"username":"jack","plugins":{"key-auth":{"key":"k"}}}`)
	upstream := c.value("upstreams/steady")
	g := newGateway(t, e.url())
	requests(t, g)
	g.serves(map[string]string{"a": "good"})

	kinds := []string{"routes", "services", "upstreams", "consumers", "plugin_configs", "global_rules", "plugin_metadata", "ssls", "strange"}
	for i, value := range garbage() {
		for _, kind := range kinds {
			c.put(fmt.Sprintf("%s/g%d", kind, i), value)
		}
		c.put("routes/a", value)
		c.put("upstreams/steady", value)
		rev := c.put("consumers/jack", value)
		g.until("the revision is in service", func(s syncState) error {
			if s.Revision < rev {
				return errors.New("not yet")
			}
			return nil
		})
	}
	c.put("consumers/jack/credentials/\xff", "{")
	c.put("routes/a\x00b", "{")
	c.put("/", "{")
	g.until("what was rejected is listed", func(s syncState) error {
		return rejected(s, "routes/a", "upstreams/steady", "consumers/jack", "routes/g2")
	})
	g.serves(map[string]string{"a": "good", "steady": "steady"})

	for i := range garbage() {
		for _, kind := range kinds {
			c.remove(fmt.Sprintf("%s/g%d", kind, i))
		}
	}
	for _, key := range []string{"consumers/jack", "consumers/jack/credentials/\xff", "routes/a\x00b", "/"} {
		c.remove(key)
	}
	c.put("upstreams/steady", upstream)
	rev := c.put("routes/a", route("a", "mended"))
	g.serves(map[string]string{"a": "mended"})
	g.follows(rev)
	g.until("nothing is rejected", func(s syncState) error {
		if len(s.Rejected) > 0 {
			return errors.New("something is")
		}
		return nil
	})
}

// rejected checks that the keys are listed with reasons.
func rejected(s syncState, keys ...string) error {
	reasons := map[string]string{}
	for _, r := range s.Rejected {
		reasons[r.Key] = r.Reason
	}
	for _, key := range keys {
		if reasons[key] == "" {
			return fmt.Errorf("%s is not listed", key)
		}
	}
	return nil
}

// TestStartWithGarbage starts gateways, from etcd and from the copy, while some values are garbage.
func TestStartWithGarbage(t *testing.T) {
	e := newEtcd(t)
	c := dial(t, e)
	steady(t, c)
	c.put("routes/a", route("a", "good"))
	for i, value := range garbage() {
		c.put(fmt.Sprintf("routes/g%d", i), value)
		c.put(fmt.Sprintf("upstreams/g%d", i), value)
	}
	g := newGateway(t, e.url())
	g.serves(map[string]string{"a": "good", "steady": "steady"})
	g.hasCopy()
	g.kill()
	e.kill()
	g.start()
	g.ready()
	g.away()
	g.serves(map[string]string{"a": "good", "steady": "steady"})
	g.until("what was rejected is listed", func(s syncState) error { return rejected(s, "routes/g2", "upstreams/g2") })
}

package config

import (
	"fmt"
	"testing"
)

// BenchmarkDecode measures what loading costs for each item of the store.
func BenchmarkDecode(b *testing.B) {
	c := newCatalog(b, CatalogOptions{Keyring: fakeKeyring{}, Secrets: func(string) (string, error) { return "s", nil }})
	upstream := `"nodes":{"10.0.0.1:8080":1,"10.0.0.2:8080":1},"type":"roundrobin","timeout":{"connect":5,"send":30,"read":30}`
	benchmarks := []struct {
		name, kind, key, value string
	}{
		{"route", "routes", "r1", fmt.Sprintf(`{"id":"r1","name":"orders","labels":{"team":"shop"},"uri":"/orders/*","hosts":["shop.example.com"],
			"methods":["GET","POST"],"priority":1,"plugins":{"limit-count":{"count":100},"echo":{"body":"x"}},
			"upstream":{%s},"create_time":1720000000,"update_time":1720000001,"status":1}`, upstream)},
		{"ordinary route", "routes", "1", `{"id":"1","uri":"/products/*","name":"products","hosts":["shop.example.com"],"methods":["GET","POST"],
			"plugins":{"key-auth":{},"limit-count":{"count":100}},"upstream_id":"7","create_time":1700000000,"update_time":1700000000}`},
		{"small route", "routes", "r1", `{"id":"r1","uri":"/orders/1","upstream_id":"u1","create_time":1720000000,"update_time":1720000001}`},
		{"upstream", "upstreams", "u1", "{" + upstream + "}"},
		{"consumer", "consumers", "jack", `{"username":"jack","plugins":{"key-auth":{"key":"sealed:0123456789"}}}`},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Decode(bm.kind, bm.key, []byte(bm.value), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

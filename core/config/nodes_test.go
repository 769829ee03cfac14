package config

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNodesUnmarshal(t *testing.T) {
	tests := []struct {
		name, in string
		want     Nodes
		err      string
	}{
		{name: "null", in: `null`, want: nil},
		{name: "empty array", in: `[]`, want: Nodes{}},
		{name: "empty object", in: `{}`, want: Nodes{}},
		{
			name: "object in order of keys", in: `{"b.com:81":2,"a.com":0,"127.0.0.1:80":1}`,
			want: Nodes{{Host: "127.0.0.1", Port: 80, Weight: 1}, {Host: "a.com"}, {Host: "b.com", Port: 81, Weight: 2}},
		},
		{
			name: "IPv6 in an object", in: `{"[::1]:80":1,"[::2]":1,"::3":1,"::ffff:192.0.2.1":1}`,
			want: Nodes{
				{Host: "[::3]", Weight: 1},
				{Host: "[::ffff:192.0.2.1]", Weight: 1},
				{Host: "[::1]", Port: 80, Weight: 1},
				{Host: "[::2]", Weight: 1},
			},
		},
		{
			name: "array", in: `[{"host":"::1","weight":1},{"host":"a","port":1980.0,"weight":1e1,"priority":-1,"metadata":{"zone":"<z>"}}]`,
			want: Nodes{
				{Host: "[::1]", Weight: 1},
				{Host: "a", Port: 1980, Weight: 10, Priority: -1, Metadata: json.RawMessage(`{"zone":"<z>"}`)},
			},
		},
		{name: "names have a case", in: `[{"host":"a","Port":1,"weight":1}]`, want: Nodes{{Host: "a", Weight: 1}}},
		{name: "port too large", in: `{"a:65536":1}`, err: "node a:65536: invalid port 65536"},
		{name: "port 0", in: `{"a:0":1}`, err: "node a:0: invalid port 0"},
		{name: "port is no number", in: `{"a:http":1}`, err: "node a:http: invalid port http"},
		{name: "no port behind the colon", in: `{"a:":1}`, err: "node a:: invalid port "},
		{name: "weight is no number", in: `{"a":"1"}`, err: "node a: the weight is not a whole number from 0 to 1099511627776"},
		{name: "weight is negative", in: `{"a":-1}`, err: "node a: the weight is not a whole number from 0 to 1099511627776"},
		{name: "weight in an array is too large", in: `[{"host":"a","weight":1},{"host":"b","weight":4611686018427387904}]`, err: "node 2: the weight is not a whole number from 0 to 1099511627776"},
		{name: "weight in an array is negative", in: `[{"host":"a","weight":-1}]`, err: "node 1: the weight is not a whole number from 0 to 1099511627776"},
		{name: "host is no string", in: `[{"host":1}]`, err: "node 1: host: got number, want a string"},
		{name: "node is no object", in: `[1]`, err: "node 1: got number, want an object"},
		{name: "neither", in: `"a"`, err: "got string, want an array or an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got Nodes
			err := json.Unmarshal([]byte(tt.in), &got)
			if errText(err) != tt.err {
				t.Fatalf("got error %q, want %q", errText(err), tt.err)
			}
			if tt.err != "" {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzNodes(f *testing.F) {
	f.Add([]byte(`{"127.0.0.1:80":1,"[::1]":0}`))
	f.Add([]byte(`[{"host":"::1","port":80,"weight":1,"metadata":{}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var nodes Nodes
		if json.Unmarshal(data, &nodes) != nil {
			return
		}
		for _, n := range nodes {
			if isBareIPv6(n.Host) {
				t.Errorf("%s: node %q has no brackets", data, n.Host)
			}
			if strings.HasPrefix(string(data), "{") && (n.Port < 0 || n.Port > 65535 || n.Weight < 0) {
				t.Errorf("%s: got node %+v", data, n)
			}
		}
	})
}

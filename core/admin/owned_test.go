package admin

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/polygate/polygate/core/store"
)

func TestOwnedResources(t *testing.T) {
	const notSupported = "{\"error_msg\":\"not supported `%s` method for %s\"}"
	tests := []struct {
		name  string
		steps []step
	}{
		{"credentials", []step{
			{"PUT", "/consumers/jack/credentials/c1", `{"plugins":{"key-auth":{"key":"k1"}}}`, 404, `{"error_msg":"consumer not found"}`},
			{"PUT", "/consumers/jack", `{"username":"jack"}`, 201, `{"key":"/apisix/consumers/jack","value":{"username":"jack",` + times + `}}`},
			{"GET", "/consumers/jack/credentials", ``, 404, noKey},
			{"PUT", "/consumers/jack/credentials/c1", `{"plugins":{"key-auth":{"key":"k1"}}}`, 201,
				`{"key":"/apisix/consumers/jack/credentials/c1","value":{"plugins":{"key-auth":{"key":"k1"}},"id":"c1",` + times + `}}`},
			{"PUT", "/consumers/jack/credentials", `{"id":"c2","plugins":{"key-auth":{"key":"k2"}}}`, 201,
				`{"key":"/apisix/consumers/jack/credentials/c2","value":{"id":"c2","plugins":{"key-auth":{"key":"k2"}},` + times + `}}`},
			{"PUT", "/consumers/jack/credentials/c1", `{"plugins":{"key-auth":{"key":"k1"}},"desc":"d"}`, 200,
				`{"key":"/apisix/consumers/jack/credentials/c1","value":{"plugins":{"key-auth":{"key":"k1"}},"desc":"d","id":"c1",` + times + `}}`},
			{"GET", "/consumers/jack/credentials/c2", ``, 200,
				`{"key":"/apisix/consumers/jack/credentials/c2","value":{"id":"c2","plugins":{"key-auth":{"key":"k2"}},` + times + `},"createdIndex":4,"modifiedIndex":4}`},
			{"PUT", "/consumers/jack/credentials/c3", `{"plugins":{"key-auth":{"key":"k2"}}}`, 400,
				`{"error_msg":"duplicate key of plugin key-auth found with credential: c2 of consumer: jack"}`},
			{"PUT", "/consumers/jack/credentials/c3", `{"plugins":{"low":{}}}`, 400, `{"error_msg":"only supports auth type plugins in consumer credential"}`},
			{"PUT", "/consumers/jack/credentials/c3", `{"plugins":{"low":{},"key-auth":{"key":"x"}}}`, 400,
				`{"error_msg":"invalid configuration: property \"plugins\" validation failed: expect object to have at most 1 properties"}`},
			{"PUT", "/consumers/jack/credentials", `{"plugins":{}}`, 400, `{"error_msg":"missing credential id"}`},
			{"PUT", "/consumers/jack/credentials/c3", ``, 400, `{"error_msg":"missing configurations"}`},
			{"POST", "/consumers/jack/credentials", `{}`, 405, fmt.Sprintf(notSupported, "POST", "credential")},
			{"PATCH", "/consumers/jack/credentials/c1", `{}`, 405, fmt.Sprintf(notSupported, "PATCH", "credential")},
			{"DELETE", "/consumers/jack/credentials", ``, 400, `{"error_msg":"missing credential id"}`},
			{"DELETE", "/consumers/jack/credentials/c2", ``, 200, `{"deleted":"1","key":"/apisix/consumers/jack/credentials/c2"}`},
			{"DELETE", "/consumers/jack/credentials/c2", ``, 404, noKey},
			{"GET", "/consumers", ``, 200, `{"total":1,"list":[{"key":"/apisix/consumers/jack","value":{"username":"jack",` + times + `},"createdIndex":2,"modifiedIndex":2}]}`},
			{"GET", "/consumers/jack/credentials", ``, 200,
				`{"total":1,"list":[{"key":"/apisix/consumers/jack/credentials/c1","value":{"plugins":{"key-auth":{"key":"k1"}},"desc":"d","id":"c1",` + times + `},"createdIndex":3,"modifiedIndex":5}]}`},
			{"DELETE", "/consumers/jack", ``, 200, `{"deleted":"1","key":"/apisix/consumers/jack"}`},
			{"GET", "/consumers/jack/credentials", ``, 404, noKey},
			{"GET", "/credentials", ``, 404, `{"error_msg":"Unsupported resource type: credentials"}`},
		}},
		{"graphql cost decorations", []step{
			{"PUT", "/services/s/graphql_cost_decorations/d1", `{"field_path":"Query.a"}`, 404, `{"error_msg":"service not found"}`},
			{"PUT", "/services/s", `{"name":"s"}`, 201, `{"key":"/apisix/services/s","value":{"name":"s","id":"s",` + times + `}}`},
			{"GET", "/services/s/graphql_cost_decorations", ``, 404, noKey},
			{"PUT", "/services/s/graphql_cost_decorations/d1", `{"field_path":"Query.a"}`, 201,
				`{"key":"/apisix/services/s/graphql_cost_decorations/d1","value":{"field_path":"Query.a","service_id":"s","id":"d1",` + times + `}}`},
			{"PUT", "/services/s/graphql_cost_decorations/d2", `{"field_path":"Query.a"}`, 400, `{"error_msg":"field_path Query.a is already decorated on this service by [d1]"}`},
			{"PUT", "/services/s/graphql_cost_decorations/d2", `{"field_path":"Query.b","service_id":"t"}`, 400, `{"error_msg":"wrong service_id, it is taken from the path"}`},
			{"PUT", "/services/s/graphql_cost_decorations/d2", ``, 400, `{"error_msg":"invalid configuration"}`},
			{"PUT", "/services/s/graphql_cost_decorations/d2", `1`, 400, `{"error_msg":"invalid configuration"}`},
			{"POST", "/services/s/graphql_cost_decorations", `{"field_path":"Query.b"}`, 201,
				`{"key":"/apisix/services/s/graphql_cost_decorations/00000000000000000004","value":{"field_path":"Query.b","service_id":"s","id":"00000000000000000004",` + times + `}}`},
			{"PATCH", "/services/s/graphql_cost_decorations/d1", `{"add_value":7}`, 200,
				`{"key":"/apisix/services/s/graphql_cost_decorations/d1","value":{"field_path":"Query.a","service_id":"s","id":"d1",` + times + `,"add_value":7}}`},
			{"PATCH", "/services/s/graphql_cost_decorations/d1", `{"field_path":"Query.b"}`, 400, `{"error_msg":"field_path Query.b is already decorated on this service by [00000000000000000004]"}`},
			{"PATCH", "/services/s/graphql_cost_decorations/d1", `{"service_id":"t"}`, 400, `{"error_msg":"service_id can not be patched"}`},
			{"PATCH", "/services/s/graphql_cost_decorations/d1", `{"service_id":null}`, 400, `{"error_msg":"service_id can not be patched"}`},
			{"PATCH", "/services/s/graphql_cost_decorations", `{}`, 400, `{"error_msg":"missing graphql cost decoration id"}`},
			{"PATCH", "/services/s/graphql_cost_decorations/d1/add_value", `{}`, 404, `{"error_msg":"not found"}`},
			{"GET", "/graphql_cost_decorations", ``, 400, `{"error_msg":"missing service id"}`},
			{"GET", "/services", ``, 200, `{"total":1,"list":[{"key":"/apisix/services/s","value":{"name":"s","id":"s",` + times + `},"createdIndex":2,"modifiedIndex":2}]}`},
			{"DELETE", "/services/s", ``, 200, `{"deleted":"1","key":"/apisix/services/s"}`},
			{"GET", "/services/s/graphql_cost_decorations", ``, 404, noKey},
		}},
		{"secrets", []step{
			{"GET", "/secrets", ``, 200, `{"total":0,"list":[]}`},
			{"PUT", "/secrets/vault/1", `{"uri":"http://127.0.0.1:1","prefix":"kv","token":"t"}`, 201,
				`{"key":"/apisix/secrets/vault/1","value":{"uri":"http://127.0.0.1:1","prefix":"kv","token":"t","id":"vault/1",` + times + `}}`},
			{"PATCH", "/secrets/vault/1/token", `"u"`, 200,
				`{"key":"/apisix/secrets/vault/1","value":{"uri":"http://127.0.0.1:1","prefix":"kv","token":"u","id":"vault/1",` + times + `}}`},
			{"PATCH", "/secrets/vault/1", `{"prefix":"x"}`, 200,
				`{"key":"/apisix/secrets/vault/1","value":{"uri":"http://127.0.0.1:1","prefix":"x","token":"u","id":"vault/1",` + times + `}}`},
			{"PATCH", "/secrets/vault", `{}`, 400, `{"error_msg":"no secret id"}`},
			{"PUT", "/secrets/vault", `{}`, 400, `{"error_msg":"missing secret id"}`},
			{"PUT", "/secrets/nothing/1", `{}`, 400, `{"error_msg":"invalid secret manager: nothing"}`},
			{"PUT", "/secrets/vault/1", `{"id":"vault/2"}`, 400, `{"error_msg":"wrong secret id"}`},
			{"PUT", "/secrets/vault/1", `{"uri":"/x","prefix":"kv","token":"t"}`, 400,
				`{"error_msg":"invalid configuration: property \"uri\" validation failed: failed to match pattern \"^[^\\\\/]+:\\\\/\\\\/([\\\\da-zA-Z.-]+|\\\\[[\\\\da-fA-F:]+\\\\])(:\\\\d+)?\" with \"/x\""}`},
			{"POST", "/secrets/vault/1", `{}`, 405, fmt.Sprintf(notSupported, "POST", "secret")},
			{"GET", "/secrets", ``, 200, `{"total":1,"list":[{"key":"/apisix/secrets/vault/1","value":{"uri":"http://127.0.0.1:1","prefix":"x","token":"u","id":"vault/1",` + times + `},"createdIndex":2,"modifiedIndex":4}]}`},
			{"DELETE", "/secrets/vault", ``, 400, `{"error_msg":"missing secret id"}`},
			{"DELETE", "/secrets/vault/1", ``, 200, `{"deleted":"1","key":"/apisix/secrets/vault/1"}`},
			{"GET", "/secrets/vault/1", ``, 404, noKey},
		}},
		{"consumer groups", []step{
			{"PUT", "/consumer_groups/g", `{"plugins":{"low":{}}}`, 201, `{"key":"/apisix/consumer_groups/g","value":{"plugins":{"low":{}},"id":"g",` + times + `}}`},
			{"PUT", "/consumers/jack", `{"username":"jack","group_id":"h"}`, 400, `{"error_msg":"failed to fetch consumer group info by consumer group id [h], response code: 404"}`},
			{"PUT", "/consumers/jack", `{"username":"jack","group_id":"g"}`, 201, `{"key":"/apisix/consumers/jack","value":{"username":"jack","group_id":"g",` + times + `}}`},
			{"DELETE", "/consumer_groups/g", ``, 400, `{"error_msg":"can not delete this consumer group, consumer [jack] is still using it now"}`},
			{"POST", "/consumer_groups", `{}`, 405, fmt.Sprintf(notSupported, "POST", "consumer group")},
			{"DELETE", "/consumer_groups/g?force=true", ``, 200, `{"deleted":"1","key":"/apisix/consumer_groups/g"}`},
		}},
		{"protos", []step{
			{"PUT", "/protos/1", `{"content":"syntax = \"proto3\"; message M {}"}`, 201, `{"key":"/apisix/protos/1","value":{"content":"syntax = \"proto3\"; message M {}","id":"1",` + times + `}}`},
			{"PATCH", "/protos/1", `{}`, 405, fmt.Sprintf(notSupported, "PATCH", "proto")},
		}},
		{"stream routes where they are not served", []step{
			{"PUT", "/stream_routes/1", `{}`, 400, `{"error_msg":"stream mode is disabled, can not add stream routes"}`},
			{"GET", "/stream_routes", ``, 400, `{"error_msg":"stream mode is disabled, can not add stream routes"}`},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newWorld(t, nil).run(tt.steps) })
		})
	}
}

func TestStreamRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *Options) { o.StreamMode = true })
		w.put("services/s", `{}`)
		w.run([]step{
			{"GET", "/stream_routes", ``, 200, `{"total":0,"list":[]}`},
			{"PUT", "/stream_routes/1", `{"server_port":1,"service_id":"s"}`, 201, `{"key":"/apisix/stream_routes/1","value":{"server_port":1,"service_id":"s","id":"1",` + times + `}}`},
			{"PATCH", "/stream_routes/1", `{}`, 405, "{\"error_msg\":\"not supported `PATCH` method for stream route\"}"},
			{"DELETE", "/services/s", ``, 400, `{"error_msg":"can not delete this service directly, stream_route [1] is still using it now"}`},
			{"GET", "/stream_routes?filter=service_id%3Dx", ``, 200, `{"total":0,"list":[]}`},
		})
	})
}

func TestNewServiceHasNoOldDecorations(t *testing.T) {
	w := newWorld(t, nil)
	const key = "services/s/graphql_cost_decorations/d"
	if _, err := w.store.Put(t.Context(), key, []byte(`{"field_path":"Query.a"}`), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	if rec := w.do("PUT", "/apisix/admin/services/s", `{"bad":1}`); rec.Code != 400 {
		t.Fatalf("got %d, want 400", rec.Code)
	}
	if _, err := w.store.Get(t.Context(), key); err != nil {
		t.Errorf("after a refused PUT: got %v, want the decoration", err)
	}
	w.put("services/s", `{}`)
	if _, err := w.store.Get(t.Context(), key); !isNotFound(err) {
		t.Errorf("after the PUT: got %v, want no decoration", err)
	}
}

func TestDeleteOwnerOfMany(t *testing.T) {
	w := newWorld(t, nil)
	w.put("consumers/jack", `{"username":"jack"}`)
	for i := range 250 {
		value := fmt.Appendf(nil, `{"plugins":{"key-auth":{"key":"k%d"}}}`, i)
		if _, err := w.store.Put(t.Context(), fmt.Sprintf("consumers/jack/credentials/c%d", i), value, store.Cond{}); err != nil {
			t.Fatal(err)
		}
	}
	w.run([]step{{"DELETE", "/consumers/jack", "", 200, `{"deleted":"1","key":"/apisix/consumers/jack"}`}})
	items, _, err := w.store.List(t.Context(), "consumers/")
	if err != nil || len(items) != 0 {
		t.Errorf("got %d items, %v, want none", len(items), err)
	}
}

func TestOrphansStayWithoutOwner(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.store.Put(t.Context(), "services/s/graphql_cost_decorations/d", []byte(`{}`), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	w.run([]step{{"DELETE", "/services/s", "", 404, noKey}})
	if got := w.do("GET", "/apisix/admin/services", "").Body.String(); !strings.HasPrefix(got, `{"total":0,`) {
		t.Errorf("got %s, want no service", got)
	}
}

package admin

import (
	"fmt"
	"net/http"
	"strings"
)

// The shapes of answers. The second is APISIX's old one, after etcd's first protocol.
const (
	versionThree = "v3"
	versionTwo   = "v2"
)

// versionOf returns the version that a setting names.
func versionOf(setting string) (string, error) {
	switch setting {
	case "", versionThree:
		return versionThree, nil
	case versionTwo, "default":
		return versionTwo, nil
	}
	return "", fmt.Errorf("admin API: unknown version %q: use v2 or v3", setting)
}

// oldAnswer is what version 2 wraps an answer in.
type oldAnswer struct {
	Action  string `json:"action"`
	Deleted string `json:"deleted,omitempty"`
	Key     string `json:"key,omitempty"`
	Node    any    `json:"node"`
}

// oldFolder is how version 2 shows several items.
type oldFolder struct {
	Dir   bool       `json:"dir"`
	Key   string     `json:"key"`
	Nodes []resource `json:"nodes"`
}

// asVersionTwo turns an answer of version 3 into one of version 2.
func asVersionTwo(method string, body any) any {
	answer := oldAnswer{Action: oldAction(method), Node: struct{}{}}
	switch b := body.(type) {
	case resource:
		b.Created, b.Modified = 0, 0
		answer.Node = b
	case list:
		answer.Node = oldFolder{Dir: true, Key: strings.TrimSuffix(b.folder, "/"), Nodes: b.List}
	case deleted:
		answer.Deleted, answer.Key = b.Count, b.Key
	default:
		return body
	}
	return answer
}

// oldAction is the name of a method in etcd's first protocol.
func oldAction(method string) string {
	switch method {
	case http.MethodPut:
		return "set"
	case http.MethodPost:
		return "create"
	case http.MethodPatch:
		return "compareAndSwap"
	case http.MethodDelete:
		return "delete"
	}
	return "get"
}

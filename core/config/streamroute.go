package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// StreamRoute says which connections of layer 4 go where (apisix/schema_def.lua, _M.stream_route).
type StreamRoute struct {
	Meta
	RemoteAddr string          `json:"remote_addr"` // an address or a network of clients
	ServerAddr string          `json:"server_addr"` // an address or a network of the gateway
	ServerPort int             `json:"server_port"` // 0: any
	SNI        string          `json:"sni"`
	Upstream   *Upstream       `json:"upstream"`
	UpstreamID ID              `json:"upstream_id"`
	ServiceID  ID              `json:"service_id"`
	Plugins    Plugins         `json:"plugins"`
	Protocol   *StreamProtocol `json:"protocol"`
}

// StreamProtocol is the protocol inside the connections of a stream route.
type StreamProtocol struct {
	Name       string          `json:"name"`
	SuperiorID ID              `json:"superior_id"` // the stream route that this one refines
	Conf       json.RawMessage `json:"conf"`
	Logger     []StreamLogger  `json:"logger"`
}

// StreamLogger logs the calls of a protocol.
type StreamLogger struct {
	Name   string          `json:"name"`
	Filter json.RawMessage `json:"filter"` // an expression
	Conf   json.RawMessage `json:"conf"`
}

// superiorRoute checks the stream route that this one refines (apisix/admin/stream_routes.lua).
func superiorRoute(e *examination) error {
	protocol := field(e.doc, "protocol")
	id, ok := idText(protocol["superior_id"])
	if !ok || e.refs == nil || e.unlinked {
		return nil
	}
	if id == e.id {
		return errors.New("stream route can not set itself as superior_id")
	}
	what := "failed to fetch stream routes[" + id + "]"
	exists, err := e.refs.Exists("stream_routes", id)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !exists {
		return fmt.Errorf("%s, response code: 404", what)
	}
	value, err := e.refs.Value("stream_routes", id)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	doc, err := decodeJSON(value)
	if err != nil {
		return fmt.Errorf("failed to decode stream routes[%s]: %w", id, err)
	}
	stored, _ := object(doc)
	superior := field(stored, "protocol")
	if superior == nil || superior["name"] == protocol["name"] {
		return nil
	}
	return fmt.Errorf("protocol mismatch: subordinate protocol [%s] does not match superior protocol [%s]",
		text(protocol, "name"), text(superior, "name"))
}

// streamPlugins checks the plugins of a stream route. They are not those of HTTP, even where they have the same names.
func streamPlugins(e *examination) error {
	return e.eachPlugin(func(name string, conf any) (any, error) {
		if _, ok := object(conf); !ok {
			return nil, fmt.Errorf("invalid plugin conf %s for plugin [%s]", encodeJSON(conf), name)
		}
		return nil, &UnknownPluginError{Name: name}
	})
}

// streamAddresses checks what the patterns of the schema let pass.
func streamAddresses(e *examination) error {
	for _, name := range []string{"remote_addr", "server_addr"} {
		addr, ok := e.doc[name].(string)
		if !ok || isSecretRef(addr) {
			continue
		}
		_, notIP := netip.ParseAddr(addr)
		if _, notNet := netip.ParsePrefix(addr); notIP != nil && notNet != nil {
			return fmt.Errorf("invalid %s: %s", name, addr)
		}
	}
	return nil
}

// streamProtocol asks whether the protocol is known (apisix/stream/xrpc.lua, check_schema).
func streamProtocol(e *examination) error {
	protocol := field(e.doc, "protocol")
	if protocol == nil || slices.Contains(e.catalog.opts.Protocols, text(protocol, "name")) {
		return nil
	}
	return fmt.Errorf("unknown protocol [%s]", text(protocol, "name"))
}

package config

import (
	"errors"
	"fmt"
	"slices"
)

// upstreamRule checks a value that is an upstream (apisix/upstream.lua, check_upstream_conf).
func upstreamRule(e *examination) error { return e.upstream(e.doc) }

// inlineUpstream checks the upstream that is a part of a route or service.
func inlineUpstream(e *examination) error {
	if up := field(e.doc, "upstream"); up != nil {
		return e.upstream(up)
	}
	return nil
}

func (e *examination) upstream(up map[string]any) error {
	nodes, _ := up["nodes"].([]any)
	for _, node := range nodes {
		if n, ok := node.(map[string]any); ok && isBareIPv6(text(n, "host")) {
			return fmt.Errorf("invalid configuration: %w", errBareIPv6)
		}
	}
	if err := e.schema("upstream", up); err != nil {
		return err
	}
	if err := checkPorts(field(up, "nodes")); err != nil {
		return err
	}
	if err := checkPassHost(up); err != nil {
		return err
	}
	if tls := field(up, "tls"); tls["client_cert"] != nil {
		if err := e.pair(text(tls, "client_cert"), text(tls, "client_key")); err != nil {
			return err
		}
	}
	return e.hashKey(up)
}

// loadedUpstream checks what APISIX's data plane asks about an upstream besides its schema.
func loadedUpstream(e *examination) error {
	if err := checkPassHost(e.doc); err != nil {
		return err
	}
	return e.hashKey(e.doc)
}

// checkPorts checks the ports of nodes that are an object.
func checkPorts(weights map[string]any) error {
	addrs := make([]string, 0, len(weights))
	for addr := range weights {
		addrs = append(addrs, addr)
	}
	slices.Sort(addrs)
	for _, addr := range addrs {
		if _, _, err := splitAddr(addr); err != nil {
			return err
		}
	}
	return nil
}

func checkPassHost(up map[string]any) error {
	if text(up, "pass_host") == "rewrite" && text(up, "upstream_host") == "" {
		return errors.New("`upstream_host` can't be empty when `pass_host` is `rewrite`")
	}
	return nil
}

// hashKey checks the key of consistent hashing.
func (e *examination) hashKey(up map[string]any) error {
	hashOn := text(up, "hash_on")
	if text(up, "type") != "chash" {
		return nil
	}
	if hashOn != "consumer" && up["key"] == nil {
		return errors.New("missing key")
	}
	switch hashOn {
	case "vars":
		return e.schema("upstream_hash_vars_schema", up["key"])
	case "header", "cookie":
		return e.schema("upstream_hash_header_schema", up["key"])
	case "vars_combinations":
		return e.schema("upstream_hash_vars_combinations_schema", up["key"])
	}
	return nil
}

package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Consumer is a user of routes, recognised by the credentials in its plugins.
type Consumer struct {
	Meta
	Username string  `json:"username"`
	GroupID  ID      `json:"group_id"`
	Plugins  Plugins `json:"plugins"`
}

// ConsumerGroup is a set of plugins that consumers have in common.
type ConsumerGroup struct {
	Meta
	Plugins Plugins `json:"plugins"`
}

// Credential is a further way to recognise a consumer. It has at most one plugin, one for authentication.
type Credential struct {
	Meta
	Username string  `json:"-"` // of the consumer
	Plugins  Plugins `json:"plugins"`
}

func (c *Credential) setOwner(id string) { c.Username = id }

// Owner is the consumer that has a credential, by itself or through a credential resource.
type Owner struct {
	Username     string
	CredentialID string // empty where the consumer has it itself
}

// String describes the owner as APISIX's messages do.
func (o Owner) String() string {
	if o.CredentialID != "" {
		return "credential: " + o.CredentialID + " of consumer: " + o.Username
	}
	return "consumer: " + o.Username
}

// username compares the name in the path with the one in the value.
func username(e *examination) error {
	if e.id != "" && e.id != text(e.doc, "username") {
		return errors.New("wrong username")
	}
	return nil
}

// consumerPlugins checks the plugins' configurations of a consumer.
func consumerPlugins(e *examination) error {
	err := e.plugins(SchemaConsumer)
	if err == nil || e.loading {
		return err
	}
	var errs []error
	for _, err := range flatten(err) {
		errs = append(errs, fmt.Errorf("invalid plugins configuration: %w", err))
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// onlyAuthPlugins refuses plugins by which nobody can be recognised.
func onlyAuthPlugins(e *examination) error {
	for name := range field(e.doc, "plugins") {
		if info, ok := e.catalog.Info(name); ok && !info.Auth {
			return errors.New("only supports auth type plugins in consumer credential")
		}
	}
	return nil
}

// uniqueCredentials refuses a credential that somebody else has (apisix/consumer.lua, check_duplicate_key).
func uniqueCredentials(e *examination) error {
	if e.refs == nil {
		return nil
	}
	plugins := field(e.doc, "plugins")
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		value, ok := e.catalog.credential(name, plugins[name])
		if !ok {
			continue
		}
		owner, err := e.refs.CredentialOwner(name, value)
		if err != nil {
			return fmt.Errorf("look for other consumers with the credential of plugin %s: %w", name, err)
		}
		if owner.Username == "" || e.isSelf(owner) {
			continue
		}
		info, _ := e.catalog.Info(name)
		return fmt.Errorf("duplicate %s of plugin %s found with %s", info.CredentialField, name, owner)
	}
	return nil
}

// isSelf tells whether what is written replaces what the owner has: a consumer may have what its credentials have, a credential only
// what it has itself.
func (e *examination) isSelf(owner Owner) bool {
	if e.kind.Parent == "" {
		return owner.Username == text(e.doc, "username")
	}
	return e.parent == "" || owner == Owner{Username: e.parent, CredentialID: e.id}
}

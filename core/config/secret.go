package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Secret says where secrets are kept and how to get them. Its ID is the manager's name and its own, for example "vault/1".
type Secret struct {
	Meta
	Manager string          `json:"-"` // vault, aws or gcp
	Conf    json.RawMessage `json:"-"` // the manager's properties with their defaults, and nothing else
}

// bind keeps the properties as one configuration.
func (s *Secret) bind(doc any) error {
	conf, ok := object(doc)
	if !ok {
		return mismatch("an object", doc)
	}
	// Why not all of Meta? The schemas of managers say nothing about the rest of it, which may be anything.
	created, _ := conf["create_time"].(json.Number)
	updated, _ := conf["update_time"].(json.Number)
	s.CreateTime, _ = integer(created)
	s.UpdateTime, _ = integer(updated)
	for _, name := range []string{"id", "create_time", "update_time"} {
		delete(conf, name)
	}
	s.Conf = encodeJSON(conf)
	return nil
}

func (s *Secret) setID(id ID) {
	s.ID = id
	s.Manager, _, _ = strings.Cut(string(id), "/")
}

// secretManager checks a secret by the schema of its manager.
func secretManager(e *examination) error {
	manager, _, ok := strings.Cut(e.id, "/")
	if !ok {
		return fmt.Errorf("invalid secret id: %s", e.id)
	}
	if manager == "" {
		return errors.New("missing secret type")
	}
	schema := "secret/" + manager
	if _, ok := SchemaOf(schema); !ok {
		return fmt.Errorf("invalid secret manager: %s", manager)
	}
	return e.schema(schema, e.doc)
}

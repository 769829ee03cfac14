package secret

import (
	"encoding/json"
	"fmt"
	"time"
)

const firstRetry = time.Second // of Run, after a manager did not answer; doubled each time, up to NegTTL

// manager is a configured secret manager. The fields from downUntil on are guarded by Resolver.mu.
type manager struct {
	name     string // such as "vault/1"
	settings settings
	backend  backend
	err      error // of the configuration; the two above are nil then

	downUntil time.Time // callers do not wait for it before
	cause     error     // why it does not answer; nil: it did the last time
	failures  int       // attempts in a row without an answer
	retry     time.Time // when Run tries it again
}

func (r *Resolver) newManager(name string, raw json.RawMessage) *manager {
	m := &manager{name: name}
	m.settings, m.err = parseSettings(name, raw)
	if m.err == nil {
		m.backend = m.settings.backend(tools{clients: r.clients, env: r.options.Env, now: r.now})
	}
	return m
}

// same tells whether two managers have the same configuration.
func (m *manager) same(o *manager) bool {
	if m.err != nil || o.err != nil {
		return m.err != nil && o.err != nil && m.err.Error() == o.err.Error()
	}
	return m.settings == o.settings
}

// failure says whose failure err is.
func (m *manager) failure(err error) error {
	return fmt.Errorf("secret manager %s: %w", show(m.name), err)
}

// change is what a read showed of a manager.
type change int

const (
	unchanged change = iota
	wentAway
	cameBack
)

// fail notes that a manager did not answer. The caller holds mu.
func (m *manager) fail(now time.Time, negTTL time.Duration, err error) change {
	first := m.cause == nil
	m.cause = err
	m.downUntil = now.Add(negTTL)
	if first || !now.Before(m.retry) {
		m.failures++
		m.retry = now.Add(min(firstRetry<<min(m.failures-1, 16), negTTL))
	}
	if first {
		return wentAway
	}
	return unchanged
}

// recover notes that a manager answered. What could not be read until then is tried again. The caller holds mu.
func (r *Resolver) recover(m *manager) change {
	if m.cause == nil {
		return unchanged
	}
	m.cause, m.failures, m.downUntil = nil, 0, time.Time{}
	for id, d := range r.documents {
		if id.manager == m && d.err != nil {
			d.expires, d.refresh = time.Time{}, time.Time{}
		}
	}
	r.kick()
	return cameBack
}

// report logs what became of a manager.
func (r *Resolver) report(m *manager, c change, err error) {
	switch c {
	case wentAway:
		r.log.Warn("a secret manager does not answer; values that are known stay in use", "manager", m.name, "error", err)
	case cameBack:
		r.log.Info("a secret manager answers again", "manager", m.name)
	case unchanged:
	}
}

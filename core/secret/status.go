package secret

import (
	"maps"
	"slices"
)

// ManagerStatus says how a secret manager is. It contains no secrets.
type ManagerStatus struct {
	Name      string `json:"name"`                 // such as "vault/1"
	OK        bool   `json:"ok"`                   // it answers, and all its references have a value that is fresh
	LastError string `json:"last_error,omitempty"` // one of those that last; empty if OK
	Cached    int    `json:"cached"`               // references with a value
	Stale     int    `json:"stale"`                // of these, those whose value should have been read again and was not
	Failed    int    `json:"failed"`               // references without a value
}

// Status returns how every manager is, also those that references name and nobody configured, sorted by name.
func (r *Resolver) Status() []ManagerStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]*ManagerStatus, len(r.managers))
	for name := range r.managers {
		all[name] = &ManagerStatus{Name: name}
	}
	for _, e := range r.entries {
		s := all[e.ref.manager]
		if s == nil {
			s = &ManagerStatus{Name: e.ref.manager, LastError: "there is no such secret manager"}
			all[e.ref.manager] = s
		}
		r.count(e, s)
	}
	list := make([]ManagerStatus, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		if m := r.managers[name]; m != nil {
			s.judge(m)
		}
		list = append(list, *s)
	}
	return list
}

// count adds an entry to the status of its manager. The caller holds mu.
func (r *Resolver) count(e *entry, s *ManagerStatus) {
	switch {
	case e.has:
		s.Cached++
	case e.toldOnce:
		s.Failed++
	}
	now := r.now()
	if e.has && (e.err != nil || slices.ContainsFunc(e.docs, func(u use) bool { return !now.Before(u.doc.expires) })) {
		s.Stale++
	}
	if e.err != nil && e.from != nil {
		// Of several it is always the same one.
		if text := e.err.Error(); s.LastError == "" || text < s.LastError {
			s.LastError = text
		}
	}
}

// judge sets what depends on the manager itself.
func (s *ManagerStatus) judge(m *manager) {
	switch {
	case m.err != nil:
		s.LastError = m.err.Error()
	case m.cause != nil:
		s.LastError = m.cause.Error()
	case s.Stale == 0 && s.Failed == 0:
		s.OK, s.LastError = true, ""
	}
}

package metrics

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// series holds the handles of one family by label values. H is a pointer to a handle.
type series[H any] struct {
	registry *Registry
	spec     Spec
	create   func(values []string, a *age) (H, error)
	destroy  func(values ...string) bool

	mu       sync.RWMutex
	members  map[string]member[H] // guarded by mu
	overflow *member[H]           // guarded by mu; nil until the family is full
}

// member is one label set and its handle.
type member[H any] struct {
	handle H
	values []string
	age    *age
}

func newSeries[H any](r *Registry, s Spec, destroy func(...string) bool, create func([]string, *age) (H, error)) *series[H] {
	if s.MaxSeries <= 0 {
		s.MaxSeries = DefaultMaxSeries
	}
	return &series[H]{registry: r, spec: s, create: create, destroy: destroy, members: map[string]member[H]{}}
}

// get returns the handle of a label set and makes it where there is none.
func (s *series[H]) get(values []string) H {
	var buf [256]byte
	key := appendKey(buf[:0], values)
	s.mu.RLock()
	m, ok := s.members[string(key)]
	s.mu.RUnlock()
	if ok {
		return m.handle
	}
	return s.add(string(key), values)
}

// appendKey joins label values; 0xff occurs in no UTF-8 text.
func appendKey(key []byte, values []string) []byte {
	for _, v := range values {
		key = append(key, strings.ToValidUTF8(v, "\uFFFD")...)
		key = append(key, 0xff)
	}
	return key
}

func (s *series[H]) add(key string, values []string) H {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.members[key]; ok {
		return m.handle
	}
	if len(s.members) >= s.spec.MaxSeries {
		return s.spill()
	}
	full := make([]string, len(s.spec.Labels))
	for i := range min(len(full), len(values)) {
		full[i] = strings.ToValidUTF8(values[i], "\uFFFD")
	}
	m := s.make(full)
	s.members[key] = m
	return m.handle
}

// spill returns the handle for label sets that no longer fit. The caller holds mu.
func (s *series[H]) spill() H {
	s.registry.refused.Add(1)
	if s.overflow == nil {
		m := s.make(slices.Repeat([]string{OverflowValue}, len(s.spec.Labels)))
		s.overflow = &m
	}
	return s.overflow.handle
}

func (s *series[H]) make(values []string) member[H] {
	m := member[H]{values: values}
	if s.spec.Expire > 0 {
		m.age = &age{}
		m.age.touch()
	}
	var err error
	if m.handle, err = s.create(values, m.age); err != nil {
		// Names were checked when the family was made, values and their number were put right before.
		panic("metrics: " + s.spec.Name + ": " + err.Error())
	}
	return m
}

// remove drops a label set.
func (s *series[H]) remove(values []string) {
	key := string(appendKey(nil, values))
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.members[key]; ok {
		delete(s.members, key)
		s.destroy(m.values...)
	}
}

// sweep drops the label sets that have not changed for too long and returns how many there were.
func (s *series[H]) sweep(now time.Time) int {
	if s.spec.Expire <= 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := 0
	for key, m := range s.members {
		if m.age.since(now) > s.spec.Expire {
			delete(s.members, key)
			s.destroy(m.values...)
			dropped++
		}
	}
	if s.overflow != nil && s.overflow.age.since(now) > s.spec.Expire {
		s.destroy(s.overflow.values...)
		s.overflow = nil
		dropped++
	}
	return dropped
}

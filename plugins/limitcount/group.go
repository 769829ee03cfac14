package limitcount

import (
	"errors"
	"sync"
)

// groups knows the configuration of every group that is in use: members of one group share counters and must agree.
type groups struct {
	mu      sync.Mutex
	members map[string]*member // guarded by mu; by the group's name
}

type member struct {
	fingerprint [32]byte
	users       int
}

// join adds a user to a group and returns the function by which it leaves. The error's text is APISIX's.
func (g *groups) join(name string, fingerprint [32]byte) (leave func() error, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.members[name]
	if m == nil {
		m = &member{fingerprint: fingerprint}
		g.members[name] = m
	}
	if m.fingerprint != fingerprint {
		return nil, errors.New("group conf mismatched")
	}
	m.users++
	return func() error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if m.users--; m.users == 0 {
			delete(g.members, name)
		}
		return nil
	}, nil
}

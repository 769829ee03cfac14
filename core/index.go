package core

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/polygate/polygate/core/admin"
	"github.com/polygate/polygate/core/config"
)

// index answers the Admin API's questions from what is in service.
type index struct{ *Gateway }

var _ admin.Index = index{}

// CredentialOwner implements admin.Index.
func (i index) CredentialOwner(plugin, credential string) (config.Owner, bool) {
	c, ok := i.current.Load().consumers.find(plugin, credential)
	if !ok {
		return config.Owner{}, false
	}
	return config.Owner{Username: c.Username, CredentialID: c.CredentialID}, true
}

// Users implements admin.Index.
func (i index) Users(kind, id string) []string {
	i.builder.mu.RLock()
	defer i.builder.mu.RUnlock()
	return slices.Collect(maps.Keys(i.builder.users[keyOf(kind, id)]))
}

// Reached implements admin.Index.
func (i index) Reached(ctx context.Context, revision int64) bool {
	for {
		next := i.progress.next()
		if i.current.Load().revision >= revision {
			return true
		}
		select {
		case <-next:
		case <-ctx.Done():
			return false
		}
	}
}

// progress tells of every new snapshot. The zero value is ready to be used.
type progress struct {
	mu   sync.Mutex
	wait chan struct{} // closed with the next snapshot; nil: nobody waits. Guarded by mu
}

// next returns a channel that is closed with the next snapshot.
func (p *progress) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wait == nil {
		p.wait = make(chan struct{})
	}
	return p.wait
}

func (p *progress) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wait != nil {
		close(p.wait)
		p.wait = nil
	}
}

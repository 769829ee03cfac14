package core

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/store"
)

// changeAll takes changes over, in order. Values are decoded at the same time.
func (b *builder) changeAll(changes []store.Change, w *work) {
	decoded := b.decodeAll(changes)
	for i, c := range changes {
		b.change(c, &decoded[i], w)
	}
}

// decoded is the outcome of decoding an item. Without value and error, the item was not looked at.
type decoded struct {
	value    any
	warnings []config.Warning
	err      error
}

// spread is how many changes are worth several goroutines.
const spread = 64

// decodeAll decodes what is new.
func (b *builder) decodeAll(changes []store.Change) []decoded {
	out := make([]decoded, len(changes))
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(changes)); i = next.Add(1) - 1 {
			out[i] = b.decode(changes[i])
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(changes)/spread) {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return out
}

func (b *builder) decode(c store.Change) decoded {
	kind, id, ok := config.KindOfKey(c.Key)
	if !ok || c.Deleted || b.byKind[kind.Name][id].is(c.Item) {
		return decoded{}
	}
	return b.read(kind.Name, id, c.Value)
}

// read decodes a value, and tells of what in it is not served.
func (b *builder) read(kind, id string, value []byte) decoded {
	var d decoded
	d.value, d.warnings, d.err = config.Decode(kind, id, value, b.maker.Catalog)
	d.warnings = append(d.warnings, unservedParts(d.value)...)
	return d
}

func (b *builder) change(c store.Change, d *decoded, w *work) {
	kind, id, ok := config.KindOfKey(c.Key)
	if !ok {
		b.unknown(c)
		return
	}
	known := b.byKind[kind.Name][id]
	if c.Deleted {
		b.forgive(c.Key, w)
		if known != nil {
			b.remove(kind.Name, id, w)
		}
		return
	}
	if known.is(c.Item) {
		// What was rejected meanwhile is gone from the store, for example because a backup of it was put back.
		if r, ok := b.rejected[c.Key]; ok && !known.is(r.item) {
			b.forgive(c.Key, w)
		}
		return
	}
	made, err := b.make(c.Item, d, known)
	if err != nil {
		b.reject(c, err, known != nil)
		w.references = true
		return
	}
	b.forgive(c.Key, w)
	b.put(kind.Name, id, made, d.warnings, w)
}

// remakeAll makes resources again whose items have not changed, but what they refer to.
func (b *builder) remakeAll(w *work) {
	if w.plugins {
		w.retry = true
		for _, resources := range b.byKind {
			for _, r := range resources {
				w.remake[r.item.Key] = struct{}{}
			}
		}
	}
	b.remakeNoted(w)
	// What was rejected may be what others lack, or may in turn have waited for others. Each round has fewer of them.
	for w.retry {
		w.retry = false
		maps.Copy(w.remake, b.behind)
		b.remakeNoted(w)
		b.retryRejected(w)
		b.remakeNoted(w)
	}
}

func (b *builder) remakeNoted(w *work) {
	for len(w.remake) > 0 {
		keys := slices.Sorted(maps.Keys(w.remake))
		clear(w.remake)
		for _, key := range keys {
			b.remake(key, w)
		}
	}
}

// retryRejected looks again at what was rejected: what was missing may be there now.
func (b *builder) retryRejected(w *work) {
	var again []store.Change
	for _, key := range slices.Sorted(maps.Keys(b.rejected)) {
		if r := b.rejected[key]; !b.serves(r.item) {
			again = append(again, store.Change{Item: r.item})
		}
	}
	b.changeAll(again, w)
}

// serves tells whether a resource was made from the item.
func (b *builder) serves(item store.Item) bool {
	kind, id, ok := config.KindOfKey(item.Key)
	return !ok || b.byKind[kind.Name][id].is(item)
}

func (b *builder) remake(key string, w *work) {
	kind, id, _ := config.KindOfKey(key)
	known := b.byKind[kind.Name][id]
	if known == nil {
		return
	}
	d := b.read(kind.Name, id, known.item.Value)
	made, err := b.make(known.item, &d, known)
	if b.judge(known, err) != nil {
		return
	}
	b.put(kind.Name, id, made, d.warnings, w)
}

// judge notes whether a resource in service could be made again; it returns err. A newer version that was rejected stays so: it is the
// one that is tried again.
func (b *builder) judge(r *resource, err error) error {
	key := r.item.Key
	before, rejected := b.rejected[key]
	newer := rejected && !r.is(before.item)
	switch {
	case err == nil:
		delete(b.behind, key)
		if !newer {
			delete(b.rejected, key)
		}
		return nil
	case !newer:
		b.reject(store.Change{Item: r.item}, err, true)
	}
	b.behind[key] = struct{}{}
	return err
}

// forgive forgets that an item was rejected.
func (b *builder) forgive(key string, w *work) {
	if _, ok := b.rejected[key]; ok {
		delete(b.rejected, key)
		w.references = true
	}
}

// unknown is a key of a kind that is not served. It is shown along with what was rejected, so that it is not ignored in silence.
func (b *builder) unknown(c store.Change) {
	if c.Deleted {
		delete(b.rejected, c.Key)
		return
	}
	// What gateways of APISIX tell of themselves is no configuration (apisix/plugins/server-info.lua).
	if !strings.Contains(c.Key, "/") || strings.HasPrefix(c.Key, "data_plane/") {
		return
	}
	b.reject(c, errors.New("this kind of resource is not served"), false)
}

func (b *builder) reject(c store.Change, err error, kept bool) {
	before, again := b.rejected[c.Key]
	b.rejected[c.Key] = rejection{c.Item, control.Rejected{Key: c.Key, Revision: c.ModRev, Reason: err.Error(), Kept: kept}}
	if again && before.Revision == c.ModRev {
		return
	}
	instead := "it is not in service"
	if kept {
		instead = "its last good version stays in service"
	}
	b.log.Error("configuration rejected", "key", c.Key, "revision", c.ModRev, "error", err, "consequence", instead)
}

func (b *builder) put(kind, id string, r *resource, warnings []config.Warning, w *work) {
	if b.byKind[kind] == nil {
		b.byKind[kind] = map[string]*resource{}
	}
	if before := b.byKind[kind][id]; before != nil {
		b.forgetUses(before, w)
	}
	b.byKind[kind][id] = r
	delete(b.behind, r.item.Key)
	b.noteUses(r, w)
	b.warn(r.item.Key, warnings)
	b.touch(r.item.Key, w)
}

func (b *builder) remove(kind, id string, w *work) {
	r := b.byKind[kind][id]
	b.forgetUses(r, w)
	delete(b.byKind[kind], id)
	delete(b.warnings, r.item.Key)
	delete(b.behind, r.item.Key)
	b.touch(r.item.Key, w)
}

// warn notes what is not as it was meant in an item that is in service all the same.
func (b *builder) warn(key string, warnings []config.Warning) {
	if len(warnings) == 0 {
		delete(b.warnings, key)
		return
	}
	if slices.Equal(b.warnings[key], warnings) {
		return
	}
	b.warnings[key] = warnings
	for _, w := range warnings {
		b.log.Warn("configuration", "key", key, "plugin", w.Plugin, "warning", w.Text)
	}
}

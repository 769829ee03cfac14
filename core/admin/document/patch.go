package document

import (
	"fmt"
	"strings"
)

// Merge merges the members of patch into v, as core.table.merge of APISIX does: objects member by member, null deletes, and
// everything else replaces. An array or an empty object on either side replaces too. Both must be objects; v takes over values
// of patch, which must not be used any more.
func (v *Value) Merge(patch *Value) {
	patch.Each(func(name string, value *Value) bool {
		if value.IsNull() {
			v.Delete(name)
			return true
		}
		old := v.Get(name)
		if mergeable(old) && mergeable(value) {
			old.Merge(value)
			return true
		}
		v.Set(name, value)
		return true
	})
}

func mergeable(v *Value) bool { return v.IsObject() && !v.IsEmpty() }

// Replace puts value at the place below v that the names lead to. Objects on the way are made where they are missing; where
// something else is in the way, also an array, the error is APISIX's "invalid sub-path". There must be at least one name.
func (v *Value) Replace(value *Value, names ...string) error {
	at := v
	for i, name := range names[:len(names)-1] {
		next := at.Get(name)
		// An empty array is an empty object for Lua, so it may become one.
		if next == nil || next.IsArray() && next.IsEmpty() {
			next = Object()
			at.Set(name, next)
		}
		if !next.IsObject() {
			return fmt.Errorf("invalid sub-path: /%s", strings.Join(names[:i+1], "/"))
		}
		at = next
	}
	if !at.IsObject() {
		return fmt.Errorf("invalid sub-path: /%s", strings.Join(names, "/"))
	}
	at.Set(names[len(names)-1], value)
	return nil
}

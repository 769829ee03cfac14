package declare

import (
	"maps"
	"slices"
	"strconv"
)

// differences returns the paths of what is not equal, as deep as both sides have objects, and arrays of the same length.
func differences(a, b any, path []string) [][]string {
	if equal(a, b) {
		return nil
	}
	var out [][]string
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		names := maps.Clone(x)
		maps.Copy(names, y)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			inA, okA := x[name]
			inB, okB := y[name]
			at := append(slices.Clone(path), name)
			if okA != okB {
				out = append(out, at)
			} else {
				out = append(out, differences(inA, inB, at)...)
			}
		}
		return out
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			out = append(out, differences(x[i], y[i], append(slices.Clone(path), strconv.Itoa(i)))...)
		}
		return out
	}
	return [][]string{path}
}

// view is a value as it was written, whether it was written at all, and as it is meant with its defaults.
type view struct {
	raw     any
	written bool
	full    any
}

// absent marks what reconcile leaves out.
type absent struct{}

// reconcile returns have with the spelling of want wherever both mean the same, so that a comparison of the two texts shows
// only what differs.
func reconcile(want, have view) any {
	if equal(want.full, have.full) {
		if !want.written {
			return absent{}
		}
		return want.raw
	}
	rawWant, okWant := want.raw.(map[string]any)
	rawHave, okHave := have.raw.(map[string]any)
	fullWant, _ := want.full.(map[string]any)
	fullHave, _ := have.full.(map[string]any)
	switch {
	case !have.written:
		return absent{}
	case !okWant || !okHave || fullWant == nil || fullHave == nil:
		return have.raw
	}
	names := maps.Clone(rawWant)
	maps.Copy(names, rawHave)
	out := map[string]any{}
	for name := range names {
		w, inWant := rawWant[name]
		h, inHave := rawHave[name]
		v := reconcile(view{w, inWant, fullWant[name]}, view{h, inHave, fullHave[name]})
		if _, none := v.(absent); !none {
			out[name] = v
		}
	}
	return out
}

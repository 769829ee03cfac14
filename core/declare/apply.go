package declare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Errors of a [Target] that matter here; they come wrapped.
var (
	// ErrNotFound says that there is no such resource.
	ErrNotFound = errors.New("not found")
	// ErrRefused says that the gateway does not want the change as things are: it may want it after another one.
	ErrRefused = errors.New("refused")
	// ErrChanged says that somebody else has changed a resource since it was compared.
	ErrChanged = errors.New("somebody else has changed it since it was read; run again")
)

// Target is a gateway whose resources can be changed. It is safe for concurrent use.
type Target interface {
	// Revision returns the revision of the last change of a resource, or ErrNotFound.
	Revision(ctx context.Context, key string) (int64, error)
	// Put creates or replaces a resource.
	Put(ctx context.Context, key string, value map[string]any) error
	// Patch changes the members of a resource that the patch has; null removes them.
	Patch(ctx context.Context, key string, patch map[string]any) error
	// Delete removes a resource; one that is not there is no error.
	Delete(ctx context.Context, key string) error
}

// Result is how far changes were applied.
type Result struct {
	Applied []Change
	Failed  []Failure
	Pending []Change // not tried, because another one failed
}

// Failure is a change that did not work.
type Failure struct {
	Change Change
	Err    error
}

// Apply makes changes in their order: those of a kind at most parallel at a time, and the next kind after them. After a failure it
// finishes what is under way and stops. A change is refused as [ErrChanged] where the resource is no longer what it was compared with;
// the Admin API has no condition for a replacement, so that somebody else's change in the very moment in between is lost.
func Apply(ctx context.Context, target Target, changes []Change, parallel int) Result {
	a := applier{target: target, parallel: max(1, parallel)}
	left := stages(changes)
	for i, s := range left {
		if !a.stage(ctx, s) {
			for _, s := range left[i+1:] {
				a.result.Pending = append(a.result.Pending, s.changes...)
			}
			break
		}
	}
	return a.result
}

// stage is a set of changes that do not depend on each other, unless patient is set: then what is refused is tried again after
// the others.
type stage struct {
	changes []Change
	patient bool
}

// stages splits changes where one kind ends. Consumers and credentials, global rules and stream routes are special: no two of them may
// have the same credential or plugin, or one refers to another one. Their deletions come with their other changes, so that what one
// gives up another can have.
func stages(changes []Change) []stage {
	var out, last []stage
	at := map[string]int{}
	for _, c := range changes {
		group := together(c.Item.Kind.Name)
		if c.Op == Delete && group == "" {
			last = grow(last, c)
			continue
		}
		if group == "" {
			out = grow(out, c)
			continue
		}
		i, ok := at[group]
		if !ok {
			i = len(out)
			at[group] = i
			out = append(out, stage{patient: true})
		}
		out[i].changes = append(out[i].changes, c)
	}
	return append(out, last...)
}

// together names the kinds whose changes are one stage, empty for all others.
func together(kind string) string {
	switch kind {
	case "consumers", "credentials":
		return "consumers"
	case "global_rules", "stream_routes":
		return kind
	}
	return ""
}

// grow adds a change to the last stage, or to a new one if it is of another kind.
func grow(list []stage, c Change) []stage {
	if n := len(list); n > 0 && !list[n-1].patient && list[n-1].changes[0].Item.Kind == c.Item.Kind {
		list[n-1].changes = append(list[n-1].changes, c)
		return list
	}
	return append(list, stage{changes: []Change{c}})
}

type applier struct {
	target   Target
	parallel int
	result   Result
}

// stage makes the changes of a stage and tells whether all of them worked.
func (a *applier) stage(ctx context.Context, s stage) bool {
	if !s.patient {
		failed, pending := a.batch(ctx, s.changes, false)
		a.result.Failed = append(a.result.Failed, failed...)
		a.result.Pending = append(a.result.Pending, pending...)
		return len(failed)+len(pending) == 0
	}
	todo := s.changes
	for {
		var failed []Failure
		for _, part := range alike(todo) {
			f, pending := a.batch(ctx, part, true)
			failed = append(failed, f...)
			a.result.Pending = append(a.result.Pending, pending...)
		}
		hopeless := len(failed) == len(todo) || slices.ContainsFunc(failed, func(f Failure) bool { return !errors.Is(f.Err, ErrRefused) })
		if hopeless || len(failed) == 0 || len(a.result.Pending) > 0 {
			a.result.Failed = append(a.result.Failed, failed...)
			return len(failed)+len(a.result.Pending) == 0
		}
		todo = todo[:0:0]
		for _, f := range failed {
			todo = append(todo, f.Change)
		}
	}
}

// alike splits changes where the kind or the operation changes: a consumer comes before its credentials.
func alike(changes []Change) [][]Change {
	var out [][]Change
	start := 0
	for i := range changes {
		next := i + 1
		if next == len(changes) || changes[next].Item.Kind != changes[i].Item.Kind || (changes[next].Op == Delete) != (changes[i].Op == Delete) {
			out = append(out, changes[start:next])
			start = next
		}
	}
	return out
}

// batch makes changes side by side. Unless it goes on after what is refused, the first failure keeps the rest from being tried.
func (a *applier) batch(ctx context.Context, changes []Change, goOn bool) (failed []Failure, pending []Change) {
	var mu sync.Mutex // guards next, stop, failed and the result
	next, stop := 0, false
	work := func() {
		for {
			mu.Lock()
			if stop || next == len(changes) || ctx.Err() != nil {
				mu.Unlock()
				return
			}
			c := changes[next]
			next++
			mu.Unlock()
			err := a.change(ctx, c)
			mu.Lock()
			if err == nil {
				a.result.Applied = append(a.result.Applied, c)
			} else {
				failed = append(failed, Failure{c, err})
				stop = stop || !goOn || !errors.Is(err, ErrRefused)
			}
			mu.Unlock()
		}
	}
	var wg sync.WaitGroup
	for range min(a.parallel, len(changes)) {
		wg.Go(work)
	}
	wg.Wait()
	return failed, changes[next:]
}

func (a *applier) change(ctx context.Context, c Change) error {
	key := c.Item.Key
	if c.Op != Create {
		revision, err := a.target.Revision(ctx, key)
		switch {
		case c.Op == Delete && errors.Is(err, ErrNotFound):
			return nil
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		case revision != c.Revision:
			return fmt.Errorf("%s: %w", key, ErrChanged)
		}
	}
	switch {
	case c.Op == Delete:
		return a.target.Delete(ctx, key)
	case c.Patch != nil:
		return a.target.Patch(ctx, key, c.Patch)
	}
	return a.target.Put(ctx, key, c.Item.Value)
}

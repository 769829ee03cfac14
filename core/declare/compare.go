package declare

import (
	"maps"
	"slices"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/internal/jsonschema"
)

// Op is what a change does.
type Op string

// The operations.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
)

// Change is what has to be done to one resource.
type Change struct {
	Op    Op
	Item  Item     // as it is wanted; for a deletion as it is
	Paths []string // of what differs, for an update
	// Before and After are the values as they are to be shown: without what only one of them spells out, a default.
	Before, After map[string]any
	// Patch is what to send instead of the whole value, so that a private key that is not known here stays; nil: the whole value.
	Patch map[string]any
	// Revision is that of the resource that the change was made from; 0 for a creation.
	Revision int64
}

// Scope says how two configurations are compared.
type Scope struct {
	Catalog *config.Catalog // knows the defaults of plugins
	// Labels are those of the resources that are to be compared; whatever else the gateway has is left alone. Empty: all resources.
	Labels map[string]string
	// Keep leaves alone what the document does not have.
	Keep bool
	// Keys has certificates written that have a private key in the document, whether or not they differ.
	Keys bool
}

// Compare returns what leads from what a gateway has to what the document wants: first what to create and update, with what is referred to
// first, then what to delete, the other way round. The problems are resources that cannot be brought to the gateway; a document with a
// problem that is no warning must not be applied.
func Compare(want *Document, have []Item, s Scope) ([]Change, []Problem) {
	c := comparison{
		scope: s, doc: want, wanted: newSelection(s.Labels, have, want.Items), had: newSelection(s.Labels, have),
		filler: filler{catalog: s.Catalog, schemas: map[string]*jsonschema.Schema{}},
	}
	left := make(map[string]Item, len(have))
	for _, it := range have {
		left[it.Key] = it
	}
	for _, it := range want.Items {
		old, known := left[it.Key]
		delete(left, it.Key)
		c.item(it, old, known)
	}
	if !s.Keep {
		c.deletions(slices.Collect(maps.Values(left)))
	}
	if want.Plugins != nil {
		c.problems = append(c.problems, Problem{Warning: true, Key: "plugins",
			Text: "the Admin API cannot say which plugins are enabled; the list is left out", Hint: "write it into config.yaml"})
	}
	return c.changes, SortProblems(c.problems)
}

type comparison struct {
	scope    Scope
	doc      *Document
	wanted   *selection
	had      *selection
	filler   filler
	changes  []Change
	problems []Problem
}

func (c *comparison) item(want, have Item, known bool) {
	switch {
	case !c.wanted.has(want):
		p := c.doc.problem(want, []string{"labels"}, "it does not have the labels "+spellLabels(c.scope.Labels)+" that are selected")
		p.Hint = "add them, so that it is found again"
		c.problems = append(c.problems, p)
	case known && !c.had.has(have):
		c.problems = append(c.problems, c.doc.problem(want, nil,
			"the gateway has it without the labels "+spellLabels(c.scope.Labels)+": it belongs to somebody else"))
	case known:
		c.update(want, have)
	case lacksKey(want):
		p := c.doc.problem(want, nil, "the private key is not in the file, and the gateway does not have the certificate: it is left out")
		p.Hint, p.Warning = `write the property "key"`, true
		c.problems = append(c.problems, p)
	default:
		c.changes = append(c.changes, Change{Op: Create, Item: want, After: want.Value})
	}
}

func (c *comparison) update(want, have Item) {
	wanted, had := shown(want, have)
	rewrite := c.scope.Keys && want.Kind.Name == "ssls" && !lacksKey(want)
	if equal(wanted, had) && !rewrite {
		return
	}
	fullWant, fullHave := c.filler.fill(want, wanted), c.filler.fill(have, had)
	paths := differences(fullWant, fullHave, nil)
	if len(paths) == 0 && !rewrite {
		return
	}
	change := Change{Op: Update, Item: want, After: wanted, Revision: have.Revision}
	change.Before, _ = reconcile(view{wanted, true, fullWant}, view{had, true, fullHave}).(map[string]any)
	for _, path := range paths {
		change.Paths = append(change.Paths, spell(fullWant, path))
	}
	if lacksKey(want) {
		change.Patch = mergePatch(wanted, had)
	}
	c.changes = append(c.changes, change)
}

// deletions adds what the document does not have. What belongs to a resource goes with it.
func (c *comparison) deletions(items []Item) {
	Sort(items)
	slices.Reverse(items)
	gone := make(map[string]bool, len(items))
	var list []Item
	for _, it := range items {
		if it.Kind.Identity == config.Single || !c.had.owns(it) {
			continue
		}
		gone[it.Key] = true
		list = append(list, it)
	}
	for _, it := range list {
		owner, _ := it.Kind.SplitID(it.ID)
		if it.Kind.Parent == "" || !gone[it.Kind.Parent+"/"+owner] {
			c.changes = append(c.changes, Change{Op: Delete, Item: it, Before: it.Value, Revision: it.Revision})
		}
	}
}

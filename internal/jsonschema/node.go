package jsonschema

import "github.com/polygate/polygate/internal/regex"

// node is one compiled schema. Rules that the schema does not have are nil.
type node struct {
	verdict *bool // of the schemas true and false, which have nothing else

	types    []string
	object   *objectRules
	array    *arrayRules
	text     *textRules
	number   *numberRules
	enum     []any // nil if absent
	hasEnum  bool
	combined combinedRules
	names    *bool // propertyNames, if it is a boolean
	format   *format
	constant *any
	contains *containsRule
}

// objectRules are the checks of objects.
type objectRules struct {
	properties   []property // by name
	known        map[string]struct{}
	required     []string     // those that are not among the properties
	dependencies []dependency // those of what is not among the properties
	patterns     []patternRule
	additional   *node // nil if any are allowed
	min, max     *float64
	mustBeEmpty  bool // required is an empty list
}

// property is one of the properties of a schema.
type property struct {
	name       string
	node       *node
	required   bool
	fallback   any // the default; nil if there is none
	dependency *dependency
}

// dependency is what must hold if a property is set: other properties, or a schema.
type dependency struct {
	name     string
	required []string
	node     *node
}

// patternRule is one of the patternProperties.
type patternRule struct {
	re   *regex.Regexp
	node *node
}

// arrayRules are the checks of arrays. At most one of all, each and tuple is set.
type arrayRules struct {
	all        *bool // items, if it is a boolean
	each       *node
	tuple      []*node
	additional *node // of a tuple; nil if any are allowed
	min, max   *float64
	unique     bool
}

// textRules are the checks of strings.
type textRules struct {
	min, max *float64
	re       *regex.Regexp
}

// numberRules are the checks of numbers.
type numberRules struct {
	min, max, above, below, multipleOf *float64
}

// combinedRules are other schemas that apply to the same value.
type combinedRules struct {
	allOf, anyOf, oneOf            []*node
	hasAnyOf, hasOneOf             bool
	required                       string // the lists of required properties in anyOf, for its message
	condition, whenTrue, whenFalse *node
	not                            *node
}

// containsRule is contains as a boolean or as a schema.
type containsRule struct {
	verdict *bool
	node    *node
}

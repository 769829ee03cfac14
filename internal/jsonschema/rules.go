package jsonschema

import (
	"slices"
	"strings"
)

// fill compiles all keywords into n.
func (k *keywords) fill(n *node) {
	n.types = k.types()
	n.object = k.objectRules()
	n.array = k.arrayRules()
	n.text = k.textRules()
	n.number = k.numberRules()
	n.hasEnum = k.has("enum")
	n.enum = k.list("enum")
	n.combined = k.combinedRules()
	n.names = k.bool("propertyNames")
	if name, _ := k.m["format"].(string); name != "" {
		n.format = k.formatOf(name)
	}
	if v, ok := k.m["const"]; ok {
		n.constant = &v
	}
	if verdict := k.bool("contains"); verdict != nil {
		n.contains = &containsRule{verdict: verdict}
	} else if node := k.schema("contains"); node != nil {
		n.contains = &containsRule{node: node}
	}
}

func (k *keywords) types() []string {
	var types []string
	if s, ok := k.m["type"].(string); ok {
		types = []string{s}
	} else {
		types = k.strings("type")
	}
	for _, t := range types {
		switch t {
		case "object", "array", "table", "integer", "string", "boolean", "number", "null", "function":
		default:
			k.fail("invalid JSON type: %s", t)
		}
	}
	return types
}

func (k *keywords) objectRules() *objectRules {
	o := &objectRules{
		min:         k.float("minProperties"),
		max:         k.float("maxProperties"),
		mustBeEmpty: k.has("required") && len(k.strings("required")) == 0,
	}
	dependencies := k.dependencies()
	required := k.strings("required")
	properties := k.object("properties")
	for _, name := range sortedKeys(properties) {
		schema := properties[name]
		o.properties = append(o.properties, property{
			name:       name,
			node:       k.sub(schema, "properties", name),
			required:   slices.Contains(required, name),
			fallback:   fallbackOf(schema),
			dependency: dependencies[name],
		})
		delete(dependencies, name)
	}
	for _, name := range required {
		if _, ok := properties[name]; !ok {
			o.required = append(o.required, name)
		}
	}
	for _, d := range dependencies {
		o.dependencies = append(o.dependencies, *d)
	}
	slices.SortFunc(o.dependencies, func(a, b dependency) int { return strings.Compare(a.name, b.name) })
	k.openProperties(o, properties)
	if len(o.properties)+len(o.required)+len(o.dependencies)+len(o.patterns) == 0 && o.additional == nil &&
		o.min == nil && o.max == nil && !o.mustBeEmpty {
		return nil
	}
	return o
}

// openProperties compiles patternProperties and additionalProperties.
func (k *keywords) openProperties(o *objectRules, properties map[string]any) {
	patterns := k.object("patternProperties")
	for _, pattern := range sortedKeys(patterns) {
		o.patterns = append(o.patterns, patternRule{
			re:   k.regex(pattern),
			node: k.sub(patterns[pattern], "patternProperties", pattern),
		})
	}
	if allowed := k.bool("additionalProperties"); allowed == nil || !*allowed {
		o.additional = k.schema("additionalProperties")
	}
	if o.additional != nil {
		o.known = make(map[string]struct{}, len(properties))
		for name := range properties {
			o.known[name] = struct{}{}
		}
	}
}

// fallbackOf returns the default that a property's schema names. null is none.
func fallbackOf(schema any) any {
	m, _ := schema.(map[string]any)
	return m["default"]
}

func (k *keywords) dependencies() map[string]*dependency {
	all := k.object("dependencies")
	out := make(map[string]*dependency, len(all))
	for name, v := range all {
		d := &dependency{name: name}
		if list, ok := v.([]any); ok && len(list) > 0 {
			for _, e := range list {
				s, ok := e.(string)
				if !ok {
					k.fail("dependencies of %q has an element that is not a string", name)
				}
				d.required = append(d.required, s)
			}
		} else {
			d.node = k.sub(v, "dependencies", name)
		}
		out[name] = d
	}
	return out
}

func (k *keywords) arrayRules() *arrayRules {
	a := &arrayRules{
		all:    k.bool("items"),
		min:    k.float("minItems"),
		max:    k.float("maxItems"),
		unique: k.has("uniqueItems"),
	}
	if list, ok := k.m["items"].([]any); ok && len(list) > 0 {
		a.tuple = k.schemas("items")
		if allowed := k.bool("additionalItems"); allowed == nil || !*allowed {
			a.additional = k.schema("additionalItems")
		}
	} else if a.all == nil {
		a.each = k.schema("items")
	}
	if a.all == nil && a.each == nil && a.tuple == nil && a.min == nil && a.max == nil && !a.unique {
		return nil
	}
	return a
}

func (k *keywords) textRules() *textRules {
	t := &textRules{min: k.float("minLength"), max: k.float("maxLength")}
	if k.has("pattern") {
		pattern, ok := k.m["pattern"].(string)
		if !ok {
			k.fail("pattern is not a string")
			return nil
		}
		t.re = k.regex(pattern)
	}
	if t.min == nil && t.max == nil && t.re == nil {
		return nil
	}
	return t
}

func (k *keywords) numberRules() *numberRules {
	n := &numberRules{min: k.float("minimum"), max: k.float("maximum"), multipleOf: k.float("multipleOf")}
	// Draft 4 says with a boolean whether the limit itself is excluded.
	if excluded := k.bool("exclusiveMinimum"); excluded == nil {
		n.above = k.float("exclusiveMinimum")
	} else if *excluded {
		n.above, n.min = n.min, nil
	}
	if excluded := k.bool("exclusiveMaximum"); excluded == nil {
		n.below = k.float("exclusiveMaximum")
	} else if *excluded {
		n.below, n.max = n.max, nil
	}
	if n.multipleOf != nil && *n.multipleOf <= 0 {
		k.fail("multipleOf is not greater than 0")
	}
	if *n == (numberRules{}) {
		return nil
	}
	return n
}

func (k *keywords) combinedRules() combinedRules {
	c := combinedRules{
		allOf:    k.schemas("allOf"),
		anyOf:    k.schemas("anyOf"),
		oneOf:    k.schemas("oneOf"),
		hasAnyOf: k.has("anyOf"),
		hasOneOf: k.has("oneOf"),
		required: k.requiredOfAny(),
	}
	if k.has("not") {
		c.not = k.schema("not")
	}
	if !k.has("if") {
		return c
	}
	c.condition = k.schema("if")
	if k.has("then") {
		c.whenTrue = k.schema("then")
	}
	if k.has("else") {
		c.whenFalse = k.schema("else")
	}
	return c
}

// requiredOfAny returns the part of anyOf's message that lists what its alternatives require.
func (k *keywords) requiredOfAny() string {
	var lists []string
	for _, v := range k.list("anyOf") {
		m, _ := v.(map[string]any)
		sub := &keywords{at: k.at, m: m}
		if !sub.has("required") {
			continue
		}
		lists = append(lists, encodeList(sub.strings("required")))
	}
	if len(lists) == 0 {
		return ""
	}
	return ": " + strings.Join(lists, " or ")
}

package arch

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// rule is something that holds for the whole tree.
type rule struct {
	name  string
	check func(*tree) []string // what breaks it, each as "place: what"

	// bad is a small tree that breaks the rule, and broken is the part of the complaint that proves it.
	bad    map[string]string
	broken string
}

func rules() []rule {
	var list []rule
	list = append(list, importRules()...)
	list = append(list, sizeRules()...)
	list = append(list, nameRules()...)
	list = append(list, documentRules()...)
	return append(list, textRules()...)
}

func TestTree(t *testing.T) {
	tree, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.files) < 10 {
		t.Fatalf("got %d Go files, want the whole tree", len(tree.files))
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, complaint := range r.check(tree) {
				t.Error(complaint)
			}
		})
	}
}

// TestRules proves of every rule that it can fail.
func TestRules(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			bad := fstest.MapFS{}
			for name, data := range r.bad {
				bad[name] = &fstest.MapFile{Data: []byte(data)}
			}
			tree, err := load(bad)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(r.check(tree), "\n")
			if !strings.Contains(got, r.broken) {
				t.Errorf("got complaints %q, want one with %q", got, r.broken)
			}
		})
	}
}

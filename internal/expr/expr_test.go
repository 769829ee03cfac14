package expr

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// vars are variables by name: strings for Var, anything for Value.
type vars map[string]any

func (v vars) Var(name string) (string, bool) {
	s, ok := v[name].(string)
	return s, ok
}

func (v vars) Value(name string) (any, bool) {
	x, ok := v[name]
	return x, ok
}

func TestEval(t *testing.T) {
	request := vars{
		"arg_k": "v", "arg_n": "11", "arg_hex": "0x10", "arg_empty": "", "remote_addr": "127.0.0.1", "v6": "[::1]", "upper": "ABC",
		"post_arg.n": json.Number("5"), "post_arg.f": 5.5, "post_arg.b": true, "post_arg.s": "5", "post_arg.null": nil,
		"post_arg.list": []any{"a", json.Number("1"), true, nil}, "post_arg.object": map[string]any{"a": "b"},
		"graphql_root_fields": []any{"owner", "repo"}, "roles": []string{"admin", "user"}, "int": 7, "int64": int64(8),
	}
	many := `"a0","a1","a2","a3","a4","a5","a6","a7","v"`
	tests := []struct {
		name string
		expr string
		want bool
	}{
		{"nothing", ``, true},
		{"null", `null`, true},
		{"empty", `[]`, true},
		{"empty object", `{}`, true},
		{"equal", `[["arg_k","==","v"]]`, true},
		{"equal, other", `[["arg_k","==","w"]]`, false},
		{"equal, absent", `[["arg_x","==","w"]]`, false},
		{"equal, empty", `[["arg_empty","==",""]]`, true},
		{"short form", `[["arg_k","v"]]`, true},
		{"short form reads capitals as small letters", `[["upper","ABC"]]`, false},
		{"short form with a number", `[["post_arg.s",5]]`, true},
		{"equal, number", `[["arg_n","==",11]]`, true},
		{"equal, number in hexadecimal", `[["arg_hex","==",16]]`, true},
		{"equal, number and word", `[["arg_k","==",11]]`, false},
		{"equal, number as text", `[["arg_n","==","11.0"]]`, false},
		{"equal, null and absent", `[["arg_x","==",null]]`, true},
		{"equal, null and present", `[["arg_k","==",null]]`, false},
		{"equal, table", `[["arg_k","==",["v"]]]`, false},
		{"equal, boolean and text", `[["arg_k","==",true]]`, false},
		{"not equal", `[["arg_k","~=","w"]]`, true},
		{"not equal, same", `[["arg_k","~=","v"]]`, false},
		{"not equal, absent", `[["arg_x","~=","v"]]`, true},
		{"not equal, number", `[["arg_n","~=",11]]`, false},
		{"not equal, number and word", `[["arg_k","~=",11]]`, true},
		{"not equal, null", `[["arg_k","~=",null]]`, true},
		{"not equal, table", `[["arg_k","~=",{}]]`, true},

		{"greater", `[["arg_n",">",10]]`, true},
		{"greater, same", `[["arg_n",">",11]]`, false},
		{"greater, text", `[["arg_n",">","10"]]`, true},
		{"greater, word on the left", `[["arg_k",">",10]]`, false},
		{"greater, word on the right", `[["arg_n",">","x"]]`, false},
		{"greater, absent", `[["arg_x",">",10]]`, false},
		{"greater or equal", `[["arg_n",">=",11]]`, true},
		{"less", `[["arg_n","<",11]]`, false},
		{"less or equal", `[["arg_n","<=",11]]`, true},
		{"less, no number to compare with", `[["arg_n","<",null]]`, false},

		{"match", `[["arg_n","~~","^[0-9]+$"]]`, true},
		{"match, other", `[["arg_n","~~","^[a-z]+$"]]`, false},
		{"match, absent", `[["arg_x","~~",".*"]]`, false},
		{"match, capitals", `[["upper","~~","abc"]]`, false},
		{"match, number as pattern", `[["arg_n","~~",1]]`, true},
		{"match without case", `[["upper","~*","abc"]]`, true},
		{"match with look-ahead", `[["arg_k","~~","^(?!x)"]]`, true},

		{"in", `[["arg_k","in",["u","v"]]]`, true},
		{"in, absent", `[["arg_x","in",["u",null]]]`, false},
		{"in, numbers are no texts", `[["arg_n","IN",[11]]]`, false},
		{"in, no array", `[["arg_k","in","v"]]`, false},
		{"in, object", `[["arg_k","in",{"a":"v"}]]`, false},
		{"in, nothing", `[["arg_k","in"]]`, false},
		{"in, many", `[["arg_k","in",[` + many + `]]]`, true},
		{"in, not among many", `[["arg_n","in",[` + many + `,11]]]`, false},
		{"in, number among many", `[["post_arg.n","in",[` + many + `,5]]]`, true},
		{"in, typed", `[["post_arg.b","in",[false,true]]]`, true},

		{"has", `[["graphql_root_fields","has","owner"]]`, true},
		{"has, other", `[["graphql_root_fields","has","x"]]`, false},
		{"has, strings", `[["roles","has","admin"]]`, true},
		{"has, number", `[["post_arg.list","has",1]]`, true},
		{"has, boolean", `[["post_arg.list","has",true]]`, true},
		{"has, null", `[["post_arg.list","has",null]]`, false},
		{"has, no list", `[["arg_k","has","v"]]`, false},
		{"has, object", `[["post_arg.object","has","b"]]`, false},
		{"has, absent", `[["arg_x","has","v"]]`, false},
		{"has, plain integers", `[["int","has",7]]`, false},

		{"ipmatch", `[["remote_addr","ipmatch","127.0.0.0/16"]]`, true},
		{"ipmatch, list", `[["remote_addr","ipmatch",["10.0.0.1","127.0.0.1"]]]`, true},
		{"ipmatch, other", `[["remote_addr","ipmatch",["10.0.0.1"]]]`, false},
		{"ipmatch, brackets", `[["v6","ipmatch","::/64"]]`, true},
		{"ipmatch, no address", `[["arg_k","ipmatch","::/0"]]`, false},
		{"ipmatch, absent", `[["arg_x","ipmatch","::/0"]]`, false},
		{"ipmatch, number", `[["post_arg.n","ipmatch","::/0"]]`, false},

		{"typed number", `[["post_arg.n","==",5]]`, true},
		{"typed number, fraction", `[["post_arg.f",">",5]]`, true},
		{"typed number is no text", `[["post_arg.n","==","5"]]`, false},
		{"typed number, match", `[["post_arg.f","~~","^5\\.5$"]]`, true},
		{"typed text", `[["post_arg.s","==",5]]`, true},
		{"typed boolean", `[["post_arg.b","==",true]]`, true},
		{"typed boolean is no number", `[["post_arg.b",">",0]]`, false},
		{"typed boolean, match", `[["post_arg.b","~~","true"]]`, false},
		{"typed null", `[["post_arg.null","==",null]]`, true},
		{"typed table", `[["post_arg.list","==",["a"]]]`, false},

		{"negated", `[["arg_n","!",">",10]]`, false},
		{"negated, no match", `[["arg_n","!",">",15]]`, true},
		{"negated in", `[["arg_k","!","in",["v"]]]`, false},
		{"negated ipmatch", `[["remote_addr","!","ipmatch","10.0.0.0/8"]]`, true},
		{"negated match, absent", `[["arg_x","!","~~","a"]]`, true},

		{"and by default", `[["arg_k","==","v"],["arg_n","==","12"]]`, false},
		{"and by default, both", `[["arg_k","==","v"],["arg_n","==","11"]]`, true},
		{"or", `["OR",["arg_k","==","w"],["arg_n","==","11"]]`, true},
		{"or, none", `["or",["arg_k","==","w"],["arg_n","==","12"]]`, false},
		{"and", `["AND",["arg_k","==","v"],["arg_n","==","11"]]`, true},
		{"not or", `["!OR",["arg_k","==","w"],["arg_n","==","12"]]`, true},
		{"not or, one", `["!OR",["arg_k","==","v"],["arg_n","==","12"]]`, false},
		{"not and", `["!AND",["arg_k","==","v"],["arg_n","==","12"]]`, true},
		{"not and, both", `["!and",["arg_k","==","v"],["arg_n","==","11"]]`, false},
		{"nested", `[["arg_k","==","v"],["OR",["arg_n",">",100],["AND",["arg_n",">",10],["!OR",["arg_n",">",11],["arg_n","<",11]]]]]`, true},
		{"list in a list", `[[["arg_k","==","v"],["arg_n","==",11]]]`, true},
		{"five elements, the rest is ignored", `[["arg_k","==","v","x","y"]]`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Compile(json.RawMessage(tt.expr))
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Eval(request); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNilMatches(t *testing.T) {
	var e *Expr
	if !e.Eval(vars{}) || !new(Expr).Eval(vars{}) {
		t.Error("got false, want true")
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		name string
		expr string
		want string
	}{
		{"unknown operator", `[["arg_k","=","v"]]`, "invalid operator '='"},
		{"unknown operator in capitals", `[["arg_k","INVALID",10]]`, "invalid operator 'invalid'"},
		{"number as operator", `[["arg_k",5,10]]`, "invalid operator '5'"},
		{"negation without operator", `[["arg_k","!","=="]]`, "invalid operator '!'"},
		{"null as operator", `[["arg_k",null,10]]`, "invalid expression"},
		{"name only", `[["arg_k"]]`, "invalid expression"},
		{"name is a number", `[[5,"==","v"]]`, "invalid expression"},
		{"name is null", `[[null,"==","v"]]`, "invalid expression"},
		{"short form with a boolean", `[["arg_k",true]]`, "invalid expression"},
		{"text among expressions", `[["arg_k","v"],"x"]`, "invalid expression"},
		{"text as operand of OR", `["OR","a","b"]`, "invalid expression"},
		{"empty expression", `[[]]`, "rule too short"},
		{"empty expression, object", `[{}]`, "rule too short"},
		{"OR with one operand", `["OR",["arg_k",">",10]]`, "rule too short"},
		{"AND without operands, nested", `["OR",["arg_k",">",10],["AND"]]`, "rule too short"},
		{"negation at the start", `[["!","arg_k","==","1"]]`, "bad 'not' expression"},
		{"no brackets", `["arg_k","==","v"]`, "rule should be wrapped inside brackets"},
		{"no array", `"arg_k"`, "rule should be wrapped inside brackets"},
		{"null first", `[null]`, "rule should be wrapped inside brackets"},
		{"address missing", `[["remote_addr","ipmatch"]]`, "invalid ip address"},
		{"address null", `[["remote_addr","ipmatch",null]]`, "invalid ip address"},
		{"address empty", `[["remote_addr","ipmatch",""]]`, "invalid ip address"},
		{"addresses empty", `[["remote_addr","ipmatch",[]]]`, "invalid ip address"},
		{"address among addresses null", `[["remote_addr","ipmatch",[null]]]`, "invalid ip address"},
		{"address wrong", `[["remote_addr","ipmatch","127.0.0.1/x"]]`, "invalid ip address: 127.0.0.1/x"},
		{"address among addresses wrong", `[["remote_addr","ipmatch",["::1","y"]]]`, "invalid ip address: y"},
		{"address is a number", `[["remote_addr","ipmatch",5]]`, "invalid ip address"},
		{"pattern wrong", `[["arg_k","~~","("]]`, `compile operand of "arg_k": regular expression "(": missing )`},
		{"pattern is null", `[["arg_k","~~",null]]`, "invalid expression"},
		{"no JSON", `[`, "decode expression: unexpected EOF"},
		{"two documents", `[] []`, "decode expression: something stands behind it"},
		{"nested too deeply", strings.Repeat("[", 70) + `"a","b"` + strings.Repeat("]", 70), "expression is nested more than 64 levels deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Compile(json.RawMessage(tt.expr)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestEvalDoesNotAllocate(t *testing.T) {
	request := stringVars()
	for _, text := range []string{
		`[["a","==","x"],["a","~=","y"],["n","==",10],["n",">","5"],["n","<=",10]]`,
		`[["a","~~","^x$"],["A","!","~*","^x$"],["a","in",["x","y"]],["ip","ipmatch",["10.0.0.0/8","::/0"]]]`,
		`["OR",["a","==",1],["a","in",["1","2","3","4","5","6","7","8"]],["!AND",["a","x"],["a","y"]]]`,
	} {
		e, err := Compile(json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		if !e.Eval(request) {
			t.Errorf("%s: got false, want true", text)
		}
		if n := testing.AllocsPerRun(100, func() { e.Eval(request) }); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", text, n)
		}
	}
}

// plainVars are variables that are strings, read without an allocation.
type plainVars map[string]string

func (v plainVars) Var(name string) (string, bool) { s, ok := v[name]; return s, ok }
func (v plainVars) Value(string) (any, bool)       { return nil, false }

func stringVars() Vars {
	return plainVars{"a": "x", "A": "Y", "n": "10", "ip": "10.1.2.3", "arg_name": "jack"}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	e, err := Compile(json.RawMessage(`[["a","~~","^(?!y)x$"],["ip","ipmatch","10.0.0.0/8"],["a","in",["x","y"]]]`))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if !e.Eval(stringVars()) {
					t.Error("got false, want true")
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompile(f *testing.F) {
	f.Add(`[["a","==","x"],["OR",["n",">",5],["a","!","in",["x",1,null]]]]`, "x")
	f.Add(`["!AND",["a","~~","^(?=x)(a+)+\\1$"],["ip","ipmatch",["::/0","10.0.0.0/8"]]]`, "10.1.2.3")
	f.Add(`[["post_arg.a","has",{"a":1}],["a",5],[["a","~*",5]]]`, "0x1F")
	f.Fuzz(func(t *testing.T, text, s string) {
		e, err := Compile(json.RawMessage(text))
		if err != nil {
			return
		}
		everything := constantVars(s)
		if first, second := e.Eval(everything), e.Eval(everything); first != second {
			t.Errorf("%s: got %v and then %v", text, first, second)
		}
	})
}

// constantVars has the same value for every variable.
type constantVars string

func (v constantVars) Var(string) (string, bool) { return string(v), true }
func (v constantVars) Value(name string) (any, bool) {
	if len(name)%2 == 0 {
		return []any{string(v), nil, json.Number("1"), true}, true
	}
	return string(v), true
}

func BenchmarkEval(b *testing.B) {
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, fmt.Sprintf("%q", fmt.Sprint("name", i)))
	}
	hundred[50] = `"jack"`
	for _, bb := range []struct{ name, expr string }{
		{"equal", `[["arg_name","==","jack"]]`},
		{"number", `[["n",">",5]]`},
		{"regex", `[["arg_name","~~","^[a-z]+$"]]`},
		{"look-ahead", `[["arg_name","~~","^(?!x)[a-z]+$"]]`},
		{"in 100", `[["arg_name","in",[` + strings.Join(hundred, ",") + `]]]`},
		{"ipmatch", `[["ip","ipmatch",["10.0.0.0/8","192.168.0.0/16"]]]`},
		{"nested", `[["arg_name","==","jack"],["OR",["n",">",50],["AND",["n",">",5],["n","<",20]]]]`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			e, err := Compile(json.RawMessage(bb.expr))
			if err != nil {
				b.Fatal(err)
			}
			request := stringVars()
			b.ReportAllocs()
			for b.Loop() {
				if !e.Eval(request) {
					b.Fatal("got false, want true")
				}
			}
		})
	}
}

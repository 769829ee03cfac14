package core_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Routes are chosen by what is in the body, which still reaches the upstream.
func TestBodyVariables(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	upstream := upstreamOf(serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d bytes", len(body))
	}))
	const multi = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nopenai\r\n--b--\r\n"
	tests := []struct {
		name, vars, method, target, contentType, body string
		status                                        int
	}{
		{"a property", `[["post_arg.model","==","openai"]]`, "POST", "/", "application/json", `{"model":"openai"}`, 200},
		{"with a charset", `[["post_arg.model","==","openai"]]`, "POST", "/", "application/json; charset=utf-8", `{"model":"openai"}`, 200},
		{"another value", `[["post_arg.model","==","openai"]]`, "POST", "/", "application/json", `{"model":"other"}`, 404},
		{"a property of a property", `[["post_arg.a.b",">",4]]`, "POST", "/", "application/json", `{"a":{"b":5}}`, 200},
		{"through what is no object", `[["post_arg.a.b","==","x"]]`, "POST", "/", "application/json", `{"a":"x"}`, 404},
		{"all items", `[["post_arg.m[*].role","has","user"]]`, "POST", "/", "application/json", `{"m":[{"role":"x"},{"role":"user"}]}`, 200},
		{"no item", `[["post_arg.m[*].role","has","user"]]`, "POST", "/", "application/json", `{"m":[]}`, 404},
		{"not JSON", `[["post_arg.model","==","openai"]]`, "POST", "/", "application/json", `{"model"`, 404},
		{"a form", `[["post_arg.model","==","openai"]]`, "POST", "/", "application/x-www-form-urlencoded", `x=1&model=openai`, 200},
		{"a form's field", `[["post_arg_model","==","openai"]]`, "POST", "/", "application/x-www-form-urlencoded", `x=1&model=openai`, 200},
		{"parts", `[["post_arg.model","==","openai"]]`, "POST", "/", "multipart/form-data; boundary=b", multi, 200},
		{"no content type", `[["post_arg.model","==","openai"]]`, "POST", "/", "", `{"model":"openai"}`, 404},
		{"a query's name", `[["graphql_name","==","repo"]]`, "POST", "/", "application/graphql", `query repo { a }`, 200},
		{"an operation", `[["graphql_operation","==","mutation"]]`, "POST", "/", "application/json", `{"query":"mutation { a }"}`, 200},
		{"another operation", `[["graphql_operation","==","mutation"]]`, "POST", "/", "application/json", `{"query":"{ a }"}`, 404},
		{"root fields", `[["graphql_root_fields","has","b"]]`, "POST", "/", "", `query { a b }`, 200},
		{"in the query", `[["graphql_name","==","repo"]]`, "GET", "/?query=query%20repo%20%7Ba%7D", "", "", 200},
		{"no GraphQL", `[["graphql_name","==","repo"]]`, "POST", "/", "", `hello`, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.put("routes/1", `{"uri":"/*","vars":#,"upstream":#}`, tt.vars, upstream)
			req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://"+g.addr+tt.target, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.contentType != "" {
				req.Header.Set("Content-Type", tt.contentType)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status {
				t.Fatalf("got %d %q, want %d", resp.StatusCode, got, tt.status)
			}
			if want := fmt.Sprintf("%d bytes", len(tt.body)); tt.status == 200 && string(got) != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

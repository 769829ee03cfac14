package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestADC has ADC (github.com/api7/adc) declare a configuration, in a gateway with a store and in one without. The environment variable
// ADC is the command that runs it; without it there must be a program adc.
func TestADC(t *testing.T) {
	command := strings.Fields(os.Getenv("ADC"))
	if len(command) == 0 {
		path, err := exec.LookPath("adc")
		if err != nil {
			// No package of Debian has it, so that CI does without.
			const want = "there is no program adc (https://github.com/api7/adc/releases); put it on the path, or name it in ADC"
			fmt.Fprintln(os.Stderr, "NOT TESTED: TestADC:", want)
			t.Skip(want)
		}
		command = []string{path}
	}
	for _, tt := range []struct {
		backend    string
		deployment map[string]any
	}{
		{"apisix", nil},
		{"apisix-standalone", map[string]any{"role_traditional": map[string]any{"config_provider": "yaml"}}},
	} {
		t.Run(tt.backend, func(t *testing.T) {
			g := newGateway(t, tt.deployment)
			a := &adc{t: t, command: command, backend: tt.backend, g: g, dir: t.TempDir()}
			_, port, _ := strings.Cut(newUpstream(t), ":")
			for _, mark := range []string{"first", "second"} {
				a.declare("UPSTREAM", port, "MARK", mark)
				a.run("validate", "-f", "adc.yaml")
				a.run("sync", "-f", "adc.yaml")
				a.same("adc.yaml")
				testDeclared(t, g, mark)
			}
			a.run("dump", "-o", "dump.yaml")
			a.same("dump.yaml")
		})
	}
}

// testDeclared sends requests to what testdata/adc.yaml declares.
func testDeclared(t *testing.T, g *gateway, mark string) {
	t.Helper()
	for _, tt := range []struct {
		path, key string
		status    int
		body      string
		mark      string // of the other route
	}{
		{"/items?v=2", "", 200, "/items ", mark},
		{"/items?v=1", "", 401, "Missing API key", ""},
		{"/items?v=1", "alice-key", 200, "/items alice", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.data+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "shop.example.com"
		if tt.key != "" {
			req.Header.Set("X-Key", tt.key)
		}
		poll(t, tt.path+" with the key "+tt.key, func() error {
			got := do(t, http.DefaultClient, req)
			if got.status != tt.status || !strings.Contains(got.body, tt.body) || got.header.Get("X-Mark") != tt.mark {
				return fmt.Errorf("got %d %s with mark %q, want %d %s with %q", got.status, got.body, got.header.Get("X-Mark"), tt.status, tt.body, tt.mark)
			}
			return nil
		})
	}
}

// adc runs ADC against a gateway.
type adc struct {
	t       *testing.T
	command []string
	backend string
	g       *gateway
	dir     string // where it runs
}

// declare writes testdata/adc.yaml with words replaced.
func (a *adc) declare(words ...string) {
	a.t.Helper()
	text, err := os.ReadFile("testdata/adc.yaml")
	if err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "adc.yaml"), []byte(strings.NewReplacer(words...).Replace(string(text))), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *adc) run(args ...string) {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), a.command[0], append(a.command[1:len(a.command):len(a.command)], args...)...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "ADC_BACKEND="+a.backend, "ADC_SERVER=http://"+a.g.admin, "ADC_TOKEN="+adminKey)
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("adc %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// same checks that ADC finds no difference between a file and the gateway.
func (a *adc) same(file string) {
	a.t.Helper()
	path := filepath.Join(a.dir, "diff.yaml") // ADC writes it
	if err := os.RemoveAll(path); err != nil {
		a.t.Fatal(err)
	}
	a.run("diff", "-f", file)
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		a.t.Fatal(err)
	}
	var events []map[string]any
	if err := yaml.Unmarshal(text, &events); err != nil {
		a.t.Fatal(err)
	}
	for _, e := range events {
		// ADC takes a member that APISIX adds to the metadata of plugins for a difference.
		if e["resourceType"] != "plugin_metadata" {
			a.t.Errorf("adc diff -f %s finds a difference:\n%s", file, text)
			return
		}
	}
}

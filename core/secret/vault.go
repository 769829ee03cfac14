package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// vaultSettings is a secret resource of the kind vault (apisix/secret/vault.lua).
type vaultSettings struct {
	URI       string `json:"uri"`
	Prefix    string `json:"prefix"` // of the engine, such as "kv/apisix", and "kv/data/apisix" with version 2
	Token     string `json:"token"`
	Namespace string `json:"namespace"`
}

func parseVault(raw json.RawMessage) (settings, error) {
	var s vaultSettings
	if err := decode(raw, &s); err != nil {
		return nil, err
	}
	if err := need(setting{"uri", s.URI}, setting{"prefix", s.Prefix}, setting{"token", s.Token}); err != nil {
		return nil, err
	}
	if _, err := parseBase("uri", s.URI); err != nil {
		return nil, err
	}
	if strings.ContainsAny(s.URI, "?#") {
		return nil, errors.New("uri has a query or a fragment: write http://host:port or https://host")
	}
	if !oneLine(s.Namespace) {
		return nil, errors.New("namespace contains a line break or another control character")
	}
	return s, nil
}

func (s vaultSettings) backend(t tools) backend { return &vault{settings: s, tools: t} }

// vault reads HashiCorp Vault's key-value engines, version 1 and 2.
type vault struct {
	settings vaultSettings
	tools    tools
}

// places takes the last segment of a key for the field.
func (v *vault) places(key string) ([]place, error) {
	const form = "write $secret://vault/<id>/<path>/<field>"
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return nil, fmt.Errorf("the key %s has no field: %s", show(key), form)
	}
	main, field := strings.Trim(key[:i], "/"), key[i+1:]
	switch {
	case main == "":
		return nil, fmt.Errorf("the key %s has no path: %s", show(key), form)
	case field == "":
		return nil, fmt.Errorf("the key %s ends with a slash: %s", show(key), form)
	case climbs(main):
		return nil, fmt.Errorf("the key %s has . or .. for a segment: it must stay below the prefix of the manager", show(key))
	}
	return []place{{path: path.Clean(main), field: field}}, nil
}

// climbs tells whether a path leaves its parent, also after it is decoded.
func climbs(p string) bool {
	if decoded, err := url.PathUnescape(p); err == nil {
		p = decoded
	}
	return slices.ContainsFunc(strings.Split(p, "/"), func(s string) bool { return s == "." || s == ".." })
}

func (v *vault) read(ctx context.Context, p string) (*content, error) {
	token, err := v.tools.header("token", v.settings.Token)
	if err != nil {
		return nil, err
	}
	at := path.Clean("/v1/" + v.settings.Prefix + "/" + p)
	// What is escaped already stays as it is written.
	u, err := url.Parse(strings.TrimRight(v.settings.URI, "/") + strings.NewReplacer("?", "%3F", "#", "%23").Replace(at))
	if err != nil {
		return nil, &failure{err: fmt.Errorf("the path %s is not that of a URL", show(at)), advice: "escape a percent sign as %25"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, &failure{err: fmt.Errorf("make a request for %s: %w", show(at), err)}
	}
	req.Header.Set("X-Vault-Token", token)
	if v.settings.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", v.settings.Namespace)
	}
	got, err := v.tools.clients.send(req, true)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, vaultFailure(got, at, token)
	}
	return vaultContent(got.body, at)
}

// vaultFailure explains an answer other than 200.
func vaultFailure(got answer, at, token string) error {
	var body struct{ Errors, Warnings []string }
	text := ""
	if json.Unmarshal(got.body, &body) == nil {
		if said := slices.Concat(body.Errors, body.Warnings); len(said) > 0 {
			text = ": " + conceal(strings.Join(said, "; "), token)
		}
	}
	f := &failure{cause: statusCause(got.status)}
	f.err = fmt.Errorf("Vault answered %d for %s%s", got.status, show(at), text) //nolint:staticcheck // Vault is a name
	switch got.status {
	case http.StatusForbidden:
		f.advice = "check the token and that its policy lets it read this path"
	case http.StatusNotFound:
		f.advice = `check the path and the prefix, which ends with "/data" after the name of an engine of version 2`
	case http.StatusServiceUnavailable:
		f.advice = "check that Vault is unsealed"
	}
	return f
}

// vaultContent finds the fields: in data, and before those in data.data if the answer is that of an engine of version 2.
func vaultContent(body []byte, at string) (*content, error) {
	var got struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &got) != nil || got.Data == nil {
		return nil, &failure{err: fmt.Errorf("read %s: %w", show(at), errNoObject), advice: "check that uri is the address of Vault"}
	}
	c := &content{fields: got.Data}
	if bytes.HasPrefix(got.Data["metadata"], []byte("{")) && bytes.HasPrefix(got.Data["data"], []byte("{")) {
		if err := json.Unmarshal(got.Data["data"], &c.inner); err != nil {
			return nil, &failure{err: fmt.Errorf("read %s: %w", show(at), errNoObject)}
		}
	}
	return c, nil
}

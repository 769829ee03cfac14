package secret

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// gcpSettings is a secret resource of the kind gcp (apisix/secret/gcp.lua).
type gcpSettings struct {
	account account // zero if file is set
	file    string  // of a service account's key
	verify  bool    // the certificates of servers
}

// account is a service account of Google Cloud and how it is used.
type account struct {
	ClientEmail string `json:"client_email"`
	PrivateKey  string `json:"private_key"` // PEM
	ProjectID   string `json:"project_id"`
	TokenURI    string `json:"token_uri"`
	Scope       scope  `json:"scope"`
	EntriesURI  string `json:"entries_uri"`
}

var errScope = errors.New("scope is neither a string nor a list of strings")

// scope is one scope or a list of them, with spaces in between.
type scope string

// UnmarshalJSON accepts a string or a list of strings.
func (s *scope) UnmarshalJSON(data []byte) error {
	var list []string
	if json.Unmarshal(data, &list) == nil {
		*s = scope(strings.Join(list, " "))
		return nil
	}
	var one string
	if json.Unmarshal(data, &one) != nil {
		return errScope
	}
	*s = scope(one)
	return nil
}

func parseGCP(raw json.RawMessage) (settings, error) {
	var got struct {
		AuthConfig *account `json:"auth_config"`
		AuthFile   string   `json:"auth_file"`
		SSLVerify  *bool    `json:"ssl_verify"`
	}
	if err := decode(raw, &got); err != nil {
		return nil, err
	}
	s := gcpSettings{file: got.AuthFile, verify: got.SSLVerify == nil || *got.SSLVerify}
	if (got.AuthConfig == nil) == (got.AuthFile == "") {
		return nil, errors.New("one of auth_config and auth_file is needed, and not both")
	}
	if got.AuthConfig != nil {
		if err := got.AuthConfig.complete(); err != nil {
			return nil, fmt.Errorf("auth_config: %w", err)
		}
		s.account = *got.AuthConfig
	}
	return s, nil
}

// complete checks an account and fills its defaults.
func (a *account) complete() error {
	err := need(setting{"client_email", a.ClientEmail}, setting{"private_key", a.PrivateKey}, setting{"project_id", a.ProjectID})
	if err != nil {
		return err
	}
	a.TokenURI = cmp.Or(a.TokenURI, "https://oauth2.googleapis.com/token")
	a.EntriesURI = strings.TrimRight(cmp.Or(a.EntriesURI, "https://secretmanager.googleapis.com/v1"), "/")
	a.Scope = cmp.Or(a.Scope, "https://www.googleapis.com/auth/cloud-platform")
	if _, err := parseBase("token_uri", a.TokenURI); err != nil {
		return err
	}
	_, err = parseBase("entries_uri", a.EntriesURI)
	return err
}

func (s gcpSettings) backend(t tools) backend {
	return &gcp{settings: s, tools: t, turn: make(chan struct{}, 1)}
}

// gcp reads Google Cloud's Secret Manager.
type gcp struct {
	settings gcpSettings
	tools    tools
	turn     chan struct{} // of one element: the right to use token
	token    token         // guarded by turn, because it is held while a new one is asked for
}

// places takes the first segment of a key for the secret, and the rest for a field.
func (g *gcp) places(key string) ([]place, error) {
	main, field, hasField := strings.Cut(key, "/")
	if main == "" {
		return nil, fmt.Errorf("the key %s begins with a slash: write $secret://gcp/<id>/<secret>/<field>", show(key))
	}
	return []place{{path: main, field: field, whole: !hasField}}, nil
}

func (g *gcp) read(ctx context.Context, name string) (*content, error) {
	acc, err := g.account()
	if err != nil {
		return nil, err
	}
	t, err := g.bearer(ctx, acc, "")
	if err != nil {
		return nil, err
	}
	got, err := g.access(ctx, acc, name, t)
	if err == nil && got.status == http.StatusUnauthorized {
		// The token was revoked before its time.
		if t, err = g.bearer(ctx, acc, t.text); err == nil {
			got, err = g.access(ctx, acc, name, t)
		}
	}
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, gcpFailure(got, "the secret "+show(name), t.text)
	}
	return gcpContent(got.body, name)
}

// account returns the account to use. A file is read each time, because it may be replaced.
func (g *gcp) account() (account, error) {
	acc := g.settings.account
	if g.settings.file != "" {
		data, err := os.ReadFile(g.settings.file)
		if err != nil {
			return account{}, &failure{err: fmt.Errorf("auth_file: %w", err), advice: "give the gateway a file that it may read"}
		}
		acc = account{}
		if err = decode(data, &acc); err == nil {
			err = acc.complete()
		}
		if err != nil {
			return account{}, &failure{err: fmt.Errorf("auth_file %s: %w", show(g.settings.file), err),
				advice: "use the JSON key of a service account"}
		}
	}
	var err error
	if acc.ClientEmail, err = g.tools.credential("client_email", acc.ClientEmail); err != nil {
		return account{}, err
	}
	acc.PrivateKey, err = g.tools.credential("private_key", acc.PrivateKey)
	return acc, err
}

// access asks for the latest version of a secret.
func (g *gcp) access(ctx context.Context, acc account, name string, t token) (answer, error) {
	at := acc.EntriesURI + "/projects/" + url.PathEscape(acc.ProjectID) + "/secrets/" + url.PathEscape(name) + "/versions/latest:access"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return answer{}, &failure{err: fmt.Errorf("make a request for the secret %s: %w", show(name), err)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", t.kind+" "+t.text)
	return g.tools.clients.send(req, g.settings.verify)
}

// gcpFailure explains an answer other than 200 to a request for something.
func gcpFailure(got answer, what string, secrets ...string) error {
	var body struct {
		Error       json.RawMessage `json:"error"` // a string from token_uri, an object from entries_uri
		Description string          `json:"error_description"`
	}
	var inner struct{ Message, Status string }
	text := ""
	if json.Unmarshal(got.body, &body) == nil {
		if json.Unmarshal(body.Error, &inner) == nil {
			text = strings.TrimSpace(inner.Status + " " + inner.Message)
		} else if json.Unmarshal(body.Error, &text) == nil {
			text = strings.TrimSpace(text + " " + body.Description)
		}
	}
	f := &failure{cause: statusCause(got.status), advice: "check the account, its role Secret Manager Secret Accessor, and the scope"}
	if f.cause == missing {
		f.advice = "check project_id, the name of the secret and that it has a version"
	}
	f.err = fmt.Errorf("Google Cloud answered %d for %s: %s", got.status, what, conceal(text, secrets...)) //nolint:staticcheck // a name
	return f
}

func gcpContent(body []byte, name string) (*content, error) {
	var got struct {
		Payload *struct {
			Data *string `json:"data"`
		} `json:"payload"`
	}
	if json.Unmarshal(body, &got) != nil || got.Payload == nil || got.Payload.Data == nil {
		return nil, &failure{err: fmt.Errorf("read the secret %s: %w", show(name), errors.New("the answer has no payload.data")),
			advice: "check entries_uri"}
	}
	data, err := base64.StdEncoding.DecodeString(*got.Payload.Data)
	if err != nil {
		return nil, &failure{err: fmt.Errorf("read the secret %s: %w", show(name), errors.New("payload.data is not base64"))}
	}
	return &content{text: string(data)}, nil
}

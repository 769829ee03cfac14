package secret

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// awsSettings is a secret resource of the kind aws (apisix/secret/aws.lua).
type awsSettings struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
	Region          string `json:"region"`
	EndpointURL     string `json:"endpoint_url"`
}

// mostPlaces is how many names are tried for one reference, each with a request that costs money.
const mostPlaces = 16

// awsRegion is what may stand for a region in the name of a host.
var awsRegion = regexp.MustCompile(`^[a-z0-9-]+$`)

func parseAWS(raw json.RawMessage) (settings, error) {
	var s awsSettings
	if err := decode(raw, &s); err != nil {
		return nil, err
	}
	err := need(setting{"access_key_id", s.AccessKeyID}, setting{"secret_access_key", s.SecretAccessKey})
	if err != nil {
		return nil, err
	}
	s.Region = cmp.Or(s.Region, "us-east-1")
	if !awsRegion.MatchString(s.Region) {
		return nil, fmt.Errorf("region %s is not one: write it as in us-east-1", show(s.Region))
	}
	s.EndpointURL = cmp.Or(s.EndpointURL, "https://secretsmanager."+s.Region+".amazonaws.com")
	if _, err := parseBase("endpoint_url", s.EndpointURL); err != nil {
		return nil, err
	}
	return s, nil
}

func (s awsSettings) backend(t tools) backend { return &aws{settings: s, tools: t} }

// aws reads AWS Secrets Manager.
type aws struct {
	settings awsSettings
	tools    tools
}

// places takes the whole key for the name of a secret, then all but its last segment, and so on: names may contain slashes, and
// so may fields.
func (a *aws) places(key string) ([]place, error) {
	if strings.HasPrefix(key, "/") {
		return nil, fmt.Errorf("the key %s begins with a slash: write $secret://aws/<id>/<secret>/<field>", show(key))
	}
	list := []place{{path: key, whole: true}}
	for i := strings.LastIndexByte(key, '/'); i > 0 && len(list) < mostPlaces; i = strings.LastIndexByte(key[:i], '/') {
		list = append(list, place{path: key[:i], field: key[i+1:]})
	}
	return list, nil
}

func (a *aws) read(ctx context.Context, name string) (*content, error) {
	s, err := a.signer()
	if err != nil {
		return nil, err
	}
	u, err := parseBase("endpoint_url", a.settings.EndpointURL)
	if err != nil {
		return nil, &failure{err: err}
	}
	body, err := json.Marshal(map[string]string{"SecretId": name, "VersionStage": "AWSCURRENT"})
	if err != nil {
		return nil, &failure{err: fmt.Errorf("encode the request: %w", err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.Scheme+"://"+u.Host+"/", bytes.NewReader(body))
	if err != nil {
		return nil, &failure{err: fmt.Errorf("make a request: %w", err)}
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	s.sign(req, body, a.tools.now())
	got, err := a.tools.clients.send(req, true)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, awsFailure(got, name, s)
	}
	return awsContent(got.body, name)
}

func (a *aws) signer() (signer, error) {
	s := signer{region: a.settings.Region, service: "secretsmanager"}
	var err error
	if s.accessKey, err = a.tools.header("access_key_id", a.settings.AccessKeyID); err != nil {
		return s, err
	}
	if s.secretKey, err = a.tools.header("secret_access_key", a.settings.SecretAccessKey); err != nil {
		return s, err
	}
	if a.settings.SessionToken != "" {
		s.session, err = a.tools.header("session_token", a.settings.SessionToken)
	}
	return s, err
}

// awsFailure explains an answer other than 200.
func awsFailure(got answer, name string, s signer) error {
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // also found as "Message"
	}
	_ = json.Unmarshal(got.body, &body) // what is not JSON explains nothing
	text := body.Type[strings.LastIndexByte(body.Type, '#')+1:]
	if body.Message != "" {
		// A message about a wrong signature goes on with the request, which contains the session token.
		line, _, _ := strings.Cut(body.Message, "\n")
		text += ": " + line
	}
	f := &failure{cause: statusCause(got.status)}
	f.err = fmt.Errorf("AWS answered %d for the secret %s: %s", got.status, show(name), conceal(text, s.secretKey, s.session))
	switch {
	case strings.Contains(body.Type, "ResourceNotFoundException"):
		f.cause, f.advice = missing, "check the name, the field after it and the region"
	case strings.Contains(body.Type, "Throttling"):
		f.cause = unreachable
	case f.cause == missing:
		// Only AWS can say that a secret is not there; a 404 of something else is not about secrets.
		f.cause, f.advice = refused, "check endpoint_url"
	case f.cause == refused:
		f.advice = "check the keys, the session token, the region and the permission secretsmanager:GetSecretValue"
	}
	return f
}

func awsContent(body []byte, name string) (*content, error) {
	var got struct {
		SecretString *string
		SecretBinary []byte
	}
	if json.Unmarshal(body, &got) != nil {
		return nil, &failure{err: fmt.Errorf("read the secret %s: %w", show(name), errNoObject), advice: "check endpoint_url"}
	}
	switch {
	case got.SecretString != nil:
		return &content{text: *got.SecretString}, nil
	case got.SecretBinary != nil:
		return &content{text: string(got.SecretBinary)}, nil
	}
	return nil, &failure{err: fmt.Errorf("read the secret %s: %w", show(name), errors.New("the answer has no SecretString"))}
}

// Package remote is the client's side of the Admin API, as far as a gateway's configuration as a whole is read and changed. It works with
// APISIX as well.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/polygate/polygate/core/declare"
)

const (
	// answerLimit is the longest answer that is read: a page of resources.
	answerLimit = 512 << 20
	// firstPause is how long a client waits before it tries again; the pauses double up to longestPause.
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// Options say how to reach an Admin API. Only URL is needed.
type Options struct {
	URL  string // for example "http://127.0.0.1:9180"; a path is put in front of /apisix/admin
	Key  string // empty: none is sent
	HTTP *http.Client
	// Retry is for how long a request is tried again that found the gateway or its store away; 0: not at all.
	Retry time.Duration
}

// Client speaks with one Admin API. It is safe for concurrent use, and a [declare.Target].
type Client struct {
	base  *url.URL
	key   string
	http  *http.Client
	retry time.Duration
}

// New makes a client. It does not follow redirects: the key is for the address that was named.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of an Admin API, such as http://127.0.0.1:9180", o.URL)
	}
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/"), "/apisix/admin")
	client := http.Client{Timeout: time.Minute}
	if o.HTTP != nil {
		client = *o.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: base, key: o.Key, http: &client, retry: o.Retry}, nil
}

// StatusError is an answer that is not the one that was hoped for.
type StatusError struct {
	Status int
	Text   string // in the API's words
}

// Error returns the status and the text.
func (e *StatusError) Error() string {
	hint := ""
	switch e.Status {
	case http.StatusUnauthorized:
		hint = "; give the key of an administrator with --key or POLYGATE_ADMIN_KEY"
	case http.StatusForbidden:
		hint = "; this address may not use the Admin API, see deployment.admin.allow_admin in its config.yaml"
	}
	return fmt.Sprintf("the Admin API answered %d: %s%s", e.Status, e.Text, hint)
}

// Is makes the error one of those that package declare knows.
func (e *StatusError) Is(target error) bool {
	switch target {
	case declare.ErrNotFound:
		return e.Status == http.StatusNotFound
	case declare.ErrRefused:
		return e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound || e.Status == http.StatusConflict
	}
	return false
}

// call sends a request for a path, escaped and with its query, and decodes the answer into out, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	var data []byte
	if body != nil {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(body); err != nil {
			return fmt.Errorf("encode a request: %w", err)
		}
		data = buf.Bytes()
	}
	deadline := time.Now().Add(c.retry)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := c.once(ctx, method, path, data, out)
		if err == nil || !worthwhile(err) || ctx.Err() != nil || time.Now().Add(pause).After(deadline) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// worthwhile tells whether a request may work when it is sent again. All requests can be sent twice.
func worthwhile(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Status == http.StatusServiceUnavailable || status.Status == http.StatusBadGateway || status.Status == http.StatusTooManyRequests
	}
	var failed *url.Error
	return errors.As(err, &failed)
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, out any) error {
	at := *c.base
	path, query, _ := strings.Cut(path, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	const root = "/apisix/admin/"
	at.Path, at.RawPath, at.RawQuery = c.base.Path+root+plain, c.base.EscapedPath()+root+path, query
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	if c.key != "" {
		req.Header.Set("X-API-KEY", c.key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the Admin API: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read the Admin API's answer: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return refusal(resp.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("%s does not answer as an Admin API does: %w", c.base, err)
	}
	return nil
}

// textLimit is how much of an answer is told that is not the API's own.
const textLimit = 200

func refusal(status int, body []byte) error {
	var known struct {
		Text        string    `json:"error_msg"`
		Message     string    `json:"message"`
		Description string    `json:"description"`
		Errors      []Invalid `json:"errors"`
	}
	text := strings.TrimSpace(strings.ToValidUTF8(string(body), "?"))
	if json.Unmarshal(body, &known) == nil && known.Text+known.Message != "" {
		text = known.Text + known.Message
		if known.Description != "" {
			text += ": " + known.Description
		}
	} else if len(text) > textLimit {
		text = text[:textLimit] + "…"
	}
	err := &StatusError{Status: status, Text: text}
	if known.Errors != nil {
		return &invalidError{StatusError: err, list: known.Errors}
	}
	return err
}

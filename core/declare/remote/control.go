package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/polygate/polygate/core/declare"
)

// Reached returns the revision that the gateway's store had, at least, when the last of the changes was made. have is what was there before.
func (c *Client) Reached(ctx context.Context, have []declare.Item, applied []declare.Change) (int64, error) {
	var revision int64
	for _, it := range have {
		revision = max(revision, it.Revision)
	}
	// Changes are in the order in which they were answered; the last written one is among the last ones.
	const enough = 64
	deleted, asked := int64(0), 0
	for _, ch := range slices.Backward(applied) {
		if ch.Op == declare.Delete {
			if asked == 0 {
				deleted++
			}
			continue
		}
		if asked++; asked > enough {
			break
		}
		n, err := c.Revision(ctx, ch.Item.Key)
		if err != nil {
			return 0, err
		}
		revision = max(revision, n)
	}
	return revision + deleted, nil
}

// Control is a client of the Control API, which tells with what a gateway serves.
type Control struct {
	url  string
	http *http.Client
}

// NewControl makes a client. A nil http client has a short time limit.
func NewControl(address string, client *http.Client) (*Control, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of a Control API, such as http://127.0.0.1:9090", address)
	}
	if client == nil {
		client = &http.Client{Timeout: 5 * time.Second}
	}
	return &Control{url: strings.TrimSuffix(address, "/") + "/v1/sync", http: client}, nil
}

// Await waits until the gateway serves with a revision of its store or a later one. It returns the reasons why resources are not in service,
// by their keys.
func (c *Control) Await(ctx context.Context, revision int64) (map[string]string, error) {
	tick := time.NewTicker(firstPause)
	defer tick.Stop()
	var last error
	for {
		state, err := c.state(ctx)
		if err == nil && state.Ready && state.Revision >= revision {
			reasons := map[string]string{}
			for _, r := range state.Rejected {
				reasons[r.Key] = r.Reason
			}
			return reasons, nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if last != nil {
				return nil, fmt.Errorf("%w: %w", context.Cause(ctx), last)
			}
			return nil, context.Cause(ctx)
		}
	}
}

// syncState is what is read of the answer of /v1/sync.
type syncState struct {
	Ready    bool  `json:"ready"`
	Revision int64 `json:"revision"`
	Rejected []struct {
		Key    string `json:"key"`
		Reason string `json:"reason"`
	} `json:"rejected"`
}

func (c *Control) state(ctx context.Context) (syncState, error) {
	var out syncState
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return out, fmt.Errorf("make a request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return out, fmt.Errorf("ask the Control API: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return out, fmt.Errorf("the Control API answered %s", resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerLimit)).Decode(&out); err != nil {
		return out, fmt.Errorf("%s does not answer as a Control API does: %w", c.url, err)
	}
	return out, nil
}

package limitcount

import (
	"encoding/json"
	"errors"
	"fmt"
)

type config struct {
	Count         json.RawMessage `json:"count,omitempty"`
	TimeWindow    json.RawMessage `json:"time_window,omitempty"`
	WindowType    string          `json:"window_type"`
	Rules         []ruleConfig    `json:"rules,omitempty"`
	Group         string          `json:"group,omitempty"`
	Key           string          `json:"key"`
	KeyType       string          `json:"key_type"`
	RejectedCode  int             `json:"rejected_code"`
	RejectedMsg   string          `json:"rejected_msg,omitempty"`
	Policy        string          `json:"policy"`
	AllowDegraded bool            `json:"allow_degradation"`
	ShowQuota     bool            `json:"show_limit_quota_header"`
	SyncInterval  float64         `json:"sync_interval"`
}

type ruleConfig struct {
	Count        json.RawMessage `json:"count"`
	TimeWindow   json.RawMessage `json:"time_window"`
	Key          string          `json:"key"`
	HeaderPrefix *string         `json:"header_prefix,omitempty"`
}

// headerNames are the names of the header fields that tell the quota.
type headerNames struct {
	Limit     string `json:"limit_header"`
	Remaining string `json:"remaining_header"`
	Reset     string `json:"reset_header"`
}

func decode(raw json.RawMessage) (*config, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return nil, fmt.Errorf("decode configuration: %w", err)
	}
	return &conf, conf.check()
}

// check finds what the schema cannot say. The texts are APISIX's.
func (c *config) check() error {
	if c.Policy != "" && c.Policy != "local" {
		return fmt.Errorf("policy %q is not offered: counters are kept in the gateway, use \"local\"", c.Policy)
	}
	if c.Rules != nil && (c.Count != nil || c.TimeWindow != nil) {
		return errors.New("count/time_window and rules cannot be specified at the same time")
	}
	if c.Rules == nil && (c.Count == nil || c.TimeWindow == nil) {
		return errors.New("count and time_window, or rules, are required")
	}
	if c.Group != "" && c.Rules != nil {
		return errors.New("group and rules cannot be specified at the same time")
	}
	keys := make(map[string]bool, len(c.Rules))
	for _, rule := range c.Rules {
		if keys[rule.Key] {
			return fmt.Errorf("duplicate key '%s' in rules", rule.Key)
		}
		keys[rule.Key] = true
	}
	return nil
}

func decodeMetadata(raw json.RawMessage) (headerNames, error) {
	names := headerNames{Limit: "X-RateLimit-Limit", Remaining: "X-RateLimit-Remaining", Reset: "X-RateLimit-Reset"}
	if len(raw) == 0 {
		return names, nil
	}
	if err := json.Unmarshal(raw, &names); err != nil {
		return names, fmt.Errorf("decode metadata: %w", err)
	}
	return names, nil
}

package limitconn

import (
	"encoding/json"
	"fmt"
)

type config struct {
	Conn          json.RawMessage `json:"conn,omitempty"`
	Burst         json.RawMessage `json:"burst,omitempty"`
	Delay         float64         `json:"default_conn_delay"`
	Key           string          `json:"key,omitempty"`
	KeyType       string          `json:"key_type"`
	Policy        string          `json:"policy"`
	RejectedCode  int             `json:"rejected_code"`
	RejectedMsg   string          `json:"rejected_msg,omitempty"`
	AllowDegraded bool            `json:"allow_degradation"`
	Rules         []ruleConfig    `json:"rules,omitempty"`
}

type ruleConfig struct {
	Conn  json.RawMessage `json:"conn"`
	Burst json.RawMessage `json:"burst"`
	Key   string          `json:"key"`
}

func decode(raw json.RawMessage) (*config, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return nil, fmt.Errorf("decode configuration: %w", err)
	}
	if conf.Policy != "" && conf.Policy != "local" {
		return nil, fmt.Errorf("policy %q is not offered: requests are counted in the gateway, use \"local\"", conf.Policy)
	}
	return &conf, nil
}

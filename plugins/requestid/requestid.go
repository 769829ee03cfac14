// Package requestid is the plugin request-id: it gives every request an id that the upstream, the client and the logs share.
package requestid

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/polygate/polygate/sdk"
)

// variable is the request variable that holds the id, for logs.
const variable = "apisix_request_id"

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return &plugin{v7: &sequence{}} }

// plugin holds what its configurations share: ids of version 7 ascend over all of them.
type plugin struct{ v7 *sequence }

// Info implements [sdk.Plugin].
func (*plugin) Info() sdk.Info {
	return sdk.Info{Name: "request-id", Version: "0.1", Priority: 12015, Schema: schema}
}

type config struct {
	HeaderName        string `json:"header_name"`
	IncludeInResponse bool   `json:"include_in_response"`
	Algorithm         string `json:"algorithm"`
	RangeID           struct {
		Length  int    `json:"length"`
		CharSet string `json:"char_set"`
	} `json:"range_id"`
}

// Configure implements [sdk.Plugin].
func (p *plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	if conf.HeaderName == "" || strings.ContainsFunc(conf.HeaderName, notToken) {
		return sdk.Hooks{}, fmt.Errorf("header_name %q is no name of a header field: use letters, digits and hyphens", conf.HeaderName)
	}
	generate, err := p.generator(conf)
	if err != nil {
		return sdk.Hooks{}, err
	}
	r := &requestID{
		header:   conf.HeaderName,
		echo:     conf.IncludeInResponse,
		kept:     "request_id_" + strings.ToLower(conf.HeaderName),
		generate: generate,
	}
	hooks := sdk.Hooks{Rewrite: r.rewrite}
	if r.echo {
		hooks.HeaderFilter = r.headerFilter
	}
	return hooks, nil
}

// notToken tells whether c cannot stand in the name of a header field (RFC 9110 section 5.6.2).
func notToken(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
}

func (p *plugin) generator(conf config) (func() string, error) {
	switch conf.Algorithm {
	case "nanoid":
		return nanoID, nil
	case "range_id":
		return rangeID(conf.RangeID.Length, conf.RangeID.CharSet)
	case "ksuid":
		return ksuid, nil
	case "uuidv7":
		return p.v7.uuid, nil
	}
	return uuid4, nil
}

// requestID is one configuration.
type requestID struct {
	header   string
	echo     bool
	kept     string // name of the variable that carries the id to the header filter
	generate func() string
}

func (r *requestID) rewrite(x sdk.Exchange) error {
	header := x.Request().Header()
	id := header.Get(r.header)
	if id == "" {
		id = r.generate()
		header.Set(r.header, id)
	}
	x.SetVar(variable, id)
	if r.echo {
		// Not read from the request again: a later plugin may have changed or removed the field.
		x.SetVar(r.kept, id)
	}
	return nil
}

func (r *requestID) headerFilter(x sdk.Exchange) error {
	header := x.Response().Header()
	if header.Get(r.header) != "" {
		return nil
	}
	if id, ok := x.Var(r.kept); ok {
		header.Set(r.header, id)
	}
	return nil
}

package cors

import (
	"github.com/polygate/polygate/sdk"
)

// variable carries the client's origin to the header filter: a plugin may change the field for the upstream.
const variable = "cors_request_origin"

const allowHeaders = "Access-Control-Allow-Headers"

// policy is one configuration.
type policy struct {
	any          bool      // allow_origins is "*"
	byMetadata   bool      // allow_origins_by_metadata is configured
	origins      origins   // that may read responses
	metadata     []origins // that may read them too
	timing       origins   // that may read timing information; nil for nobody
	before       []field   // the fields that are the same on every allowed response
	askedHeaders bool      // allow the header fields that the browser asks for
}

type field struct{ name, value string }

func (p *policy) rewrite(x sdk.Exchange) error {
	if origin := x.Request().Header().Get("Origin"); origin != "" {
		x.SetVar(variable, origin)
	}
	if x.Request().Method() == "OPTIONS" {
		return x.Exit(200, nil)
	}
	return nil
}

func (p *policy) headerFilter(x sdk.Exchange) error {
	origin, _ := x.Var(variable)
	header := x.Response().Header()
	if !p.any {
		header.Add("Vary", "Origin")
	}
	if allowed := p.allowed(origin); allowed != "" {
		p.allow(x.Request().Header(), header, allowed)
	}
	if p.timing == nil {
		return nil
	}
	if allowed := p.timing.allowed(origin); matches(origin, allowed) {
		header.Set("Timing-Allow-Origin", allowed)
	}
	return nil
}

// allowed returns the value of Access-Control-Allow-Origin, empty for an origin that may not read the response. An empty
// origin stands for a request without one.
func (p *policy) allowed(origin string) string {
	if !p.byMetadata {
		if allowed := p.origins.allowed(origin); matches(origin, allowed) {
			return allowed
		}
		return ""
	}
	if origin == "" {
		return ""
	}
	for _, list := range p.metadata {
		if matches(origin, list.allowed(origin)) {
			return origin
		}
	}
	// Beside metadata, "*" is what allow_origins is where nobody set it: it allows nothing there.
	if p.any {
		return ""
	}
	if allowed := p.origins.allowed(origin); matches(origin, allowed) {
		return allowed
	}
	return ""
}

// matches tells whether an origin is covered by the value that a list made for it.
func matches(origin, allowed string) bool {
	return allowed != "" && (allowed == origin || allowed == "*")
}

func (p *policy) allow(request, response sdk.Header, origin string) {
	response.Set("Access-Control-Allow-Origin", origin)
	for _, f := range p.before {
		response.Set(f.name, f.value)
	}
	if !p.askedHeaders {
		return
	}
	if asked := request.Get("Access-Control-Request-Headers"); asked != "" {
		response.Set(allowHeaders, asked)
	} else {
		response.Del(allowHeaders)
	}
}

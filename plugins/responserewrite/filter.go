package responserewrite

import (
	"fmt"

	"github.com/polygate/polygate/internal/regex"
	"github.com/polygate/polygate/sdk"
)

type filterConfig struct {
	Regex   string `json:"regex"`
	Scope   string `json:"scope"`
	Replace string `json:"replace"`
	Options string `json:"options"`
}

// filter replaces the matches of a pattern in a body.
type filter struct {
	re      *regex.Regexp
	replace string
	once    bool
}

// newFilters compiles the attribute filters. The texts of errors are APISIX's.
func newFilters(configs []filterConfig) ([]filter, error) {
	var filters []filter
	for _, conf := range configs {
		re, err := regex.Compile(conf.Regex, conf.Options)
		if err == nil {
			err = regex.CheckTemplate(conf.Replace)
		}
		if err != nil {
			return nil, fmt.Errorf("regex %q validation failed: %w", conf.Regex, err)
		}
		filters = append(filters, filter{re: re, replace: conf.Replace, once: conf.Scope != "global"})
	}
	return filters, nil
}

// held is a body that is being collected.
type held struct {
	data []byte
	sent bool // what was collected reached the limit and has been sent; the rest is dropped
}

// filterBody holds the chunks back until the last one, or until there are as many bytes as may be held, and then sends the filtered
// whole.
func (r *rewriter) filterBody(x sdk.Exchange, chunk *sdk.Chunk) error {
	mark, _ := x.Var(r.mark)
	if mark == skip {
		return nil
	}
	body, complete := r.collect(x, chunk)
	chunk.Data = nil
	if complete {
		chunk.Data = r.filter(x, body, mark)
	}
	return nil
}

// collect adds a chunk to what is held and tells whether that is now to be sent.
func (r *rewriter) collect(x sdk.Exchange, chunk *sdk.Chunk) ([]byte, bool) {
	value, ok := r.bodies.Load(x)
	if !ok {
		if chunk.Last {
			return chunk.Data[:min(len(chunk.Data), r.max)], true
		}
		value = &held{}
		r.bodies.Store(x, value)
	}
	h := value.(*held)
	if h.sent {
		return nil, false
	}
	h.data = append(h.data, chunk.Data[:min(len(chunk.Data), r.max-len(h.data))]...)
	h.sent = chunk.Last || len(h.data) == r.max
	return h.data, h.sent
}

// forget gives up what a response that ended early has left.
func (r *rewriter) forget(x sdk.Exchange) { r.bodies.Delete(x) }

// filter returns the filtered body, or the body as it came where it can not be decoded.
func (r *rewriter) filter(x sdk.Exchange, body []byte, encoding string) []byte {
	decoded, err := decode(body, encoding, r.max)
	if err != nil {
		x.Log().Error("filters may not work as expected", "error", err)
		return body
	}
	text := string(decoded)
	for i := range r.filters {
		f := &r.filters[i]
		filtered, _, err := f.re.Replace(text, f.replace, f.once)
		if err != nil {
			x.Log().Error("regex \""+f.re.String()+"\" substitutes failed", "error", err)
			continue
		}
		text = filtered
	}
	return []byte(text)
}

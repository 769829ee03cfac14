package prometheus

import (
	"strings"

	"github.com/polygate/polygate/sdk"
)

// maxValue bounds label values that clients can choose.
const maxValue = 128

// labels are what tells the series of one request from those of another. They are the key of the cache.
type labels struct {
	status                                           int
	proxied                                          bool // an upstream took part: there is a latency of type "upstream"
	route, uri, host, service, consumer, node        string
	requestType, requestModel, model, source, extras string // extras: the values of the extra labels, each ended by extraEnd
}

const extraEnd = "\xff" // in no UTF-8 text

// reader tells which labels a configuration needs.
type reader struct {
	preferName                    bool
	uri, host, service, consumer  bool
	route, node, request, sources bool
	extra                         []string
}

// read fills l from the exchange; labels that are switched off everywhere stay empty.
func (r *reader) read(x sdk.Exchange, l *labels) {
	response := x.Response()
	if l.status = response.Status(); l.status == 0 {
		// A client that went away before the response leaves only the status that logs show.
		l.status = int(count(x, "status"))
	}
	// Where the response came from tells APISIX's "nginx" from "apisix" by the node, so it is read even where it is not shown.
	node, _ := x.Var("balancer_ip")
	if r.sources {
		l.source = source(response.Origin(), node != "")
	}
	if r.node {
		l.node = node
	}
	if r.route {
		l.route = r.named(x, "route_name", "route_id")
	}
	if r.service {
		l.service = r.named(x, "service_name", "service_id")
	}
	if r.uri {
		l.uri, _ = x.Var("matched_uri")
	}
	if r.host {
		l.host, _ = x.Var("matched_host")
	}
	if r.consumer {
		l.consumer, _ = x.Var("consumer_name")
	}
	if r.request {
		readRequestType(x, l)
	}
	if len(r.extra) > 0 {
		l.extras = readExtras(x, r.extra)
	}
}

// named returns a name where names are preferred and there is one, and the id otherwise.
func (r *reader) named(x sdk.Exchange, name, id string) string {
	if r.preferName {
		if v, ok := x.Var(name); ok && v != "" {
			return v
		}
	}
	v, _ := x.Var(id)
	return v
}

func readRequestType(x sdk.Exchange, l *labels) {
	kind, ok := x.Var("request_type")
	if !ok || kind == "" {
		// Only plugins for language models set a type, and only they set the models.
		l.requestType = "traditional_http"
		return
	}
	l.requestType = kind
	l.requestModel, _ = x.Var("request_llm_model")
	l.model, _ = x.Var("llm_model")
	l.requestModel, l.model = bounded(l.requestModel), bounded(l.model)
}

func readExtras(x sdk.Exchange, vars []string) string {
	var joined strings.Builder
	for _, name := range vars {
		value, _ := x.Var(name)
		joined.WriteString(strings.ToValidUTF8(bounded(value), "\uFFFD"))
		joined.WriteString(extraEnd)
	}
	return joined.String()
}

func bounded(value string) string { return value[:min(len(value), maxValue)] }

// source names the maker of a response as APISIX does; "nginx" is a gateway's own answer in place of a node's.
func source(origin sdk.Origin, node bool) string {
	switch {
	case origin == sdk.OriginUpstream:
		return "upstream"
	case origin == sdk.OriginGateway && node:
		return "nginx"
	}
	return "apisix"
}

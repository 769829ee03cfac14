package control

// MaxCandidates is how many routes an explanation lists at most.
const MaxCandidates = 100

// Question is a request that somebody would like to have explained.
type Question struct {
	Method     string // default GET
	Host       string // the Host field; default "localhost"
	URI        string // path and query as a client sends them; required
	RemoteAddr string // address of the peer; default "127.0.0.1"
	Scheme     string // http or https; default http
	Port       int    // that the client connected to; default the first one of the scheme
	Header     []Field
	Consumer   string // username of the consumer that the request would be found to come from; empty: none
}

// Field is a header field.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Explanation is what a gateway would do with a request, and why.
type Explanation struct {
	Request    ExplainedRequest   `json:"request"`
	Matched    *MatchedRoute      `json:"matched"` // nil: no route
	Candidates []Candidate        `json:"candidates"`
	More       int                `json:"more_candidates"` // that are not listed
	Plugins    []ExplainedPlugin  `json:"plugins"`         // in the order in which they run in each phase
	Upstream   *ExplainedUpstream `json:"upstream"`        // nil: none
	Consumer   *ExplainedConsumer `json:"consumer,omitempty"`
	Notes      []string           `json:"notes,omitempty"` // what else a person should know
}

// ExplainedRequest is the request as the gateway reads it.
type ExplainedRequest struct {
	Method     string  `json:"method"`
	Scheme     string  `json:"scheme"`
	Host       string  `json:"host"` // as routes compare it
	Port       string  `json:"port"`
	Path       string  `json:"path"` // decoded and canonical
	Query      string  `json:"query,omitempty"`
	RemoteAddr string  `json:"remote_addr"` // of the client, as far as trusted peers tell
	Header     []Field `json:"header,omitempty"`
}

// MatchedRoute is the route that a request belongs to.
type MatchedRoute struct {
	ID       string            `json:"id"`
	Name     string            `json:"name,omitempty"`
	URI      string            `json:"uri"`            // the pattern that matched
	Host     string            `json:"host,omitempty"` // the same of the host
	Priority int               `json:"priority"`
	Service  string            `json:"service_id,omitempty"`
	Params   map[string]string `json:"params,omitempty"` // of the path
	Fault    string            `json:"fault,omitempty"`  // why the route cannot be served all the same
}

// Candidate is a route that was looked at.
type Candidate struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	URI      string `json:"uri"`
	Priority int    `json:"priority"`
	Verdict  string `json:"verdict"` // "matched", or what spoke against it
	Detail   string `json:"detail"`  // the same for a person
}

// ExplainedPlugin is a plugin that would run, or that would if nothing stood in its way.
type ExplainedPlugin struct {
	Name       string   `json:"name"`
	Priority   int      `json:"priority"`
	From       string   `json:"from"`   // "global_rule/1", "service/1", "plugin_config/1", "route", "consumer_group/1", "consumer/jack"
	Phases     []string `json:"phases"` // empty: it does not run
	Disabled   bool     `json:"disabled"`
	Overridden []string `json:"overridden,omitempty"` // layers with a configuration of this plugin that does not count
	Note       string   `json:"note,omitempty"`
}

// ExplainedUpstream is where a request would go.
type ExplainedUpstream struct {
	ID     string          `json:"id,omitempty"` // empty: it has none of its own
	From   string          `json:"from"`         // the layer that names it
	Scheme string          `json:"scheme"`
	Type   string          `json:"type"`
	Nodes  []ExplainedNode `json:"nodes"`
}

// ExplainedNode is a node of an upstream.
type ExplainedNode struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Weight   int    `json:"weight"`
	Priority int    `json:"priority"`
}

// ExplainedConsumer is the consumer of the question.
type ExplainedConsumer struct {
	Username string   `json:"username"`
	Group    string   `json:"group_id,omitempty"`
	Plugins  []string `json:"plugins"`                 // of its own, credentials left out
	Shared   []string `json:"group_plugins,omitempty"` // of its group
	Fault    string   `json:"fault,omitempty"`         // why its requests cannot be served
}

package metrics

import "errors"

// Gateway is where the figures about the gateway as a whole come from. A nil function leaves its families out. The functions
// are called at every scrape, from several goroutines at once.
type Gateway struct {
	Hostname string // of the machine
	Version  string // that the gateway shows to its users

	// Requests is the number of client requests since the start: http_requests_total.
	Requests func() float64
	// Connections are the clients' connections: nginx_http_current_connections.
	Connections func() Connections
	// EtcdReachable tells whether the store answers: etcd_reachable.
	EtcdReachable func() bool
	// ModifyIndexes names the revisions that are in service: etcd_modify_indexes{key}. The keys are the directories ("routes",
	// "services", "ssls", "consumers", "global_rules", "upstreams", "stream_routes", "protos"), "prev_index",
	// "max_modify_index" and "x_etcd_index".
	ModifyIndexes func(yield func(key string, revision int64))
	// Config tells how the configuration in service follows the store: config_rejected, config_warnings{plugin},
	// config_lag_revisions and config_from_copy, which APISIX does not have.
	Config func() Config
	// UpstreamStatus names the nodes that are checked for their health: upstream_status{name,ip,port}.
	UpstreamStatus func(yield func(n NodeStatus))
	// BatchEntries names the entries that wait in batch processors: batch_process_entries{name,route_id,server_addr}.
	BatchEntries func(yield func(b BatchStatus))
}

// Connections are counts of the clients' connections, by nginx's names of their states.
type Connections struct {
	Active, Reading, Writing, Waiting int64 // now
	Accepted, Handled                 int64 // since the start
}

// Config is how the configuration in service follows the store.
type Config struct {
	Rejected int            // items of the store that are not in service as they are written
	Warnings map[string]int // warnings about resources in service, by the plugin that they are about, "" for none
	Lag      int64          // revisions of the store that are not in service yet
	FromCopy bool           // what is in service came from the copy on disk
}

// NodeStatus is the health of one node of an upstream.
type NodeStatus struct {
	Name     string // of the checker, for example "/apisix/upstreams/1"
	IP, Port string
	Healthy  bool
}

// BatchStatus is the length of the queue of one batch processor.
type BatchStatus struct {
	Name, RouteID, ServerAddr string
	Entries                   int
}

// AddGateway registers the families that APISIX has about a gateway as a whole, under APISIX's names and as the kinds that
// they have there (http_requests_total is a gauge).
func (r *Registry) AddGateway(g Gateway) error {
	return errors.Join(r.addNode(g), r.addTraffic(g), r.addStore(g), r.addQueues(g))
}

func (r *Registry) addNode(g Gateway) error {
	info := Spec{Name: "node_info", Help: "The gateway's host and version; always 1", Labels: []string{"hostname", "version"}}
	return errors.Join(
		r.GaugesFunc(info, func(emit Emit) { emit(1, g.Hostname, g.Version) }),
		r.CounterFunc("nginx_metric_errors_total", "Label sets turned away because their metric was full",
			func() float64 { return float64(r.Refused()) }),
	)
}

func (r *Registry) addTraffic(g Gateway) error {
	var errs []error
	if g.Requests != nil {
		errs = append(errs, r.GaugeFunc("http_requests_total",
			"Requests of clients since the start", g.Requests))
	}
	if g.Connections != nil {
		s := Spec{Name: "nginx_http_current_connections", Help: "Connections of clients by state", Labels: []string{"state"}}
		errs = append(errs, r.GaugesFunc(s, func(emit Emit) {
			c := g.Connections()
			emit(float64(c.Active), "active")
			emit(float64(c.Accepted), "accepted")
			emit(float64(c.Handled), "handled")
			emit(float64(c.Reading), "reading")
			emit(float64(c.Writing), "writing")
			emit(float64(c.Waiting), "waiting")
		}))
	}
	return errors.Join(errs...)
}

func (r *Registry) addStore(g Gateway) error {
	var errs []error
	if g.EtcdReachable != nil {
		errs = append(errs, r.GaugeFunc("etcd_reachable",
			"Whether the configuration store answers: 1 or 0",
			func() float64 { return truth(g.EtcdReachable()) }))
	}
	if g.ModifyIndexes != nil {
		s := Spec{Name: "etcd_modify_indexes", Help: "Revisions of the configuration in service", Labels: []string{"key"}}
		errs = append(errs, r.GaugesFunc(s, func(emit Emit) {
			g.ModifyIndexes(func(key string, revision int64) { emit(float64(revision), key) })
		}))
	}
	if g.Config != nil {
		errs = append(errs, r.addConfig(g.Config))
	}
	return errors.Join(errs...)
}

func (r *Registry) addConfig(config func() Config) error {
	warnings := Spec{
		Name: "config_warnings", Help: "Warnings about resources in service, such as plugins that do not run", Labels: []string{"plugin"},
	}
	return errors.Join(
		r.GaugeFunc("config_rejected", "Items of the store that are not in service as they are written",
			func() float64 { return float64(config().Rejected) }),
		r.GaugeFunc("config_lag_revisions", "Revisions of the store that are not in service yet",
			func() float64 { return float64(config().Lag) }),
		r.GaugeFunc("config_from_copy", "Whether the configuration in service is the copy on disk: 1 or 0",
			func() float64 { return truth(config().FromCopy) }),
		r.GaugesFunc(warnings, func(emit Emit) {
			for plugin, n := range config().Warnings {
				emit(float64(n), plugin)
			}
		}),
	)
}

func (r *Registry) addQueues(g Gateway) error {
	var errs []error
	if g.UpstreamStatus != nil {
		s := Spec{Name: "upstream_status", Help: "Health of checked upstream nodes: 1 or 0", Labels: []string{"name", "ip", "port"}}
		errs = append(errs, r.GaugesFunc(s, func(emit Emit) {
			g.UpstreamStatus(func(n NodeStatus) { emit(truth(n.Healthy), n.Name, n.IP, n.Port) })
		}))
	}
	if g.BatchEntries != nil {
		s := Spec{Name: "batch_process_entries", Help: "Entries that wait in batch processors",
			Labels: []string{"name", "route_id", "server_addr"}}
		errs = append(errs, r.GaugesFunc(s, func(emit Emit) {
			g.BatchEntries(func(b BatchStatus) { emit(float64(b.Entries), b.Name, b.RouteID, b.ServerAddr) })
		}))
	}
	return errors.Join(errs...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

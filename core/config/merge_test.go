package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/config"
)

func TestMerge(t *testing.T) {
	yes, no := true, false
	own, service := &config.Upstream{Type: "own"}, &config.Upstream{Type: "service"}
	timeout := &config.Timeout{Connect: 1}
	tests := []struct {
		name  string
		route config.Route
		svc   *config.Service
		want  config.Merged
	}{
		{"nothing", config.Route{}, nil, config.Merged{}},
		{"route alone", config.Route{Host: "a", Upstream: own, Timeout: timeout, EnableWebsocket: &yes}, nil,
			config.Merged{Hosts: []string{"a"}, Upstream: own, Timeout: timeout, EnableWebsocket: true}},
		{"service alone", config.Route{}, &config.Service{Hosts: []string{"b"}, Upstream: service, EnableWebsocket: &yes},
			config.Merged{Hosts: []string{"b"}, Upstream: service, EnableWebsocket: true}},
		{"route beats service", config.Route{Hosts: []string{"a"}, Upstream: own, EnableWebsocket: &no},
			&config.Service{Hosts: []string{"b"}, UpstreamID: "1", EnableWebsocket: &yes}, config.Merged{Hosts: []string{"a"}, Upstream: own}},
		{"id beats upstream", config.Route{UpstreamID: "2", Upstream: own}, &config.Service{Upstream: service}, config.Merged{UpstreamID: "2"}},
		{"id of the service beats its upstream", config.Route{}, &config.Service{UpstreamID: "3", Upstream: service},
			config.Merged{UpstreamID: "3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, config.Merge(&tt.route, tt.svc)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

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
		{"script and labels", config.Route{Script: "r"}, &config.Service{Script: "s", Meta: config.Meta{Labels: map[string]string{"a": "s"}}},
			config.Merged{Script: "r", Labels: map[string]string{"a": "s"}}},
		{"labels of the route", config.Route{Meta: config.Meta{Labels: map[string]string{}}},
			&config.Service{Script: "s", Meta: config.Meta{Labels: map[string]string{"a": "s"}}}, config.Merged{Script: "s", Labels: map[string]string{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, config.Merge(&tt.route, tt.svc)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestMergeStream(t *testing.T) {
	own, service := &config.Upstream{Type: "own"}, &config.Upstream{Type: "service"}
	one, two := config.Plugins{"a": []byte(`1`)}, config.Plugins{"a": []byte(`2`), "b": []byte(`2`)}
	tests := []struct {
		name  string
		route config.StreamRoute
		svc   *config.Service
		want  config.StreamRoute
	}{
		{"no service", config.StreamRoute{ServiceID: "s", Upstream: own}, nil, config.StreamRoute{ServiceID: "s", Upstream: own}},
		{"service fills gaps", config.StreamRoute{ServiceID: "s", SNI: "x"}, &config.Service{Upstream: service, Plugins: two},
			config.StreamRoute{SNI: "x", Upstream: service, Plugins: two}},
		{"route beats service", config.StreamRoute{Upstream: own, UpstreamID: "1", Plugins: one},
			&config.Service{Upstream: service, UpstreamID: "2", Plugins: two},
			config.StreamRoute{Upstream: own, UpstreamID: "1", Plugins: config.Plugins{"a": []byte(`1`), "b": []byte(`2`)}}},
		{"id of the service", config.StreamRoute{Upstream: own, Plugins: one}, &config.Service{UpstreamID: "2"},
			config.StreamRoute{Upstream: own, UpstreamID: "2", Plugins: one}},
		{"no plugins", config.StreamRoute{}, &config.Service{}, config.StreamRoute{Plugins: config.Plugins{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, config.MergeStream(&tt.route, tt.svc)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

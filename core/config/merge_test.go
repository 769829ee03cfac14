package config

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plugins makes configurations that tell where they are from.
func plugins(from string, names ...string) Plugins {
	p := Plugins{}
	for _, name := range names {
		p[name] = json.RawMessage(`"` + from + `"`)
	}
	return p
}

func TestMerge(t *testing.T) {
	yes, no := true, false
	up1, up2 := &Upstream{Type: "roundrobin"}, &Upstream{Type: "chash"}
	timeout := &Timeout{Connect: 1, Send: 1, Read: 1}
	meta := Meta{ID: "r", Name: "route"}
	tests := []struct {
		name  string
		route Route
		svc   *Service
		pc    *PluginConfig
		want  Merged
	}{
		{
			name:  "route alone",
			route: Route{Meta: meta, Host: "a.com", Upstream: up1, Timeout: timeout, Plugins: plugins("route", "a"), Script: "s", EnableWebsocket: &yes},
			want: Merged{
				RouteID: "r", Name: "route", Hosts: []string{"a.com"}, Upstream: up1, Timeout: timeout, Plugins: plugins("route", "a"), Script: "s",
				EnableWebsocket: true,
			},
		},
		{
			name:  "plugins: route, plugin_config, service",
			route: Route{Meta: meta, Plugins: plugins("route", "a")},
			svc:   &Service{Plugins: plugins("service", "a", "b", "c")},
			pc:    &PluginConfig{Plugins: plugins("pc", "a", "b")},
			want: Merged{
				RouteID: "r", Name: "route",
				Plugins: Plugins{"a": json.RawMessage(`"route"`), "b": json.RawMessage(`"pc"`), "c": json.RawMessage(`"service"`)},
			},
		},
		{
			name:  "what the service gives",
			route: Route{Meta: Meta{ID: "r"}, ServiceID: "s"},
			svc: &Service{
				Meta:   Meta{ID: "s", Name: "service", Labels: map[string]string{"l": "s"}},
				Script: "svc", EnableWebsocket: &yes, Hosts: []string{"s.com"}, Upstream: up1,
			},
			want: Merged{
				RouteID: "r", ServiceID: "s", Labels: map[string]string{"l": "s"}, Script: "svc", EnableWebsocket: true, Hosts: []string{"s.com"}, Upstream: up1,
			},
		},
		{
			name: "the route beats the service",
			route: Route{
				Meta: Meta{ID: "r", Labels: map[string]string{"l": "r"}}, Script: "route", EnableWebsocket: &no,
				Hosts: []string{"r.com"},
			},
			svc: &Service{
				Meta: Meta{Labels: map[string]string{"l": "s", "m": "s"}}, Script: "svc", EnableWebsocket: &yes, Hosts: []string{"s.com"},
			},
			want: Merged{RouteID: "r", Labels: map[string]string{"l": "r"}, Script: "route", Hosts: []string{"r.com"}},
		},
		{
			name:  "an upstream of the route replaces the service's id",
			route: Route{Upstream: up1}, svc: &Service{UpstreamID: "u"}, want: Merged{Upstream: up1},
		},
		{
			name:  "an upstream of the route replaces the service's upstream",
			route: Route{Upstream: up1}, svc: &Service{Upstream: up2}, want: Merged{Upstream: up1},
		},
		{
			name:  "an id of the route beats the service's upstream",
			route: Route{UpstreamID: "u"}, svc: &Service{Upstream: up2}, want: Merged{UpstreamID: "u"},
		},
		{
			name:  "an id beats an upstream on the route",
			route: Route{UpstreamID: "u", Upstream: up1}, want: Merged{UpstreamID: "u"},
		},
		{
			name: "an id beats an upstream on the service",
			svc:  &Service{UpstreamID: "u", Upstream: up1}, want: Merged{UpstreamID: "u"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			route := tt.route
			got := Merge(&route, tt.svc, tt.pc)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.route, route); diff != "" {
				t.Errorf("Merge has changed the route (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMergeLeavesLayersAlone(t *testing.T) {
	svc, pc, route := plugins("service", "a", "b"), plugins("pc", "b", "c"), plugins("route", "c", "d")
	Merge(&Route{Plugins: route}, &Service{Plugins: svc}, &PluginConfig{Plugins: pc})
	for _, tt := range []struct {
		name      string
		got, want Plugins
	}{
		{"service", svc, plugins("service", "a", "b")},
		{"plugin_config", pc, plugins("pc", "b", "c")},
		{"route", route, plugins("route", "c", "d")},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestMergeConsumer(t *testing.T) {
	tests := []struct {
		name                   string
		route, group, consumer Plugins
		want                   MergedConsumer
	}{
		{name: "nothing", want: MergedConsumer{}},
		{name: "route alone", route: plugins("route", "a"), want: MergedConsumer{Plugins: plugins("route", "a")}},
		{
			name:  "consumer, group, route",
			route: plugins("route", "a", "b", "c"), group: plugins("group", "b", "c", "d", "e"), consumer: plugins("consumer", "c", "e", "f"),
			want: MergedConsumer{
				Plugins: Plugins{
					"a": json.RawMessage(`"route"`), "b": json.RawMessage(`"group"`), "c": json.RawMessage(`"consumer"`),
					"d": json.RawMessage(`"group"`), "e": json.RawMessage(`"consumer"`), "f": json.RawMessage(`"consumer"`),
				},
				Added: []string{"d", "e", "f"},
			},
		},
		{name: "consumer alone", consumer: plugins("consumer", "a"), want: MergedConsumer{Plugins: plugins("consumer", "a"), Added: []string{"a"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, MergeConsumer(tt.route, tt.group, tt.consumer)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

package settings

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// listenerKeys is a Listener that is written as a mapping.
type listenerKeys struct {
	IP    string `key:"ip" is:"ip"`
	Port  int    `key:"port" min:"0" max:"65535" required:"true"`
	HTTP2 bool   `key:"enable_http2"`
	HTTP3 bool   `key:"enable_http3"`
}

// read takes a port or a mapping. Whether HTTP/2 is spoken is completed later, if the listener does not say.
func (l *Listener) read(d *decoder, n *yaml.Node, p place) {
	if n.Kind != yaml.MappingNode {
		if port, ok := d.integer(n, place{p.path, `min:"0" max:"65535"`}); ok {
			l.Port = int(port)
		}
		return
	}
	var keys listenerKeys
	d.object(n, reflect.ValueOf(&keys).Elem(), p)
	*l = Listener{IP: strings.Trim(keys.IP, "[]"), Port: keys.Port, HTTP2: keys.HTTP2, HTTP3: keys.HTTP3}
}

// read takes a port, an address or a range of ports, or a mapping that has one of them as "addr". What the PROXY protocol's
// keys leave open is completed later.
func (l *StreamListener) read(d *decoder, n *yaml.Node, p place) {
	addr := n
	if n.Kind == yaml.MappingNode {
		addr = d.streamKeys(n, l, p)
	}
	if addr == nil {
		return
	}
	ip, ports := "", addr.Value
	if i := strings.LastIndexByte(ports, ':'); i >= 0 {
		ip, ports = strings.Trim(ports[:i], "[]"), ports[i+1:]
	}
	first, last, isRange := strings.Cut(ports, "-")
	if !isRange {
		last = first
	}
	low, errLow := strconv.ParseUint(first, 10, 16)
	high, errHigh := strconv.ParseUint(last, 10, 16)
	_, errIP := netip.ParseAddr(ip)
	if addr.Kind != yaml.ScalarNode || errLow != nil || errHigh != nil || low == 0 || high < low || ip != "" && errIP != nil {
		d.fail(addr, p.path, `expected a port, "ip:port" or a range of ports such as "2000-2100", got `+describe(addr))
		return
	}
	l.IP, l.Port, l.LastPort = ip, int(low), int(high)
}

// streamKeys reads the mapping n except for the address, which it returns.
func (d *decoder) streamKeys(n *yaml.Node, l *StreamListener, p place) *yaml.Node {
	var addr *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := p.key(key.Value, "")
		switch key.Value {
		case "addr":
			addr = value
		case "tls":
			d.value(value, reflect.ValueOf(&l.TLS).Elem(), at)
		case "proxy_protocol":
			d.value(value, reflect.ValueOf(&l.ProxyProtocol).Elem(), at)
		case "proxy_protocol_to_upstream":
			d.value(value, reflect.ValueOf(&l.ProxyToUpstream).Elem(), at)
		default:
			d.otherKey(key, value, p, map[string]int{"addr": 0, "tls": 0, "proxy_protocol": 0, "proxy_protocol_to_upstream": 0})
		}
	}
	if addr == nil {
		d.fail(n, p.path, `the key "addr" is missing`)
	}
	return addr
}

// complete fills in what listeners take from other keys.
func (d *decoder) complete(s *Settings) {
	a := &s.APISIX
	for path, list := range map[string][]Listener{"apisix.node_listen": a.NodeListen, "apisix.ssl.listen": a.SSL.Listen} {
		for i := range list {
			if d.at[fmt.Sprintf("%s[%d].enable_http2", path, i)] == nil {
				list[i].HTTP2 = a.EnableHTTP2
			}
			list[i].IP = anyIP(list[i].IP, a.EnableIPv6)
		}
	}
	if port := a.ProxyProtocol.ListenHTTPPort; port > 0 {
		l := Listener{IP: anyIP("", a.EnableIPv6), Port: port, HTTP2: a.EnableHTTP2, ProxyProtocol: true}
		a.NodeListen = append(a.NodeListen, l)
	}
	if port := a.ProxyProtocol.ListenHTTPSPort; port > 0 {
		l := Listener{IP: anyIP("", a.EnableIPv6), Port: port, HTTP2: a.EnableHTTP2, ProxyProtocol: true}
		a.SSL.Listen = append(a.SSL.Listen, l)
	}
	for i := range a.StreamProxy.TCP {
		l, path := &a.StreamProxy.TCP[i], fmt.Sprintf("apisix.stream_proxy.tcp[%d].", i)
		if d.at[path+"proxy_protocol"] == nil {
			l.ProxyProtocol = a.ProxyProtocol.EnableTCPPP
		}
		if d.at[path+"proxy_protocol_to_upstream"] == nil {
			l.ProxyToUpstream = a.ProxyProtocol.EnableTCPPPToUpstream
		}
	}
}

func anyIP(ip string, v6 bool) string {
	if ip == "" && !v6 {
		return "0.0.0.0"
	}
	return ip
}

// bound is a listening TCP address and the key that asks for it.
type bound struct {
	key  string
	ip   string
	port int
}

func bounds(s *Settings) []bound {
	a := &s.APISIX
	var list []bound
	for i, l := range a.NodeListen {
		if a.HTTP() {
			list = append(list, bound{fmt.Sprintf("apisix.node_listen[%d]", i), l.IP, l.Port})
		}
	}
	for i, l := range a.SSL.Listen {
		if a.HTTP() && a.SSL.Enable {
			list = append(list, bound{fmt.Sprintf("apisix.ssl.listen[%d]", i), l.IP, l.Port})
		}
	}
	for i, l := range a.StreamProxy.TCP {
		for port := l.Port; a.Stream() && port <= l.LastPort; port++ {
			list = append(list, bound{fmt.Sprintf("apisix.stream_proxy.tcp[%d]", i), l.IP, port})
		}
	}
	if a.EnableAdmin {
		list = append(list, bound{"deployment.admin.admin_listen", s.Deployment.Admin.Listen.IP, s.Deployment.Admin.Listen.Port})
	}
	if a.EnableControl {
		list = append(list, bound{"apisix.control", a.Control.IP, a.Control.Port})
	}
	if m := s.Metrics(); m.Enabled {
		list = append(list, bound{"plugin_attr.prometheus", m.Address.IP, m.Address.Port})
	}
	return append(list, bound{"apisix.status", a.Status.IP, a.Status.Port})
}

// listeners reports addresses that two listeners ask for.
func (d *decoder) listeners(s *Settings) {
	taken := map[int][]bound{}
	for _, b := range bounds(s) {
		for _, other := range taken[b.port] {
			if b.port == 0 || !overlap(b.ip, other.ip) {
				continue
			}
			at, by := b, other
			if d.at[at.key] == nil { // a default
				at, by = other, b
			}
			d.failAt(at.key, "the port "+strconv.Itoa(at.port)+" is taken by "+by.key+" already; choose another one")
			break
		}
		taken[b.port] = append(taken[b.port], b)
	}
}

func overlap(a, b string) bool {
	if a == b || a == "" || b == "" {
		return true
	}
	x, y := net.ParseIP(a), net.ParseIP(b)
	if x == nil || y == nil || (x.To4() == nil) != (y.To4() == nil) {
		return false
	}
	return x.IsUnspecified() || y.IsUnspecified()
}

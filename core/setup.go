package core

import (
	"fmt"
	"net/netip"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/secret"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/upstream"
	"github.com/polygate/polygate/internal/ipset"
)

// strict tells whether a resource with an unknown plugin is refused instead of served without it. In a file APISIX refuses it too.
func strict(s *settings.Settings) bool {
	return s.Deployment.Store() == settings.StoreFile || s.Polygate.UnknownPlugins == settings.UnknownReject
}

// newResolver makes what resolves references to secrets (apisix.lru.secret).
func newResolver(o Options) (*secret.Resolver, error) {
	roots, err := o.Settings.APISIX.SSL.Roots()
	if err != nil {
		return nil, err
	}
	lru := o.Settings.APISIX.LRU.Secret
	return secret.New(secret.Options{
		Logger: o.Logger, Roots: roots, TTL: lru.TTL, NegTTL: lru.NegTTL, Count: lru.Count, NegCount: lru.NegCount,
	}), nil
}

// newKeyring makes what encrypts stored secrets. As in APISIX nothing is encrypted where the configuration is a file, or without keys.
func newKeyring(s *settings.Settings) (config.Keyring, error) {
	keys := s.APISIX.DataEncryption.Keyring
	if store := s.Deployment.Store(); store == settings.StoreFile || store == settings.StoreMemory || len(keys) == 0 {
		return nil, nil
	}
	keyring, err := secret.NewKeyring(keys)
	if err != nil {
		return nil, err
	}
	return keyring, nil
}

func (g *Gateway) takeSettings(s *settings.Settings) (err error) {
	http := &s.Nginx.HTTP
	g.limits = transport.DefaultLimits()
	g.limits.HeadTimeout, g.limits.IdleTimeout = http.ClientHeaderTimeout, http.KeepaliveTimeout
	g.limits.BodyTimeout, g.limits.SendTimeout = http.ClientBodyTimeout, http.SendTimeout
	g.limits.BodyLimit = int64(http.ClientMaxBodySize)
	g.limits.KeepUnderline = http.UnderscoresHeaders
	g.limits.PathRules = transport.PathRules{
		KeepEncodedSlash: s.APISIX.MatchURIEncodedSlash,
		CutParameters:    s.APISIX.NormalizeURILikeServlet,
		CutLastSlash:     s.APISIX.DeleteURITailSlash,
	}
	g.keepalive = upstream.Keepalive{
		Size: http.Upstream.Keepalive, Idle: http.Upstream.KeepaliveTimeout, Requests: http.Upstream.KeepaliveRequests,
	}
	if g.trusted, err = addressSet(s.APISIX.TrustedAddresses); err != nil {
		return fmt.Errorf("apisix.trusted_addresses: %w", err)
	}
	if g.realIPFrom, err = addressSet(http.RealIPFrom); err != nil {
		return fmt.Errorf("nginx_config.http.real_ip_from: %w", err)
	}
	g.realIPHeader, g.realIPRecursive = http.RealIPHeader, http.RealIPRecursive
	g.serverHeader = "polygate"
	if s.APISIX.EnableServerTokens && g.opts.Version != "" {
		g.serverHeader += "/" + g.opts.Version
	}
	g.showUpstreamStatus = s.APISIX.ShowUpstreamStatus
	return nil
}

func addressSet(prefixes []netip.Prefix) (*ipset.Set, error) {
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return ipset.Parse(texts)
}

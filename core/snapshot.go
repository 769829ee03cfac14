package core

import (
	"encoding/json"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/ssl"
	"github.com/polygate/polygate/sdk"
)

// snapshot is the whole configuration as requests use it. It never changes; a request keeps the one that it began with.
type snapshot struct {
	revision  int64
	router    *router.Router
	global    *plan.Plan // of all global rules; never nil
	consumers *consumers
	ssl       *ssl.Table
}

// consumers finds consumers by their credentials and names.
type consumers struct {
	byCredential map[string]map[string]*sdk.Consumer // by plugin and credential
	byUsername   map[string]*sdk.Consumer
	sets         map[string]*plan.Set // the plugins of their own, by username
}

func newConsumers(size int) *consumers {
	return &consumers{
		byCredential: map[string]map[string]*sdk.Consumer{}, byUsername: make(map[string]*sdk.Consumer, size), sets: map[string]*plan.Set{},
	}
}

func (c *consumers) find(plugin, credential string) (*sdk.Consumer, bool) {
	found, ok := c.byCredential[plugin][credential]
	return found, ok
}

func (c *consumers) byName(username string) (*sdk.Consumer, bool) {
	found, ok := c.byUsername[username]
	return found, ok
}

func (c *consumers) plugins(consumer *sdk.Consumer) *plan.Set { return c.sets[consumer.Username] }

// add makes a consumer known by its name and by every credential that it has.
func (c *consumers) add(cfg *config.Consumer, own *plan.Set, catalog *config.Catalog) {
	base := sdk.Consumer{
		Username: cfg.Username, GroupID: string(cfg.GroupID), CustomID: cfg.Labels["custom_id"], Labels: cfg.Labels,
	}
	named := base
	c.byUsername[cfg.Username] = &named
	if own != nil {
		c.sets[cfg.Username] = own
	}
	for plugin, credential := range catalog.Credentials(cfg.Plugins) {
		found := base
		found.Conf = cfg.Plugins[plugin]
		if c.byCredential[plugin] == nil {
			c.byCredential[plugin] = map[string]*sdk.Consumer{}
		}
		c.byCredential[plugin][credential] = &found
	}
}

// ownPlugins are the plugins of a consumer less its credentials.
func ownPlugins(all config.Plugins, catalog *config.Catalog) config.Plugins {
	own := make(config.Plugins, len(all))
	for name, conf := range all {
		if info, ok := catalog.Info(name); !ok || !info.Auth {
			own[name] = conf
		}
	}
	return own
}

func encodeJSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(b, '\n'), err
}

package plugintest

import "github.com/polygate/polygate/sdk"

var _ sdk.Consumers = (*consumers)(nil)

type entry struct {
	plugin, credential string
	consumer           *sdk.Consumer
}

type consumers struct {
	x        *Exchange
	table    []entry
	attached *sdk.Consumer
}

// Find implements [sdk.Consumers].
func (c *consumers) Find(plugin, credential string) (*sdk.Consumer, bool) {
	for _, e := range c.table {
		if e.plugin == plugin && e.credential == credential {
			return e.consumer, true
		}
	}
	return nil, false
}

// ByName implements [sdk.Consumers].
func (c *consumers) ByName(username string) (*sdk.Consumer, bool) {
	for _, e := range c.table {
		if e.consumer.Username == username {
			found := *e.consumer
			found.Conf, found.CredentialID = nil, ""
			return &found, true
		}
	}
	return nil, false
}

// Attach implements [sdk.Consumers].
func (c *consumers) Attach(consumer *sdk.Consumer) {
	c.attached = consumer
	set := func(name, value string) {
		c.x.req.header.Del(name)
		if value != "" {
			c.x.req.header.Set(name, value)
		}
	}
	set("X-Consumer-Username", consumer.Username)
	set("X-Consumer-Custom-ID", consumer.CustomID)
	set("X-Credential-Identifier", consumer.CredentialID)
}

// Attached implements [sdk.Consumers].
func (c *consumers) Attached() *sdk.Consumer { return c.attached }

package core

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/internal/persistent"
	"github.com/polygate/polygate/sdk"
)

// consumers finds consumers by their credentials and names. A version never changes.
type consumers struct {
	members    persistent.Map[*member]                  // by username
	credential map[string]persistent.Map[*sdk.Consumer] // by plugin, then by credential
}

// member is a consumer in service.
type member struct {
	sdk.Consumer
	set   *plan.Set // the plugins of its own and of its group; nil: none
	fault error     // why its requests cannot be served; nil as a rule
}

// claim is a credential that a consumer holds, by itself or through a credential resource.
type claim struct {
	created  int64  // revision at which the resource was created
	key      string // of the resource
	consumer *sdk.Consumer
}

func (c *consumers) find(plugin, credential string) (*sdk.Consumer, bool) {
	return c.credential[plugin].Get(credential)
}

func (c *consumers) byName(username string) (*sdk.Consumer, bool) {
	m, ok := c.members.Get(username)
	if !ok {
		return nil, false
	}
	return &m.Consumer, true
}

// plugins returns the plugins that come with a consumer.
func (c *consumers) plugins(consumer *sdk.Consumer) (*plan.Set, error) {
	m, ok := c.members.Get(consumer.Username)
	if !ok {
		return nil, nil
	}
	return m.set, m.fault
}

// roll is the builder's side of the consumers: who claims which credential. It is guarded by the builder.
type roll struct {
	claims map[string]map[string][]claim  // by plugin and credential; of several the oldest resource's is in force
	held   map[string]map[string][]string // by username: plugin -> the credentials that its resources claim
}

func newRoll() *roll {
	return &roll{claims: map[string]map[string][]claim{}, held: map[string]map[string][]string{}}
}

// updateConsumers makes the named consumers again, and returns the next version of the table.
func (b *builder) updateConsumers(before *consumers, names []string) *consumers {
	members := before.members.Edit()
	changed := map[string]map[string]struct{}{} // credentials by plugin
	for _, name := range names {
		b.roll.release(name, changed)
		r := b.byKind["consumers"][name]
		if r == nil {
			members.Delete(name)
			continue
		}
		members.Set(name, b.member(r))
		b.claim(name, r, changed)
	}
	after := &consumers{members: members.Map(), credential: make(map[string]persistent.Map[*sdk.Consumer], len(before.credential))}
	for plugin, m := range before.credential {
		after.credential[plugin] = m
	}
	for plugin, credentials := range changed {
		edit := after.credential[plugin].Edit()
		for credential := range credentials {
			if claims := b.roll.claims[plugin][credential]; len(claims) > 0 {
				edit.Set(credential, claims[0].consumer)
			} else {
				edit.Delete(credential)
			}
		}
		after.credential[plugin] = edit.Map()
	}
	return after
}

// member puts a consumer and its group together (apisix/plugin.lua, merge_consumer_route).
func (b *builder) member(r *resource) *member {
	c := r.value.(*config.Consumer)
	m := &member{Consumer: consumerOf(c), set: r.set}
	if c.GroupID == "" {
		return m
	}
	group := b.byKind["consumer_groups"][string(c.GroupID)]
	if group == nil {
		m.fault = &Fault{Source: FaultGateway, Status: http.StatusServiceUnavailable, Op: "merge the consumer",
			Public: "the consumer group of the consumer does not exist", Err: fmt.Errorf("there is no consumer_group %q", c.GroupID)}
		return m
	}
	m.set = plan.Join(group.set, r.set)
	return m
}

// consumerOf goes by the name in the key, as in APISIX: what the value says is compared with it only when the Admin API writes it.
func consumerOf(c *config.Consumer) sdk.Consumer {
	return sdk.Consumer{Username: string(c.ID), GroupID: string(c.GroupID), CustomID: c.Labels["custom_id"], Labels: c.Labels}
}

// claim notes the credentials of a consumer and of its credential resources.
func (b *builder) claim(name string, r *resource, changed map[string]map[string]struct{}) {
	c := r.value.(*config.Consumer)
	base := consumerOf(c)
	b.claimAll(claim{r.item.CreateRev, r.item.Key, &base}, c.Plugins, changed)
	for key := range b.users["consumers/"+name] {
		id := strings.TrimPrefix(key, "consumers/")
		cred := b.byKind["credentials"][id]
		if cred == nil {
			continue
		}
		owner := base
		_, owner.CredentialID, _ = strings.Cut(id, "/credentials/")
		b.claimAll(claim{cred.item.CreateRev, key, &owner}, cred.value.(*config.Credential).Plugins, changed)
	}
}

// claimAll notes the credentials in plugins; each of them comes with its own version of the consumer.
func (b *builder) claimAll(by claim, plugins config.Plugins, changed map[string]map[string]struct{}) {
	for plugin, credential := range b.maker.Catalog.Credentials(plugins) {
		consumer := *by.consumer
		consumer.Conf = plugins[plugin]
		claims := b.roll.add(plugin, credential, claim{by.created, by.key, &consumer})
		if claims[0].consumer.Username != claims[len(claims)-1].consumer.Username {
			b.log.Error("a credential belongs to two consumers: the older one has it",
				"plugin", plugin, "consumer", claims[0].consumer.Username, "key", claims[0].key, "other", claims[len(claims)-1].key)
		}
		note(changed, plugin, credential)
	}
}

func (r *roll) add(plugin, credential string, c claim) []claim {
	name := c.consumer.Username
	if r.claims[plugin] == nil {
		r.claims[plugin] = map[string][]claim{}
	}
	claims := append(r.claims[plugin][credential], c)
	slices.SortFunc(claims, func(x, y claim) int {
		return cmp.Or(cmp.Compare(x.created, y.created), cmp.Compare(x.key, y.key))
	})
	r.claims[plugin][credential] = claims
	if r.held[name] == nil {
		r.held[name] = map[string][]string{}
	}
	r.held[name][plugin] = append(r.held[name][plugin], credential)
	return claims
}

// release forgets all claims of a consumer.
func (r *roll) release(name string, changed map[string]map[string]struct{}) {
	for plugin, credentials := range r.held[name] {
		for _, credential := range credentials {
			left := slices.DeleteFunc(r.claims[plugin][credential], func(c claim) bool { return c.consumer.Username == name })
			if len(left) == 0 {
				delete(r.claims[plugin], credential)
			} else {
				r.claims[plugin][credential] = left
			}
			note(changed, plugin, credential)
		}
	}
	delete(r.held, name)
}

func note(changed map[string]map[string]struct{}, plugin, credential string) {
	if changed[plugin] == nil {
		changed[plugin] = map[string]struct{}{}
	}
	changed[plugin][credential] = struct{}{}
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

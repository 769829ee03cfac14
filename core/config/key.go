package config

import "strings"

// Key returns the key under which a store keeps a resource: "routes/1", "consumers/jack/credentials/c1", "secrets/vault/1" or
// "plugins". The parent is the id of the owner, or the manager of a secret; it is empty for kinds that have neither, and also where
// the id is a whole one as [KindOfKey] returns it, for example "jack/credentials/c1".
func (k *Kind) Key(parent, id string) string {
	switch {
	case k.Identity == Single:
		return k.Name
	case k.Parent != "" && parent != "":
		return k.Parent + "/" + parent + "/" + k.Name + "/" + id
	case k.Parent != "":
		return k.Parent + "/" + id
	case parent != "":
		return k.Name + "/" + parent + "/" + id
	}
	return k.Name + "/" + id
}

// SplitID splits the id that [KindOfKey] returns into the id of the owner, empty for kinds without one, and the resource's own:
// "jack/credentials/c1" into "jack" and "c1". An own id alone is returned as it is.
func (k *Kind) SplitID(id string) (parent, own string) {
	if k.Parent == "" {
		return "", id
	}
	parent, own, ok := strings.Cut(id, "/"+k.Name+"/")
	if !ok {
		return "", id
	}
	return parent, own
}

// folder is where the keys of a kind begin, without the slash.
func (k *Kind) folder() string {
	if k.Parent != "" {
		return k.Parent
	}
	return k.Name
}

// KindOfKey splits a store's key into the kind and what stands below its folder, or its owner's: "routes/1" into routes and "1",
// "consumers/jack/credentials/c1" into credentials and "jack/credentials/c1", "secrets/vault/1" into secrets and "vault/1", "plugins"
// into plugins and "". It reports false for a key that belongs to no kind, such as "gen_id" or "data_plane/server_info/x".
func KindOfKey(key string) (*Kind, string, bool) {
	name, id, below := strings.Cut(key, "/")
	k, ok := KindOf(name)
	if !ok || k.Parent != "" || below == (k.Identity == Single) {
		return nil, "", false
	}
	if !below {
		return k, "", true
	}
	segs := strings.Split(id, "/")
	for _, seg := range segs {
		if seg == "" {
			return nil, "", false
		}
	}
	switch {
	case len(segs) == 1 && k.Identity != ByManager, len(segs) == 2 && k.Identity == ByManager:
		return k, id, true
	case len(segs) == 3:
		child, ok := KindOf(segs[1])
		return child, id, ok && child.Parent == k.Name
	}
	return nil, "", false
}

package admin

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
)

// Role says what the holder of a key may do.
type Role string

// The roles. An editor is an administrator who may not configure code: scripts, filter functions, serverless and external plugins.
const (
	RoleAdmin  Role = "admin"
	RoleEditor Role = "editor"
	RoleViewer Role = "viewer" // reads, and sees no secrets
)

// Key is one row of deployment.admin.admin_key.
type Key struct {
	Name string // for logs
	Key  string // the secret that comes in X-API-KEY
	Role Role   // empty: [RoleAdmin]
}

// identity is who sent a request.
type identity struct {
	name string
	role Role
}

// keyHashes holds the hashes of the keys, never the keys.
type keyHashes struct {
	required bool
	rows     []keyHash
}

type keyHash struct {
	sum [sha256.Size]byte
	who identity
}

func newKeyHashes(keys []Key, required bool) (*keyHashes, error) {
	ring := &keyHashes{required: required}
	if required && len(keys) == 0 {
		return nil, errors.New("admin API: no key is configured: set deployment.admin.admin_key, " +
			"or admin_key_required: false to let everybody in")
	}
	seen := make(map[[sha256.Size]byte]string, len(keys))
	for _, k := range keys {
		sum := sha256.Sum256([]byte(k.Key))
		switch other, doubled := seen[sum]; {
		case k.Key == "":
			return nil, fmt.Errorf("admin API: key %q is empty", k.Name)
		case wellKnown(k.Key):
			return nil, fmt.Errorf("admin API: key %q is APISIX's published default key, which everybody knows: choose another one", k.Name)
		case doubled:
			return nil, fmt.Errorf("admin API: keys %q and %q are the same", other, k.Name)
		}
		seen[sum] = k.Name
		role := k.Role
		if role == "" {
			role = RoleAdmin
		}
		if role != RoleAdmin && role != RoleEditor && role != RoleViewer {
			return nil, fmt.Errorf("admin API: key %q has the unknown role %q: use admin, editor or viewer", k.Name, k.Role)
		}
		ring.rows = append(ring.rows, keyHash{sum: sum, who: identity{name: k.Name, role: role}})
	}
	return ring, nil
}

// wellKnown reports whether key is one of the default keys that APISIX was shipped with.
func wellKnown(key string) bool {
	switch key {
	case "edd1c9f034335f136f87ad84b625c8f1", "4054f7cf07e344346cd3f287985e76a2":
		return true
	}
	return false
}

// find returns the holder of a key. It compares with every row, so that its time does not tell which rows come close.
func (k *keyHashes) find(key string) (identity, bool) {
	sum := sha256.Sum256([]byte(key))
	var who identity
	found := 0
	for i := range k.rows {
		if subtle.ConstantTimeCompare(sum[:], k.rows[i].sum[:]) == 1 {
			who, found = k.rows[i].who, 1
		}
	}
	return who, found == 1
}

// authenticate finds out who sent a request and whether that one may use its method at all.
func (h *handler) authenticate(r *http.Request, query url.Values, addr netip.Addr) (identity, error) {
	if !h.keys.required {
		return identity{name: "anonymous", role: RoleAdmin}, nil
	}
	key := h.keyOf(r, query)
	if key == "" {
		return identity{}, unauthorized("missing apikey")
	}
	// Why refuse before looking at the key? An address that guesses must not learn from later answers either.
	if wait := h.attempts.blocked(addr); wait > 0 {
		return identity{}, tooMany(wait)
	}
	who, ok := h.keys.find(key)
	if !ok {
		h.attempts.fail(addr)
		return identity{}, unauthorized("wrong apikey")
	}
	if who.role == RoleViewer && r.Method != http.MethodGet {
		return who, unauthorized("invalid method for role viewer")
	}
	return who, nil
}

// keyOf returns the key that a request shows. Of several places the first counts that has one, in APISIX's order.
func (h *handler) keyOf(r *http.Request, query url.Values) string {
	key := r.Header.Get("X-API-KEY")
	if !h.anywhere {
		return key
	}
	if arg := query.Get("api_key"); arg != "" {
		return arg
	}
	// nginx takes the two spellings for the same field.
	if key = cmp.Or(key, r.Header.Get("X_API_KEY")); key != "" {
		return key
	}
	if cookie, err := r.Cookie("x_api_key"); err == nil {
		return cookie.Value
	}
	return ""
}

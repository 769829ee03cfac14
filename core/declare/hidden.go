package declare

import "strings"

// lacksKey tells whether a certificate comes without its private key, which is how gateways show it.
func lacksKey(it Item) bool {
	if it.Kind.Name != "ssls" {
		return false
	}
	_, key := it.Value["key"]
	_, certs := it.Value["certs"]
	_, keys := it.Value["keys"]
	return !key || certs && !keys
}

// shown returns the values of an item that is wanted and of the same one that a gateway has without what the gateway does not show. A
// private key belongs to exactly one certificate, which both show: where that is the same, so is the key.
func shown(want, have Item) (wanted, had map[string]any) {
	wanted, had = want.Value, have.Value
	if len(want.Kind.Private) > 0 {
		wanted, _ = clone(wanted).(map[string]any)
		had, _ = clone(had).(map[string]any)
		for _, name := range want.Kind.Private {
			delete(wanted, name)
			delete(had, name)
		}
		return wanted, had
	}
	for _, path := range [][]string{{"tls"}, {"upstream", "tls"}} {
		wantTLS, _ := member(wanted, path...)
		haveTLS, _ := member(had, path...)
		if sameKey(wantTLS, haveTLS) {
			key, _ := member(wantTLS, "client_key")
			had, _ = clone(had).(map[string]any)
			setMember(had, append(path, "client_key"), key)
		}
	}
	return wanted, had
}

// sameKey tells whether a client's key that the gateway shows encrypted is the one that is wanted.
func sameKey(want, have any) bool {
	w, _ := want.(map[string]any)
	h, _ := have.(map[string]any)
	plain, _ := w["client_key"].(string)
	stored, _ := h["client_key"].(string)
	return strings.HasPrefix(plain, "---") && stored != "" && !strings.HasPrefix(stored, "---") && equal(w["client_cert"], h["client_cert"])
}

// mergePatch returns what turns have into want as a JSON merge patch. Where it cannot say so within an object, it has the whole object.
func mergePatch(want, have map[string]any) map[string]any {
	patch := map[string]any{}
	for name, w := range want {
		h, ok := have[name]
		if ok && equal(w, h) {
			continue
		}
		wObject, _ := w.(map[string]any)
		hObject, _ := h.(map[string]any)
		if len(wObject) > 0 && len(hObject) > 0 {
			patch[name] = mergePatch(wObject, hObject)
			continue
		}
		patch[name] = w
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			patch[name] = nil
		}
	}
	return patch
}

// Keyless counts the certificates whose private keys are not there.
func Keyless(items []Item) int {
	n := 0
	for _, it := range items {
		if lacksKey(it) {
			n++
		}
	}
	return n
}

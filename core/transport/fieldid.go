package transport

// FieldID marks the fields that a gateway treats in a way of its own. It is found once, when a field is read.
type FieldID uint8

// The marked fields.
const (
	FieldOther            FieldID = iota
	FieldHost                     // taken from the request, rewritten for the upstream
	FieldContentLength            // framing
	FieldTransferEncoding         // framing
	FieldConnection               // hop-by-hop, and names further ones
	FieldHopByHop                 // Keep-Alive, Proxy-Connection, HTTP2-Settings
	FieldUpgrade                  // hop-by-hop; forwarded only for a WebSocket
	FieldTE                       // hop-by-hop; "trailers" is forwarded
	FieldTrailer                  // announces trailers
	FieldExpect                   // 100-continue
	FieldProxy                    // never forwarded (httpoxy)
	FieldIdentity                 // X-Consumer-*, X-Credential-Identifier: set by the gateway alone
	FieldForwarded                // Forwarded, X-Forwarded-*, X-Real-IP: believed only from trusted peers
	FieldServer
	FieldDate
)

// Identify returns the mark of a field name. Names of identity and forwarded fields are also known with underscores, because many
// upstreams take "X_Consumer_Username" for "X-Consumer-Username".
func Identify(name string) FieldID {
	if len(name) < 2 {
		return FieldOther
	}
	// Few names have both the length and the first letter of a marked one: the others are done after one comparison.
	switch name[0] | 0x20 {
	case 'x':
		return identifyX(name)
	case 'h', 'c', 'p', 'k', 'd', 'e', 's', 'u', 'f', 't':
		return identifyPlain(name)
	}
	return FieldOther
}

func identifyPlain(name string) FieldID {
	switch len(name) {
	case 2:
		return pick(name, "te", FieldTE)
	case 4:
		return either(name, "host", FieldHost, "date", FieldDate)
	case 5:
		return pick(name, "proxy", FieldProxy)
	case 6:
		return either(name, "expect", FieldExpect, "server", FieldServer)
	case 7:
		return either(name, "upgrade", FieldUpgrade, "trailer", FieldTrailer)
	case 9:
		return pick(name, "forwarded", FieldForwarded)
	case 10:
		return either(name, "connection", FieldConnection, "keep-alive", FieldHopByHop)
	case 14:
		return either(name, "content-length", FieldContentLength, "http2-settings", FieldHopByHop)
	case 16:
		return pick(name, "proxy-connection", FieldHopByHop)
	case 17:
		return pick(name, "transfer-encoding", FieldTransferEncoding)
	}
	return FieldOther
}

func identifyX(name string) FieldID {
	switch {
	case len(name) == 9 && looseFold(name, "x-real-ip"), len(name) > 12 && looseFold(name[:12], "x-forwarded-"):
		return FieldForwarded
	case len(name) == 23 && looseFold(name, "x-credential-identifier"), len(name) > 11 && looseFold(name[:11], "x-consumer-"):
		return FieldIdentity
	}
	return FieldOther
}

func pick(name, want string, id FieldID) FieldID {
	if EqualFold(name, want) {
		return id
	}
	return FieldOther
}

// either picks one of two names with different first letters.
func either(name, a string, idA FieldID, b string, idB FieldID) FieldID {
	if name[0]|0x20 == a[0] {
		return pick(name, a, idA)
	}
	return pick(name, b, idB)
}

// looseFold compares a name with one in lower case of the same length, and takes an underscore for a hyphen.
func looseFold(name, lower string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '_':
			c = '-'
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

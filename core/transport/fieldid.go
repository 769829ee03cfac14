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

// Identify returns the mark of a field name.
func Identify(name string) FieldID {
	switch len(name) {
	case 2:
		return pick(name, "te", FieldTE)
	case 4:
		if EqualFold(name, "host") {
			return FieldHost
		}
		return pick(name, "date", FieldDate)
	case 5:
		return pick(name, "proxy", FieldProxy)
	case 6:
		if EqualFold(name, "expect") {
			return FieldExpect
		}
		return pick(name, "server", FieldServer)
	case 7:
		if EqualFold(name, "upgrade") {
			return FieldUpgrade
		}
		return pick(name, "trailer", FieldTrailer)
	case 9:
		if EqualFold(name, "x-real-ip") {
			return FieldForwarded
		}
		return pick(name, "forwarded", FieldForwarded)
	case 10:
		if EqualFold(name, "connection") {
			return FieldConnection
		}
		return pick(name, "keep-alive", FieldHopByHop)
	}
	return identifyLong(name)
}

func identifyLong(name string) FieldID {
	switch len(name) {
	case 14:
		if EqualFold(name, "content-length") {
			return FieldContentLength
		}
		return pick(name, "http2-settings", FieldHopByHop)
	case 15:
		return pick(name, "x-forwarded-for", FieldForwarded)
	case 16:
		if EqualFold(name, "proxy-connection") {
			return FieldHopByHop
		}
		return identifyForwarded(name)
	case 17:
		if EqualFold(name, "transfer-encoding") {
			return FieldTransferEncoding
		}
		return identifyForwarded(name)
	case 23:
		if EqualFold(name, "x-credential-identifier") {
			return FieldIdentity
		}
	}
	if len(name) > 11 && EqualFold(name[:11], "x-consumer-") {
		return FieldIdentity
	}
	return identifyForwarded(name)
}

func identifyForwarded(name string) FieldID {
	if len(name) > 12 && EqualFold(name[:12], "x-forwarded-") {
		return FieldForwarded
	}
	return FieldOther
}

func pick(name, want string, id FieldID) FieldID {
	if EqualFold(name, want) {
		return id
	}
	return FieldOther
}

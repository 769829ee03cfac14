package h1

import "strings"

// validHost tells whether s is uri-host [":" port] (RFC 9110 section 7.2), with a port of at most 65535.
func validHost(s string) bool {
	host, port := s, ""
	if s == "" {
		return false
	}
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 2 {
			return false
		}
		host, port = s[1:end], s[end+1:]
		if port != "" && port[0] != ':' {
			return false
		}
		return allIn(host, "0123456789abcdefABCDEF:.") && (port == "" || validPort(port[1:]))
	}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i+1:]
		if !validPort(port) {
			return false
		}
	}
	if host == "" {
		return false
	}
	for i := 0; i < len(host); i++ {
		if !hostByte[host[i]] {
			return false
		}
	}
	return true
}

func validPort(p string) bool {
	n, ok := parseLength(p)
	return p == "" || ok && len(p) <= 5 && n <= 65535
}

func allIn(s, set string) bool {
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(set, s[i]) < 0 {
			return false
		}
	}
	return true
}

var hostByte = hostBytes()

func hostBytes() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+=") {
		t[c] = true
	}
	return t
}

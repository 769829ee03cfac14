package h1

import "strings"

// validHost tells whether s is uri-host [":" port] (RFC 9110 section 7.2), with a port of at most 65535.
func validHost(s string) bool {
	if s != "" && s[0] == '[' {
		return validAddress(s)
	}
	host := s
	if i := strings.IndexByte(s, ':'); i >= 0 {
		if !validPort(s[i+1:]) {
			return false
		}
		host = s[:i]
	}
	for i := 0; i < len(host); i++ {
		if !hostByte[host[i]] {
			return false
		}
	}
	return host != ""
}

// validAddress is validHost for an IPv6 address, which stands in brackets.
func validAddress(s string) bool {
	end := strings.IndexByte(s, ']')
	if end < 2 || !allIn(s[1:end], "0123456789abcdefABCDEF:.") {
		return false
	}
	port := s[end+1:]
	return port == "" || port[0] == ':' && validPort(port[1:])
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

package router

import (
	"cmp"
	"fmt"
	"strings"
)

// later says why b, which fits as well, comes after the match a.
func later(a, b *attempt) (Verdict, string) {
	switch {
	case a.pattern != b.pattern && b.pattern == "":
		return VerdictWiderHost, fmt.Sprintf("it has no host, which comes after the host %s of route %s", a.pattern, a.route.ID)
	case a.pattern != b.pattern:
		return VerdictWiderHost, fmt.Sprintf("the host %s comes after %s of route %s", b.pattern, a.pattern, a.route.ID)
	case a.exact && !b.exact:
		return VerdictShorterPath, fmt.Sprintf("%s is a pattern, and route %s has the very path", b.path, a.route.ID)
	case a.keyLen != b.keyLen:
		return VerdictShorterPath, fmt.Sprintf("the literal beginning of %s is shorter than that of %s of route %s", b.path, a.path, a.route.ID)
	case a.route.Priority != b.route.Priority:
		return VerdictPriority, fmt.Sprintf("its priority %d is lower than %d of route %s", b.route.Priority, a.route.Priority, a.route.ID)
	case len(a.path) != len(b.path):
		return VerdictShorterPath, fmt.Sprintf("%s is shorter than %s of route %s", b.path, a.path, a.route.ID)
	case cmp.Compare(a.route.Order, b.route.Order) != 0:
		return VerdictYounger, fmt.Sprintf("it was created after route %s, which has the same path and priority", a.route.ID)
	}
	return VerdictYounger, fmt.Sprintf("route %s has the same path, priority and age, and its id comes first", a.route.ID)
}

// reached says how the match was found.
func (x *explainer) reached(a attempt) string {
	text := fmt.Sprintf("the path is %s", a.path)
	if !a.exact {
		text = fmt.Sprintf("the path fits %s", a.path)
	}
	if a.host != "" {
		text += ", the host fits " + a.host
	}
	return text
}

// unfulfilled says what a route asks for that the request does not have.
func (x *explainer) unfulfilled(route *Route, v Verdict) string {
	q := x.q
	switch v {
	case VerdictMethod:
		return fmt.Sprintf("the method %s is not %s", q.Method, oneOf(route.Methods))
	case VerdictRemoteAddr:
		return fmt.Sprintf("the client's address %s is not in %s", q.RemoteAddr, oneOf(route.RemoteAddrs))
	case VerdictHost:
		return fmt.Sprintf("the host %q is not %s", q.Host, oneOf(route.Hosts))
	case VerdictVars:
		return "the conditions in vars do not hold"
	case VerdictFilter:
		return "filter_func does not return true"
	case VerdictPath:
		return fmt.Sprintf("the path %s does not fit %s", q.Path, oneOf(route.Paths))
	default:
		return ""
	}
}

// oneOf lists alternatives, but not very many.
func oneOf(list []string) string {
	const most = 8
	switch n := len(list); {
	case n == 1:
		return list[0]
	case n > most:
		return fmt.Sprintf("one of %s and %d more", strings.Join(list[:most], ", "), n-most)
	default:
		return "one of " + strings.Join(list, ", ")
	}
}

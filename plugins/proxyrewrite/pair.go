package proxyrewrite

import (
	"errors"
	"fmt"
	"strings"

	"github.com/polygate/polygate/internal/regex"
	"github.com/polygate/polygate/sdk"
)

// pair is a pattern and what stands for its first match.
type pair struct {
	re          *regex.Regexp
	replacement string
}

// pairs are tried in order; the first that matches counts.
type pairs []pair

// newPairs compiles the attribute regex_uri. The texts of errors are APISIX's.
func newPairs(list []string) (pairs, error) {
	if len(list)%2 != 0 {
		return nil, errors.New("The length of regex_uri should be an even number") //nolint:staticcheck // APISIX's own text
	}
	var ps pairs
	for i := 0; i < len(list); i += 2 {
		re, err := regex.Compile(list[i])
		if err == nil {
			err = regex.CheckTemplate(list[i+1])
		}
		if err != nil {
			return nil, fmt.Errorf("invalid regex_uri(%s, %s): %w", list[i], list[i+1], err)
		}
		ps = append(ps, pair{re, list[i+1]})
	}
	return ps, nil
}

// rewrite rewrites the decoded path. A question mark in the result begins a query, but not where one came from the client.
func (ps pairs) rewrite(x sdk.Exchange, wanted bool) ([]string, error) {
	path := x.Request().Path()
	out, captures, err := ps.replace(x, path, wanted)
	if err != nil || out == path {
		return captures, err
	}
	if !strings.Contains(path, "?") {
		if before, query, ok := strings.Cut(out, "?"); ok {
			out = before
			setQuery(x, query)
		}
	}
	return captures, setPath(x, slashed(out))
}

// rewriteRaw rewrites path and query as the client sent them.
func (ps pairs) rewriteRaw(x sdk.Exchange, wanted bool) ([]string, error) {
	out, captures, err := ps.replace(x, rawTarget(x), wanted)
	if err != nil {
		return nil, err
	}
	return captures, setRaw(x, slashed(out))
}

func (ps pairs) replace(x sdk.Exchange, uri string, wanted bool) (out string, captures []string, err error) {
	for _, p := range ps {
		out, n, err := p.re.Replace(uri, p.replacement, true)
		if err != nil {
			text := fmt.Sprintf("failed to match the uri %s (%s)  : %v", uri, p.re, err)
			x.Log().Error(text)
			return "", nil, x.Exit(500, map[string]string{"error_msg": text})
		}
		if n == 0 {
			continue
		}
		if wanted {
			captures = p.re.FindStringSubmatch(uri)
		}
		return out, captures, nil
	}
	return uri, nil, nil
}

func slashed(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

package cors

import (
	"fmt"
	"strings"

	"github.com/polygate/polygate/internal/regex"
)

// origins says which origins are allowed.
type origins interface {
	// allowed returns the value that answers a request from that origin, "" for none. It may be a value that does not
	// cover the origin, which then is refused too.
	allowed(origin string) string
}

// parseOrigins reads a list as it is configured.
func parseOrigins(list string) origins {
	if list == "**" {
		return anyOrigin{}
	}
	if !strings.Contains(list, ",") {
		return oneOrigin(list)
	}
	set := originSet{}
	for origin := range strings.SplitSeq(list, ",") {
		set[origin] = struct{}{}
	}
	return set
}

// anyOrigin allows every origin by its name, so that it holds for requests with credentials too.
type anyOrigin struct{}

func (anyOrigin) allowed(origin string) string {
	if origin == "" {
		return "*"
	}
	return origin
}

// oneOrigin allows one origin, or all as "*".
type oneOrigin string

func (o oneOrigin) allowed(string) string { return string(o) }

// originSet allows the origins that it holds.
type originSet map[string]struct{}

func (s originSet) allowed(origin string) string {
	if _, ok := s[origin]; ok {
		return origin
	}
	return ""
}

// originPatterns allows the origins in which one of the patterns is found.
type originPatterns []*regex.Regexp

func compileOrigins(attribute string, patterns []string) (origins, error) {
	compiled := make(originPatterns, 0, len(patterns))
	for _, pattern := range patterns {
		re, err := regex.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", attribute, err)
		}
		compiled = append(compiled, re)
	}
	return compiled, nil
}

func (p originPatterns) allowed(origin string) string {
	if origin == "" {
		return ""
	}
	for _, re := range p {
		if re.MatchString(origin) {
			return origin
		}
	}
	return ""
}

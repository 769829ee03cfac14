package behave

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// header is what stands between the dashes of a section:
//
//	kind [number] [flag | xN | option=duration]... [: title]
type header struct {
	kind   string
	target int    // 1 for "upstream" and "received", 2 for "upstream2" and so on
	path   string // of the kind "file"
	number int    // 0: none was given
	repeat int    // 1 or what xN says
	flags  []string
	after  time.Duration
	within time.Duration
	delay  time.Duration
	to     string // server that a request is sent to; empty: the one for requests
	title  string
}

func (h *header) has(flag string) bool { return slices.Contains(h.flags, flag) }

// words returns what may stand behind a kind; false for a kind that does not exist.
func words(kind string) ([]string, bool) {
	switch kind {
	case "config", "config.yaml", "error":
		return nil, true
	case "request":
		return []string{"raw", "escapes", "keep", "x", "after", "within", "to"}, true
	case "upstream":
		return []string{"raw", "escapes", "close", "delay"}, true
	case "received":
		return []string{"none", "json", "exact"}, true
	case "response":
		return []string{"json", "exact"}, true
	case "log":
		return []string{"none"}, true
	}
	return nil, false
}

func parseHeader(text string) (header, error) {
	h := header{repeat: 1, target: 1}
	if path, ok := strings.CutPrefix(text, "file "); ok {
		h.kind, h.path = "file", strings.TrimSpace(path)
		return h, nil
	}
	text, title, _ := strings.Cut(text, ":")
	h.title = strings.TrimSpace(title)
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return h, errors.New("a section needs a name")
	}
	h.kind = fields[0]
	if base := strings.TrimRight(h.kind, "23456789"); (base == "upstream" || base == "received") && len(h.kind)-len(base) == 1 {
		h.target = int(h.kind[len(base)] - '0')
		h.kind = base
	}
	allowed, ok := words(h.kind)
	if !ok {
		return h, fmt.Errorf("unknown section %q; there are config, config.yaml, file, request, upstream, received, response, log and error", h.kind)
	}
	for _, word := range fields[1:] {
		if err := h.word(word, allowed); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (h *header) word(word string, allowed []string) error {
	if n, err := strconv.Atoi(word); err == nil && n > 0 {
		h.number = n
		return nil
	}
	name, value, isOption := strings.Cut(word, "=")
	if n, err := strconv.Atoi(strings.TrimPrefix(word, "x")); err == nil && n > 0 && slices.Contains(allowed, "x") {
		h.repeat = n
		return nil
	}
	if !slices.Contains(allowed, name) || name == "x" {
		return fmt.Errorf("%q does not belong behind %q", word, h.kind)
	}
	if name == "to" && isOption && value != "" {
		h.to = value
		return nil
	}
	times := map[string]*time.Duration{"after": &h.after, "within": &h.within, "delay": &h.delay}
	target, wantsTime := times[name]
	if name == "to" || wantsTime != isOption {
		return fmt.Errorf("%q does not belong behind %q; write it as in delay=100ms or to=metrics, and flags without a value", word, h.kind)
	}
	if !isOption {
		h.flags = append(h.flags, name)
		return nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > time.Minute {
		return fmt.Errorf("%q is not a time of up to a minute, such as 100ms or 2s", value)
	}
	*target = d
	return nil
}

package limitcount

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// maxKeyText is the greatest length of a key that is kept as it is; a longer one is kept as its hash.
const maxKeyText = 128

// limiter is one configuration.
type limiter struct {
	counters    *table
	clock       clock
	rules       []*rule
	sliding     bool
	show        bool
	degraded    bool // an error lets the request pass
	status      int
	body        any // of the answer to a rejected request
	prefix      string
	fingerprint [32]byte
}

func newLimiter(p *plugin, conf *config, resource string, names headerNames) (*limiter, error) {
	canonical, err := json.Marshal(conf)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	l := &limiter{
		counters:    p.counters,
		clock:       p.clock,
		sliding:     conf.WindowType == "sliding",
		show:        conf.ShowQuota,
		degraded:    conf.AllowDegraded,
		status:      conf.RejectedCode,
		fingerprint: sha256.Sum256(canonical),
	}
	if conf.RejectedMsg != "" {
		l.body = map[string]string{"error_msg": conf.RejectedMsg}
	}
	// A group is a scope of its own; without one the scope is the resource and its configuration.
	owner := "group:" + conf.Group
	l.prefix = conf.Group + ":"
	if conf.Group == "" {
		owner = "resource:" + resource + ":" + hex.EncodeToString(l.fingerprint[:])
		l.prefix = "/apisix/" + resource + ":" + strconv.FormatUint(uint64(crc32.ChecksumIEEE(canonical)), 10) + ":"
	}
	if l.rules, err = newRules(conf, names); err != nil {
		return nil, err
	}
	for i, r := range l.rules {
		sum := sha256.Sum256([]byte(strconv.Itoa(i) + ":" + owner))
		r.scope = binary.LittleEndian.Uint64(sum[:])
	}
	return l, nil
}

func newRules(conf *config, names headerNames) ([]*rule, error) {
	if conf.Rules == nil {
		count, err := newAmount("count", conf.Count)
		if err != nil {
			return nil, err
		}
		window, err := newAmount("time_window", conf.TimeWindow)
		if err != nil {
			return nil, err
		}
		return []*rule{{count: count, window: window, key: conf.Key, kind: conf.KeyType, template: template.Compile(conf.Key), names: names}}, nil
	}
	var rules []*rule
	for i, rc := range conf.Rules {
		count, err := newAmount("count", rc.Count)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		window, err := newAmount("time_window", rc.TimeWindow)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		prefix := strconv.Itoa(i + 1)
		if rc.HeaderPrefix != nil {
			prefix = *rc.HeaderPrefix
		}
		rules = append(rules, &rule{
			count: count, window: window, kind: kindRule, template: template.Compile(rc.Key), names: names.withPrefix(prefix),
		})
	}
	return rules, nil
}

// withPrefix makes "X-1-RateLimit-Limit" of "X-RateLimit-Limit".
func (n headerNames) withPrefix(prefix string) headerNames {
	insert := func(name string) string { return strings.Replace(name, "RateLimit-", prefix+"-RateLimit-", 1) }
	return headerNames{Limit: insert(n.Limit), Remaining: insert(n.Remaining), Reset: insert(n.Reset)}
}

func (l *limiter) access(x sdk.Exchange) error {
	if len(l.rules) == 1 && l.rules[0].kind != kindRule {
		r := l.rules[0]
		bound, err := r.limit(x)
		if err != nil {
			return l.fail(x, err)
		}
		return l.count(x, r, r.keyText(x), bound)
	}
	return l.accessRules(x)
}

// accessRules resolves all rules before the first one counts: one that can not be resolved must not leave the others counted.
func (l *limiter) accessRules(x sdk.Exchange) error {
	type due struct {
		rule  *rule
		text  string
		bound limit
	}
	var space [4]due
	dues := space[:0]
	for _, r := range l.rules {
		text, applies := r.ruleKey(x)
		if !applies {
			continue
		}
		bound, err := r.limit(x)
		if err != nil {
			return l.fail(x, err)
		}
		dues = append(dues, due{r, text, bound})
	}
	if len(dues) == 0 {
		return l.fail(x, errNoRule)
	}
	for _, d := range dues {
		if err := l.count(x, d.rule, d.text, d.bound); err != nil {
			return err
		}
	}
	return nil
}

// fail answers a request whose limit is unknown.
func (l *limiter) fail(x sdk.Exchange, err error) error {
	x.Log().Error("get rate limit rules", "error", err)
	if l.degraded {
		return nil
	}
	return x.Exit(500, nil)
}

// count counts the request for a key and refuses it when there is no room.
func (l *limiter) count(x sdk.Exchange, r *rule, text string, bound limit) error {
	k := key{scope: r.scope, text: text}
	if len(text) > maxKeyText {
		sum := sha256.Sum256([]byte(text))
		k.text = hex.EncodeToString(sum[:])
	}
	q := l.take(k, bound)
	l.announce(x, r, text, q)
	if q.rejected {
		return x.Exit(l.status, l.body)
	}
	return nil
}

func (l *limiter) take(k key, bound limit) (q quota) {
	now := l.clock.now()
	if l.sliding {
		k.window = bound.window
		l.counters.update(k, now, func(c *counter) { q = c.sliding(bound, now) })
		return q
	}
	l.counters.update(k, now, func(c *counter) { q = c.fixed(bound, now) })
	return q
}

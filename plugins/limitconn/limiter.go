package limitconn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/polygate/polygate/sdk"
)

var errNoRule = errors.New("no rule applies to the request")

// limiter is one configuration.
type limiter struct {
	counters *table
	rules    []*rule
	several  bool // rules that need not apply, instead of one limit
	delay    float64
	degraded bool // an error lets the request pass
	status   int
	body     any // of the answer to a rejected request
}

func newLimiter(p *plugin, conf *config, resource string) (*limiter, error) {
	canonical, err := json.Marshal(conf)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	l := &limiter{
		counters: p.counters,
		several:  conf.Rules != nil,
		delay:    conf.Delay,
		degraded: conf.AllowDegraded,
		status:   conf.RejectedCode,
	}
	if conf.RejectedMsg != "" {
		l.body = map[string]string{"error_msg": conf.RejectedMsg}
	}
	fingerprint := sha256.Sum256(canonical)
	owner := resource + ":" + hex.EncodeToString(fingerprint[:])
	made := p.made.Add(1)
	if l.rules, err = newRules(conf); err != nil {
		return nil, err
	}
	for i, r := range l.rules {
		r.own(owner, made, i)
	}
	return l, nil
}

func newRules(conf *config) ([]*rule, error) {
	if conf.Rules == nil {
		r, err := newRule(ruleConfig{Conn: conf.Conn, Burst: conf.Burst, Key: conf.Key}, conf.KeyType)
		return []*rule{r}, err
	}
	var rules []*rule
	for i, rc := range conf.Rules {
		r, err := newRule(rc, "var_combination")
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (l *limiter) access(x sdk.Exchange) error {
	if l.several {
		return l.accessRules(x)
	}
	r := l.rules[0]
	b, err := r.bounds(x)
	if err != nil {
		return l.fail(x, err)
	}
	return l.admit(x, r, r.text(x), b)
}

// accessRules resolves all rules before the first one counts: what a rule waits for must not change what another one is about.
func (l *limiter) accessRules(x sdk.Exchange) error {
	type due struct {
		rule   *rule
		text   string
		bounds bounds
	}
	var space [4]due
	dues := space[:0]
	reason := errNoRule
	for _, r := range l.rules {
		text, applies := r.fill(x)
		if !applies {
			continue
		}
		b, err := r.bounds(x)
		if err != nil {
			reason = err
			continue
		}
		dues = append(dues, due{r, text, b})
	}
	if len(dues) == 0 {
		return l.fail(x, reason)
	}
	for _, d := range dues {
		if err := l.admit(x, d.rule, d.text, d.bounds); err != nil {
			return err
		}
	}
	return nil
}

// fail answers a request whose limit is unknown.
func (l *limiter) fail(x sdk.Exchange, err error) error {
	x.Log().Error("get limit conn rules", "error", err)
	if l.degraded {
		return nil
	}
	return x.Exit(500, nil)
}

// admit counts the request and makes it wait, or refuses it.
func (l *limiter) admit(x sdk.Exchange, r *rule, text string, b bounds) error {
	k := key{scope: r.scope, text: shorten(text)}
	n, ok := l.counters.enter(k, b.conn+b.burst)
	if !ok {
		return x.Exit(l.status, l.body)
	}
	x.SetVar(r.held, k.text)
	if n <= b.conn {
		return nil
	}
	return wait(x.Context(), l.delay*float64((n-1)/b.conn))
}

// log takes back what was counted. The key is not resolved again: the request may have changed since.
func (l *limiter) log(x sdk.Exchange) {
	for _, r := range l.rules {
		if text, ok := x.Var(r.held); ok {
			l.counters.leave(key{scope: r.scope, text: text})
		}
	}
}

func wait(ctx context.Context, seconds float64) error {
	if seconds < 0.001 {
		return nil
	}
	timer := time.NewTimer(time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("delay the request: %w", context.Cause(ctx))
	}
}

package limitconn

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// maxKeyText is the greatest length of a key that is kept as it is; a longer one is kept as its hash.
const maxKeyText = 128

// rule is one limit.
type rule struct {
	conn, burst amount
	name        string             // of the variable that is the key; empty where it is a template
	template    *template.Template // of the key
	scope       uint64             // of its counters
	held        string             // the variable that tells under which key a request is counted
}

// bounds are the resolved numbers of a rule.
type bounds struct {
	conn, burst int64
}

func newRule(conf ruleConfig, keyType string) (*rule, error) {
	r := &rule{}
	if keyType == "var" {
		r.name = conf.Key
	} else {
		r.template = template.Compile(conf.Key)
	}
	var err error
	if r.conn, err = newAmount(conf.Conn, false); err != nil {
		return nil, fmt.Errorf("conn: %w", err)
	}
	if r.burst, err = newAmount(conf.Burst, true); err != nil {
		return nil, fmt.Errorf("burst: %w", err)
	}
	return r, nil
}

// own gives the rule counters of its own, which it shares with rules of the same owner, and a variable that it shares with none.
func (r *rule) own(owner string, made uint64, number int) {
	sum := sha256.Sum256([]byte(strconv.Itoa(number) + ":" + owner))
	r.scope = binary.LittleEndian.Uint64(sum[:])
	r.held = fmt.Sprintf("limit_conn_held_%d_%d", made, number)
}

func (r *rule) bounds(x sdk.Exchange) (bounds, error) {
	conn, err := r.conn.resolve(x)
	if err != nil {
		return bounds{}, err
	}
	burst, err := r.burst.resolve(x)
	return bounds{conn, burst}, err
}

// fill fills the key's template and tells whether any of its variables had a value.
func (r *rule) fill(x sdk.Exchange) (string, bool) {
	var buf [128]byte
	text, resolved := r.template.Expand(buf[:0], template.Source{Vars: x})
	if resolved == 0 {
		return "", false
	}
	return string(text), true
}

// text returns the key of a request, the client's address where it has none.
func (r *rule) text(x sdk.Exchange) string {
	if r.template != nil {
		if text, ok := r.fill(x); ok {
			return text
		}
	} else if text, ok := x.Var(r.name); ok {
		return text
	}
	text, _ := x.Var("remote_addr")
	return text
}

func shorten(text string) string {
	if len(text) <= maxKeyText {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

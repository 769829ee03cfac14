package csrf

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/polygate/polygate/internal/luanum"
)

// token makes a token: base64 of an object with a random number, the time at which it was made, and the signature of both.
func (g *guard) token(now time.Time) string {
	var bits [8]byte
	_, _ = rand.Read(bits[:]) // it never fails
	random := luanum.Format(float64(binary.LittleEndian.Uint64(bits[:])>>11) / (1 << 53))
	made := fmt.Sprint(now.Unix())
	object := `{"random":` + random + `,"expires":` + made + `,"sign":"` + g.sign(random, made) + `"}`
	return base64.StdEncoding.EncodeToString([]byte(object))
}

// sign signs a token as APISIX does, so that both accept each other's. The numbers are Lua's texts of them.
func (g *guard) sign(random, made string) string {
	sum := sha256.Sum256([]byte("{expires:" + made + ",random:" + random + ",key:" + g.Key + "}"))
	return hex.EncodeToString(sum[:])
}

// check tells why a token is not valid at that time.
func (g *guard) check(text string, now time.Time) error {
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return errors.New("it is not base64")
	}
	var token struct {
		Random *float64 `json:"random"`
		Made   *float64 `json:"expires"`
		Sign   string   `json:"sign"`
	}
	if err := json.Unmarshal(decoded, &token); err != nil {
		return errors.New("it is not an object with random, expires and sign")
	}
	switch {
	case token.Random == nil:
		return errors.New("it has no random")
	case token.Made == nil:
		return errors.New("it has no expires")
	case g.Expires > 0 && float64(now.Unix())-*token.Made > float64(g.Expires):
		return errors.New("it has expired")
	}
	sign := g.sign(luanum.Format(*token.Random), luanum.Format(*token.Made))
	if subtle.ConstantTimeCompare([]byte(sign), []byte(token.Sign)) != 1 {
		return errors.New("its signature is wrong")
	}
	return nil
}

// cookieTime writes a time so many seconds later as nginx does for cookies: with four digits of the year only where two are not enough.
func cookieTime(now time.Time, seconds int64) string {
	// More than a year ago is as good as a year ago, and can not be taken for the next century.
	const year = 365 * 24 * 60 * 60
	at := time.Unix(now.Unix()+min(max(seconds, -year), 100*year), 0).UTC()
	if at.Year() > 2037 {
		return at.Format("Mon, 02-Jan-2006 15:04:05 GMT")
	}
	return at.Format("Mon, 02-Jan-06 15:04:05 GMT")
}

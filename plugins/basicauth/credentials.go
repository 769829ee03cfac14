package basicauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/polygate/polygate/sdk"
)

// What is wrong with credentials. The texts never hold any of them.
var (
	errRepeated = errors.New("there is more than one Authorization field")
	errScheme   = errors.New("the Authorization field is not of the scheme Basic")
	errBase64   = errors.New("the credentials are not base64")
	errColon    = errors.New("there is no password behind a colon")
	errUser     = errors.New("no consumer has the user name")
	errPassword = errors.New("the password is wrong")
)

// credentials are what a request says about its user.
type credentials struct {
	username, password string
}

// read reads the values of the Authorization fields.
func read(fields []string) (credentials, error) {
	if len(fields) > 1 {
		// Another reader might take another one: a request that says two things is not authenticated.
		return credentials{}, errRepeated
	}
	scheme, encoded, ok := strings.Cut(strings.Trim(fields[0], " \t"), " ")
	encoded = strings.Trim(encoded, " \t")
	if !ok || encoded == "" || !strings.EqualFold(scheme, "basic") {
		return credentials{}, errScheme
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return credentials{}, errBase64
	}
	username, password, ok := strings.Cut(string(decoded), ":")
	if !ok || password == "" {
		return credentials{}, errColon
	}
	return credentials{username, password}, nil
}

// find returns the consumer to whom the credentials belong.
func find(consumers sdk.Consumers, given credentials) (*sdk.Consumer, error) {
	consumer, err := lookUp(consumers, given)
	if err == nil {
		return consumer, nil
	}
	// APISIX removes white space from what it is sent; clients that encode a line together with its end rely on it.
	if compact := given.compact(); compact != given {
		return lookUp(consumers, compact)
	}
	return nil, err
}

func lookUp(consumers sdk.Consumers, given credentials) (*sdk.Consumer, error) {
	if given.username == "" || given.password == "" {
		return nil, errUser
	}
	consumer, ok := consumers.Find(name, given.username)
	if !ok {
		return nil, errUser
	}
	var conf struct {
		Password string `json:"password"`
	}
	if err := json.Unmarshal(consumer.Conf, &conf); err != nil {
		return nil, fmt.Errorf("decode the consumer's configuration: %w", err)
	}
	if conf.Password == "" || !equal(conf.Password, given.password) {
		return nil, errPassword
	}
	return consumer, nil
}

// compact returns the credentials without white space.
func (c credentials) compact() credentials {
	return credentials{withoutSpace(c.username), withoutSpace(c.password)}
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// equal compares in a time that tells neither what differs nor the length.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

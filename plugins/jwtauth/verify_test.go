package jwtauth

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"
)

// algorithms are all algorithms and the kinds of their keys.
var algorithms = []struct{ name, kind string }{
	{"HS256", ""},
	{"HS384", ""},
	{"HS512", ""},
	{"RS256", "RSA"},
	{"RS384", "RSA"},
	{"RS512", "RSA"},
	{"PS256", "RSA"},
	{"PS384", "RSA"},
	{"PS512", "RSA"},
	{"ES256", "P-256"},
	{"ES384", "P-384"},
	{"ES512", "P-521"},
	{"EdDSA", "Ed25519"},
}

// holder makes the credential of a consumer and the key that its tokens are signed with.
func holder(algorithm, kind string) (credential, keyPair) {
	if kind == "" {
		return credential{Algorithm: algorithm, Secret: "secret"}, shared("secret")
	}
	key := pairs()[kind]
	return credential{Algorithm: algorithm, PublicKey: key.pem}, key
}

func TestVerify(t *testing.T) {
	for _, tt := range algorithms {
		t.Run(tt.name, func(t *testing.T) {
			conf, key := holder(tt.name, tt.kind)
			text := sign(t, `{"alg":"`+tt.name+`"}`, `{"key":"k"}`, tt.name, key)
			good, err := parse(text)
			if err != nil {
				t.Fatal(err)
			}
			keys := &keyCache{}
			for range 2 { // the second time with a key that is kept
				if err := conf.verify(good, keys); err != nil {
					t.Errorf("got %v, want no error", err)
				}
			}
			for name, change := range map[string]func(*token){
				"other text":   func(t *token) { t.signed += "x" },
				"no signature": func(t *token) { t.signature = nil },
				"cut":          func(t *token) { t.signature = t.signature[:len(t.signature)-1] },
				"longer":       func(t *token) { t.signature = append(t.signature, 0) },
				"zeros":        func(t *token) { t.signature = make([]byte, len(t.signature)) },
			} {
				bad, err := parse(text)
				if err != nil {
					t.Fatal(err)
				}
				change(bad)
				if err := conf.verify(bad, keys); err == nil {
					t.Errorf("%s: got no error, want one", name)
				}
			}
		})
	}
}

// A token that is signed with any algorithm and any key must not pass as one of a consumer with another algorithm, and not with another
// key of the right kind.
func TestConfusion(t *testing.T) {
	for _, consumer := range algorithms {
		conf, own := holder(consumer.name, consumer.kind)
		for _, tt := range algorithms {
			_, key := holder(tt.name, tt.kind)
			if tt.kind == "" && consumer.kind != "" {
				key = shared(own.pem) // what everybody knows of the consumer
			}
			text := sign(t, `{"alg":"`+consumer.name+`"}`, `{"key":"k"}`, tt.name, key)
			tok, err := parse(text)
			if err != nil {
				t.Fatal(err)
			}
			err = conf.verify(tok, &keyCache{})
			if (err == nil) != (tt.name == consumer.name) {
				t.Errorf("token of %s for %s: got error %v", tt.name, consumer.name, err)
			}
		}
	}
}

func TestCredential(t *testing.T) {
	der := func(kind string) []byte {
		block, _ := pem.Decode([]byte(pairs()[kind].pem))
		return block.Bytes
	}
	public, err := x509.ParsePKIXPublicKey(der("RSA"))
	must(err)
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(public.(*rsa.PublicKey))}))
	other := pairs()["P-384"].pem
	tests := []struct {
		name string
		conf credential
		kind string // of the key that signs
		want string // part of the error
	}{
		{"base64", credential{Algorithm: "HS256", Secret: base64.StdEncoding.EncodeToString([]byte("secret")), Base64Secret: true}, "", ""},
		{"base64 without padding", credential{Algorithm: "HS256", Secret: base64.RawStdEncoding.EncodeToString([]byte("secret")), Base64Secret: true}, "", ""},
		{"no base64", credential{Algorithm: "HS256", Secret: "{}", Base64Secret: true}, "", "not base64"},
		{"no secret", credential{Algorithm: "HS256"}, "", "no secret"},
		{"empty base64", credential{Algorithm: "HS256", Secret: "====", Base64Secret: true}, "", "no secret"},
		{"PKCS #1", credential{Algorithm: "RS256", PublicKey: pkcs1}, "RSA", ""},
		{"no key", credential{Algorithm: "RS256"}, "RSA", "not PEM"},
		{"no PEM", credential{Algorithm: "RS256", PublicKey: "abc"}, "RSA", "not PEM"},
		{"private key", credential{Algorithm: "RS256", PublicKey: strings.ReplaceAll(pairs()["RSA"].pem, "PUBLIC", "PRIVATE")}, "RSA", "PUBLIC KEY"},
		{"no key in the PEM", credential{Algorithm: "RS256", PublicKey: strings.Replace(pairs()["RSA"].pem, "PUBLIC KEY-----\n", "PUBLIC KEY-----\nAAAA", 1)}, "RSA", "read"},
		{"other curve", credential{Algorithm: "ES256", PublicKey: other}, "P-256", "mismatch"},
		{"unknown algorithm", credential{Algorithm: "none"}, "", "unsupported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := shared("secret")
			if tt.kind != "" {
				key = pairs()[tt.kind]
			}
			algorithm := tt.conf.Algorithm
			if algorithm == "none" {
				algorithm = "HS256"
			}
			tok, err := parse(sign(t, `{}`, `{}`, algorithm, key))
			if err != nil {
				t.Fatal(err)
			}
			err = tt.conf.verify(tok, &keyCache{})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	now := time.Unix(1000, 500)
	tests := []struct {
		name, payload string
		required      []string
		grace         int64
		want          string // part of the error
	}{
		{"none", `{}`, nil, 0, ""},
		{"valid", `{"nbf":999,"exp":1001}`, nil, 0, ""},
		{"expired", `{"exp":999}`, nil, 0, "expired"},
		{"expires now", `{"exp":1000}`, nil, 0, "expired"},
		{"begins now", `{"nbf":1000}`, nil, 0, "not valid until"},
		{"begins later", `{"nbf":1001}`, nil, 0, "not valid until"},
		{"grace for the end", `{"exp":996}`, nil, 5, ""},
		{"no more grace for the end", `{"exp":995}`, nil, 5, "expired"},
		{"grace for the beginning", `{"nbf":1004}`, nil, 5, ""},
		{"no more grace for the beginning", `{"nbf":1005}`, nil, 5, "not valid until"},
		{"fraction", `{"exp":1000.5}`, nil, 0, ""},
		{"exponent", `{"exp":1e4}`, nil, 0, ""},
		{"text", `{"exp":"2000"}`, nil, 0, "not a number"},
		{"null", `{"exp":null}`, nil, 0, "not a number"},
		{"array", `{"nbf":[1]}`, nil, 0, "not a number"},
		{"negative", `{"nbf":-1,"exp":-1}`, nil, 0, "expired"},
		{"too large", `{"exp":1e400}`, nil, 0, "not a number"},
		{"required", `{"nbf":1}`, []string{"exp"}, 0, "exp is missing"},
		{"both required", `{"exp":2000}`, []string{"exp", "nbf"}, 0, "nbf is missing"},
		{"only what is required", `{"nbf":1,"exp":2}`, []string{"nbf"}, 0, ""},
		{"empty list", `{"exp":2}`, []string{}, 0, "expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			claims, err := object([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			err = (&token{claims: claims}).checkClaims(tt.required, now, tt.grace)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestKeyCacheHammer(t *testing.T) {
	keys := &keyCache{}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 3000 {
				// White space before a block is no part of it, so that these are many texts with one key.
				text := strings.Repeat("\n", (i*1500+j)%2000) + pairs()["Ed25519"].pem
				if _, err := keys.key(text); err != nil {
					t.Errorf("got %v, want a key", err)
					return
				}
			}
		})
	}
	group.Wait()
	if len(keys.keys) > maxKeys {
		t.Errorf("got %d keys, want at most %d", len(keys.keys), maxKeys)
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, bb := range algorithms {
		b.Run(bb.name, func(b *testing.B) {
			conf, key := holder(bb.name, bb.kind)
			tok, err := parse(sign(b, `{}`, `{}`, bb.name, key))
			if err != nil {
				b.Fatal(err)
			}
			keys := &keyCache{}
			b.ReportAllocs()
			for b.Loop() {
				if err := conf.verify(tok, keys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

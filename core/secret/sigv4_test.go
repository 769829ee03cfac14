package secret

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"
)

// exampleKey is the secret key of AWS's documentation and of its Signature Version 4 test suite.
const exampleKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

func TestSigningKey(t *testing.T) {
	tests := []struct{ name, day, region, service, want string }{
		{"the example of how to derive a key", "20120215", "us-east-1", "iam",
			"f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"},
		{"the example of how to sign a request", "20150830", "us-east-1", "iam",
			"c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := signer{secretKey: exampleKey, region: tt.region, service: tt.service}
			if got := hex.EncodeToString(s.key(tt.day)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestSign has requests of AWS's Signature Version 4 test suite and of its documentation.
func TestSign(t *testing.T) {
	tests := []struct {
		name, method, url, service string
		header                     map[string]string
		body, session              string
		want                       string // the signature
	}{
		{
			name: "get-vanilla", method: "GET", url: "https://example.amazonaws.com/", service: "service",
			want: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		{
			name: "post-vanilla", method: "POST", url: "https://example.amazonaws.com/", service: "service",
			want: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
		{
			name: "post-x-www-form-urlencoded", method: "POST", url: "https://example.amazonaws.com/", service: "service",
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: "Param1=value1",
			want: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
		{
			name: "get-vanilla-query-order-key-case", method: "GET", service: "service",
			url:  "https://example.amazonaws.com/?Param2=value2&Param1=value1",
			want: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		{
			name: "the documentation's ListUsers", method: "GET", service: "iam",
			url:    "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
			want:   "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
		{
			name: "post-sts-header-before", method: "POST", url: "https://example.amazonaws.com/", service: "service",
			session: "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
			want:    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequest(tt.method, tt.url, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range tt.header {
				req.Header.Set(name, value)
			}
			s := signer{accessKey: "AKIDEXAMPLE", secretKey: exampleKey, session: tt.session, region: "us-east-1", service: tt.service}
			s.sign(req, []byte(tt.body), time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
			got := req.Header.Get("Authorization")
			begin := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + tt.service + "/aws4_request, SignedHeaders="
			if !strings.HasPrefix(got, begin) || !strings.HasSuffix(got, "Signature="+tt.want) {
				t.Errorf("got %q, want signature %s", got, tt.want)
			}
		})
	}
}

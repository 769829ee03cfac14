package secret_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/polygate/polygate/core/secret"
)

const (
	oldKey  = "qeddd145sfvddff3" // the keys of APISIX's default configuration
	newKey  = "edd1c9f0985e76a2"
	longKey = "qeddd145sfvddff3qeddd145sfvddff3"
)

func keyring(t testing.TB, keys ...string) *secret.Keyring {
	t.Helper()
	ring, err := secret.NewKeyring(keys)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// TestKeyringKnownAnswers has what `openssl enc -aes-128-cbc -base64` makes of the texts, and what APISIX's own tests
// (t/node/data_encrypt*.t) find in the store.
func TestKeyringKnownAnswers(t *testing.T) {
	tests := []struct{ name, key, plain, text string }{
		{"empty", oldKey, "", "CEGh183MAO3X8/ZV2jzHeA=="},
		{"less than a block", oldKey, "bar", "+kOEVUuRc5rC5ZwvvAMLwg=="},
		{"words", oldKey, "hello world", "26cK4cS8EQ5UxEUdZYVPSg=="},
		{"a whole block", oldKey, "0123456789abcdef", "qpxu8KrwHqjW92zgZHFDOLQA3RNdV40A6RLotmKQPVw="},
		{"empty, other key", newKey, "", "vA4BfcVo+wewoRJDl1bmfA=="},
		{"APISIX: basic-auth password", newKey, "bar", "77+NmbYqNfN+oLm0aX5akg=="},
		{"APISIX: key-auth key", newKey, "auth-two", "vU/ZHVJw7b0XscDJ1Fhtig=="},
		{"APISIX: clickhouse-logger password", newKey, "abc123", "7ipXoKyiZZUAgf3WWNPI5A=="},
		{"APISIX: another one", newKey, "def456", "3hlZu5mwUbqROm+cy0Vi9A=="},
		{"APISIX: error-log-logger", newKey, "test", "9QKrmTT3TkWGvjlIoe5XXw=="},
		{"AES-256", longKey, "hello world", "ls4DOizUshA64GOrnhVRQw=="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ring := keyring(t, tt.key)
			got, err := ring.Encrypt(tt.plain)
			if err != nil || got != tt.text {
				t.Errorf("got %q, %v, want %q", got, err, tt.text)
			}
			plain, ok := ring.Decrypt(tt.text)
			if !ok || plain != tt.plain {
				t.Errorf("got %q, %v, want %q", plain, ok, tt.plain)
			}
			if plain, ok := ring.Decrypt(strings.TrimRight(tt.text, "=")); !ok || plain != tt.plain {
				t.Errorf("without padding: got %q, %v, want %q", plain, ok, tt.plain)
			}
		})
	}
}

func TestKeyringRotation(t *testing.T) {
	before := keyring(t, oldKey)
	stored, err := before.Encrypt("s3cret")
	if err != nil {
		t.Fatal(err)
	}
	after := keyring(t, longKey, newKey, oldKey)
	if got, ok := after.Decrypt(stored); !ok || got != "s3cret" {
		t.Errorf("got %q, %v, want the old data to be readable", got, ok)
	}
	again, err := after.Encrypt("s3cret")
	if err != nil || again == stored {
		t.Errorf("got %q, %v, want the first key to encrypt", again, err)
	}
	if got, ok := before.Decrypt(again); ok {
		t.Errorf("got %q, want the old keys not to read new data", got)
	}
}

func TestKeyringRefusesGarbage(t *testing.T) {
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"plain text", "auth-one"},
		{"PEM", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"},
		{"half a block", base64.StdEncoding.EncodeToString(make([]byte, 8))},
		{"zeros", base64.StdEncoding.EncodeToString(make([]byte, 16))},
		{"padding in the middle", "77+NmbYq==NfN+oLm0aX5akg"},
		{"another key's", "ls4DOizUshA64GOrnhVRQw=="},
	}
	ring := keyring(t, oldKey, newKey)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := ring.Decrypt(tt.text); ok || got != "" {
				t.Errorf("got %q, %v, want nothing", got, ok)
			}
		})
	}
}

// TestKeyringLeavesPlainKeys shows why Decrypt asks for UTF-8: a random key in base64 that was stored in the clear has valid
// padding under one of two keys in about one of 128 cases.
func TestKeyringLeavesPlainKeys(t *testing.T) {
	ring := keyring(t, oldKey, newKey)
	block := make([]byte, 32)
	for i := range 20_000 {
		block[0], block[15], block[31] = byte(i), byte(i>>8), byte(i*7)
		text := base64.StdEncoding.EncodeToString(block)
		if got, ok := ring.Decrypt(text); ok {
			t.Fatalf("%s: got %q, want it to be left as it is", text, got)
		}
	}
}

func TestNewKeyringErrors(t *testing.T) {
	tests := []struct {
		name string
		keys []string
		want string
	}{
		{"none", nil, "apisix.data_encryption.keyring is empty: add a key of 16 or 32 bytes"},
		{"short", []string{oldKey, "tooshort"}, "apisix.data_encryption.keyring: key 2 has 8 bytes; 16 (AES-128) or 32 (AES-256) are needed"},
		{"24 bytes", []string{oldKey + "12345678"}, "key 1 has 24 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := secret.NewKeyring(tt.keys)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, k := range tt.keys {
				if strings.Contains(err.Error(), k) {
					t.Errorf("the error contains the key: %v", err)
				}
			}
		})
	}
}

func FuzzKeyring(f *testing.F) {
	for _, s := range []string{"", "bar", "77+NmbYqNfN+oLm0aX5akg==", "0123456789abcdef", "\xff\x10", "===="} {
		f.Add(s)
	}
	ring := keyring(f, oldKey, longKey)
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := ring.Decrypt(s); (!ok && got != "") || !utf8.ValidString(got) {
			t.Errorf("got %q, %v of %q", got, ok, s)
		}
		text, err := ring.Encrypt(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := ring.Decrypt(text); utf8.ValidString(s) && (!ok || got != s) {
			t.Errorf("got %q, %v, want %q", got, ok, s)
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	ring := keyring(b, oldKey, newKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ring.Decrypt("77+NmbYqNfN+oLm0aX5akg=="); !ok {
			b.Fatal("got nothing")
		}
	}
}

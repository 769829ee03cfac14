package transport

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func list(lines ...string) Fields {
	var f Fields
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		f.Add(name, value)
	}
	return f
}

func lines(f *Fields) []string {
	var l []string
	for _, field := range f.List {
		l = append(l, field.Name+": "+field.Value)
	}
	return l
}

func TestFields(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *Fields)
		want   []string
	}{
		{"add", func(f *Fields) { f.Add("A", "4") }, []string{"A: 1", "B: 2", "a: 3", "A: 4"}},
		{"set replaces all at the place of the first", func(f *Fields) { f.Set("a", "4") }, []string{"A: 4", "B: 2"}},
		{"set the last", func(f *Fields) { f.Set("b", "4") }, []string{"A: 1", "B: 4", "a: 3"}},
		{"set a new one", func(f *Fields) { f.Set("c", "4") }, []string{"A: 1", "B: 2", "a: 3", "c: 4"}},
		{"delete all", func(f *Fields) { f.Del("A") }, []string{"B: 2"}},
		{"delete none", func(f *Fields) { f.Del("AA") }, []string{"A: 1", "B: 2", "a: 3"}},
		{"reset", func(f *Fields) { f.Reset() }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := list("A: 1", "B: 2", "a: 3")
			tt.change(&f)
			if diff := cmp.Diff(tt.want, lines(&f)); diff != "" {
				t.Error(diff)
			}
			for _, gone := range f.List[len(f.List):cap(f.List)] {
				if gone != (Field{}) {
					t.Errorf("got %v kept behind the list", gone)
				}
			}
		})
	}
	f := list("A: 1", "B: 2", "a: 3")
	if got := f.Get("a"); got != "1" {
		t.Errorf("got %q, want %q", got, "1")
	}
	if diff := cmp.Diff([]string{"1", "3"}, f.Values("a")); diff != "" {
		t.Error(diff)
	}
	if f.Has("c") || !f.Has("b") || f.Get("c") != "" || f.Values("c") != nil {
		t.Errorf("got a field that is not there, or not one that is")
	}
}

func TestIdentify(t *testing.T) {
	tests := []struct {
		id    FieldID
		names string
	}{
		{FieldHost, "host"}, {FieldContentLength, "content-length"}, {FieldTransferEncoding, "transfer-encoding"},
		{FieldConnection, "connection"}, {FieldHopByHop, "keep-alive proxy-connection http2-settings"}, {FieldUpgrade, "upgrade"},
		{FieldTE, "te"}, {FieldTrailer, "trailer"}, {FieldExpect, "expect"}, {FieldProxy, "proxy"}, {FieldServer, "server"}, {FieldDate, "date"},
		{FieldIdentity, "x-consumer-username x-consumer-x x-credential-identifier x_consumer_username X_Credential-identifier"},
		{FieldForwarded, "forwarded x-forwarded-for x-forwarded-proto x-forwarded-x x-real-ip x_real_ip x_forwarded_for"},
		{FieldOther, "x hosts a xhost content_length accept user-agent cookie x-consumer- x-forwarded- x-real-ips xost transfer-encodinh origin"},
	}
	for _, tt := range tests {
		for _, name := range strings.Fields(tt.names) {
			t.Run(name, func(t *testing.T) {
				for _, spelt := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
					if got := Identify(spelt); got != tt.id {
						t.Errorf("got %v for %q, want %v", got, spelt, tt.id)
					}
				}
			})
		}
	}
	if got := Identify(""); got != FieldOther {
		t.Errorf("got %v for no name, want %v", got, FieldOther)
	}
}

func TestEqualFold(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"same", "a-b", "a-b", true},
		{"case", "HoSt", "hOsT", true},
		{"length", "host", "hosts", false},
		{"letter", "host", "hose", false},
		{"no letters that differ by the case bit", "@[", "`{", false},
		{"hyphen and carriage return", "-", "\r", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := EqualFold(tt.a, tt.b); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Every byte at every place of a word, and behind it.
func TestBytesOfValuesAndTargets(t *testing.T) {
	for c := range 256 {
		for at := range 19 {
			b := []byte("abcdefgh\xe9jklmnopqrs")
			b[at] = byte(c)
			s := string(b)
			if got, want := ValidValue(s), c >= 0x20 && c != 0x7f || c == '\t'; got != want {
				t.Fatalf("got %v for the value %q, want %v", got, s, want)
			}
			if got, want := ValidTarget(s), c > 0x20 && c != 0x7f && c != '#'; got != want {
				t.Fatalf("got %v for the target %q, want %v", got, s, want)
			}
			const delimiters = "\"(),/:;<=>?@[\\]{}"
			token := c > 0x20 && c < 0x7f && !strings.ContainsRune(delimiters, rune(c))
			if got := NameEnd(s) > at; at < 8 && got != token {
				t.Fatalf("got %v for the token %q, want %v", got, s, token)
			}
		}
	}
	if ValidName("") || !ValidName("a") || ValidName("a ") {
		t.Error("got a wrong judgement of a name")
	}
}

func FuzzValidValue(f *testing.F) {
	f.Add("a\tb")
	f.Add("0123456\x7f")
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := ValidValue(s), validBytes(s); got != want {
			t.Errorf("got %v for %q, want %v", got, s, want)
		}
		if got, want := ValidTarget(s), targetBytes(s); got != want {
			t.Errorf("got %v for the target %q, want %v", got, s, want)
		}
	})
}

package config

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

const greeter = `syntax = "proto3";
package helloworld;
import "google/protobuf/timestamp.proto";
service Greeter { rpc SayHello (HelloRequest) returns (HelloReply) {} }
message HelloRequest { string name = 1; }
message HelloReply { string message = 1; google.protobuf.Timestamp at = 2; }
`

func TestProtoContent(t *testing.T) {
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
		Name: proto.String("a.proto"), Dependency: []string{"not/here.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("A")}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	empty, _ := proto.Marshal(&descriptorpb.FileDescriptorSet{})
	tests := []struct {
		name, content, want string
	}{
		{"text", greeter, ""},
		{"no syntax", "message A { optional string name = 1; }", ""},
		{"descriptor set", base64.StdEncoding.EncodeToString(set), ""},
		{"empty descriptor set", base64.StdEncoding.EncodeToString(append(empty, 0x0a, 0)), "invalid content: content.proto:1:1: "},
		{"two fields of a number", "message A { optional string a = 1; optional string b = 1; }",
			"invalid content: content.proto:1:56: message A: fields a and b both have the same tag 1"},
		{"not there", `import "other.proto";`, "invalid content: content.proto:1:8: could not resolve path \"other.proto\""},
		{"not a definition", "xxxx", "invalid content: content.proto:1:1: syntax error: unexpected identifier"},
		{"too deep", strings.Repeat("message A{", 101), "invalid content: nested more than 100 levels deep"},
		{"nothing", "", `invalid configuration: property "content" validation failed: string too short, expected at least 1, got 0`},
	}
	c := newCatalog(t, CatalogOptions{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value, _ := json.Marshal(map[string]string{"content": tt.content})
			got := errText(Check("protos", "1", value, nil, c))
			if !strings.HasPrefix(got, tt.want) || got != "" && tt.want == "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

package config

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

const (
	protoFile  = "content.proto" // the name of a definition that is a text
	protoDepth = 100             // how deep its brackets may be nested
)

// Proto is a definition of gRPC services: the text of a .proto file, or a file descriptor set in base64. Imports work within a descriptor
// set and for Google's well-known types.
type Proto struct {
	Meta
	Content string `json:"content"`
}

// protoContent compiles the content. What is no text is taken for a descriptor set, but the error is that of the text: so is what
// people write (apisix/plugins/grpc-transcode/proto.lua).
func protoContent(e *examination) error {
	content := text(e.doc, "content")
	if err := compileProto(content); err != nil && !isProtoSet(content) {
		return fmt.Errorf("invalid content: %w", err)
	}
	return nil
}

func compileProto(content string) error {
	if err := checkNesting(content); err != nil {
		return err
	}
	compiler := protocompile.Compiler{
		MaxParallelism: 1,
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: protocompile.SourceAccessorFromMap(map[string]string{protoFile: content}),
		}),
	}
	_, err := compiler.Compile(context.Background(), protoFile)
	return err
}

// checkNesting refuses what is nested too deeply to be meant: the full names of nested messages grow with the square of the depth.
func checkNesting(content string) error {
	depth := 0
	for i := range len(content) {
		switch content[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth = max(depth-1, 0)
		}
		if depth > protoDepth {
			return fmt.Errorf("nested more than %d levels deep", protoDepth)
		}
	}
	return nil
}

// isProtoSet tells whether content is a set of file descriptors in base64. Files that they import need not be part of it.
func isProtoSet(content string) bool {
	raw, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return false
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(raw, &set); err != nil || len(set.GetFile()) == 0 {
		return false
	}
	_, err = protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(&set)
	return err == nil
}

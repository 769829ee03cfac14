// Package behave runs behaviour cases: text files that say what a gateway is given, what a client then sends, and what the client and
// the upstream must see. The format is described in docs/testing-plugins.md.
//
// A case brings its own upstream. The gateway is whatever a [Starter] starts, so that the package knows nothing of one.
package behave

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Setup is what a gateway is started with.
type Setup struct {
	Name      string    // of the case
	Dir       string    // a folder for the gateway's files; the case's own files are in it; removed afterwards
	Settings  []byte    // config.yaml of the case, to be completed with addresses; nil where it has none
	Resources []byte    // routes and so on in the form of apisix.yaml; nil where it has none
	Log       io.Writer // where the gateway logs to, the access log included; safe for concurrent use
}

// Running is a gateway that serves. Its configuration is in service when it is returned.
type Running interface {
	// Addr returns the address of one of the gateway's HTTP servers, such as "127.0.0.1:9080": of the one for requests if server is empty, else of
	// the one with that name, such as "metrics". It is empty where there is none.
	Addr(server string) string
	// Apply replaces the resources and returns when the new ones are in service, or with the error that keeps them out of it.
	Apply(ctx context.Context, resources []byte) error
	// Close stops the gateway and waits until it has ended.
	Close() error
}

// Starter starts a gateway. It returns an error for a configuration that a gateway must not serve.
type Starter func(ctx context.Context, s Setup) (Running, error)

// Failure is what went wrong in a case.
type Failure struct {
	File string
	Line int    // of the section, or of the line in it, that was not met
	Step string // such as "request 2: with a key"; may be empty
	Text string // what is wrong
	Diff string // unified diff from what was expected to what came; may be empty
}

// Error returns the failure with its place, and the diff on the lines behind it.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: ", f.File, f.Line)
	if f.Step != "" {
		b.WriteString(f.Step + ": ")
	}
	b.WriteString(f.Text)
	if f.Diff != "" {
		b.WriteString("\n" + strings.TrimRight(f.Diff, "\n"))
	}
	return b.String()
}

// Failures is everything that went wrong in a case. It is never empty when it is an error.
type Failures []*Failure

// Error returns the failures one below the other.
func (fs Failures) Error() string {
	texts := make([]string, len(fs))
	for i, f := range fs {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "\n")
}

var placeholder = regexp.MustCompile(`\$(upstream([2-9])?(_port)?|gateway|dir)\b`)

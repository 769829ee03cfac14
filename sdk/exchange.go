package sdk

import (
	"context"
	"log/slog"
)

// Exchange is one request and its response, as a plugin sees and changes them. It belongs to the goroutine that calls
// the hook and must not be used after the hook has returned.
type Exchange interface {
	// Context carries the request's deadline; it is cancelled when the client goes away.
	Context() context.Context
	// Request is what the client sent, and what the upstream will get.
	Request() Request
	// Response is what the client will get. Before the header filter there is no response yet: Status is 0, and header fields
	// that are set then are put on whatever response the request ends with.
	Response() Response
	// Var returns the value of a variable of the request, such as "remote_addr", "arg_name", "http_user_agent",
	// "cookie_name", "consumer_name" or "upstream_addr", and whether it has one. The names are APISIX's and nginx's.
	Var(name string) (string, bool)
	// SetVar sets a variable for the rest of the request. "upstream_host" is the Host field that the upstream gets, and
	// "upstream_uri" an encoded target that it gets in place of path and query, unchecked but for bytes that cannot be sent.
	SetVar(name, value string)
	// Exit makes an error that ends the request with an answer of the plugin's own: return x.Exit(403, …).
	// A string or []byte is sent as it is, anything else as JSON with a newline behind it. A nil body is an empty one below status 400;
	// from 400 on the gateway then says which plugin refused.
	Exit(status int, body any) error
	// Consumers finds the consumer that sent the request and attaches it.
	Consumers() Consumers
	// Log is the request's logger; its records carry the request's route and the plugin's name.
	Log() *slog.Logger
}

// Consumers is the gateway's table of consumers, as an authentication plugin uses it.
type Consumers interface {
	// Find returns the consumer whose configuration of the plugin has this credential (see [Info.CredentialField]).
	Find(plugin, credential string) (*Consumer, bool)
	// ByName returns the consumer with this username, for anonymous access.
	ByName(username string) (*Consumer, bool)
	// Attach makes c the request's consumer: its plugins join the request's, and the upstream is told of it in header fields.
	Attach(c *Consumer)
	// Attached returns the request's consumer, nil where none was found yet.
	Attached() *Consumer
}

// Consumer is a user of the gateway's routes. It is shared between requests: do not change it.
type Consumer struct {
	Username     string
	GroupID      string
	CustomID     string            // the label "custom_id"
	CredentialID string            // of the credential that was found, empty when the consumer holds it itself
	Labels       map[string]string // may be nil
	Conf         []byte            // JSON: the consumer's configuration of the plugin that was looked for; nil from ByName
}

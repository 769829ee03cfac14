package sdk

import "iter"

// Request is the request on its way to the upstream. Changes are seen by later plugins and by the upstream.
type Request interface {
	// Method returns the method, for example "GET".
	Method() string
	// SetMethod replaces the method; one that is not a token ([RFC 9110] section 9.1) fails the request.
	//
	// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110
	SetMethod(method string)
	// Path returns the decoded path, for example "/a b"; it begins with a slash and has no dot segments.
	Path() string
	// SetPath replaces the path by a decoded one. It is made canonical again and percent-encoded for the upstream.
	SetPath(path string)
	// Query returns the query as it was sent, without the question mark; empty where there is none.
	Query() string
	// SetQuery replaces the query by an encoded one.
	SetQuery(query string)
	// Header returns the header fields.
	Header() Header
	// Body returns the body.
	Body() Body
}

// Body is the body of a request. As long as nobody reads it, it is streamed to the upstream and never held in memory.
type Body interface {
	// Bytes reads the whole body into memory, at most limit bytes, and returns it; a second call returns the same bytes. Do not
	// change them. A larger body gives [ErrBodyTooLarge] and stays readable for the upstream only if its size was announced.
	Bytes(limit int64) ([]byte, error)
	// Set replaces the body and its Content-Length.
	Set(body []byte)
}

// Response is the response on its way to the client.
type Response interface {
	// Status returns the status code, 0 before the header filter.
	Status() int
	// SetStatus replaces the status code; one outside 200..599 fails the request. It has no effect after the header filter.
	SetStatus(status int)
	// Header returns the header fields. Changes after the header filter have no effect.
	Header() Header
	// Origin tells who made the response.
	Origin() Origin
}

// Header is a list of header fields. It keeps their order, repeated names and the spelling of names; look-ups ignore case.
//
// A name that is not a token, or a value with control bytes, is never sent: setting one fails the request with an error that
// names the plugin.
type Header interface {
	// Get returns the value of the first field of that name, or "".
	Get(name string) string
	// Values returns the values of all fields of that name, in order; nil where there is none.
	Values(name string) []string
	// Set replaces all fields of that name by one.
	Set(name, value string)
	// Add appends a field.
	Add(name, value string)
	// Del removes all fields of that name.
	Del(name string)
	// All ranges over the fields, names spelt as they came. The list must not be changed meanwhile.
	All() iter.Seq2[string, string]
}

// Chunk is a piece of a response's body.
type Chunk struct {
	// Data are the bytes. A body filter may change them in place, or replace them by bytes that stay as they are until
	// its next call. A filter that changes the length of the body removes Content-Length in its header filter.
	Data []byte
	// Last is true for exactly one chunk of each response, the last one; its Data may be empty.
	Last bool
}

// Origin is who made a response.
type Origin uint8

// The makers of a response.
const (
	OriginNone     Origin = iota // there is no response yet
	OriginUpstream               // an upstream node answered
	OriginPlugin                 // a plugin ended the request
	OriginGateway                // the gateway answered: no route, no upstream, an error
)

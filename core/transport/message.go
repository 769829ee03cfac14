package transport

import (
	"unsafe"
)

// Request is the head of a request as it came from a client, checked: one reading of it, or it was refused.
type Request struct {
	Method  string
	Target  string // as it was sent, for logs
	Minor   uint8  // of the version: 1 in HTTP/1.1
	Path    string // decoded and canonical: what routes, plugins and logs see
	RawPath string // the same path percent-encoded: what the upstream gets
	Query   string // without the question mark
	Host    string // of the target or the Host field, as it was sent
	Fields  Fields

	ContentLength int64    // of the body; 0: none, Chunked: sent in chunks
	Close         bool     // the client wants the connection to end after the response
	Continue      bool     // the client waits for "100 Continue" before it sends the body
	ContinueAsked bool     // an upstream was asked to say so
	WebSocket     bool     // the client asks for an upgrade to websocket
	Trailers      bool     // the client takes trailers
	Hops          []string // further fields that the Connection field names; they are not forwarded

	head  []byte // what the strings are views into; nil when they are ordinary
	owned bool
}

// Chunked is the content length of a body that is sent in chunks.
const Chunked = -1

// UntilClose is the content length of a response body that ends with the connection.
const UntilClose = -2

// Begin forgets the former request and notes the buffer that the strings of the next one are views into.
func (r *Request) Begin(head []byte) {
	fields, hops := r.Fields, r.Hops[:0]
	fields.Reset()
	*r = Request{Fields: fields, Hops: hops, head: head}
}

// Own turns all views into ordinary strings at the cost of one allocation. Further calls do nothing.
func (r *Request) Own() {
	if r.owned || r.head == nil {
		return
	}
	r.owned = true
	o := newOwner(r.head)
	for _, s := range []*string{&r.Method, &r.Target, &r.Path, &r.RawPath, &r.Query, &r.Host} {
		o.take(s)
	}
	o.fields(&r.Fields)
	for i := range r.Hops {
		o.take(&r.Hops[i])
	}
}

// Response is the head of a response on its way to a client.
type Response struct {
	Status        int
	Fields        Fields
	ContentLength int64 // of the body; 0: none, or Chunked, or UntilClose
	Close         bool  // the connection to the upstream ends after the response
	Minor         uint8

	head  []byte
	owned bool
}

// Begin forgets the former response and notes the buffer that the strings of the next one are views into.
func (r *Response) Begin(head []byte) {
	fields := r.Fields
	fields.Reset()
	*r = Response{Fields: fields, head: head}
}

// Own turns all views into ordinary strings at the cost of one allocation. Further calls do nothing.
func (r *Response) Own() {
	if r.owned || r.head == nil {
		return
	}
	r.owned = true
	o := newOwner(r.head)
	o.fields(&r.Fields)
}

// An owner copies a buffer once and moves views of the buffer to the copy.
type owner struct {
	from, to uintptr
	copy     string
}

func newOwner(head []byte) owner {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(head)))
	return owner{from: from, to: from + uintptr(len(head)), copy: string(head)}
}

func (o *owner) take(s *string) {
	at := uintptr(unsafe.Pointer(unsafe.StringData(*s)))
	if len(*s) > 0 && at >= o.from && at < o.to {
		*s = o.copy[at-o.from:][:len(*s)]
	}
}

func (o *owner) fields(f *Fields) {
	for i := range f.List {
		o.take(&f.List[i].Name)
		o.take(&f.List[i].Value)
	}
}

// View returns a string that shares b's bytes: it is valid only as long as they do not change.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/polygate/polygate/core/store"
)

// reply is what a request is answered with. A string is sent as it is, nil is no body, anything else is sent as JSON with a newline.
type reply struct {
	status     int
	body       any
	retryAfter time.Duration
	revision   int64 // of what was written, 0 where nothing was
}

// failure is an error that says how to answer.
type failure struct {
	reply
	text string
}

// Error returns the text that the client gets.
func (f *failure) Error() string { return f.text }

// message is the body of most errors.
type message struct {
	Text        string `json:"error_msg"`
	Description string `json:"description,omitempty"`
	Body        string `json:"req_body,omitempty"`
}

func fail(status int, text string) *failure {
	return &failure{reply: reply{status: status, body: message{Text: text}}, text: text}
}

func notFound() *failure { return fail(http.StatusNotFound, "not found") }

func badRequest(text string) *failure { return fail(http.StatusBadRequest, text) }

func unauthorized(why string) *failure {
	const text = "failed to check token"
	return &failure{reply: reply{status: http.StatusUnauthorized, body: message{Text: text, Description: why}}, text: text + ": " + why}
}

func tooMany(wait time.Duration) *failure {
	f := fail(http.StatusTooManyRequests, "too many wrong keys from this address")
	f.retryAfter = wait
	return f
}

// replyTo turns any error into an answer. What is not a failure is trouble with the store.
func replyTo(err error) reply {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f.reply
	case errors.Is(err, store.ErrNotFound):
		return reply{status: http.StatusNotFound, body: map[string]string{"message": "Key not found"}}
	case errors.Is(err, store.ErrConflict):
		return fail(http.StatusServiceUnavailable, store.ErrConflict.Error()).reply
	}
	return fail(http.StatusServiceUnavailable, err.Error()).reply
}

// write sends an answer.
func (h *handler) write(w http.ResponseWriter, r *http.Request, rep reply) {
	if rep.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(rep.retryAfter.Seconds()))))
	}
	body, err := encode(rep.body)
	if err != nil {
		h.log.Error("admin answer", "method", r.Method, "path", r.URL.Path, "err", err)
		rep.status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(rep.status)
	if _, err := w.Write(body); err != nil {
		h.log.Debug("admin answer", "method", r.Method, "path", r.URL.Path, "err", err)
	}
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

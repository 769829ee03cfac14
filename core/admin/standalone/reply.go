package standalone

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// refusal is why a request is not done, in APISIX's words where it refuses the same.
type refusal struct {
	status int
	text   string
}

// Error returns the text that the client gets.
func (r refusal) Error() string { return r.text }

func badRequest(text string) error { return refusal{http.StatusBadRequest, text} }

func badBody(text string) error { return badRequest("invalid request body: " + text) }

// refuseError answers with an error, which is one of the client unless it says otherwise.
func (h *handler) refuseError(w http.ResponseWriter, r *http.Request, err error) {
	why := refusal{http.StatusBadRequest, err.Error()}
	errors.As(err, &why)
	h.refuse(w, r, why)
}

// refuse answers with an error and logs it.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	h.opts.Logger.Warn("the configuration was not changed", "method", r.Method, "status", why.status, "error", why.text)
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]string{"error_msg": why.text}); err != nil {
		h.opts.Logger.Error("answer of the Admin API", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	h.send(w, r, why.status, body.Bytes())
}

func (h *handler) send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		h.opts.Logger.Debug("answer of the Admin API", "method", r.Method, "path", r.URL.Path, "error", err)
	}
}

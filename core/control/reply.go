package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
)

// reply is an answer before it is sent.
type reply struct {
	status int
	body   any    // sent as JSON with a newline, unless it is nil or text is set
	text   []byte // sent as it is
	media  string // of text
}

// problem is the body of an error.
type problem struct {
	Text string `json:"error_msg"`
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func notFound(text string) reply { return fail(http.StatusNotFound, text) }

func fail(status int, text string) reply { return reply{status: status, body: problem{Text: text}} }

// listOf is a list as APISIX writes it: one without items is an empty object, because in Lua that is the same.
func listOf[T any](items []T) any {
	if len(items) == 0 {
		return struct{}{}
	}
	return items
}

func (r reply) send(w http.ResponseWriter, log *slog.Logger) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	if r.text == nil && r.body != nil {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r.body); err != nil {
			log.Error("control answer", "err", err)
			r.status = http.StatusInternalServerError
			buf.Reset()
		}
		r.text, r.media = buf.Bytes(), "application/json"
	}
	if r.media != "" {
		header.Set("Content-Type", r.media)
	}
	header.Set("Content-Length", strconv.Itoa(len(r.text)))
	w.WriteHeader(r.status)
	if _, err := w.Write(r.text); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		log.Debug("control answer", "err", err)
	}
}

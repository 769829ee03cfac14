package control

import (
	"log/slog"
	"net/http"
)

// state is the body of the Status API's answers.
type state struct {
	Status        string `json:"status"`
	Configuration string `json:"configuration,omitempty"` // "stale" while the store is away
	Error         string `json:"error,omitempty"`
}

// NewStatus makes the handler of the Status API: /status answers as long as the process does, /status/ready once there is a
// configuration to serve with. Serving the last good configuration while the store is away is ready, and says that it is stale.
// A nil logger is [slog.Default].
func NewStatus(source Source, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.Default()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/status":
			send(w, log, http.StatusOK, state{Status: "ok"})
		case "/status/ready":
			status, body := readiness(source.Status())
			send(w, log, status, body)
		default:
			status, body := notFound("not found")
			send(w, log, status, body)
		}
	})
}

func readiness(s Status) (int, state) {
	reason := ""
	if s.Err != nil {
		reason = s.Err.Error()
	}
	switch {
	case !s.Ready && reason == "":
		return http.StatusServiceUnavailable, state{Status: "error", Error: "no configuration has been received yet"}
	case !s.Ready:
		return http.StatusServiceUnavailable, state{Status: "error", Error: "no configuration has been received yet: " + reason}
	case !s.Reachable:
		return http.StatusOK, state{Status: "ok", Configuration: "stale", Error: reason}
	}
	return http.StatusOK, state{Status: "ok"}
}

package control

import (
	"log/slog"
	"net/http"
	"strings"
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
		switch {
		case within(r.URL.Path, "/status/ready"):
			readiness(source.Status()).send(w, log)
		case within(r.URL.Path, "/status"):
			ok(state{Status: "ok"}).send(w, log)
		default:
			notFound("not found").send(w, log)
		}
	})
}

// within tells whether a path is that of a location, or below it.
func within(path, location string) bool {
	rest, found := strings.CutPrefix(path, location)
	return found && (rest == "" || rest[0] == '/')
}

// readiness tells whether there is a configuration to serve with.
func readiness(s Status) reply {
	reason := ""
	if s.Err != nil {
		reason = s.Err.Error()
	}
	switch {
	case !s.Ready && reason == "":
		return reply{status: http.StatusServiceUnavailable, body: state{Status: "error", Error: "no configuration has been received yet"}}
	case !s.Ready:
		return reply{status: http.StatusServiceUnavailable, body: state{Status: "error", Error: "no configuration has been received yet: " + reason}}
	case s.FromCopy, !s.Reachable:
		return ok(state{Status: "ok", Configuration: "stale", Error: reason})
	}
	return ok(state{Status: "ok"})
}

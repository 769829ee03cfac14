package control

import (
	"net/http"
	"runtime/debug"
)

// collectGarbage gives memory that is not used any more back to the system. One collection is enough for all who ask meanwhile.
func (a *api) collectGarbage() reply {
	if a.gc.TryLock() {
		defer a.gc.Unlock()
		debug.FreeOSMemory()
	}
	return reply{status: http.StatusOK}
}

func (a *api) reloadPlugins() reply {
	if a.reload != nil {
		if err := a.reload(); err != nil {
			a.log.Error("plugins were not loaded again", "error", err)
			return fail(http.StatusServiceUnavailable, err.Error())
		}
	}
	return reply{status: http.StatusOK, text: []byte("done"), media: "text/plain"}
}

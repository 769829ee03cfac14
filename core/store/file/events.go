package file

import (
	"log/slog"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// events tells when something happens in the folders that a path leads through. Why folders and not the file? Editors and
// deployments put a new file in its place, and Kubernetes a new symbolic link in front of it.
type events struct {
	path    string
	watcher *fsnotify.Watcher // nil where the system has no such thing: then only the regular looks find changes
	folders map[string]bool
	log     *slog.Logger
}

func newEvents(path string, log *slog.Logger) *events {
	e := &events{path: path, folders: map[string]bool{}, log: log}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("changes of the configuration file are found by looking at it only", "path", path, "error", err)
		return e
	}
	e.watcher = watcher
	return e
}

// follow watches the folders that the path leads through now, and no others.
func (e *events) follow() {
	if e.watcher == nil {
		return
	}
	now := map[string]bool{filepath.Dir(e.path): true}
	if real, err := filepath.EvalSymlinks(e.path); err == nil {
		now[filepath.Dir(real)] = true
	}
	for folder := range e.folders {
		if !now[folder] {
			// It may be gone, and the watch with it.
			_ = e.watcher.Remove(folder)
			delete(e.folders, folder)
		}
	}
	for folder := range now {
		if e.folders[folder] {
			continue
		}
		if err := e.watcher.Add(folder); err != nil {
			e.log.Debug("a folder is not watched", "folder", folder, "error", err)
			continue
		}
		e.folders[folder] = true
	}
}

// changed returns a channel that has something when the file may have changed, nil if there is none.
func (e *events) changed() <-chan fsnotify.Event {
	if e.watcher == nil {
		return nil
	}
	return e.watcher.Events
}

// took notes what an event says about the folders themselves.
func (e *events) took(event fsnotify.Event) {
	if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
		delete(e.folders, event.Name)
	}
}

// trouble returns a channel that has an error when an event may have been lost, nil if there is none.
func (e *events) trouble() <-chan error {
	if e.watcher == nil {
		return nil
	}
	return e.watcher.Errors
}

func (e *events) close() {
	if e.watcher == nil {
		return
	}
	if err := e.watcher.Close(); err != nil {
		e.log.Debug("stop watching the configuration file", "error", err)
	}
}

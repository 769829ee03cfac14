package accesslog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// file is what the log is written to.
type file interface {
	io.WriteCloser
	// Moved tells whether the path leads elsewhere by now, or nowhere.
	Moved() bool
}

// appended is a file on disk.
type appended struct {
	*os.File
	path string
	info fs.FileInfo
}

// standard is one of the process's own streams, which are not closed.
type standard struct{ io.Writer }

// Close does nothing.
func (standard) Close() error { return nil }

// Moved is false: streams stay.
func (standard) Moved() bool { return false }

func openPath(path string) (file, error) {
	switch path {
	case "/dev/stdout":
		return standard{os.Stdout}, nil
	case "/dev/stderr":
		return standard{os.Stderr}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &appended{f, path, info}, nil
}

// Moved compares the file with what is at its path now.
func (a *appended) Moved() bool {
	info, err := os.Stat(a.path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(a.info, info)
}

package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// sizeLimit is the largest file that is read.
const sizeLimit = 256 << 20

var (
	errTooLarge   = fmt.Errorf("the file is larger than %d MiB", sizeLimit>>20)
	errNotRegular = errors.New("not a regular file")
)

// stamp changes when the file does.
type stamp struct {
	mtime time.Time
	size  int64
	inode uint64
}

func stampOf(info fs.FileInfo) stamp {
	st := stamp{mtime: info.ModTime(), size: info.Size()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		st.inode = sys.Ino
	}
	return st
}

// look returns the stamp of the file that a path leads to.
func look(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, fmt.Errorf("read the configuration file: %w", err)
	}
	return stampOf(info), nil
}

// contents reads the file and returns its stamp after that.
func contents(path string) ([]byte, stamp, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, stamp{}, fmt.Errorf("read the configuration file: %w", err)
	}
	defer f.Close()
	data, err := readRegular(f)
	if err != nil {
		return nil, stamp{}, fmt.Errorf("read the configuration file %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, stamp{}, fmt.Errorf("read the configuration file: %w", err)
	}
	return data, stampOf(info), nil
}

func readRegular(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	case info.Size() > sizeLimit:
		return nil, errTooLarge
	}
	data := make([]byte, 0, info.Size()+1)
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		case len(data) > sizeLimit:
			return nil, errTooLarge
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

var errInUse = errors.New("it is in use by another process")

// advice returns the next step for an error of Open.
func advice(err error) string {
	switch {
	case errors.Is(err, errInUse):
		return "stop that process, or give each gateway a folder of its own"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "give the user of this process the right to read and write it"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space there"
	case errors.Is(err, syscall.ENOTDIR):
		return "name a folder that can be made"
	default:
		return "restore the folder from a copy, or move it away to begin with an empty store"
	}
}

// lock is the hold on a data folder.
type lock struct{ file *os.File }

// claim makes the folder if it is missing, and takes it for this process. It also looks whether the database can be
// opened, because the server would wait for ever for one that is in use.
func claim(dir string) (*lock, error) {
	l, err := take(dir)
	if err == nil {
		if err = checkDatabase(filepath.Join(dir, "member", "snap", "db")); err != nil {
			_ = l.release()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the data folder %s: %w; %s", dir, err, advice(err))
	}
	return l, nil
}

func take(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	inner := filepath.Join(dir, "member")
	if err := os.Mkdir(inner, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := os.Chmod(inner, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock: %w", err)
		}
		return nil, inUse(file)
	}
	if err := errors.Join(file.Truncate(0), writePID(file)); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return &lock{file: file}, nil
}

func writePID(file *os.File) error {
	_, err := fmt.Fprintf(file, "%d\n", os.Getpid())
	return err
}

// inUse names the process that holds the lock, if it told who it is.
func inUse(file *os.File) error {
	pid := make([]byte, 16)
	n, _ := file.ReadAt(pid, 0)
	if who := strings.TrimSpace(string(pid[:n])); who != "" {
		return fmt.Errorf("%w (%s)", errInUse, who)
	}
	return errInUse
}

// release gives the folder back. The file stays: to remove it would race with the next process.
func (l *lock) release() error { return l.file.Close() }

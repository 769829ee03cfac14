package lastgood

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

var (
	errInUse    = errors.New("another process keeps its copy there")
	errNoFile   = errors.New("it is no ordinary file")
	errWritable = errors.New("other users may change it")
)

// copyError is what is wrong with the copy on disk.
type copyError struct {
	path, verb string
	cause      error
	remedy     string
}

// Error names the file, the cause and the next step.
func (e *copyError) Error() string {
	return fmt.Sprintf("the copy of the configuration in %s %s: %v; %s", e.path, e.verb, e.cause, e.remedy)
}

// Unwrap returns the cause.
func (e *copyError) Unwrap() error { return e.cause }

// remedyFor returns the next step for an error of reading or writing.
func remedyFor(err error) string {
	switch {
	case errors.Is(err, errForeign):
		return "if it is to be used, start once while the store is reachable, or name one of the hosts that it was made of"
	case errors.Is(err, errWritable):
		return "see who changed its mode; the next copy is for the gateway's user alone"
	case isRefused(err):
		return "a new one is made as soon as the store delivers its configuration"
	case errors.Is(err, errInUse):
		return "give each gateway a data folder of its own"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space there; the copy needs twice its size"
	case errors.Is(err, syscall.EFBIG):
		return "raise the limit for the size of files"
	default:
		return "let the user of this process read and write the file and its folder"
	}
}

// isMissing tells whether there is just no copy.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// isRefused tells whether a file was read and must not be used, now or later.
func isRefused(err error) bool {
	for _, e := range []error{errNotCopy, errVersion, errCut, errChecksum, errDamaged, errForeign, errWritable} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// readFile reads and checks a copy.
func readFile(path string) (content, error) {
	info, err := os.Stat(path)
	if err != nil {
		return content{}, err
	}
	// Why before it is opened? To open a pipe would wait for somebody who writes.
	if !info.Mode().IsRegular() {
		return content{}, errNoFile
	}
	if info.Mode().Perm()&0o022 != 0 {
		return content{}, fmt.Errorf("%w: its mode is %v", errWritable, info.Mode().Perm())
	}
	file, err := os.Open(path)
	if err != nil {
		return content{}, err
	}
	defer file.Close()
	return decode(file, info.Size())
}

// writeFile replaces a copy. At any time, also after a loss of power, the path has either the old or the new one.
func writeFile(ctx context.Context, path string, c content) error {
	fresh := path + ".new"
	if err := fill(ctx, fresh, c); err != nil {
		_ = os.Remove(fresh)
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		_ = os.Remove(fresh)
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// fill writes a new file, for the process's user alone, and waits until it is on the disk.
func fill(ctx context.Context, path string, c content) (err error) {
	// What a killed process left may have another mode.
	if err := os.Remove(path); err != nil && !isMissing(err) {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := encode(ctx, file, c); err != nil {
		return err
	}
	return file.Sync()
}

// moveAside gives a file that must not be used another name, which it returns.
func moveAside(path string) (string, error) {
	aside := path + ".refused"
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("move it aside: %w", err)
	}
	return aside, nil
}

// lock is the right to write a path.
type lock struct{ file *os.File }

// takeLock takes the right to write a path, which one process has.
func takeLock(path string) (*lock, error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errInUse
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return &lock{file: file}, nil
}

// release gives the right back. The file stays: to remove it would race with the next process.
func (l *lock) release() { _ = l.file.Close() }

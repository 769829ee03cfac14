package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// probeLimit is how long a database may be held by a process that is about to end.
const probeLimit = time.Second

var (
	errCorrupt = errors.New("the database is damaged")
	errOrder   = errors.New("keys are not in order")
)

// checkDatabase looks whether the database is free and can be read from its first page to the last. The server checks that
// too, but it would end the process, or wait for ever for a database that is in use.
func checkDatabase(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: probeLimit})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return errInUse
	case errors.Is(err, fs.ErrPermission):
		return err
	case err != nil:
		return fmt.Errorf("%w: %s: %w", errCorrupt, path, err)
	}
	if err := readAll(db, info.Size()); err != nil {
		return errors.Join(fmt.Errorf("%w: %s: %w", errCorrupt, path, err), db.Close())
	}
	return db.Close()
}

// readAll visits every key. The library panics over a damaged page, and reading one may fault.
func readAll(db *bbolt.DB, size int64) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	tx, err := db.Begin(false)
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		err = errors.Join(err, tx.Rollback())
	}()
	if tx.Size() > size {
		return fmt.Errorf("it has %d bytes instead of %d", size, tx.Size())
	}
	return tx.ForEach(func(_ []byte, bucket *bbolt.Bucket) error {
		var last []byte
		return bucket.ForEach(func(key, _ []byte) error {
			if last != nil && bytes.Compare(last, key) >= 0 {
				return errOrder
			}
			last = key
			return nil
		})
	})
}

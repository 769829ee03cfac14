package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/settings"
)

const keyFile = "admin.key"

// adminKeys returns the keys of the Admin API. One key may be left empty in the settings: it is made on the first start, told once, and kept in
// the data folder.
func adminKeys(s *settings.Settings, data dataDir, tell io.Writer) ([]core.AdminKey, error) {
	if !s.APISIX.EnableAdmin || !s.Deployment.Admin.KeyRequired {
		return nil, nil
	}
	made := ""
	keys := make([]core.AdminKey, 0, len(s.Deployment.Admin.Keys))
	for _, k := range s.Deployment.Admin.Keys {
		if k.Key == "" {
			if made != "" {
				return nil, &failure{exitConfig, fmt.Errorf(
					"%s: deployment.admin.admin_key: the keys %q and %q are empty; only one can be made, write the other", s.File, made, k.Name)}
			}
			made = k.Name
			var err error
			if k.Key, err = generatedKey(data, tell); err != nil {
				return nil, err
			}
		}
		keys = append(keys, core.AdminKey(k))
	}
	return keys, nil
}

// generatedKey returns the key in the data folder, or makes one.
func generatedKey(data dataDir, tell io.Writer) (string, error) {
	path, err := data.path(keyFile)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	switch key := strings.TrimSpace(string(text)); {
	case errors.Is(err, fs.ErrNotExist):
		return makeKey(path, tell)
	case err != nil:
		return "", &failure{exitStore, fmt.Errorf("read the key of the Admin API: %w; run as the owner of the data folder, or name another one with --data-dir", err)}
	case key == "":
		return "", &failure{exitStore, fmt.Errorf("the key of the Admin API in %s is empty; remove the file to have one made", path)}
	default:
		return key, nil
	}
}

func makeKey(path string, tell io.Writer) (string, error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it never fails
	key := base64.RawURLEncoding.EncodeToString(secret)
	if err := writePrivate(path, key+"\n"); err != nil {
		return "", &failure{exitStore, fmt.Errorf("keep the key of the Admin API: %w", err)}
	}
	return key, say(tell, "A key for the Admin API was made. It is kept in %s and not shown again:\n\n    %s\n\n", path, key)
}

// writePrivate writes a file for its owner alone, whole or not at all.
func writePrivate(path, text string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), keyFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error that is there already says more
		}
	}()
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

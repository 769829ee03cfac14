package responserewrite

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
)

// decodable tells whether decode knows the encoding.
func decodable(encoding string) bool {
	switch encoding {
	case "", plain, "gzip", "x-gzip", "deflate":
		return true
	}
	return false
}

// decode undoes a Content-Encoding. What comes out is at most max bytes; the rest is dropped, as it is of a body that came plain.
func decode(body []byte, encoding string, max int) ([]byte, error) {
	var reader io.Reader
	switch encoding {
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("inflate gzip err: %w", err)
		}
		reader = z
	case "deflate":
		z, err := zlib.NewReader(bytes.NewReader(body))
		if err != nil {
			// Some servers send the bare stream under this name.
			reader = flate.NewReader(bytes.NewReader(body))
			break
		}
		reader = z
	default:
		return body, nil
	}
	decoded, err := io.ReadAll(io.LimitReader(reader, int64(max)))
	if err != nil {
		return nil, fmt.Errorf("inflate %s err: %w", encoding, err)
	}
	return decoded, nil
}

package behave

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxHead = 1 << 20
	maxBody = 64 << 20
)

// readHead reads the first line and the header fields as they come.
func readHead(r *bufio.Reader) (*message, error) {
	first, err := readLine(r)
	if err != nil {
		return nil, err
	}
	m := &message{first: first}
	for size := len(first); size < maxHead; {
		line, err := readLine(r)
		if err != nil {
			return nil, fmt.Errorf("header: %w", noEOF(err))
		}
		if line == "" {
			return m, nil
		}
		size += len(line)
		m.fields = append(m.fields, line)
	}
	return nil, errors.New("the header is larger than 1 MiB")
}

func readLine(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for b.Len() < maxHead {
		part, err := r.ReadSlice('\n')
		b.Write(part)
		if err == nil {
			return strings.TrimSuffix(strings.TrimSuffix(b.String(), "\n"), "\r"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if b.Len() > 0 {
				err = noEOF(err)
			}
			return "", err
		}
	}
	return "", errors.New("a line is longer than 1 MiB")
}

// noEOF makes an end of the stream in the middle of something an error that says so.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readBody reads the body by its framing. toEnd: without one it lasts until the connection is closed.
func readBody(r *bufio.Reader, m *message, toEnd bool) error {
	if m.chunked() {
		return readChunks(r, m)
	}
	text := m.value("Content-Length")
	if text == "" {
		if !toEnd {
			return nil
		}
		data, err := io.ReadAll(io.LimitReader(r, maxBody))
		m.body = string(data)
		return err
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > maxBody {
		return fmt.Errorf("Content-Length is %q", text)
	}
	return readInto(r, m, int64(n))
}

func readInto(r *bufio.Reader, m *message, n int64) error {
	var b strings.Builder
	b.WriteString(m.body)
	got, err := io.CopyN(&b, r, n)
	m.body = b.String()
	if err != nil {
		return fmt.Errorf("body: %d bytes of %d came: %w", got, n, noEOF(err))
	}
	return nil
}

func readChunks(r *bufio.Reader, m *message) error {
	for {
		line, err := readLine(r)
		if err != nil {
			return fmt.Errorf("chunk: %w", noEOF(err))
		}
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63)
		if err != nil || n > maxBody || len(m.body) > maxBody {
			return fmt.Errorf("size of a chunk is %q", line)
		}
		if n == 0 {
			return readTrailer(r, m)
		}
		if err := readInto(r, m, int64(n)); err != nil {
			return err
		}
		if line, err := readLine(r); err != nil || line != "" {
			return fmt.Errorf("there is no end of line behind a chunk: %q", line)
		}
	}
}

// readTrailer puts the fields behind the last chunk behind those of the header.
func readTrailer(r *bufio.Reader, m *message) error {
	for len(m.fields) < 10_000 {
		line, err := readLine(r)
		if err != nil {
			return fmt.Errorf("trailer: %w", noEOF(err))
		}
		if line == "" {
			return nil
		}
		m.fields = append(m.fields, line)
	}
	return errors.New("the trailer has too many fields")
}

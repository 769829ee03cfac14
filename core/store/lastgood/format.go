package lastgood

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/polygate/polygate/core/store"
)

// The file is, in this order: the magic, the version as a byte, the prefix, the number of endpoints and each of them, the time in
// milliseconds since 1970, the revision, the number of items and each of them as key, revision of its creation, of its last change,
// and value; then the CRC-32C of all that, 4 bytes with the highest first. Numbers are uvarints; texts have their length before them.
const (
	magic    = "polygate configuration\n"
	version  = 1
	sumSize  = 4
	bufSize  = 64 << 10
	itemSize = 4 // bytes of the smallest item

	cancelEvery = 1024 // items between two looks at a context
)

var (
	errNotCopy  = errors.New("it is no copy of a configuration")
	errVersion  = errors.New("it has a format that this version does not know")
	errCut      = errors.New("its end is missing")
	errChecksum = errors.New("its checksum is wrong")
	errDamaged  = errors.New("it is damaged")
	errForeign  = errors.New("it is of another store")
)

// content is what a file holds.
type content struct {
	origin   origin
	made     time.Time
	revision int64
	items    []store.Item // in order of key
}

// origin is the store that a copy was made of.
type origin struct {
	prefix    string
	endpoints []string
}

// foreign returns an error if the copy is not of the store that the options name. One endpoint in common is enough: clusters grow
// and move.
func (o *Options) foreign(from origin) error {
	same := func(e string) bool { return slices.Contains(o.Endpoints, e) }
	switch {
	case strings.TrimRight(from.prefix, "/") != strings.TrimRight(o.Prefix, "/"):
		return fmt.Errorf("%w: it holds the prefix %q, and the gateway uses %q", errForeign, from.prefix, o.Prefix)
	case !slices.ContainsFunc(from.endpoints, same) && len(from.endpoints)+len(o.Endpoints) > 0:
		return fmt.Errorf("%w: it was made of %s, and the gateway uses %s", errForeign,
			strings.Join(from.endpoints, ", "), strings.Join(o.Endpoints, ", "))
	}
	return nil
}

// encode writes the content, item by item, until ctx ends.
func encode(ctx context.Context, w io.Writer, c content) error {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	e := encoder{w: bufio.NewWriterSize(io.MultiWriter(w, sum), bufSize)}
	e.raw(magic)
	e.raw(string([]byte{version}))
	e.text(c.origin.prefix)
	e.number(int64(len(c.origin.endpoints)))
	for _, endpoint := range c.origin.endpoints {
		e.text(endpoint)
	}
	e.number(c.made.UnixMilli())
	e.number(c.revision)
	e.number(int64(len(c.items)))
	for i, it := range c.items {
		if i%cancelEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e.text(it.Key)
		e.number(it.CreateRev)
		e.number(it.ModRev)
		e.number(int64(len(it.Value)))
		_, _ = e.w.Write(it.Value)
	}
	if err := e.w.Flush(); err != nil {
		return err
	}
	_, err := w.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// encoder writes the parts of a file. The buffer remembers the first error.
type encoder struct {
	w       *bufio.Writer
	scratch [binary.MaxVarintLen64]byte
}

func (e *encoder) raw(text string) { _, _ = e.w.WriteString(text) }

func (e *encoder) number(n int64) {
	_, _ = e.w.Write(binary.AppendUvarint(e.scratch[:0], uint64(n)))
}

func (e *encoder) text(s string) {
	e.number(int64(len(s)))
	e.raw(s)
}

// decode reads a file of size bytes. Whatever the bytes are, it takes memory in proportion to their number.
func decode(r io.Reader, size int64) (content, error) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	body := io.LimitReader(r, max(size-sumSize, 0))
	d := decoder{r: bufio.NewReaderSize(io.TeeReader(body, sum), bufSize), left: max(size-sumSize, 0)}
	if string(d.bytes(int64(len(magic)))) != magic {
		return content{}, errNotCopy
	}
	if v := d.bytes(1); d.err == nil && v[0] != version {
		return content{}, fmt.Errorf("%w: %d", errVersion, v[0])
	}
	c := d.content()
	var end [sumSize]byte
	switch {
	case d.err == nil && d.left > 0:
		return content{}, fmt.Errorf("%w: it is too long", errDamaged)
	case d.err != nil:
		return content{}, d.err
	}
	if _, err := io.ReadFull(r, end[:]); err != nil {
		return content{}, errCut
	}
	if binary.BigEndian.Uint32(end[:]) != sum.Sum32() {
		return content{}, errChecksum
	}
	return c, nil
}

// decoder reads the parts of a file. After an error all that it reads is empty.
type decoder struct {
	r    *bufio.Reader
	left int64 // bytes that have not been read
	err  error
}

func (d *decoder) content() content {
	c := content{}
	c.origin.prefix = d.text()
	for n := d.count(1); n > 0 && d.err == nil; n-- {
		c.origin.endpoints = append(c.origin.endpoints, d.text())
	}
	c.made = time.UnixMilli(d.number())
	c.revision = d.number()
	n := d.count(itemSize)
	c.items = make([]store.Item, 0, n)
	for range n {
		it := store.Item{Key: d.text(), CreateRev: d.number(), ModRev: d.number(), Value: d.bytes(d.number())}
		if last := len(c.items) - 1; last >= 0 && it.Key <= c.items[last].Key {
			d.fail(fmt.Errorf("%w: its keys are not in order", errDamaged))
		}
		if d.err != nil {
			return content{}
		}
		c.items = append(c.items, it)
	}
	return c
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// count reads how many parts follow, each of which has at least size bytes.
func (d *decoder) count(size int64) int64 {
	n := d.number()
	if n < 0 || n > d.left/size {
		d.fail(errCut)
		return 0
	}
	return n
}

func (d *decoder) number() int64 {
	if d.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(counted{d})
	if err != nil {
		d.fail(errCut)
		return 0
	}
	return int64(n)
}

func (d *decoder) text() string { return string(d.bytes(d.number())) }

func (d *decoder) bytes(n int64) []byte {
	if d.err == nil && (n < 0 || n > d.left) {
		d.fail(errCut)
	}
	if d.err != nil {
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.fail(fmt.Errorf("%w: %w", errCut, err))
		return nil
	}
	d.left -= n
	return b
}

// counted reads bytes of a decoder.
type counted struct{ d *decoder }

func (c counted) ReadByte() (byte, error) {
	b, err := c.d.r.ReadByte()
	if err == nil {
		c.d.left--
	}
	return b, err
}

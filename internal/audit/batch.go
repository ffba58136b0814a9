package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"fastness/internal/store/table"

	"github.com/klauspost/compress/s2"
)

// A batch is a version byte followed by events, each a length and the fields in the
// order of appendEvent; strings are length-prefixed. Records resemble each other, so a
// batch is stored compressed where that makes it smaller: it costs less than to seal,
// log, flush and compact the difference.
const (
	batchPlain  = 1
	batchPacked = 2 // the events as an S2 block (a superset of Snappy's format)
)

// pack appends a plain batch to dst in the form that is stored.
func pack(dst, plain []byte) []byte {
	dst = append(dst, batchPacked)
	dst = slices.Grow(dst, s2.MaxEncodedLen(len(plain)))
	block := s2.Encode(dst[1:cap(dst)], plain[1:])
	if len(block) >= len(plain)-1 {
		return append(dst[:0], plain...)
	}
	return dst[:1+len(block)]
}

// unpack returns the events of a stored batch without the version byte.
func unpack(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty", errBatch)
	}
	switch b[0] {
	case batchPlain:
		return b[1:], nil
	case batchPacked:
		n, err := s2.DecodedLen(b[1:])
		if err != nil || n > maxUnpackedBytes {
			return nil, fmt.Errorf("%w: compressed block", errBatch)
		}
		out, err := s2.Decode(nil, b[1:])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBatch, err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: unknown version", errBatch)
}

// Bounds of what is written, in bytes. A batch that holds more than one Append's
// records is at most maxBatchBytes; one Append's records, at most maxRecordBytes each
// (one for every account concerned, in practice two), must fit into a value of the
// store by themselves.
const (
	maxBatchBytes  = 256 << 10
	maxRecordBytes = 240 << 10
	// maxUnpackedBytes is more than any batch holds: maxBatchBytes or one Append.
	maxUnpackedBytes = 2 << 20
	maxResources     = 100
)

var errBatch = errors.New("audit: damaged batch")

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// eventBytes bounds what appendEvent appends.
func eventBytes(e *Event) int {
	const fixed = 64 // lengths, and what has no length
	n := fixed + len(e.ID) + len(e.Account) + len(e.Region) + len(e.Name) + len(e.Source) + len(e.AccessKeyID) + len(e.UserName) + len(e.JSON)
	for _, r := range e.Resources {
		n += 3*binary.MaxVarintLen16 + len(r.Type) + len(r.ARN) + len(r.Account)
	}
	return n
}

func appendEvent(dst []byte, e *Event) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Time.UnixNano()))
	if e.ReadOnly {
		dst = append(dst, 1)
	} else {
		dst = append(dst, 0)
	}
	for _, s := range [...]string{e.ID, e.Account, e.Region, e.Name, e.Source, e.AccessKeyID, e.UserName} {
		dst = appendString(dst, s)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Resources)))
	for _, r := range e.Resources {
		dst = appendString(appendString(appendString(dst, r.Type), r.ARN), r.Account)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.JSON)))
	dst = append(dst, e.JSON...)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

type batchReader struct {
	b   []byte
	err error
}

func (r *batchReader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.b)) {
		r.err = errBatch
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *batchReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.err != nil || n <= 0 {
		r.err = errBatch
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *batchReader) string() string { return string(r.take(r.uvarint())) }

// decodeBatch returns the events of a batch in the order they were appended. Their
// JSON may alias b.
func decodeBatch(b []byte) ([]Event, error) {
	b, err := unpack(b)
	if err != nil {
		return nil, err
	}
	return decodeEvents(b)
}

func decodeEvents(b []byte) ([]Event, error) {
	var events []Event
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, errBatch
		}
		n := binary.BigEndian.Uint32(b)
		if uint64(n) > uint64(len(b)-4) {
			return nil, errBatch
		}
		e, err := decodeEvent(b[4 : 4+n])
		if err != nil {
			return nil, err
		}
		events = append(events, e)
		b = b[4+n:]
	}
	return events, nil
}

func decodeEvent(b []byte) (Event, error) {
	r := batchReader{b: b}
	var e Event
	if t := r.take(8); t != nil {
		e.Time = time.Unix(0, int64(binary.BigEndian.Uint64(t))).UTC()
	}
	if f := r.take(1); f != nil {
		e.ReadOnly = f[0] == 1
	}
	for _, p := range [...]*string{&e.ID, &e.Account, &e.Region, &e.Name, &e.Source, &e.AccessKeyID, &e.UserName} {
		*p = r.string()
	}
	n := r.uvarint()
	if n > maxResources {
		return Event{}, errBatch
	}
	for range n {
		e.Resources = append(e.Resources, Resource{r.string(), r.string(), r.string()})
	}
	e.JSON = r.take(r.uvarint())
	if r.err == nil && len(r.b) != 0 {
		r.err = errBatch
	}
	return e, r.err
}

// Reserve tells fsck about the log's batches.
func Reserve(r *table.Registry) error {
	return r.Reserve("audit", "event", func(value []byte) error {
		_, err := decodeBatch(value)
		return err
	})
}

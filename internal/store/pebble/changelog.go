package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"

	"fastness/internal/store"
)

// logVersion is the first byte of a change log record.
const logVersion = 1

// Flags of one change in a log record.
const (
	changeDeleted   = 1 << 0
	changeKnowsPrev = 1 << 1 // the revision of the replaced version follows
)

// A log record covers a group of commits with consecutive revisions:
//
//	logVersion, total (8 bytes: bytes written since the store began), count (uvarint),
//	then for each commit: number of changes (uvarint), and for each change: flags,
//	previous revision (uvarint, if changeKnowsPrev; 0 = the key was absent), length
//	of the key (uvarint), key.
//
// The record's key holds the revision of its last commit.

// logChange is one change as the log keeps it: without the value, which lies in the
// version of the key.
type logChange struct {
	key       []byte
	deleted   bool
	knowsPrev bool
	prev      store.Revision
}

// logCommit is one commit of a log record.
type logCommit struct {
	rev     store.Revision
	changes []logChange
}

func appendLogHeader(dst []byte, total uint64, commits int) []byte {
	dst = append(dst, logVersion)
	dst = binary.BigEndian.AppendUint64(dst, total)
	return binary.AppendUvarint(dst, uint64(commits))
}

func appendLogChange(dst []byte, c logChange) []byte {
	var flags byte
	if c.deleted {
		flags |= changeDeleted
	}
	if c.knowsPrev {
		flags |= changeKnowsPrev
	}
	dst = append(dst, flags)
	if c.knowsPrev {
		dst = binary.AppendUvarint(dst, uint64(c.prev))
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.key)))
	return append(dst, c.key...)
}

var errLogRecord = errors.New("damaged change log record")

// logRecord is a decoded record; keys point into the decoded bytes.
type logRecord struct {
	total   uint64
	commits []logCommit
}

// logTotal reads only the running total of a record.
func logTotal(value []byte) (uint64, error) {
	if len(value) < 9 || value[0] != logVersion {
		return 0, errLogRecord
	}
	return binary.BigEndian.Uint64(value[1:9]), nil
}

// decodeLog takes the record stored under key apart.
func decodeLog(key, value []byte) (logRecord, error) {
	var rec logRecord
	if len(key) != 10 || key[0] != spaceLog {
		return rec, fmt.Errorf("%w: key %x", errLogRecord, key)
	}
	last := store.Revision(binary.BigEndian.Uint64(key[1:9]))
	total, err := logTotal(value)
	if err != nil {
		return rec, fmt.Errorf("%w of revision %d", err, last)
	}
	rec.total = total
	d := decoder{b: value[9:]}
	count := d.uvarint()
	// A commit takes at least one byte, which bounds what a damaged count can make
	// this function allocate.
	if d.bad || count == 0 || count > uint64(len(d.b)) || count > uint64(last) {
		return rec, fmt.Errorf("%w of revision %d", errLogRecord, last)
	}
	rec.commits = make([]logCommit, 0, count)
	for i := range count {
		n := d.uvarint()
		if d.bad || n > store.MaxTxnOps || n > uint64(len(d.b)) {
			return rec, fmt.Errorf("%w of revision %d", errLogRecord, last)
		}
		c := logCommit{rev: last - store.Revision(count-1-i), changes: make([]logChange, 0, n)}
		for range n {
			flags := d.byte()
			ch := logChange{deleted: flags&changeDeleted != 0, knowsPrev: flags&changeKnowsPrev != 0}
			if ch.knowsPrev {
				ch.prev = store.Revision(d.uvarint())
			}
			ch.key = d.bytes(d.uvarint())
			c.changes = append(c.changes, ch)
		}
		rec.commits = append(rec.commits, c)
	}
	if d.bad || len(d.b) != 0 {
		return rec, fmt.Errorf("%w of revision %d", errLogRecord, last)
	}
	return rec, nil
}

// decoder reads a record from the front; after the first misfit it is bad and
// returns zeros.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

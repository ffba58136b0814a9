package pebble

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// The tree has its own checker for what it expects of an order.
func TestComparerKeepsTheTreesRules(t *testing.T) {
	var prefixes, suffixes [][]byte
	for _, name := range []string{"", "a", "a\x00", "a\x00\x00", "a\x09", "aa", "b", "\xff", "\xff\xff"} {
		prefixes = append(prefixes, plainKey(nil, spaceData, []byte(name)))
	}
	prefixes = append(prefixes, plainKey(nil, spaceMeta, []byte(metaBase)), logKey(nil, 9))
	c := newComparer()
	slices.SortFunc(prefixes, c.Compare)
	suffixes = append(suffixes, nil)
	for _, rev := range []uint64{1 << 63, 300, 9, 1} {
		suffixes = append(suffixes, append(binary.BigEndian.AppendUint64(nil, ^rev), versionEnd))
	}
	if err := lsm.CheckComparer(c, prefixes, suffixes); err != nil {
		t.Error(err)
	}
}

// Keys and log records are stored: their bytes never change.
func TestStoredBytes(t *testing.T) {
	if got, want := versionKey(nil, []byte("k"), 258), "dk\x00\xff\xff\xff\xff\xff\xff\xfe\xfd\x09"; string(got) != want {
		t.Errorf("version key %q", got)
	}
	if got, want := logKey(nil, 258), "c\x00\x00\x00\x00\x00\x00\x01\x02\x00"; string(got) != want {
		t.Errorf("log key %q", got)
	}
	record := appendLogHeader(nil, 1000, 2)
	record = append(record, 1)
	record = appendLogChange(record, logChange{key: []byte("k"), knowsPrev: true, prev: 300})
	record = append(record, 1)
	record = appendLogChange(record, logChange{key: []byte("kk"), deleted: true})
	if want := "\x01\x00\x00\x00\x00\x00\x00\x03\xe8\x02" + "\x01\x02\xac\x02\x01k" + "\x01\x01\x02kk"; string(record) != want {
		t.Errorf("log record %q", record)
	}
	rec, err := decodeLog(logKey(nil, 259), record)
	if err != nil || rec.total != 1000 || len(rec.commits) != 2 || rec.commits[0].rev != 258 ||
		rec.commits[0].changes[0].prev != 300 || !rec.commits[1].changes[0].deleted || string(rec.commits[1].changes[0].key) != "kk" {
		t.Errorf("decoded %+v, %v", rec, err)
	}
}

func FuzzDecodeLog(f *testing.F) {
	record := append(appendLogHeader(nil, 1000, 1), 1)
	f.Add(appendLogChange(record, logChange{key: []byte("k"), knowsPrev: true, prev: 300}))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := decodeLog(logKey(nil, 1<<40), b)
		if err != nil {
			return
		}
		last := store.Revision(1 << 40)
		for i, c := range rec.commits {
			if c.rev != last-store.Revision(len(rec.commits)-1-i) {
				t.Errorf("commit %d has revision %d", i, c.rev)
			}
			for _, ch := range c.changes {
				if !bytes.Contains(b, ch.key) {
					t.Errorf("key %q is not in the record", ch.key)
				}
			}
		}
	})
}

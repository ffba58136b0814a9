package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// SelfCheck examines the tree and the engine's own bookkeeping on one snapshot while
// the store runs: block checksums and level order, the layout and revisions of
// versions, the change log against the versions it names, and lease tokens.
func (s *Store) SelfCheck(ctx context.Context, report func(store.Problem)) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.done()
	// CheckLevels reads every block of every table, and so verifies their checksums.
	if err := s.db.CheckLevels(nil); err != nil {
		report(store.Problem{Check: "tables", Text: err.Error()})
		return nil // what follows would read the same damaged tables
	}
	snap := s.db.NewSnapshot()
	defer snap.Close()
	c := checker{ctx: ctx, snap: snap, report: report}
	for _, step := range []func() error{c.spaces, c.base, c.changeLog, c.versions, func() error { return c.leases(s) }} {
		if err := step(); err != nil {
			return s.readErr(err)
		}
	}
	return nil
}

type checker struct {
	ctx           context.Context
	snap          *lsm.Snapshot
	report        func(store.Problem)
	horizon, last store.Revision
	logged        int // changes that the log names
}

func (c *checker) problem(check string, key []byte, format string, args ...any) {
	c.report(store.Problem{Check: check, Key: bytes.Clone(key), Text: fmt.Sprintf(format, args...)})
}

// each calls f for every key of a space.
func (c *checker) each(bounds *lsm.IterOptions, f func(key, value []byte)) error {
	it, err := c.snap.NewIter(bounds)
	if err != nil {
		return err
	}
	defer it.Close()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n%contextEvery == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		f(it.Key(), v)
	}
	return it.Error()
}

// spaces looks for keys that lie in no space.
func (c *checker) spaces() error {
	known := []byte{spaceLog, spaceData, spaceLease, spaceMeta} // ascending
	var low []byte
	for i := 0; i <= len(known); i++ {
		o := &lsm.IterOptions{LowerBound: low}
		if i < len(known) {
			o.UpperBound = []byte{known[i], plainEnd}
			low = []byte{known[i] + 1, plainEnd}
		}
		if err := c.each(o, func(key, _ []byte) { c.problem("spaces", key, "key lies in no known space") }); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) base() error {
	v, closer, err := c.snap.Get(plainKey(nil, spaceMeta, []byte(metaBase)))
	if errors.Is(err, lsm.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(v) == 16 {
		c.horizon = store.Revision(binary.BigEndian.Uint64(v))
	} else {
		c.problem("base", nil, "damaged base record")
	}
	return closer.Close()
}

// changeLog checks that the log runs without a gap from the horizon and that every
// change it names has its version.
func (c *checker) changeLog() error {
	it, err := c.snap.NewIter(spaceBounds(spaceData))
	if err != nil {
		return err
	}
	defer it.Close()
	c.last = c.horizon
	var total uint64
	return c.each(spaceBounds(spaceLog), func(key, value []byte) {
		rec, err := decodeLog(key, value)
		if err != nil {
			c.problem("change log", key, "%v", err)
			return
		}
		if rec.total < total {
			c.problem("change log", key, "byte count goes back from %d to %d", total, rec.total)
		}
		total = rec.total
		for _, lc := range rec.commits {
			if lc.rev != c.last+1 {
				c.problem("change log", key, "revision %d follows %d", lc.rev, c.last)
			}
			c.last = lc.rev
			for _, ch := range lc.changes {
				c.logged++
				want := versionKey(nil, ch.key, lc.rev)
				if !it.SeekGE(want) || !bytes.Equal(it.Key(), want) {
					c.problem("change log", ch.key, "no version of revision %d", lc.rev)
				} else if v := it.Value(); len(v) > 0 && (v[0] == valueDeleted) != ch.deleted {
					c.problem("change log", ch.key, "version of revision %d: the log disagrees whether it is a deletion", lc.rev)
				}
			}
		}
	})
}

// versions checks layout and revisions, that nothing older than the horizon is left
// over, and that no version is unknown to the log.
func (c *checker) versions() error {
	var name []byte
	var newer store.Revision // revision of the previous, newer version of name
	young := 0
	err := c.each(spaceBounds(spaceData), func(key, value []byte) {
		n, rev, ok := splitVersion(key)
		if !ok {
			c.problem("versions", key, "damaged key")
			return
		}
		same := newer != 0 && bytes.Equal(n, name)
		switch {
		case rev == 0 || rev > c.last:
			c.problem("versions", n, "revision %d is outside 1 to %d", rev, c.last)
		case len(value) == 0 || value[0] > valueLive || value[0] == valueDeleted && len(value) > 1:
			c.problem("versions", n, "damaged value of revision %d", rev)
		case len(value)-1 > store.MaxValueBytes || len(n) > store.MaxKeyBytes:
			c.problem("versions", n, "revision %d is over the bounds", rev)
		case value[0] == valueDeleted && rev <= c.horizon:
			c.problem("versions", n, "deletion of revision %d outlived the change log", rev)
		case same && newer <= c.horizon:
			c.problem("versions", n, "revision %d, replaced by %d, outlived the change log", rev, newer)
		}
		if rev > c.horizon {
			young++
		}
		name, newer = append(name[:0], n...), rev
	})
	if err == nil && young != c.logged {
		c.problem("versions", nil, "%d versions are younger than the horizon, the change log names %d", young, c.logged)
	}
	return err
}

// leases checks that tokens are readable and that no lease runs on a token the tree
// does not know: such an orphan could meet its own token again after a restart.
func (c *checker) leases(s *Store) error {
	s.leases.mu.Lock()
	held := make(map[string]uint64, len(s.leases.held))
	for name, l := range s.leases.held {
		held[name] = l.token
	}
	s.leases.mu.Unlock()
	return c.each(spaceBounds(spaceLease), func(key, value []byte) {
		if len(key) < 3 || len(value) != 8 || binary.BigEndian.Uint64(value) == 0 {
			c.problem("leases", key, "damaged token")
			return
		}
		// A campaign under way may hold a token one above the snapshot's.
		name, token := string(key[1:len(key)-1]), binary.BigEndian.Uint64(value)
		if t, ok := held[name]; ok && t > token+1 {
			c.problem("leases", []byte(name), "orphan: held with token %d, stored is %d", t, token)
		}
	})
}

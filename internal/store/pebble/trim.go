package pebble

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// trimBatchBytes bounds the batch of one trimming step, so that it never holds up
// commits for long.
const trimBatchBytes = 256 << 10

// trimBlindKeys bounds the keys of one step whose older versions must be looked for.
// The more there are, the more of them share a block.
const trimBlindKeys = 1 << 15

// trimDue reports whether the change log is twice as long as it must be. Trimming in
// large strokes costs less than following every commit.
func (s *Store) trimDue() bool {
	kept := s.durable.Load() - s.horizon.Load()
	size := s.logBytes.Load() - s.trimmedBytes.Load()
	return kept > 2*uint64(s.opts.RetainCommits) || size > 2*uint64(s.opts.RetainBytes)
}

// overBounds reports whether the change log is longer than it must be.
func (s *Store) overBounds() bool {
	return s.durable.Load()-s.horizon.Load() > uint64(s.opts.RetainCommits) ||
		s.logBytes.Load()-s.trimmedBytes.Load() > uint64(s.opts.RetainBytes)
}

// trimLoop keeps the change log within its bounds.
func (s *Store) trimLoop() {
	defer s.workers.Done()
	for {
		select {
		case <-s.trimWake:
		case <-s.life.Done():
			return
		}
		for more := s.trimDue(); more && s.life.Err() == nil; {
			progress, err := s.trimStep()
			if err != nil {
				s.fail(fmt.Errorf("trim change log: %w", err))
				return
			}
			more = progress && s.overBounds()
		}
	}
}

// trimStep removes the oldest log records, and the versions that their commits
// replaced, in one batch. The batch is not synced: it takes its place in the
// write-ahead log before later commits, and is repeated when a crash loses it.
func (s *Store) trimStep() (progress bool, err error) {
	defer func() {
		// The tree panics when it cannot write its log.
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	log, err := s.db.NewIter(spaceBounds(spaceLog))
	if err != nil {
		return false, err
	}
	defer log.Close()
	batch := s.db.NewBatch()
	defer batch.Close()

	durable := s.durable.Load()
	horizon, trimmed := s.horizon.Load(), s.trimmedBytes.Load()
	before := horizon
	var blind []replaced
	for ok := log.First(); ok; ok = log.Next() {
		rec, err := decodeLog(log.Key(), log.Value())
		if err != nil {
			return false, err
		}
		last := uint64(rec.commits[len(rec.commits)-1].rev)
		enough := durable-horizon <= uint64(s.opts.RetainCommits) &&
			s.logBytes.Load()-trimmed <= uint64(s.opts.RetainBytes)
		// The newest record stays: it tells the revision at the next start.
		if enough || last >= durable || batch.Len() > trimBatchBytes || len(blind) > trimBlindKeys {
			break
		}
		for _, c := range rec.commits {
			for _, ch := range c.changes {
				if err := dropReplaced(batch, c.rev, ch); err != nil {
					return false, err
				}
				if !ch.knowsPrev {
					// The log keeps only slices of its block: copy the key.
					blind = append(blind, replaced{bytes.Clone(ch.key), c.rev})
				}
			}
		}
		if err := batch.Delete(log.Key(), nil); err != nil {
			return false, err
		}
		horizon, trimmed = last, rec.total
	}
	if err := log.Error(); err != nil {
		return false, err
	}
	if horizon == before {
		// One large record is all there is: wait for more commits.
		return false, nil
	}
	if err := s.dropUnknown(batch, blind); err != nil {
		return false, err
	}
	base := binary.BigEndian.AppendUint64(nil, horizon)
	base = binary.BigEndian.AppendUint64(base, trimmed)
	if err := batch.Set(plainKey(nil, spaceMeta, []byte(metaBase)), base, nil); err != nil {
		return false, err
	}
	// Readers and watchers look at the horizon after they have opened an iterator, so
	// it moves before the versions go.
	s.trimmedBytes.Store(trimmed)
	s.horizon.Store(horizon)
	return true, s.db.Apply(batch, lsm.NoSync)
}

// dropReplaced deletes what the change ch of commit rev made superfluous: the version
// it replaced, if the log knows that, and if it deleted the key, the mark that says so.
func dropReplaced(batch *lsm.Batch, rev store.Revision, ch logChange) error {
	if ch.deleted {
		if err := batch.Delete(versionKey(nil, ch.key, rev), nil); err != nil {
			return err
		}
	}
	if ch.prev == 0 {
		return nil
	}
	return batch.Delete(versionKey(nil, ch.key, ch.prev), nil)
}

// replaced says that the versions of key older than rev have been replaced.
type replaced struct {
	key []byte
	rev store.Revision
}

// dropUnknown deletes the versions that blind writes replaced, which are not known and
// must be looked for: in the order of keys, so that the search goes one way.
func (s *Store) dropUnknown(batch *lsm.Batch, blind []replaced) error {
	if len(blind) == 0 {
		return nil
	}
	slices.SortFunc(blind, func(a, b replaced) int { return bytes.Compare(a.key, b.key) })
	it, err := s.db.NewIter(spaceBounds(spaceData))
	if err != nil {
		return err
	}
	defer it.Close()
	var seek []byte
	for _, r := range blind {
		seek = versionKey(seek[:0], r.key, r.rev-1)
		// Within one key, the filters of the tables spare reading those without it.
		for ok := it.SeekPrefixGE(seek); ok; ok = it.Next() {
			if err := batch.Delete(it.Key(), nil); err != nil {
				return err
			}
		}
	}
	return it.Error()
}

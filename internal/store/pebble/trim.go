package pebble

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// trimBatchBytes bounds the batch of one trimming step, so that it never holds up
// commits for long.
const trimBatchBytes = 256 << 10

// trimDue reports whether the change log is over its bounds by a quarter.
func (s *Store) trimDue() bool {
	kept := s.durable.Load() - s.horizon.Load()
	size := s.logBytes.Load() - s.trimmedBytes.Load()
	return kept > uint64(s.opts.RetainCommits)/4*5 || size > uint64(s.opts.RetainBytes)/4*5
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
		for s.trimDue() && s.life.Err() == nil {
			progress, err := s.trimStep()
			if err != nil {
				s.fail(fmt.Errorf("trim change log: %w", err))
				return
			}
			if !progress {
				break
			}
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
	versions, err := s.db.NewIter(spaceBounds(spaceData))
	if err != nil {
		return false, err
	}
	defer versions.Close()
	batch := s.db.NewBatch()
	defer batch.Close()

	durable := s.durable.Load()
	horizon, trimmed := s.horizon.Load(), s.trimmedBytes.Load()
	before := horizon
	for ok := log.First(); ok; ok = log.Next() {
		rec, err := decodeLog(log.Key(), log.Value())
		if err != nil {
			return false, err
		}
		last := uint64(rec.commits[len(rec.commits)-1].rev)
		enough := durable-horizon <= uint64(s.opts.RetainCommits) &&
			s.logBytes.Load()-trimmed <= uint64(s.opts.RetainBytes)
		// The newest record stays: it tells the revision at the next start.
		if enough || last >= durable || batch.Len() > trimBatchBytes {
			break
		}
		for _, c := range rec.commits {
			for _, ch := range c.changes {
				if err := dropReplaced(batch, versions, c.rev, ch); err != nil {
					return false, err
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

// dropReplaced deletes what the change ch of commit rev made superfluous: older
// versions of the key and, if it deleted the key, the mark that says so.
func dropReplaced(batch *lsm.Batch, versions *lsm.Iterator, rev store.Revision, ch logChange) error {
	if ch.deleted {
		if err := batch.Delete(versionKey(nil, ch.key, rev), nil); err != nil {
			return err
		}
	}
	if ch.knowsPrev {
		if ch.prev == 0 {
			return nil
		}
		return batch.Delete(versionKey(nil, ch.key, ch.prev), nil)
	}
	// The commit did not read the key first, so look for what it replaced.
	prefix := plainKey(nil, spaceData, ch.key)
	for ok := versions.SeekGE(versionKey(nil, ch.key, rev-1)); ok; ok = versions.Next() {
		key := versions.Key()
		if len(key) != len(prefix)+versionLen || !bytes.HasPrefix(key, prefix) {
			break
		}
		if err := batch.Delete(key, nil); err != nil {
			return err
		}
	}
	return versions.Error()
}

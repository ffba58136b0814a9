package secretsmanager

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fastness/internal/store"
)

// ReadsFlushInterval is how often the days of the last readings are written down.
const ReadsFlushInterval = 30 * time.Second

const (
	// maxPendingReads bounds the secrets in memory whose reading is not written down yet.
	// Beyond it, readings of further secrets are not tracked until the next flush.
	maxPendingReads = 1 << 16
	// maxReadVersions bounds the versions that are tracked for one secret.
	maxReadVersions = 2 * keptVersions
	// readsPerTxn bounds one transaction of a flush.
	readsPerTxn = 100
)

// reads remembers on which day secrets were last read. AWS says no more than the day, so
// the first reading of a day is all that is ever written.
type reads struct {
	mu      sync.Mutex
	days    map[string]*readDays // by ARN
	pending map[string]*secretRecord
}

// readDays are the days on which a secret's versions were last read, as midnights of UTC.
// The latest is kept apart.
type readDays struct {
	day      time.Time
	versions map[string]time.Time
}

func newReads() *reads {
	return &reads{days: make(map[string]*readDays), pending: make(map[string]*secretRecord)}
}

// note records a reading of a version.
func (r *reads) note(s *secret, version string, now time.Time) {
	day := now.UTC().Truncate(24 * time.Hour)
	arn := s.arn
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.days[arn]
	if d == nil {
		if len(r.days) >= maxPendingReads {
			return
		}
		d = &readDays{versions: make(map[string]time.Time)}
		r.days[arn] = d
	}
	if d.versions[version].Equal(day) || d.versions[version].IsZero() && len(d.versions) >= maxReadVersions {
		return
	}
	d.day, d.versions[version] = day, day
	r.pending[arn] = &s.record
}

// last is the day of the last reading in memory: of a version, or of any with "".
func (r *reads) last(arn, version string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.days[arn]
	switch {
	case d == nil:
		return time.Time{}
	case version == "":
		return d.day
	}
	return d.versions[version]
}

// lastRead is the day of the last reading, written down or not; nil means never.
func (s *Service) lastRead(rec *secretRecord, stored *accessRecord, version string) *time.Time {
	day := s.reads.last(rec.arn(), version)
	if stored != nil {
		old := stored.Day
		if version != "" {
			old = stored.Versions[version]
		}
		if old.After(day) {
			day = old
		}
	}
	return date(day)
}

// FlushReads writes down the readings since the last flush.
func (s *Service) FlushReads(ctx context.Context) error {
	r := s.reads
	r.mu.Lock()
	var list []*secretRecord
	for _, rec := range r.pending {
		list = append(list, rec)
	}
	r.mu.Unlock()
	for len(list) > 0 {
		n := min(len(list), readsPerTxn)
		if err := s.flushReads(ctx, list[:n]); err != nil {
			return fmt.Errorf("secretsmanager: write the days of readings: %w", err)
		}
		list = list[n:]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// What is written down and not of today need not stay in memory.
	today := s.clock.Now().UTC().Truncate(24 * time.Hour)
	for arn, d := range r.days {
		if r.pending[arn] == nil && d.day.Before(today) {
			delete(r.days, arn)
		}
	}
	return nil
}

func (s *Service) flushReads(ctx context.Context, list []*secretRecord) error {
	r := s.reads
	written := make(map[string]accessRecord, len(list))
	r.mu.Lock()
	for _, rec := range list {
		d := r.days[rec.arn()]
		if d == nil {
			continue
		}
		a := accessRecord{Account: rec.Account, Region: rec.Region, Secret: rec.id(), Day: d.day, Versions: make(map[string]time.Time, len(d.versions))}
		for v, day := range d.versions {
			a.Versions[v] = day
		}
		written[rec.arn()] = a
	}
	r.mu.Unlock()
	_, err := s.store.Update(ctx, func(tx store.Txn) error {
		for _, rec := range list {
			a, ok := written[rec.arn()]
			if !ok {
				continue
			}
			// A secret that has been deleted leaves no trace of its use either.
			now, err := s.tables.secret(tx, rec.name())
			if isNotFound(err) || err == nil && now.Suffix != rec.Suffix {
				continue
			}
			if err != nil {
				return err
			}
			old, err := s.tables.access(tx, rec)
			if absent(err) != nil {
				return err
			}
			if err == nil {
				for v, day := range old.Versions {
					if _, newer := a.Versions[v]; !newer && len(a.Versions) < maxReadVersions {
						a.Versions[v] = day
					}
				}
			}
			if err := s.tables.accesses.Put(tx, &a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for arn, a := range written {
		if d := r.days[arn]; d != nil && len(d.versions) <= len(a.Versions) && d.day.Equal(a.Day) && sameDays(d.versions, a.Versions) {
			delete(r.pending, arn)
		}
	}
	return nil
}

// sameDays tells whether everything in now is in written.
func sameDays(now, written map[string]time.Time) bool {
	for v, day := range now {
		if !written[v].Equal(day) {
			return false
		}
	}
	return true
}

// RunReads writes readings down until ctx is done, and once more then.
func (s *Service) RunReads(ctx context.Context) error {
	for {
		done := s.clock.Sleep(ctx, ReadsFlushInterval)
		if err := s.FlushReads(context.WithoutCancel(ctx)); err != nil {
			s.log.Error("the days of readings were not written", "error", err)
		}
		if done != nil {
			return done
		}
	}
}

package secretsmanager

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"fastness/internal/arn"
	"fastness/internal/store"
)

// ReadsFlushInterval is how often the days of the last readings are written down.
const ReadsFlushInterval = 30 * time.Second

const (
	// maxReads bounds the secrets in memory whose reading is noted. Beyond it, readings of
	// further secrets are not tracked until the next flush.
	maxReads = 1 << 16
	// maxReadVersions bounds the versions that are tracked for one secret.
	maxReadVersions = 2 * keptVersions
	// readsPerTxn bounds one transaction of a flush.
	readsPerTxn = 100
)

// reads remembers on which day secrets were last read. AWS says no more than the day, so
// the first reading of a day is all that is ever written. It is kept small: a server may
// have many secrets that are all read every day.
type reads struct {
	mu    sync.Mutex
	limit int                  // maxReads
	days  map[string]*readDays // by ARN
}

// readDays are the days on which a secret's versions were last read.
type readDays struct {
	versions []versionDay
	pending  bool // not written down yet
}

type versionDay struct {
	version string
	day     int32 // since 1970
}

// dayOf is the day of a time in UTC, midnight the time of a day.
func dayOf(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }

func midnight(day int32) time.Time { return time.Unix(int64(day)*24*60*60, 0).UTC() }

func newReads() *reads {
	return &reads{limit: maxReads, days: make(map[string]*readDays)}
}

// note records a reading of a version.
func (r *reads) note(s *secret, version string, now time.Time) {
	day := dayOf(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.days[s.arn]
	if d == nil {
		if len(r.days) >= r.limit {
			return
		}
		d = new(readDays)
		r.days[s.arn] = d
	}
	for i := range d.versions {
		if v := &d.versions[i]; v.version == version {
			if v.day != day {
				v.day, d.pending = day, true
			}
			return
		}
	}
	if len(d.versions) < maxReadVersions {
		d.versions = append(d.versions, versionDay{version, day})
		d.pending = true
	}
}

// latest is the last day of all.
func (d *readDays) latest() (day int32) {
	for _, v := range d.versions {
		day = max(day, v.day)
	}
	return day
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
		return midnight(d.latest())
	}
	for _, v := range d.versions {
		if v.version == version {
			return midnight(v.day)
		}
	}
	return time.Time{}
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
	list := s.reads.pending()
	for len(list) > 0 {
		n := min(len(list), readsPerTxn)
		if err := s.flushReads(ctx, list[:n]); err != nil {
			return fmt.Errorf("secretsmanager: write the days of readings: %w", err)
		}
		list = list[n:]
	}
	s.reads.trim(dayOf(s.clock.Now()))
	return nil
}

// unwritten are the readings of a secret that are to be written down.
type unwritten struct {
	arn      string
	versions []versionDay
}

// pending are the readings that are not written down.
func (r *reads) pending() (list []unwritten) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for arn, d := range r.days {
		if d.pending {
			list = append(list, unwritten{arn, slices.Clone(d.versions)})
		}
	}
	return list
}

// written tells that readings are in the store.
func (r *reads) written(list []unwritten) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range list {
		if d := r.days[u.arn]; d != nil && slices.Equal(d.versions, u.versions) {
			d.pending = false
		}
	}
}

// trim forgets what is written down and not of today, which nothing is compared with any
// more. If there are many, it forgets those of today, too: if they are read again, they are
// written again.
func (r *reads) trim(today int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	crowded := len(r.days) > r.limit/2
	for arn, d := range r.days {
		if !d.pending && (crowded || d.latest() < today) {
			delete(r.days, arn)
		}
	}
}

func (s *Service) flushReads(ctx context.Context, list []unwritten) error {
	_, err := s.store.Update(ctx, func(tx store.Txn) error {
		for _, u := range list {
			if err := s.writeReads(tx, u); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.reads.written(list)
	}
	return err
}

// writeReads adds readings to what is stored. A secret that has been deleted leaves no
// trace of its use either.
func (s *Service) writeReads(tx store.Txn, u unwritten) error {
	name, suffix, err := nameOfARN(u.arn)
	if err != nil {
		return err
	}
	rec, err := s.tables.secret(tx, name)
	if isNotFound(err) || err == nil && rec.Suffix != suffix {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := s.tables.access(tx, rec)
	if isNotFound(err) {
		a, err = &accessRecord{Account: rec.Account, Region: rec.Region, Secret: rec.id()}, nil
	}
	if err != nil {
		return err
	}
	if a.Versions == nil {
		a.Versions = make(map[string]time.Time, len(u.versions))
	}
	for _, v := range u.versions {
		day := midnight(v.day)
		if a.Day.Before(day) {
			a.Day = day
		}
		if _, known := a.Versions[v.version]; known || len(a.Versions) < maxReadVersions {
			a.Versions[v.version] = day
		}
	}
	return s.tables.accesses.Put(tx, a)
}

// nameOfARN takes the ARN of a secret apart.
func nameOfARN(of string) (name secretName, suffix string, err error) {
	parsed, err := arn.Parse(of)
	if err != nil {
		return name, "", fmt.Errorf("secretsmanager: %w", err)
	}
	name = secretName{account: parsed.Account, region: parsed.Region}
	var ok bool
	if name.name, suffix, ok = splitID(strings.TrimPrefix(parsed.Resource, "secret:")); !ok {
		return name, "", fmt.Errorf("secretsmanager: %s is not the ARN of a secret", of)
	}
	return name, suffix, nil
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

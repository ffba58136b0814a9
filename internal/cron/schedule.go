package cron

import (
	"math"
	"time"
)

// Schedule is a parsed expression. The zero Schedule is never due.
type Schedule struct {
	text     string
	calendar *calendar // nil for a rate
	count    int       // of units, for a rate
	unit     Unit
	zone     *time.Location // nil means UTC
	anchor   time.Time      // of a rate; zero means the time that Next is asked about
}

// Unit is the unit of a rate.
type Unit time.Duration

// The units of rates. A day is 24 hours in every time zone.
const (
	Minute = Unit(time.Minute)
	Hour   = Unit(time.Hour)
	Day    = Unit(24 * time.Hour)
)

// String is the expression as it was parsed.
func (s Schedule) String() string { return s.text }

// In is the schedule on the clocks of a time zone; nil is UTC.
func (s Schedule) In(zone *time.Location) Schedule {
	if zone == time.UTC {
		zone = nil
	}
	s.zone = zone
	return s
}

// From is the schedule with its rate counted from anchor: it is due at anchor and at
// every whole number of intervals after it. It changes nothing about a calendar.
func (s Schedule) From(anchor time.Time) Schedule {
	s.anchor = anchor
	return s
}

// Rate is the interval of a rate, as a number of units; ok is false for a calendar.
func (s Schedule) Rate() (count int, unit Unit, ok bool) {
	return s.count, s.unit, s.count > 0
}

// interval is that of a rate.
func (s Schedule) interval() time.Duration { return time.Duration(s.count) * time.Duration(s.unit) }

// Next is the first time after the given one at which the schedule is due, in the
// schedule's time zone; ok is false when there is none. A rate without an anchor (From)
// is due one interval after the given time, which is then that of its last run.
func (s Schedule) Next(after time.Time) (next time.Time, ok bool) {
	zone := s.zone
	if zone == nil {
		zone = time.UTC
	}
	switch {
	case s.calendar != nil:
		return s.calendar.next(after.In(zone))
	case s.count == 0:
		return time.Time{}, false
	case s.anchor.IsZero():
		return after.Add(s.interval()).In(zone), true
	case after.Before(s.anchor):
		return s.anchor.In(zone), true
	}
	// In seconds, because a Duration ends after 292 years.
	step := int64(s.interval() / time.Second)
	passed := after.Unix() - s.anchor.Unix()
	if passed < 0 || passed > math.MaxInt64-step-s.anchor.Unix() {
		return time.Time{}, false
	}
	at := func(k int64) time.Time {
		return time.Unix(s.anchor.Unix()+k*step, int64(s.anchor.Nanosecond())).In(zone)
	}
	k := passed / step
	if next = at(k); !next.After(after) {
		next = at(k + 1)
	}
	return next, true
}

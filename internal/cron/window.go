package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrWindow is what every error of NewWindow is.
var ErrWindow = errors.New("not a schedule of windows")

// WindowError says why a schedule and a length make no window. It is an ErrWindow.
type WindowError struct {
	// Length says that the length is at fault, not the schedule.
	Length bool
	// Reason is a sentence without a full stop, for people.
	Reason string
}

// Error is the reason.
func (e *WindowError) Error() string { return "cron: " + e.Reason }

// Unwrap is ErrWindow.
func (e *WindowError) Unwrap() error { return ErrWindow }

// Limits are the rules of whoever offers windows. Zero means no such rule.
type Limits struct {
	// MinInterval is the shortest time from the start of one window to the start of the
	// next.
	MinInterval time.Duration
	// MaxInterval is the longest interval of a rate.
	MaxInterval time.Duration
	// EveryYear demands that the year of a cron expression is *.
	EveryYear bool
}

// Window is a span of time that opens on a schedule, always on the hour in UTC.
//
// A schedule is one in hours if it opens more than one window a day: a rate in hours, or
// a cron expression with several hours. All others are in days. The windows of a rate
// begin at midnight and are counted from there.
type Window struct {
	schedule Schedule
	length   time.Duration // 0: to the end of the day
}

const wholeDay = 24 * time.Hour

// NewWindow makes the windows that s opens. length is how long each is open, in whole
// hours; 0 is one hour for a schedule in hours, and to the end of the day for a schedule
// in days. No window may reach into the next one, or into the next day. Errors are
// *WindowError.
func NewWindow(s Schedule, length time.Duration, l Limits) (Window, error) {
	if s.zone != nil {
		return Window{}, &WindowError{Reason: "windows are in UTC"}
	}
	if length < 0 || length > wholeDay || length%time.Hour != 0 {
		return Window{}, &WindowError{Length: true, Reason: "a window is open for 1 to 24 whole hours"}
	}
	times := opening{}
	err := times.ofRate(s, l)
	if s.calendar != nil {
		err = times.ofCalendar(s.calendar, l)
	}
	if err != nil {
		return Window{}, err
	}
	if times.interval < l.MinInterval {
		return Window{}, &WindowError{Reason: fmt.Sprintf("windows begin less than %v after one another", l.MinInterval)}
	}
	if length == 0 && times.inHours {
		length = time.Hour
	}
	if length > times.interval {
		return Window{}, &WindowError{Length: true, Reason: "the window reaches into the next one"}
	}
	if time.Duration(times.last)*time.Hour+length > wholeDay {
		return Window{}, &WindowError{Length: true, Reason: "the window reaches into the next day"}
	}
	return Window{schedule: s.From(time.Unix(0, 0)), length: length}, nil
}

// ParseLength reads the length of a window as the APIs write it: digits and h.
func ParseLength(text string) (time.Duration, error) {
	digits, ok := strings.CutSuffix(text, "h")
	hours, isNumber := number(digits)
	if !ok || !isNumber || hours < 1 || hours > 24 {
		return 0, &WindowError{Length: true, Reason: "a length is 1h to 24h"}
	}
	return time.Duration(hours) * time.Hour, nil
}

// opening is when windows open.
type opening struct {
	inHours  bool
	interval time.Duration // the shortest one from start to start
	last     int           // the latest hour of the day
}

func (o *opening) ofRate(s Schedule, l Limits) error {
	count, unit, ok := s.Rate()
	switch {
	case s.calendar != nil:
		return nil
	case !ok:
		return &WindowError{Reason: "the schedule is empty"}
	case unit == Minute:
		return &WindowError{Reason: "windows begin on the hour: the rate is in hours or days"}
	case l.MaxInterval > 0 && s.interval() > l.MaxInterval:
		return &WindowError{Reason: fmt.Sprintf("the interval is longer than %v", l.MaxInterval)}
	}
	o.interval = s.interval()
	if o.inHours = unit == Hour; o.inHours {
		// From midnight on in steps of count hours, sooner or later at every multiple of
		// their greatest common divisor.
		a, b := 24, count
		for b != 0 {
			a, b = b, a%b
		}
		o.last = 24 - a
	}
	return nil
}

func (o *opening) ofCalendar(c *calendar, l Limits) error {
	if c.minutes != 1 {
		return &WindowError{Reason: "windows begin on the hour: the minutes are 0"}
	}
	if l.EveryYear && !c.everyYear {
		return &WindowError{Reason: "the year is *"}
	}
	came, adjacent := c.someDays()
	if !came {
		return &WindowError{Reason: "the schedule names a day that never comes"}
	}
	first, _ := c.hours.atLeast(0)
	o.interval = wholeDay
	for h, ok := first, true; ok; {
		o.last = h
		next, more := c.hours.atLeast(h + 1)
		if ok = more; ok {
			o.inHours = true
			o.interval = min(o.interval, time.Duration(next-h)*time.Hour)
			h = next
		}
	}
	if adjacent {
		o.interval = min(o.interval, time.Duration(24-o.last+first)*time.Hour)
	}
	return nil
}

// someDays tells whether any day is selected, ever, and whether two are that follow one
// another.
func (c *calendar) someDays() (some, adjacent bool) {
	before := false // the last day of the month before is selected
	for year := firstYear; year <= lastYear; year++ {
		for month := time.January; month <= time.December; month++ {
			var days set
			if c.hasYear(year) && c.months.has(int(month)) {
				days = c.days.of(year, month)
			}
			some = some || days != 0
			adjacent = adjacent || days&(days>>1) != 0 || before && days.has(1)
			if adjacent {
				return true, true
			}
			before = days.has(daysIn(year, month))
		}
	}
	return some, false
}

// From counts the windows of a rate from the midnight that begins the day of t, in UTC.
// Without it they are counted from the beginning of 1970.
func (w Window) From(t time.Time) Window {
	w.schedule = w.schedule.From(midnight(t))
	return w
}

// midnight is the beginning of the day of t in UTC.
func midnight(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Next is the first window that opens after t; ok is false when there is none.
func (w Window) Next(t time.Time) (start, end time.Time, ok bool) {
	start, ok = w.schedule.Next(t)
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	if w.length == 0 {
		return start, midnight(start).Add(wholeDay), true
	}
	return start, start.Add(w.length), true
}

// At is the window that is open at t: its start is not after t, its end is. ok is false
// when none is open.
func (w Window) At(t time.Time) (start, end time.Time, ok bool) {
	// No window is open for more than a day, and none opens while another is open.
	for from := t.Add(-wholeDay); ; from = start {
		start, end, ok = w.Next(from)
		if !ok || start.After(t) {
			return time.Time{}, time.Time{}, false
		}
		if end.After(t) {
			return start, end, true
		}
	}
}

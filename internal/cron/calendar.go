package cron

import (
	"math/bits"
	"time"
)

// The years that expressions can name.
const (
	firstYear = 1970
	lastYear  = 2199
)

// set is a set of small numbers: bit n is set when n is in it.
type set uint64

func (s set) has(n int) bool { return s>>n&1 != 0 }

// atLeast is the smallest number in s that is n or more; ok is false if there is none.
func (s set) atLeast(n int) (int, bool) {
	if n > 63 {
		return 0, false
	}
	rest := uint64(s) >> n << n
	return bits.TrailingZeros64(rest), rest != 0
}

// calendar is what the six fields of cron(…) say.
type calendar struct {
	minutes, hours, months set
	days                   dayRule
	years                  [(lastYear-firstYear)/64 + 1]set
	everyYear              bool // the year is *
}

// dayRule selects days of a month.
type dayRule struct {
	kind dayKind
	days set // of the month, or of the week with Sunday as 1
	day  int // of the month, or of the week with Sunday as 1
	nth  int
}

type dayKind int

const (
	someDates      dayKind = iota // days
	lastDate                      // L
	lastWorkday                   // LW
	nearestWorkday                // dayW
	someWeekdays                  // days
	lastWeekday                   // dayL
	nthWeekday                    // day#nth
)

// weekday is the day of the week of a date, with Sunday as 1.
func weekday(year int, month time.Month, day int) int {
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()) + 1
}

func daysIn(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// of returns the selected days of a month.
func (r dayRule) of(year int, month time.Month) set {
	length := daysIn(year, month)
	all := set(1)<<(length+1) - 2
	switch r.kind {
	case someDates:
		return r.days & all
	case lastDate:
		return set(1) << length
	case lastWorkday:
		return workdayNear(length, length, weekday(year, month, length))
	case nearestWorkday:
		if r.day > length {
			return 0
		}
		return workdayNear(r.day, length, weekday(year, month, r.day))
	}
	first := weekday(year, month, 1)
	if r.kind == someWeekdays {
		var week set // the days of the first week that are selected
		for d := 1; d <= 7; d++ {
			if r.days.has((first+d-2)%7 + 1) {
				week |= 1 << d
			}
		}
		return (week | week<<7 | week<<14 | week<<21 | week<<28) & all
	}
	day := 1 + (r.day-first+7)%7 // the first one of that weekday
	if r.kind == nthWeekday {
		day += 7 * (r.nth - 1)
	} else {
		day += (length - day) / 7 * 7
	}
	return set(1) << day & all
}

// workdayNear is the day from Monday to Friday nearest to a day of a month, in that
// month.
func workdayNear(day, length, weekday int) set {
	const sunday, saturday = 1, 7
	switch {
	case weekday == saturday && day == 1:
		day += 2
	case weekday == saturday:
		day--
	case weekday == sunday && day == length:
		day -= 2
	case weekday == sunday:
		day++
	}
	return set(1) << day
}

// hasYear tells whether the year is selected.
func (c *calendar) hasYear(year int) bool {
	n := year - firstYear
	return c.years[n/64].has(n % 64)
}

// next is the first selected minute after a time, in the time's zone.
func (c *calendar) next(after time.Time) (time.Time, bool) {
	year, month, day := after.Date()
	minute := after.Hour()*60 + after.Minute()
	if year < firstYear {
		year, month, day, minute = firstYear, time.January, 1, 0
	}
	for ; year <= lastYear; year, month, day, minute = year+1, time.January, 1, 0 {
		if !c.hasYear(year) {
			continue
		}
		for ; month <= time.December; month, day, minute = month+1, 1, 0 {
			if !c.months.has(int(month)) {
				continue
			}
			days := c.days.of(year, month)
			for {
				d, ok := days.atLeast(day)
				if !ok {
					break
				}
				if d > day {
					minute = 0
				}
				if next, ok := c.onDay(year, month, d, minute, after); ok {
					return next, true
				}
				day, minute = d+1, 0
			}
		}
	}
	return time.Time{}, false
}

// onDay is the first selected minute of a day, from a minute of the day on, that comes
// after a time.
func (c *calendar) onDay(year int, month time.Month, day, minute int, after time.Time) (time.Time, bool) {
	for {
		hour, ok := c.hours.atLeast(minute / 60)
		if !ok {
			return time.Time{}, false
		}
		if hour > minute/60 {
			minute = hour * 60
		}
		m, ok := c.minutes.atLeast(minute % 60)
		if !ok {
			minute = (hour + 1) * 60
			continue
		}
		t, ok := wallClock(year, month, day, hour, m, after.Location())
		if ok && t.After(after) {
			return t, true
		}
		minute = hour*60 + m + 1
	}
}

// wallClock is the first time at which the clocks of a zone show a minute; ok is false
// when they skip it.
func wallClock(year int, month time.Month, day, hour, minute int, zone *time.Location) (time.Time, bool) {
	t := time.Date(year, month, day, hour, minute, 0, 0, zone)
	if zone == time.UTC {
		return t, true
	}
	if t.Hour() != hour || t.Minute() != minute || t.Day() != day {
		return time.Time{}, false
	}
	// Of a time that comes twice, time.Date returns either. The clocks went back at the
	// start of the period that t is in, if they did.
	begin, _ := t.ZoneBounds()
	if begin.IsZero() {
		return t, true
	}
	_, now := t.Zone()
	_, before := begin.Add(-time.Second).Zone()
	if earlier := t.Add(-time.Duration(before-now) * time.Second); before > now && earlier.Before(begin) {
		return earlier, true
	}
	return t, true
}

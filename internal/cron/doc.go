// Package cron reads the schedule expressions of AWS and says when they are due.
//
//	s, err := cron.Parse("cron(0 18 ? * MON-FRI *)")
//	next, ok := s.Next(time.Now())
//
// It is pure: no clock, no goroutine, no state. A Schedule never changes and may be used
// from anywhere.
//
// # Expressions
//
// rate(value unit) is an interval: value is a positive whole number, unit is minute,
// hour or day, in the singular for 1 and in the plural for all others.
//
// cron(minutes hours day-of-month month day-of-week year) is a calendar. Its six fields
// are separated by white space:
//
//	minutes       0-59               , - * /
//	hours         0-23               , - * /
//	day-of-month  1-31               , - * / ? L W
//	month         1-12 or JAN-DEC    , - * /
//	day-of-week   1-7 or SUN-SAT     , - * / ? L #     1 is Sunday
//	year          1970-2199          , - * /
//
// Exactly one of day-of-month and day-of-week is ?. A range may run over the end of its
// field (20-2, FRI-MON; not in years). a/n is every n-th value from a to the end of the
// field, /n and */n begin at its first value. L is the last day of the month or, as day
// of the week, Saturday; 6L is the last Friday of the month; 3W the weekday (Monday to
// Friday) nearest to the 3rd that is in the same month, LW the last weekday of the
// month; 3#2 the second Tuesday. L, W and # stand alone in their field. A month that
// lacks the day that is asked for (31, 5#5, 31W) is passed over.
//
// # Time zones
//
// Expressions are in UTC, as those of EventBridge rules and of Secrets Manager, unless In
// says otherwise. In another zone the rules of EventBridge Scheduler hold: a time that
// the clock skips in spring is skipped, a time that comes twice in autumn counts once, at
// its first coming; an interval in days is one of 24 hours each.
//
// # Windows
//
// A Window is a span of whole hours that a schedule opens, under limits that whoever
// offers such windows sets: see Limits.
//
// # Bounds
//
// An expression has at most MaxLength bytes. Next does a bounded amount of work: it goes
// from month to month through the years of the expression, so that dates that never come
// (31 February) end with ok false after a few microseconds.
//
// Sources: Amazon EventBridge User Guide, "Creating a rule that runs on a schedule";
// EventBridge Scheduler User Guide, "Schedule types"; AWS Secrets Manager User Guide,
// "Rotation schedules", for / in day-of-week, for /n, and for windows.
package cron

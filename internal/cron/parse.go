package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxLength is the largest expression that Parse takes, in bytes. It is that of the APIs.
const MaxLength = 256

// maxInterval bounds rates: about a hundred years.
const maxInterval = 36525 * 24 * time.Hour

// ErrSyntax is what every error of Parse and Every is.
var ErrSyntax = errors.New("not a schedule expression")

// SyntaxError says why an expression is none. It is an ErrSyntax.
type SyntaxError struct {
	// Field is the field of cron(…) that is wrong, such as "day-of-month"; empty when the
	// error is not about one.
	Field string
	// Reason is a sentence without a full stop, for people.
	Reason string
}

// Error names the field and the reason. It does not quote the expression.
func (e *SyntaxError) Error() string {
	if e.Field == "" {
		return "cron: " + e.Reason
	}
	return "cron: " + e.Field + ": " + e.Reason
}

// Unwrap is ErrSyntax.
func (e *SyntaxError) Unwrap() error { return ErrSyntax }

func bad(format string, args ...any) error {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...)}
}

// Parse reads a rate(…) or cron(…) expression. Its errors are *SyntaxError.
func Parse(expr string) (Schedule, error) {
	if len(expr) > MaxLength {
		return Schedule{}, bad("the expression is longer than %d bytes", MaxLength)
	}
	if strings.ContainsFunc(expr, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return Schedule{}, bad("the expression has characters outside of ASCII")
	}
	kind, rest, opened := strings.Cut(expr, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if !opened || !closed || (kind != "rate" && kind != "cron") {
		return Schedule{}, bad("an expression is rate(…) or cron(…)")
	}
	if kind == "rate" {
		return parseRate(expr, body)
	}
	return parseCron(expr, body)
}

func parseRate(expr, body string) (Schedule, error) {
	fields := strings.Fields(body)
	if len(fields) != 2 {
		return Schedule{}, bad("a rate has a value and a unit")
	}
	count, ok := number(fields[0])
	if !ok || count == 0 {
		return Schedule{}, bad("the value of a rate is a positive whole number")
	}
	var unit Unit
	singular, plural := strings.CutSuffix(fields[1], "s")
	switch singular {
	case "minute":
		unit = Minute
	case "hour":
		unit = Hour
	case "day":
		unit = Day
	default:
		return Schedule{}, bad("the unit of a rate is minute, minutes, hour, hours, day or days")
	}
	if plural != (count > 1) {
		return Schedule{}, bad("the unit of a rate is in the singular for 1 and in the plural for more")
	}
	s, err := Every(count, unit)
	s.text = expr
	return s, err
}

// Every is the schedule of a rate.
func Every(count int, unit Unit) (Schedule, error) {
	if count < 1 || (unit != Minute && unit != Hour && unit != Day) {
		return Schedule{}, bad("a rate is a positive number of minutes, hours or days")
	}
	if count > int(maxInterval/time.Duration(unit)) {
		return Schedule{}, bad("the interval is too long")
	}
	name := map[Unit]string{Minute: "minute", Hour: "hour", Day: "day"}[unit]
	if count > 1 {
		name += "s"
	}
	return Schedule{text: fmt.Sprintf("rate(%d %s)", count, name), count: count, unit: unit}, nil
}

// number reads a number of at most nine digits, without a sign.
func number(s string) (int, bool) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

func parseCron(expr, body string) (Schedule, error) {
	fields := strings.Fields(body)
	if len(fields) != 6 {
		return Schedule{}, bad("cron has six fields, not %d", len(fields))
	}
	var c calendar
	var errs [6]error
	c.minutes, errs[0] = minuteField.parse(fields[0])
	c.hours, errs[1] = hourField.parse(fields[1])
	anyDate, anyWeekday := fields[2] == "?", fields[4] == "?"
	if !anyDate {
		c.days, errs[2] = parseDates(fields[2])
	}
	c.months, errs[3] = monthField.parse(fields[3])
	if !anyWeekday {
		var weekdays dayRule
		if weekdays, errs[4] = parseWeekdays(fields[4]); anyDate {
			c.days = weekdays
		}
	}
	c.everyYear = fields[5] == "*"
	errs[5] = yearField.each(fields[5], func(year int) {
		n := year - firstYear
		c.years[n/64] |= 1 << (n % 64)
	})
	for _, err := range errs {
		if err != nil {
			return Schedule{}, err
		}
	}
	if anyDate == anyWeekday {
		return Schedule{}, bad("exactly one of day-of-month and day-of-week is ?")
	}
	return Schedule{text: expr, calendar: &c}, nil
}

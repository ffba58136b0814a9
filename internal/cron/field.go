package cron

import (
	"fmt"
	"strings"
)

// field is one of the six, with the values it takes.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on
	// line says that the field is no circle: its ranges do not run over its end.
	line bool
}

var (
	minuteField  = field{name: "minutes", min: 0, max: 59}
	hourField    = field{name: "hours", min: 0, max: 23}
	dateField    = field{name: "day-of-month", min: 1, max: 31}
	monthField   = field{name: "month", min: 1, max: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}}
	weekdayField = field{name: "day-of-week", min: 1, max: 7, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
	yearField    = field{name: "year", min: firstYear, max: lastYear, line: true}
)

func (f *field) bad(format string, args ...any) error {
	return &SyntaxError{Field: f.name, Reason: fmt.Sprintf(format, args...)}
}

// parse reads a list of values, ranges and increments into a set.
func (f *field) parse(text string) (set, error) {
	var s set
	err := f.each(text, func(n int) { s |= 1 << n })
	return s, err
}

// each calls add for every value that the list in text selects.
func (f *field) each(text string, add func(int)) error {
	for item := range strings.SplitSeq(text, ",") {
		first, last, step, err := f.item(item)
		if err != nil {
			return err
		}
		size := f.max - f.min + 1
		if last < first {
			last += size
		}
		for n := first; n <= last; n += step {
			add(f.min + (n-f.min)%size)
		}
	}
	return nil
}

// item reads a value, a range or an increment.
func (f *field) item(text string) (first, last, step int, err error) {
	from, by, stepped := strings.Cut(text, "/")
	step = 1
	if stepped {
		var ok bool
		if step, ok = number(by); !ok || step < 1 || step > f.max-f.min+1 {
			return 0, 0, 0, f.bad("an increment is a number from 1 to %d", f.max-f.min+1)
		}
	}
	if from == "*" || from == "" && stepped {
		return f.min, f.max, step, nil
	}
	low, high, isRange := strings.Cut(from, "-")
	if first, err = f.value(low); err != nil {
		return 0, 0, 0, err
	}
	switch {
	case isRange:
		if last, err = f.value(high); err != nil {
			return 0, 0, 0, err
		}
		if f.line && last < first {
			return 0, 0, 0, f.bad("a range ends before it begins")
		}
	case stepped:
		last = f.max
	default:
		last = first
	}
	return first, last, step, nil
}

// value reads a number or a name.
func (f *field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	n, ok := number(text)
	if !ok || n < f.min || n > f.max {
		values := fmt.Sprintf("%d-%d", f.min, f.max)
		if f.names != nil {
			values += fmt.Sprintf(" or %s-%s", f.names[0], f.names[len(f.names)-1])
		}
		return 0, f.bad("a value is not one of %s", values)
	}
	return n, nil
}

// parseDates reads the day-of-month field.
func parseDates(text string) (dayRule, error) {
	switch upper := strings.ToUpper(text); {
	case upper == "L":
		return dayRule{kind: lastDate}, nil
	case upper == "LW":
		return dayRule{kind: lastWorkday}, nil
	case strings.HasSuffix(upper, "W"):
		day, err := dateField.value(text[:len(text)-1])
		return dayRule{kind: nearestWorkday, day: day}, err
	}
	days, err := dateField.parse(text)
	return dayRule{kind: someDates, days: days}, err
}

// parseWeekdays reads the day-of-week field.
func parseWeekdays(text string) (dayRule, error) {
	if text == "L" || text == "l" {
		return dayRule{kind: someWeekdays, days: 1 << 7}, nil
	}
	if day, nth, ok := strings.Cut(text, "#"); ok {
		d, err := weekdayField.value(day)
		if err != nil {
			return dayRule{}, err
		}
		n, ok := number(nth)
		if !ok || n < 1 || n > 5 {
			return dayRule{}, weekdayField.bad("a number from 1 to 5 follows #, and nothing else is in the field")
		}
		return dayRule{kind: nthWeekday, day: d, nth: n}, nil
	}
	if day, ok := strings.CutSuffix(strings.ToUpper(text), "L"); ok {
		d, err := weekdayField.value(day)
		return dayRule{kind: lastWeekday, day: d}, err
	}
	days, err := weekdayField.parse(text)
	return dayRule{kind: someWeekdays, days: days}, err
}

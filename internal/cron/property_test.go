package cron_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fastness/internal/cron"
)

// naive evaluates an expression by looking at every minute, item by item, as one would
// by hand. It shares nothing with the package.
type naive struct {
	fields                        []string
	minutes, hours, months, years map[int]bool
}

func newNaive(expr string) naive {
	n := naive{fields: strings.Fields(strings.TrimSuffix(strings.TrimPrefix(expr, "cron("), ")"))}
	table := func(field, low, high int, names ...string) map[int]bool {
		selected := make(map[int]bool)
		for v := low; v <= high; v++ {
			selected[v] = lists(n.fields[field], v, low, high, names...)
		}
		return selected
	}
	n.minutes, n.hours, n.years = table(0, 0, 59), table(1, 0, 23), table(5, 1970, 2199)
	n.months = table(3, 1, 12, "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
	return n
}

// lists tells whether a plain list (no L, W, #) selects a value.
func lists(text string, value, low, high int, names ...string) bool {
	number := func(s string) int {
		if i := slices.Index(names, s); i >= 0 {
			return low + i
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return n
	}
	for _, item := range strings.Split(text, ",") {
		span, step := item, 1
		if i := strings.Index(item, "/"); i >= 0 {
			span, step = item[:i], number(item[i+1:])
			if span != "" && span != "*" && !strings.Contains(span, "-") {
				span += "-" + strconv.Itoa(high)
			}
		}
		from, to := low, high
		if span != "" && span != "*" {
			ends := strings.Split(span, "-")
			from, to = number(ends[0]), number(ends[len(ends)-1])
		}
		for v, left := from, 0; ; v, left = v+1, left+1 {
			if v > high {
				v = low
			}
			if v == value && left%step == 0 {
				return true
			}
			if v == to {
				break
			}
		}
	}
	return false
}

func (n naive) date(t time.Time) bool {
	text := n.fields[2]
	next := t.AddDate(0, 0, 1)
	working := func(t time.Time) bool { return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday }
	switch {
	case text == "L":
		return next.Month() != t.Month()
	case strings.HasSuffix(text, "W"):
		// t is the working day of its month that is nearest to the target.
		last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		target := last
		if text != "LW" {
			target, _ = strconv.Atoi(strings.TrimSuffix(text, "W"))
		}
		if target > last {
			return false
		}
		best := 0
		for d := 1; d <= last; d++ {
			if day := time.Date(t.Year(), t.Month(), d, 0, 0, 0, 0, time.UTC); working(day) && (best == 0 || abs(d-target) < abs(best-target)) {
				best = d
			}
		}
		return t.Day() == best
	}
	return lists(text, t.Day(), 1, 31)
}

func abs(n int) int { return max(n, -n) }

func (n naive) weekday(t time.Time) bool {
	text := n.fields[4]
	names := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	is := func(name string) bool { return lists(name, int(t.Weekday())+1, 1, 7, names...) }
	if text == "L" {
		return t.Weekday() == time.Saturday
	}
	if day, nth, ok := strings.Cut(text, "#"); ok {
		return is(day) && strconv.Itoa((t.Day()+6)/7) == nth
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		return is(day) && t.AddDate(0, 0, 7).Month() != t.Month()
	}
	return is(text)
}

// due tells whether the expression selects what the clocks show.
func (n naive) due(t time.Time) bool {
	if !n.minutes[t.Minute()] || !n.hours[t.Hour()] || !n.months[int(t.Month())] || !n.years[t.Year()] {
		return false
	}
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return n.fields[4] == "?" && n.date(day) || n.fields[2] == "?" && n.weekday(day)
}

// next looks for the next due minute until a limit.
func (n naive) next(after, limit time.Time) (time.Time, bool) {
	for t := after.Truncate(time.Minute).Add(time.Minute); t.Before(limit); t = t.Add(time.Minute) {
		if !n.due(t) {
			continue
		}
		again := false // the clocks showed this minute before
		for back := time.Duration(1); back <= 180; back++ {
			b := t.Add(-back * time.Minute)
			again = again || b.Hour() == t.Hour() && b.Minute() == t.Minute()
		}
		if !again {
			return t, true
		}
	}
	return time.Time{}, false
}

// someField makes a random plain list.
func someField(r *rand.Rand, low, high int, names ...string) string {
	value := func() string {
		v := low + r.IntN(high-low+1)
		if names != nil && r.IntN(2) == 0 {
			return names[v-low]
		}
		return strconv.Itoa(v)
	}
	var items []string
	for range 1 + r.IntN(3) {
		step := 1 + r.IntN(high-low+1)
		switch r.IntN(7) {
		case 0:
			return "*"
		case 1:
			items = append(items, fmt.Sprintf("%s-%s", value(), value()))
		case 2:
			items = append(items, fmt.Sprintf("%s/%d", value(), step))
		case 3:
			items = append(items, fmt.Sprintf("%s-%s/%d", value(), value(), step))
		case 4:
			items = append(items, fmt.Sprintf("/%d", step))
		default:
			items = append(items, value())
		}
	}
	return strings.Join(items, ",")
}

func someExpression(r *rand.Rand) string {
	dates, weekdays := "?", "?"
	switch r.IntN(8) {
	case 0:
		dates = "L"
	case 1:
		dates = "LW"
	case 2:
		dates = fmt.Sprintf("%dW", 1+r.IntN(31))
	case 3:
		weekdays = fmt.Sprintf("%d#%d", 1+r.IntN(7), 1+r.IntN(5))
	case 4:
		weekdays = fmt.Sprintf("%dL", 1+r.IntN(7))
	case 5:
		weekdays = someField(r, 1, 7, "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
	default:
		dates = someField(r, 1, 31)
	}
	months := "*"
	if r.IntN(2) == 0 {
		months = someField(r, 1, 12, "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
	}
	years := []string{"*", "*", "2024-2028", "2023/2", "2025,2027"}[r.IntN(5)]
	return fmt.Sprintf("cron(%s %s %s %s %s %s)", someField(r, 0, 59), someField(r, 0, 23), dates, months, weekdays, years)
}

// Next finds what looking at every minute finds, in zones that change their clocks by
// hours and by half an hour, north and south, and in UTC.
func TestNextAgreesWithLookingAtEveryMinute(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "Europe/Berlin"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), zone(t, "America/St_Johns")}
	changes := []time.Time{at(t, "2026-03-08 06:00"), at(t, "2026-11-01 04:00"), at(t, "2026-03-28 23:00"), at(t, "2026-10-24 22:00"), at(t, "2026-04-04 13:00"), at(t, "2006-10-29 00:00")}
	r := rand.New(rand.NewPCG(4, 2026))
	const horizon = 35 * 24 * time.Hour
	for i := range 600 {
		expr := someExpression(r)
		z := zones[i%len(zones)]
		s := parse(t, expr).In(z)
		n := newNaive(expr)
		after := at(t, "2025-12-01 00:00").Add(time.Duration(r.IntN(1200*24*60*60)) * time.Second)
		if r.IntN(3) == 0 {
			after = changes[r.IntN(len(changes))].Add(time.Duration(r.IntN(4*60)) * time.Minute)
		}
		after = after.In(z)
		limit := after.Add(horizon)
		for range 4 {
			want, found := n.next(after, limit)
			got, ok := s.Next(after)
			if ok && !got.Before(limit) {
				ok = false
			}
			if ok != found || ok && !got.Equal(want) {
				t.Fatalf("%s in %s after %s is %s, %v; want %s, %v", expr, z, after, got, ok, want, found)
			}
			if !ok {
				break
			}
			after = got
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, expr := range []string{
		"cron(0 10 * * ? *)", "cron(0/30 20-2 ? * MON-FRI *)", "cron(15 10 ? * 6L 2019-2022)", "cron(0 0 LW * ? *)", "cron(0 0 31 2 ? *)",
		"cron(0 1 ? 1/3 SUN#1 *)", "cron(0 /8 * * ? *)", "rate(5 minutes)", "rate(1 day)", "rate(99999 days)", "cron(0 0 30-2/3 * ? 2199)", "",
	} {
		f.Add(expr, int64(1767225570))
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, expr string, unix int64) {
		s, err := cron.Parse(expr)
		if err != nil {
			return
		}
		after := time.Unix(unix%(1<<33), 0)
		for _, s := range []cron.Schedule{s, s.In(berlin), s.From(time.Unix(0, 0))} {
			next, ok := s.Next(after)
			if ok && !next.After(after) {
				t.Fatalf("%q after %s is %s", expr, after, next)
			}
			if _, _, rate := s.Rate(); ok && !rate && (next.Second() != 0 || next.Year() > 2199) {
				t.Fatalf("%q is due at %s", expr, next)
			}
		}
		w, err := cron.NewWindow(s, 0, cron.Limits{})
		if err != nil {
			return
		}
		start, end, ok := w.Next(after)
		if !ok {
			return
		}
		if !end.After(start) || end.Sub(start) > 24*time.Hour || start.Minute() != 0 {
			t.Fatalf("%q: window from %s to %s", expr, start, end)
		}
		if from, to, open := w.At(start); !open || !from.Equal(start) || !to.Equal(end) {
			t.Fatalf("%q: at its start the window from %s is from %s to %s, %v", expr, start, from, to, open)
		}
		if again, _, ok := w.Next(start); ok && again.Before(end) {
			t.Fatalf("%q: windows from %s and %s overlap", expr, start, again)
		}
	})
}

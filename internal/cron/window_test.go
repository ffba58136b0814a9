package cron_test

import (
	"errors"
	"testing"
	"time"

	"fastness/internal/cron"
)

// rotation are the limits of Secrets Manager.
var rotation = cron.Limits{MinInterval: 4 * time.Hour, MaxInterval: 999 * 24 * time.Hour, EveryYear: true}

func window(t testing.TB, expr, length string) cron.Window {
	t.Helper()
	w, err := newWindow(t, expr, length)
	if err != nil {
		t.Fatalf("%s, %q: %v", expr, length, err)
	}
	return w
}

func newWindow(t testing.TB, expr, length string) (cron.Window, error) {
	t.Helper()
	var open time.Duration
	if length != "" {
		var err error
		if open, err = cron.ParseLength(length); err != nil {
			return cron.Window{}, err
		}
	}
	return cron.NewWindow(parse(t, expr), open, rotation)
}

func TestWindows(t *testing.T) {
	for _, c := range []struct{ expr, length, after, start, end string }{
		// In days: from midnight or the hour of the expression to the end of the day.
		{"rate(1 day)", "", "2026-01-01 00:00", "2026-01-02 00:00", "2026-01-03 00:00"},
		{"rate(10 days)", "", "2026-02-27 10:30", "2026-03-09 00:00", "2026-03-10 00:00"},
		{"rate(10 days)", "3h", "2026-02-27 10:30", "2026-03-09 00:00", "2026-03-09 03:00"},
		{"rate(30 days)", "", "2028-02-01 00:00", "2028-03-02 00:00", "2028-03-03 00:00"}, // over a leap day
		{"rate(999 days)", "24h", "2026-01-01 12:00", "2028-09-26 00:00", "2028-09-27 00:00"},
		{"cron(0 10 * * ? *)", "", "2026-01-01 09:59", "2026-01-01 10:00", "2026-01-02 00:00"},
		{"cron(0 10 * * ? *)", "14h", "2026-01-01 10:00", "2026-01-02 10:00", "2026-01-03 00:00"},
		{"cron(0 18 ? * SAT *)", "2h", "2026-01-01 00:00", "2026-01-03 18:00", "2026-01-03 20:00"},
		{"cron(0 17 L * ? *)", "", "2028-02-01 00:00", "2028-02-29 17:00", "2028-03-01 00:00"},
		{"cron(0 1 ? 1/3 SUN#1 *)", "4h", "2026-01-04 01:00", "2026-04-05 01:00", "2026-04-05 05:00"},
		{"cron(0 0 LW * ? *)", "1h", "2026-02-01 00:00", "2026-02-27 00:00", "2026-02-27 01:00"},
		{"cron(0 0 29 2 ? *)", "", "2026-01-01 00:00", "2028-02-29 00:00", "2028-03-01 00:00"},
		// In hours: for one hour.
		{"rate(4 hours)", "", "2026-01-01 00:00", "2026-01-01 04:00", "2026-01-01 05:00"},
		{"rate(4 hours)", "4h", "2026-01-01 21:00", "2026-01-02 00:00", "2026-01-02 04:00"},
		{"rate(10 hours)", "", "2026-01-01 10:00", "2026-01-01 20:00", "2026-01-01 21:00"},
		{"rate(10 hours)", "2h", "2026-01-01 20:00", "2026-01-02 06:00", "2026-01-02 08:00"},
		{"cron(0 /8 * * ? *)", "", "2026-01-01 00:00", "2026-01-01 08:00", "2026-01-01 09:00"},
		{"cron(0 4/12 * * ? *)", "8h", "2026-01-01 04:00", "2026-01-01 16:00", "2026-01-02 00:00"},
		{"cron(0 2/10 * * ? *)", "2h", "2026-01-01 12:00", "2026-01-01 22:00", "2026-01-02 00:00"},
		{"cron(0 0/7 ? * SAT *)", "3h", "2026-01-03 14:00", "2026-01-03 21:00", "2026-01-04 00:00"},
	} {
		after := at(t, c.after)
		start, end, ok := window(t, c.expr, c.length).From(after).Next(after)
		if !ok || start.Format(minuteForm) != c.start || end.Format(minuteForm) != c.end {
			t.Errorf("%s for %q after %s is from %s to %s, %v; want %s to %s", c.expr, c.length, c.after, start, end, ok, c.start, c.end)
		}
	}
}

func TestWindowsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		expr, length string
		byLength     bool
	}{
		{"rate(240 minutes)", "", false},
		{"rate(1 hour)", "", false},
		{"rate(3 hours)", "", false},
		{"rate(1000 days)", "", false},
		{"cron(30 10 * * ? *)", "", false},
		{"cron(0,30 10 * * ? *)", "", false},
		{"cron(* 10 * * ? *)", "", false},
		{"cron(0 10 * * ? 2026)", "", false},
		{"cron(0 10 * * ? 2026-2030)", "", false},
		{"cron(0 * * * ? *)", "", false},
		{"cron(0 0/3 * * ? *)", "", false},
		{"cron(0 8,10 * * ? *)", "", false},
		{"cron(0 /7 * * ? *)", "", false}, // from 21:00 to midnight of the next day
		{"cron(0 10 31 2 ? *)", "", false},
		{"rate(4 hours)", "5h", true},
		{"rate(10 hours)", "3h", true}, // sooner or later from 22:00 on
		{"cron(0 4/12 * * ? *)", "9h", true},
		{"cron(0 2/10 * * ? *)", "3h", true}, // from 22:00 on
		{"cron(0 10 * * ? *)", "15h", true},
		{"rate(1 day)", "25h", true},
		{"rate(1 day)", "0h", true},
		{"rate(1 day)", "h", true},
		{"rate(1 day)", "3", true},
		{"rate(1 day)", "-1h", true},
		{"rate(1 day)", "1.5h", true},
	} {
		_, err := newWindow(t, c.expr, c.length)
		var refused *cron.WindowError
		if !errors.As(err, &refused) || !errors.Is(err, cron.ErrWindow) || refused.Length != c.byLength || refused.Reason == "" {
			t.Errorf("%s for %q: %v", c.expr, c.length, err)
		}
	}
	for name, s := range map[string]cron.Schedule{
		"no schedule":    {},
		"another's zone": parse(t, "rate(1 day)").In(zone(t, "Europe/Berlin")),
	} {
		if _, err := cron.NewWindow(s, 0, cron.Limits{}); !errors.Is(err, cron.ErrWindow) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cron.NewWindow(parse(t, "rate(1 day)"), 90*time.Minute, cron.Limits{}); !errors.Is(err, cron.ErrWindow) {
		t.Errorf("an hour and a half: %v", err)
	}
}

// Without limits, what only the limits forbid is a window.
func TestWindowsWithoutLimits(t *testing.T) {
	for _, expr := range []string{"rate(1 hour)", "rate(1000 days)", "cron(0 10 * * ? 2026)", "cron(0 * * * ? *)", "cron(0 /7 * * ? *)"} {
		if _, err := cron.NewWindow(parse(t, expr), 0, cron.Limits{}); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

func TestWindowAt(t *testing.T) {
	for _, c := range []struct{ expr, length, when, start string }{
		{"rate(10 days)", "", "2026-03-09 00:00", "2026-03-09 00:00"},
		{"rate(10 days)", "", "2026-03-09 23:59", "2026-03-09 00:00"},
		{"rate(10 days)", "", "2026-03-10 00:00", ""},
		{"rate(10 days)", "3h", "2026-03-09 03:00", ""},
		{"cron(0 4/12 * * ? *)", "8h", "2026-01-01 23:59", "2026-01-01 16:00"},
		{"cron(0 4/12 * * ? *)", "8h", "2026-01-01 12:00", ""},
		{"cron(0 4/12 * * ? *)", "8h", "2026-01-01 11:59", "2026-01-01 04:00"},
		{"rate(4 hours)", "4h", "2026-03-09 07:59", "2026-03-09 04:00"},
	} {
		start, end, ok := window(t, c.expr, c.length).From(at(t, "2026-02-27 10:30")).At(at(t, c.when))
		if ok != (c.start != "") || ok && (start.Format(minuteForm) != c.start || !end.After(start)) {
			t.Errorf("%s for %q at %s: from %s to %s, %v; want %s", c.expr, c.length, c.when, start, end, ok, c.start)
		}
	}
}

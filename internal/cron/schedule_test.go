package cron_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"fastness/internal/cron"
)

func parse(t testing.TB, expr string) cron.Schedule {
	t.Helper()
	s, err := cron.Parse(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	if s.String() != expr {
		t.Fatalf("%s shows itself as %s", expr, s)
	}
	return s
}

const minuteForm = "2006-01-02 15:04"

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse(minuteForm, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// The examples of the EventBridge and Secrets Manager user guides, and what they say
// they mean, from Wednesday, 31 December 2025, 23:59:30 on.
func TestDocumentedExamples(t *testing.T) {
	after := time.Date(2025, 12, 31, 23, 59, 30, 0, time.UTC)
	for _, c := range []struct {
		expr string
		want string // the first times
	}{
		// EventBridge.
		{"cron(0 10 * * ? *)", "2026-01-01 10:00, 2026-01-02 10:00, 2026-01-03 10:00"},
		{"cron(15 12 * * ? *)", "2026-01-01 12:15, 2026-01-02 12:15"},
		{"cron(0 18 ? * MON-FRI *)", "2026-01-01 18:00, 2026-01-02 18:00, 2026-01-05 18:00, 2026-01-06 18:00"},
		{"cron(0 8 1 * ? *)", "2026-01-01 08:00, 2026-02-01 08:00, 2026-03-01 08:00"},
		{"cron(0/15 * * * ? *)", "2026-01-01 00:00, 2026-01-01 00:15, 2026-01-01 00:30, 2026-01-01 00:45, 2026-01-01 01:00"},
		{"cron(0/10 * ? * MON-FRI *)", "2026-01-01 00:00, 2026-01-01 00:10, 2026-01-01 00:20"},
		{"cron(0/5 8-17 ? * MON-FRI *)", "2026-01-01 08:00, 2026-01-01 08:05"},
		{"cron(0/30 20-2 ? * MON-FRI *)", "2026-01-01 00:00, 2026-01-01 00:30, 2026-01-01 01:00, 2026-01-01 01:30, 2026-01-01 02:00, 2026-01-01 02:30, 2026-01-01 20:00"},
		{"cron(0 12 * * ? *)", "2026-01-01 12:00"},
		{"cron(5,35 14 * * ? *)", "2026-01-01 14:05, 2026-01-01 14:35, 2026-01-02 14:05"},
		{"cron(15 10 ? * 6L 2019-2026)", "2026-01-30 10:15, 2026-02-27 10:15"},
		{"cron(15 10 ? * 6L 2019-2022)", ""},
		{"cron(1/10 0 1 1 ? *)", "2026-01-01 00:01, 2026-01-01 00:11, 2026-01-01 00:21, 2026-01-01 00:31, 2026-01-01 00:41, 2026-01-01 00:51, 2027-01-01 00:01"},
		{"cron(0 0 1 JAN,FEB,MAR ? *)", "2026-01-01 00:00, 2026-02-01 00:00, 2026-03-01 00:00, 2027-01-01 00:00"},
		{"cron(0 0 3W * ? *)", "2026-01-02 00:00, 2026-02-03 00:00, 2026-03-03 00:00, 2026-04-03 00:00, 2026-05-04 00:00"},
		{"cron(0 0 ? * 3#2 *)", "2026-01-13 00:00, 2026-02-10 00:00"},
		{"rate(1 minute)", "2026-01-01 00:00"},
		{"rate(5 minutes)", "2026-01-01 00:04, 2026-01-01 00:09"},
		{"rate(1 hour)", "2026-01-01 00:59, 2026-01-01 01:59"},
		{"rate(5 hours)", "2026-01-01 04:59"},
		{"rate(1 day)", "2026-01-01 23:59, 2026-01-02 23:59"},
		// Secrets Manager.
		{"rate(4 hours)", "2026-01-01 03:59"},
		{"rate(10 days)", "2026-01-10 23:59"},
		{"cron(0 4/12 * * ? *)", "2026-01-01 04:00, 2026-01-01 16:00, 2026-01-02 04:00, 2026-01-02 16:00"},
		{"cron(0 /8 * * ? *)", "2026-01-01 00:00, 2026-01-01 08:00, 2026-01-01 16:00, 2026-01-02 00:00"},
		{"cron(0 8/8 * * ? *)", "2026-01-01 08:00, 2026-01-01 16:00, 2026-01-02 08:00"},
		{"cron(0 2/10 * * ? *)", "2026-01-01 02:00, 2026-01-01 12:00, 2026-01-01 22:00, 2026-01-02 02:00"},
		{"cron(0 18 ? * SAT *)", "2026-01-03 18:00, 2026-01-10 18:00"},
		{"cron(0 1 ? 1/3 SUN#1 *)", "2026-01-04 01:00, 2026-04-05 01:00, 2026-07-05 01:00, 2026-10-04 01:00, 2027-01-03 01:00"},
		{"cron(0 17 L * ? *)", "2026-01-31 17:00, 2026-02-28 17:00"},
		{"cron(0 8 ? * MON-FRI *)", "2026-01-01 08:00, 2026-01-02 08:00, 2026-01-05 08:00"},
		{"cron(0 16 1,15 * ? *)", "2026-01-01 16:00, 2026-01-15 16:00, 2026-02-01 16:00"},
		{"cron(0 0 ? * SUN#1 *)", "2026-01-04 00:00, 2026-02-01 00:00"},
		{"cron(0 0 ? 1/11 2#1 *)", "2026-01-05 00:00, 2026-12-07 00:00, 2027-01-04 00:00"},
		{"cron(0 0 1-15 * ? *)", "2026-01-01 00:00, 2026-01-02 00:00"},
		{"cron(0 0 1/2 * ? *)", "2026-01-01 00:00, 2026-01-03 00:00, 2026-01-05 00:00"},
		{"cron(0 0 ? * SUNL *)", "2026-01-25 00:00, 2026-02-22 00:00"},
		{"cron(0 0 1 1-3 ? *)", "2026-01-01 00:00, 2026-02-01 00:00, 2026-03-01 00:00, 2027-01-01 00:00"},
		{"cron(0 0 1 JAN,APR,JUL,OCT ? *)", "2026-01-01 00:00, 2026-04-01 00:00, 2026-07-01 00:00, 2026-10-01 00:00"},
		{"cron(0 0 1 1/3 ? *)", "2026-01-01 00:00, 2026-04-01 00:00, 2026-07-01 00:00, 2026-10-01 00:00, 2027-01-01 00:00"},
		{"cron(0 0 ? * TUE#3 *)", "2026-01-20 00:00, 2026-02-17 00:00"},
		{"cron(0 0 ? * 1,4 *)", "2026-01-04 00:00, 2026-01-07 00:00, 2026-01-11 00:00"},
		{"cron(0 0 ? * 1-4 *)", "2026-01-04 00:00, 2026-01-05 00:00, 2026-01-06 00:00, 2026-01-07 00:00, 2026-01-11 00:00"},
		{"cron(0 0 ? * 1/2 *)", "2026-01-01 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-06 00:00, 2026-01-08 00:00"},
		{"cron(0 0 ? * L *)", "2026-01-03 00:00, 2026-01-10 00:00"},
		// Ranges over the end of a field, names in any case, the ends of everything.
		{"cron(0 0 ? * fri-Mon *)", "2026-01-02 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-05 00:00, 2026-01-09 00:00"},
		{"cron(0 0 1 NOV-FEB ? *)", "2026-01-01 00:00, 2026-02-01 00:00, 2026-11-01 00:00, 2026-12-01 00:00, 2027-01-01 00:00"},
		{"cron(50-10/10 23 * * ? *)", "2026-01-01 23:00, 2026-01-01 23:10, 2026-01-01 23:50, 2026-01-02 23:00"},
		{"cron(0 0 30-2 * ? *)", "2026-01-01 00:00, 2026-01-02 00:00, 2026-01-30 00:00, 2026-01-31 00:00, 2026-02-01 00:00, 2026-02-02 00:00, 2026-03-01 00:00"},
		{"cron(59 23 31 12 ? 2199)", "2199-12-31 23:59"},
		{"cron(0 0 1 1 ? 2025)", ""},
		{"cron( 0  0\t1 1 ?  2025/2 )", "2027-01-01 00:00, 2029-01-01 00:00"},
		// Dates that never come, and one that comes seldom.
		{"cron(0 0 31 2 ? *)", ""},
		{"cron(0 0 31W 4,6,9,11 ? *)", ""},
		{"cron(0 0 29 2 ? 2026/4)", ""},
		{"cron(0 0 29 2 ? *)", "2028-02-29 00:00, 2032-02-29 00:00"},
		{"cron(0 0 ? 2 1#5 *)", "2032-02-29 00:00, 2060-02-29 00:00"},
	} {
		next, want := after, []string{}
		if c.want != "" {
			want = strings.Split(c.want, ", ")
		}
		s := parse(t, c.expr)
		for _, w := range want {
			n, ok := s.Next(next)
			got := n.Format(minuteForm)
			if !ok || got != w || n.Location() != time.UTC {
				t.Errorf("%s after %s is %s, %v; want %s", c.expr, next, n, ok, w)
				break
			}
			next = n
		}
		if n, ok := s.Next(next); len(want) == 0 && ok {
			t.Errorf("%s is due at %s", c.expr, n)
		}
	}
}

// What is due in 2026, a common year that begins on a Thursday, and in 2028, a leap year
// that begins on a Saturday.
func TestAYearOfDays(t *testing.T) {
	for _, c := range []struct {
		days, want string // month-day
		year       int
	}{
		{"L * ?", "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31", 2026},
		{"L * ?", "01-31 02-29 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31", 2028},
		{"? * 6L", "01-30 02-27 03-27 04-24 05-29 06-26 07-31 08-28 09-25 10-30 11-27 12-25", 2026},
		{"? * FRIL", "01-28 02-25 03-31 04-28 05-26 06-30 07-28 08-25 09-29 10-27 11-24 12-29", 2028},
		{"? * 1L", "01-25 02-22 03-29 04-26 05-31 06-28 07-26 08-30 09-27 10-25 11-29 12-27", 2026},
		{"1W * ?", "01-01 02-02 03-02 04-01 05-01 06-01 07-01 08-03 09-01 10-01 11-02 12-01", 2026},
		{"1W * ?", "01-03 02-01 03-01 04-03 05-01 06-01 07-03 08-01 09-01 10-02 11-01 12-01", 2028},
		{"15W * ?", "01-15 02-16 03-16 04-15 05-15 06-15 07-15 08-14 09-15 10-15 11-16 12-15", 2026},
		{"15W * ?", "01-14 02-15 03-15 04-14 05-15 06-15 07-14 08-15 09-15 10-16 11-15 12-15", 2028},
		{"30W * ?", "01-30 03-30 04-30 05-29 06-30 07-30 08-31 09-30 10-30 11-30 12-30", 2026},
		{"30W * ?", "01-31 03-30 04-28 05-30 06-30 07-31 08-30 09-29 10-30 11-30 12-29", 2028},
		{"31w * ?", "01-30 03-31 05-29 07-31 08-31 10-30 12-31", 2026},
		{"LW * ?", "01-30 02-27 03-31 04-30 05-29 06-30 07-31 08-31 09-30 10-30 11-30 12-31", 2026},
		{"LW * ?", "01-31 02-29 03-31 04-28 05-31 06-30 07-31 08-31 09-29 10-31 11-30 12-29", 2028},
		{"? * 3#2", "01-13 02-10 03-10 04-14 05-12 06-09 07-14 08-11 09-08 10-13 11-10 12-08", 2026},
		{"? * TUE#2", "01-11 02-08 03-14 04-11 05-09 06-13 07-11 08-08 09-12 10-10 11-14 12-12", 2028},
		{"? * SUN#5", "03-29 05-31 08-30 11-29", 2026},
		{"? * SUN#5", "01-30 04-30 07-30 10-29 12-31", 2028},
		{"31 * ?", "01-31 03-31 05-31 07-31 08-31 10-31 12-31", 2026},
		{"29 2 ?", "", 2026},
		{"29 2 ?", "02-29", 2028},
		{"? 1/11 2#1", "01-03 12-04", 2028},
	} {
		s := parse(t, "cron(30 6 "+c.days+" *)")
		var got []string
		next := time.Date(c.year, 1, 1, 0, 0, 0, -1, time.UTC)
		for {
			n, ok := s.Next(next)
			if !ok || n.Year() != c.year {
				break
			}
			if n.Format("15:04:05.9") != "06:30:00" {
				t.Errorf("%s is due at %s", s, n)
			}
			got = append(got, n.Format("01-02"))
			next = n
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s in %d: %s, want %s", s, c.year, got, c.want)
		}
	}
}

// EventBridge Scheduler's rules for clocks that are changed.
func TestDaylightSaving(t *testing.T) {
	for _, c := range []struct {
		expr, zone, after string // after in UTC
		want              string // in UTC
	}{
		// New York goes from 02:00 to 03:00 on 8 March 2026, at 07:00 UTC, and from 02:00
		// back to 01:00 on 1 November, at 06:00 UTC.
		{"cron(30 2 * * ? *)", "America/New_York", "2026-03-06 12:00", "2026-03-07 07:30, 2026-03-09 06:30"},
		{"cron(0 3 * * ? *)", "America/New_York", "2026-03-07 12:00", "2026-03-08 07:00, 2026-03-09 07:00"},
		{"cron(0/30 * * * ? *)", "America/New_York", "2026-03-08 06:00", "2026-03-08 06:30, 2026-03-08 07:00, 2026-03-08 07:30"},
		{"cron(30 1 * * ? *)", "America/New_York", "2026-10-31 12:00", "2026-11-01 05:30, 2026-11-02 06:30"},
		{"cron(30 1 * * ? *)", "America/New_York", "2026-11-01 05:30", "2026-11-02 06:30"},
		{"cron(30 1 * * ? *)", "America/New_York", "2026-11-01 06:15", "2026-11-02 06:30"},
		{"cron(0/30 * * * ? *)", "America/New_York", "2026-11-01 05:00", "2026-11-01 05:30, 2026-11-01 07:00, 2026-11-01 07:30"},
		{"cron(0 9 * * ? *)", "America/New_York", "2026-10-31 12:00", "2026-10-31 13:00, 2026-11-01 14:00"},
		{"rate(1 day)", "America/New_York", "2026-10-31 12:00", "2026-11-01 12:00"},
		// Lord Howe Island goes from 02:00 back to 01:30 on 5 April, at 15:00 UTC of the 4th,
		// and from 02:00 to 02:30 on 4 October, at 15:30 UTC of the 3rd.
		{"cron(0/15 1-2 * * ? *)", "Australia/Lord_Howe", "2026-04-04 14:30", "2026-04-04 14:45, 2026-04-04 15:30, 2026-04-04 15:45"},
		{"cron(0/15 1-2 * * ? *)", "Australia/Lord_Howe", "2026-10-03 15:00", "2026-10-03 15:15, 2026-10-03 15:30, 2026-10-03 15:45, 2026-10-04 14:00"},
		// Samoa had no 30 December 2011, Newfoundland went back over midnight in 2006.
		{"cron(0 12 * * ? *)", "Pacific/Apia", "2011-12-29 00:00", "2011-12-29 22:00, 2011-12-30 22:00"},
		{"cron(0 0 * * ? *)", "America/St_Johns", "2006-10-28 12:00", "2006-10-29 02:30, 2006-10-30 03:30"},
		{"cron(15 23 * * ? *)", "America/St_Johns", "2006-10-28 12:00", "2006-10-29 01:45, 2006-10-30 02:45"},
		{"cron(0 0 * * ? *)", "Asia/Kolkata", "2026-01-01 00:00", "2026-01-01 18:30, 2026-01-02 18:30"},
	} {
		s := parse(t, c.expr).In(zone(t, c.zone))
		next := at(t, c.after)
		for want := range strings.SplitSeq(c.want, ", ") {
			n, ok := s.Next(next)
			if !ok || n.UTC().Format(minuteForm) != want || n.Location().String() != c.zone {
				t.Errorf("%s in %s after %s is %s, want %s", c.expr, c.zone, next.UTC(), n.UTC(), want)
			}
			next = n
		}
	}
}

func TestRatesCountFromTheirAnchor(t *testing.T) {
	s := parse(t, "rate(10 hours)").From(at(t, "2026-02-27 00:00"))
	for after, want := range map[string]string{
		"2026-02-26 23:59": "2026-02-27 00:00",
		"2026-02-27 00:00": "2026-02-27 10:00",
		"2026-02-27 09:59": "2026-02-27 10:00",
		"2026-02-28 23:59": "2026-03-01 02:00",
		"2800-01-01 00:00": "2800-01-01 10:00", // farther than a Duration reaches
	} {
		if got, ok := s.Next(at(t, after)); !ok || got.Format(minuteForm) != want {
			t.Errorf("after %s: %s, %v; want %s", after, got, ok, want)
		}
	}
	anchor := time.Date(2026, 1, 1, 0, 0, 30, 500, time.UTC)
	if got, _ := parse(t, "rate(1 minute)").From(anchor).Next(anchor.Add(59 * time.Second)); !got.Equal(anchor.Add(time.Minute)) {
		t.Errorf("an anchor within a minute: %s", got)
	}
	count, unit, ok := s.Rate()
	if count != 10 || unit != cron.Hour || !ok {
		t.Errorf("rate is %d %v, %v", count, unit, ok)
	}
	if _, _, ok := parse(t, "cron(0 0 * * ? *)").Rate(); ok {
		t.Error("a calendar is a rate")
	}
	if got, ok := (cron.Schedule{}).Next(anchor); ok {
		t.Errorf("the zero schedule is due at %s", got)
	}
}

func TestEvery(t *testing.T) {
	for want, made := range map[string]func() (cron.Schedule, error){
		"rate(1 day)":   func() (cron.Schedule, error) { return cron.Every(1, cron.Day) },
		"rate(30 days)": func() (cron.Schedule, error) { return cron.Every(30, cron.Day) },
		"rate(2 hours)": func() (cron.Schedule, error) { return cron.Every(2, cron.Hour) },
	} {
		s, err := made()
		if err != nil || s.String() != want {
			t.Errorf("%s, %v; want %s", s, err, want)
		}
		parse(t, s.String())
	}
	for _, count := range []int{0, -1, 40_000} {
		if _, err := cron.Every(count, cron.Day); !errors.Is(err, cron.ErrSyntax) {
			t.Errorf("every %d days: %v", count, err)
		}
	}
	if _, err := cron.Every(1, cron.Unit(time.Second)); !errors.Is(err, cron.ErrSyntax) {
		t.Errorf("every second: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ expr, field string }{
		{"", ""}, {"0 10 * * ? *", ""}, {"cron()", ""}, {"cron(0 10 * * ? *", ""}, {"CRON(0 10 * * ? *)", ""}, {"cron 0 10 * * ? *", ""},
		{"at(2026-01-01T00:00:00)", ""}, {" cron(0 10 * * ? *)", ""}, {"cron(0 10 * * ? *) ", ""},
		{"rate(1 hours)", ""}, {"rate(5 hour)", ""}, {"rate(0 days)", ""}, {"rate(-1 day)", ""}, {"rate(+1 day)", ""}, {"rate(1.5 hours)", ""},
		{"rate(1 second)", ""}, {"rate(2 weeks)", ""}, {"rate(5)", ""}, {"rate(5 minutes 1)", ""}, {"rate(99999999999 days)", ""}, {"rate(99999 days)", ""},
		{"rate()", ""}, {"rate(1 s)", ""}, {"rate(2 Days)", ""},
		{"cron(0 10 * * ?)", ""}, {"cron(0 0 10 * * ? *)", ""},
		// Exactly one of the two is ?.
		{"cron(0 10 * * * *)", ""}, {"cron(0 10 ? * ? *)", ""}, {"cron(0 10 1 * MON *)", ""},
		// Each field by itself.
		{"cron(60 10 * * ? *)", "minutes"}, {"cron(? 10 * * ? *)", "minutes"}, {"cron(L 10 * * ? *)", "minutes"}, {"cron(-1 10 * * ? *)", "minutes"},
		{"cron(0/0 10 * * ? *)", "minutes"}, {"cron(0/61 10 * * ? *)", "minutes"}, {"cron(0/ 10 * * ? *)", "minutes"}, {"cron(/ 10 * * ? *)", "minutes"}, {"cron(1,,2 10 * * ? *)", "minutes"},
		{"cron(1- 10 * * ? *)", "minutes"}, {"cron(1-2-3 10 * * ? *)", "minutes"}, {"cron(1/2/3 10 * * ? *)", "minutes"}, {"cron(** 10 * * ? *)", "minutes"}, {"cron(*-5 10 * * ? *)", "minutes"},
		{"cron(0 24 * * ? *)", "hours"}, {"cron(0 MON * * ? *)", "hours"},
		{"cron(0 0 0 * ? *)", "day-of-month"}, {"cron(0 0 32 * ? *)", "day-of-month"}, {"cron(0 0 L,15 * ? *)", "day-of-month"}, {"cron(0 0 1W,15W * ? *)", "day-of-month"},
		{"cron(0 0 W * ? *)", "day-of-month"}, {"cron(0 0 32W * ? *)", "day-of-month"}, {"cron(0 0 L-3 * ? *)", "day-of-month"}, {"cron(0 0 1-5W * ? *)", "day-of-month"}, {"cron(0 0 2#1 * ? *)", "day-of-month"}, {"cron(0 0 ?,1 * ? *)", "day-of-month"},
		{"cron(0 0 1 0 ? *)", "month"}, {"cron(0 0 1 13 ? *)", "month"}, {"cron(0 0 1 JANUARY ? *)", "month"}, {"cron(0 0 1 MON ? *)", "month"}, {"cron(0 0 1 ? ? *)", "month"},
		{"cron(0 0 ? * 0 *)", "day-of-week"}, {"cron(0 0 ? * 8 *)", "day-of-week"}, {"cron(0 0 ? * SUNDAY *)", "day-of-week"}, {"cron(0 0 ? * 3#1,6#3 *)", "day-of-week"},
		{"cron(0 0 ? * 3#6 *)", "day-of-week"}, {"cron(0 0 ? * 3#0 *)", "day-of-week"}, {"cron(0 0 ? * #1 *)", "day-of-week"}, {"cron(0 0 ? * 2L,6L *)", "day-of-week"}, {"cron(0 0 ? * 8L *)", "day-of-week"}, {"cron(0 0 ? * 3W *)", "day-of-week"},
		{"cron(0 0 1 1 ? 1969)", "year"}, {"cron(0 0 1 1 ? 2200)", "year"}, {"cron(0 0 1 1 ? 2030-2020)", "year"}, {"cron(0 0 1 1 ? ?)", "year"}, {"cron(0 0 1 1 ? 26)", "year"},
		{"cron(0 0 ? * \u017fun *)", ""},
		{"cron(" + strings.Repeat("0,", 200) + "0 0 1 1 ? *)", ""},
	} {
		s, err := cron.Parse(c.expr)
		var syntax *cron.SyntaxError
		if !errors.As(err, &syntax) || !errors.Is(err, cron.ErrSyntax) {
			t.Errorf("%q: %v, %v", c.expr, s, err)
			continue
		}
		if syntax.Field != c.field || syntax.Reason == "" {
			t.Errorf("%q: field %q, %v; want field %q", c.expr, syntax.Field, err, c.field)
		}
	}
}

package timefmt

import (
	"testing"
	"time"
)

func TestParseEpochIsExact(t *testing.T) {
	for _, c := range []struct {
		in   string
		sec  int64
		nsec int64
	}{
		{"0", 0, 0},
		{"0.000", 0, 0},
		{"1523383384", 1523383384, 0},
		{"1523383384.123", 1523383384, 123000000},
		{"1.523383384123E9", 1523383384, 123000000},
		{"1.523383384e+9", 1523383384, 0},
		{"1523383384123e-3", 1523383384, 123000000},
		{"5e-1", 0, 500000000},
		{"5e-12", 0, 0},
		{"-1.5", -1, -500000000},
		{"0.1234567899", 0, 123456789},
		{"253402300799", 253402300799, 0},
	} {
		got, err := ParseEpoch(c.in)
		if want := time.Unix(c.sec, c.nsec); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", c.in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", ".5", "1.", "1e", "1e99999", "1e13", "253402300800", "0x10", "1_0", "NaN", " 1", "1e1.5"} {
		if got, err := ParseEpoch(in); err == nil {
			t.Errorf("%q is accepted as %v", in, got)
		}
	}
}

func TestAppendEpochCutsToMilliseconds(t *testing.T) {
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{time.Unix(1523383384, 0), "1523383384"},
		{time.Unix(1523383384, 123456789), "1523383384.123"},
		{time.Unix(1523383384, 100000000), "1523383384.1"},
		{time.Unix(-2, 500000000), "-1.5"},
		{time.Unix(0, 0), "0"},
	} {
		if got := string(AppendEpoch(nil, c.t)); got != c.want {
			t.Errorf("%v: %s, want %s", c.t, got, c.want)
		}
	}
}

func TestTextFormats(t *testing.T) {
	base := time.Date(2019, 12, 16, 23, 48, 18, 0, time.UTC)
	for _, in := range []string{"2019-12-16T23:48:18Z", "2019-12-16T22:48:18-01:00", "2019-12-17T00:48:18+01:00", "2019-12-16T23:48:18.000Z"} {
		if got, err := ParseISO8601(in); err != nil || !got.Equal(base) {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"Mon, 16 Dec 2019 23:48:18 GMT", "Monday, 16-Dec-19 23:48:18 GMT", "Mon Dec 16 23:48:18 2019"} {
		if got, err := ParseHTTPDate(in); err != nil || !got.Equal(base) {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	if got, err := ParseHTTPDate("Sun, 02 Jan 2000 20:34:56.456 GMT"); err != nil || got.Nanosecond() != 456000000 {
		t.Errorf("fraction in an HTTP date: %v, %v", got, err)
	}
	for _, in := range []string{"", "2019-12-16", "2019-12-16T23:48:18", "2019-13-16T23:48:18Z", "10000-01-01T00:00:00Z"} {
		if got, err := ParseISO8601(in); err == nil {
			t.Errorf("%q is accepted as %v", in, got)
		}
	}
	if got := string(AppendISO8601(nil, base)); got != "2019-12-16T23:48:18Z" {
		t.Error(got)
	}
	if got := string(AppendISO8601(nil, base.Add(5*time.Millisecond))); got != "2019-12-16T23:48:18.005Z" {
		t.Error(got)
	}
	if got := string(AppendISO8601Millis(nil, base)); got != "2019-12-16T23:48:18.000Z" {
		t.Error(got)
	}
	if got := string(AppendHTTPDate(nil, base)); got != "Mon, 16 Dec 2019 23:48:18 GMT" {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.5e3", "2019-12-16T23:48:18Z", "Mon, 16 Dec 2019 23:48:18 GMT", "-0.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseEpoch(s); err == nil {
			again, err := ParseEpoch(string(AppendEpoch(nil, got)))
			if err != nil || again.Sub(got).Abs() >= time.Millisecond {
				t.Fatalf("%q: %v then %v, %v", s, got, again, err)
			}
		}
		if got, err := ParseISO8601(s); err == nil {
			again, err := ParseISO8601(string(AppendISO8601(nil, got)))
			if err != nil || again.Sub(got).Abs() >= time.Millisecond {
				t.Fatalf("%q: %v then %v, %v", s, got, again, err)
			}
		}
		_, _ = ParseHTTPDate(s)
	})
}

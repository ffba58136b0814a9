package audit

import (
	"testing"
	"time"
)

func TestTimesAreInTheLayoutOfCloudTrail(t *testing.T) {
	east := time.FixedZone("east", 5*3600+1800)
	for _, v := range []time.Time{
		{}, time.Unix(0, 0), time.Date(2026, 12, 31, 23, 59, 59, 999999999, east), time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC),
		time.Date(999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := string(appendTime(nil, v)), `"`+v.UTC().Format(timeLayout)+`"`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

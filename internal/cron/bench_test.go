package cron_test

import (
	"testing"
	"time"

	"fastness/internal/cron"
)

func BenchmarkNext(b *testing.B) {
	berlin := zone(b, "Europe/Berlin")
	after := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	for _, c := range []struct {
		name, expr string
		zone       *time.Location
	}{
		{"rate", "rate(5 minutes)", nil},
		{"every minute", "cron(* * * * ? *)", nil},
		{"weekdays", "cron(0/5 8-17 ? * MON-FRI *)", nil},
		{"weekdays in Berlin", "cron(0/5 8-17 ? * MON-FRI *)", berlin},
		{"last weekday", "cron(0 0 LW * ? *)", nil},
		{"leap day", "cron(0 0 29 2 ? *)", nil},
		{"never", "cron(0 0 31 2 ? *)", nil},
	} {
		s := parse(b, c.expr).In(c.zone)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Next(after)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cron.Parse("cron(0/5 8-17 ? JAN,APR-JUN MON-FRI 2019-2032)"); err != nil {
			b.Fatal(err)
		}
	}
}

package eventlog_test

import (
	"testing"

	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/eventlog"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkAppend is what an event adds to a transaction that changes a row, with many
// of them at a time.
func BenchmarkAppend(b *testing.B) {
	for name, events := range map[string]int{"without": 0, "with an event": 1} {
		b.Run(name, func(b *testing.B) {
			s, err := pebble.Open("data", pebble.Options{FS: vfs.NewMem()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			log, err := eventlog.Open(s, table.NewRegistry(), eventlog.Options{})
			if err != nil {
				b.Fatal(err)
			}
			e := note(here, 1)
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := s.Update(b.Context(), func(tx store.Txn) error {
						if err := tx.Put([]byte("\x01row"), []byte("value")); err != nil {
							return err
						}
						for range events {
							if err := log.Append(tx, e); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkRecorded is what following the history adds to the record of a call that changes
// something; reading pays nothing.
func BenchmarkRecorded(b *testing.B) {
	for _, c := range []struct {
		name               string
		followed, readOnly bool
	}{{"a change, not followed", false, false}, {"a change, followed", true, false}, {"a reading, followed", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			s, err := pebble.Open("data", pebble.Options{FS: vfs.NewMem()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			log, err := eventlog.Open(s, table.NewRegistry(), eventlog.Options{})
			if err != nil {
				b.Fatal(err)
			}
			var followers []audit.Follower
			if c.followed {
				followers = append(followers, log)
			}
			history := audit.Open(s, clock.System{}, followers...)
			defer history.Close()
			e := called(here, "CreateSecret", c.readOnly)
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Update(b.Context(), func(tx store.Txn) error { return history.AppendTxn(tx, e) }); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkSequence(b *testing.B) {
	s, err := pebble.Open("data", pebble.Options{FS: vfs.NewMem()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	log, err := eventlog.Open(s, table.NewRegistry(), eventlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for range 10 {
			_, err := s.Update(b.Context(), func(tx store.Txn) error {
				for n := range 100 {
					if err := log.Append(tx, note(here, n)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if _, err := log.Sequence(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}

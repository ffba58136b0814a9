package secretsmanager

import (
	"strconv"
	"testing"
	"time"

	"fastness/internal/store"
)

// Many secrets are read on one day, more than are kept in memory: every day is written.
func TestReadingsOfMoreSecretsThanAreKeptAreWritten(t *testing.T) {
	h := newHarness(t)
	h.service.reads.limit = 8
	for round := range 3 {
		for i := range 7 {
			name := "s" + strconv.Itoa(7*round+i)
			h.create(name, "v")
			if _, err := h.value(h.admin(), name, ""); err != nil {
				t.Fatal(err)
			}
		}
		h.must(h.service.FlushReads(t.Context()))
		if n := len(h.service.reads.days); n > 4 {
			t.Fatalf("%d secrets are kept of 8", n)
		}
	}
	written := 0
	h.must(h.service.store.View(t.Context(), func(r store.Reader) error {
		for i := range 21 {
			s, err := h.service.tables.secret(r, secretName{testAccount, testRegion, "s" + strconv.Itoa(i)})
			if err != nil {
				return err
			}
			a, err := h.service.tables.access(r, s)
			if err != nil {
				return err
			}
			if a.Day.Equal(h.clock.Now().UTC().Truncate(24*time.Hour)) && len(a.Versions) == 1 {
				written++
			}
		}
		return nil
	}))
	if written != 21 {
		t.Errorf("%d of 21 days are written", written)
	}
}

// A reading that comes while those before it are written down is written with the next.
func TestAReadingDuringAFlushIsNotLost(t *testing.T) {
	r := newReads()
	s := &secret{arn: "arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf"}
	today := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC)
	r.note(s, "v1", today)
	list := r.pending()
	r.note(s, "v1", today.Add(2*time.Minute))
	r.note(s, "v2", today.Add(2*time.Minute))
	r.written(list)
	if list = r.pending(); len(list) != 1 || len(list[0].versions) != 2 {
		t.Fatalf("%+v", list)
	}
	r.written(list)
	if r.trim(dayOf(today.Add(2 * time.Minute))); len(r.pending()) != 0 || len(r.days) != 1 {
		t.Errorf("%d pending, %d kept", len(r.pending()), len(r.days))
	}
	if r.trim(dayOf(today.Add(48 * time.Hour))); len(r.days) != 0 {
		t.Errorf("%d are kept of an earlier day", len(r.days))
	}
}

package app

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"fastness/internal/audit"
	"fastness/internal/due"
	"fastness/internal/seal"
	"fastness/internal/store"
)

// versions are the numbers of the versions of a purpose.
func (c *cellar) versions(purpose string) []uint32 {
	c.Helper()
	all, err := c.ring.Versions(purpose)
	c.must(err)
	var numbers []uint32
	for _, v := range all {
		numbers = append(numbers, v.Version)
	}
	return numbers
}

func (c *cellar) mustHave(purpose string, want ...uint32) {
	c.Helper()
	got := c.versions(purpose)
	if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
		c.Errorf("at %v: %q has the versions %v, not %v", c.clock.Now().Sub(testTime), purpose, got, want)
	}
}

func TestDomainKeysTurn(t *testing.T) {
	c := newCellar(t)
	slots := c.slots()
	u := c.upkeep(slots)
	var keys [][]byte
	_, err := c.sealed.Update(t.Context(), func(tx store.Txn) error {
		keys = nil
		for i := range 100 {
			key := []byte("\x01row" + strconv.Itoa(i))
			keys = append(keys, key)
			if err := tx.Put(key, key); err != nil {
				return err
			}
		}
		return nil
	})
	c.must(err)
	slot, kek, err := slots.Allocate(t.Context(), "owner")
	c.must(err)
	defer kek.Destroy()
	tokens, err := c.ring.AEAD(seal.PurposeToken)
	c.must(err)
	token, err := tokens.Seal(nil, []byte("a session"), nil)
	c.must(err)

	// Young keys are left alone.
	next, err := u.turnKeys(t.Context())
	c.must(err)
	if want := testTime.Add(DefaultKeyRotation); !next.Equal(want) {
		t.Errorf("next at %v, not %v", next, want)
	}
	for _, p := range []string{seal.PurposeStore, seal.PurposeKeyslot, seal.PurposeToken, seal.PurposePage} {
		c.mustHave(p, 1)
	}

	// After a day each has a second version; the first goes when nobody can still be
	// writing under it.
	c.clock.Advance(DefaultKeyRotation)
	next, err = u.turnKeys(t.Context())
	c.must(err)
	if want := c.clock.Now().Add(seal.DefaultDropDelay); !next.Equal(want) {
		t.Errorf("next at %v, not %v", next, want)
	}
	for _, p := range []string{seal.PurposeStore, seal.PurposeKeyslot, seal.PurposeToken, seal.PurposePage} {
		c.mustHave(p, 1, 2)
	}
	c.clock.Set(next)
	next, err = u.turnKeys(t.Context())
	c.must(err)
	if want := testTime.Add(2 * DefaultKeyRotation); !next.Equal(want) {
		t.Errorf("next at %v, not %v", next, want)
	}
	c.mustHave(seal.PurposeStore, 2)
	c.mustHave(seal.PurposeKeyslot, 2)
	c.mustHave(seal.PurposeToken, 1, 2)
	c.mustHave(seal.PurposePage, 1, 2)

	// Everything opens as before.
	c.must(c.sealed.View(t.Context(), func(r store.Reader) error {
		for _, key := range keys {
			item, err := r.Get(key)
			if err != nil || !bytes.Equal(item.Value, key) {
				t.Errorf("%q: %q %v", key, item.Value, err)
			}
		}
		return nil
	}))
	again, err := slots.OpenSlot(t.Context(), slot, "owner")
	c.must(err)
	again.Destroy()
	if text, err := tokens.Open(nil, token, nil); err != nil || string(text) != "a session" {
		t.Errorf("a token of the first version: %q %v", text, err)
	}

	// Tokens of callers outlive many rotations, but not all.
	for range 40 {
		for c.clock.Now().Before(next) {
			c.clock.Set(next)
		}
		next, err = u.turnKeys(t.Context())
		c.must(err)
	}
	if n := len(c.versions(seal.PurposePage)); n > 4 {
		t.Errorf("%d versions of the page key are kept", n)
	}
	for c.clock.Now().Sub(testTime) < keepTokenKeys+3*DefaultKeyRotation {
		c.clock.Set(next)
		next, err = u.turnKeys(t.Context())
		c.must(err)
	}
	if _, err := tokens.Open(nil, token, nil); !errors.Is(err, seal.ErrUnknownVersion) {
		t.Errorf("a token of a dropped key: %v", err)
	}
	if n := len(c.versions(seal.PurposeToken)); n > 33 {
		t.Errorf("%d versions of the token key are kept", n)
	}
}

// TestUpkeepGoesOnWhereACrashLeftIt stops the work after the rotation.
func TestUpkeepGoesOnWhereACrashLeftIt(t *testing.T) {
	c := newCellar(t)
	u := c.upkeep(c.slots())
	_, err := c.sealed.Update(t.Context(), func(tx store.Txn) error { return tx.Put([]byte("\x01row"), []byte("value")) })
	c.must(err)
	c.clock.Advance(DefaultKeyRotation)
	c.must(u.rotate(t.Context(), seal.PurposeStore))
	c.clock.Advance(2 * time.Hour)
	_, err = u.turnKeys(t.Context())
	c.must(err)
	c.mustHave(seal.PurposeStore, 2)
	c.must(c.sealed.View(t.Context(), func(r store.Reader) error {
		_, err := r.Get([]byte("\x01row"))
		return err
	}))
}

func TestHistoryForgetsWhatIsTooOld(t *testing.T) {
	c := newCellar(t)
	u := c.upkeep(c.slots())
	record := func() {
		t.Helper()
		c.must(c.history.Append(t.Context(), audit.ServiceRecord(audit.ServiceEvent{
			Account: DefaultAccount, Region: "us-east-1", Source: "kms.amazonaws.com", Name: "RotateKey", Time: c.clock.Now(),
		})))
	}
	for range 2*historyStep + 3 {
		record()
	}
	c.clock.Advance(audit.Retention + 48*time.Hour)
	record()
	_, err := u.forgetHistory(t.Context())
	c.must(err)
	if n, err := c.history.DeleteExpired(t.Context(), 1); n != 0 || err != nil {
		t.Errorf("%d old batches are left, %v", n, err)
	}
	page, err := c.history.Lookup(t.Context(), audit.Query{Account: DefaultAccount, Region: "us-east-1", Limit: 10})
	c.must(err)
	if len(page.Events) != 1 {
		t.Errorf("%d events are left, not 1", len(page.Events))
	}
}

// TestUpkeepRunsFromTheQueue moves the clock past the rotation and waits for the
// runner.
func TestUpkeepRunsFromTheQueue(t *testing.T) {
	c := newCellar(t)
	u := c.upkeep(c.slots())
	swept := make(chan struct{}, 100)
	u.sweep = func(context.Context) (int, error) { swept <- struct{}{}; return 0, nil }
	renewed := make(chan struct{}, 100)
	u.certificate = func(context.Context) error { renewed <- struct{}{}; return nil }
	c.must(u.schedule(t.Context()))
	c.must(u.schedule(t.Context())) // changes nothing
	runner, err := due.NewRunner(c.sealed, c.queue, u.handlers(), due.Options{Clock: c.clock, LeaseTTL: 10000 * time.Hour})
	c.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	c.must(c.clock.AwaitWaiters(t.Context(), 1))
	w, err := c.sealed.Watch(t.Context(), nil, 0)
	c.must(err)
	defer w.Close()
	c.clock.Advance(DefaultKeyRotation)
	<-swept
	<-renewed
	// The job is there again, later, when its work is done.
	for done := false; !done; {
		_, err := w.Next(t.Context())
		c.must(err)
		c.must(c.sealed.View(t.Context(), func(r store.Reader) error {
			j, err := c.queue.Get(r, jobKeys, "")
			done = err == nil && j.At.After(c.clock.Now())
			return nil
		}))
	}
	c.mustHave(seal.PurposeStore, 1, 2)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

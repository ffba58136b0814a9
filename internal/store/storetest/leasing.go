package storetest

import (
	"context"
	"errors"
	"testing"

	"fastness/internal/store"
)

func campaign(t *testing.T, s store.Store, name string) store.Lease {
	t.Helper()
	l, err := s.Campaign(within(t), name, patience)
	if err != nil {
		t.Fatalf("campaign: %v", err)
	}
	return l
}

func release(t *testing.T, l store.Lease) {
	t.Helper()
	if err := l.Release(within(t)); err != nil {
		t.Fatalf("release: %v", err)
	}
	<-l.Done()
}

func testLease(t *testing.T, s store.Store) {
	first := campaign(t, s, "n")
	other := campaign(t, s, "m") // another name is free
	won := make(chan store.Lease, 1)
	go func() {
		l, err := s.Campaign(within(t), "n", patience)
		if err != nil {
			t.Errorf("campaign: %v", err)
		}
		won <- l
	}()
	// The holder can still write while another waits.
	if _, err := s.Update(within(t), func(tx store.Txn) error { tx.Fence(first); return tx.Put([]byte("a"), nil) }); err != nil {
		t.Errorf("the holder's write: %v", err)
	}
	select {
	case <-won:
		t.Fatal("a name has two holders")
	default:
	}
	release(t, first)
	second := <-won
	if second.Token() <= first.Token() {
		t.Errorf("tokens %d, then %d", first.Token(), second.Token())
	}
	release(t, second)
	release(t, other)
}

func testLeaseTokens(t *testing.T, s store.Store) {
	last := uint64(0)
	for range 5 {
		l := campaign(t, s, "n")
		if l.Token() <= last {
			t.Errorf("token %d after %d", l.Token(), last)
		}
		last = l.Token()
		release(t, l)
		release(t, l) // releasing twice is harmless
	}
}

func testFence(t *testing.T, s store.Store) {
	l := campaign(t, s, "n")
	fenced := func(l store.Lease, key string) error {
		_, err := s.Update(within(t), func(tx store.Txn) error {
			tx.Fence(l)
			return tx.Put([]byte(key), nil)
		})
		return err
	}
	if err := fenced(l, "held"); err != nil {
		t.Errorf("a fenced write of the holder: %v", err)
	}
	// The lease is lost between the function and the commit.
	_, err := s.Update(within(t), func(tx store.Txn) error {
		tx.Fence(l)
		if err := tx.Put([]byte("lost"), nil); err != nil {
			return err
		}
		return l.Release(within(t))
	})
	if !errors.Is(err, store.ErrFenced) {
		t.Errorf("a write of a lease lost during the transaction: %v", err)
	}
	next := campaign(t, s, "n")
	if err := fenced(l, "lost"); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a write of the former holder: %v", err)
	}
	if err := fenced(next, "held"); err != nil {
		t.Errorf("a write of the new holder: %v", err)
	}
	if _, err := s.Update(within(t), func(tx store.Txn) error { tx.Fence(l); return nil }); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a fenced Update without writes: %v", err)
	}
	if v := current(t, s, "lost"); v != "<none>" {
		t.Error("a fenced transaction wrote something")
	}
	release(t, next)
}

func testCampaignContext(t *testing.T, s store.Store) {
	l := campaign(t, s, "n")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := s.Campaign(ctx, "n", patience); ended <- err }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("campaign of a cancelled context: %v", err)
	}
	release(t, l)
	release(t, campaign(t, s, "n"))
}

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"fastness/internal/store"
)

// patience bounds every wait of the suite; a correct engine never needs it.
const patience = 60 * time.Second

// Run checks that the stores that open returns keep the contract of package store.
// open returns a new, empty store each time; Run closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s store.Store)
	}{
		{"EmptyStore", testEmpty},
		{"ReadYourWrites", testReadYourWrites},
		{"RevisionsCountCommits", testRevisions},
		{"ErrorWritesNothing", testErrorWritesNothing},
		{"SlicesMayBeReused", testSlices},
		{"Limits", testLimits},
		{"ScanOrder", testScanOrder},
		{"ScanSeesOwnWrites", testScanOwnWrites},
		{"ViewIsASnapshot", testSnapshot},
		{"ReaderEndsWithItsFunction", testReaderOver},
		{"LostUpdate", testLostUpdate},
		{"WriteSkew", testWriteSkew},
		{"Phantom", testPhantom},
		{"AbsentKeyIsRead", testAbsent},
		{"UnreadChangesDoNotConflict", testNoFalseConflict},
		{"LimitedScanReadsOnlyItsPart", testLimitedScan},
		{"EndlessConflict", testEndlessConflict},
		{"OnCommit", testOnCommit},
		{"OnCommitBeforeWatchers", testOnCommitBeforeWatchers},
		{"OnCommitOrder", testOnCommitOrder},
		{"Savepoint", testSavepoint},
		{"SavepointRestoresTheBounds", testSavepointBounds},
		{"SavepointKeepsReads", testSavepointReads},
		{"ContextCancelled", testContext},
		{"ManyWriters", testManyWriters},
		{"WatchOrder", testWatchOrder},
		{"WatchPrefix", testWatchPrefix},
		{"WatchKeys", testWatchKeys},
		{"WatchFromThePast", testWatchPast},
		{"WatchWaits", testWatchWaits},
		{"WatchEnds", testWatchEnds},
		{"SlowWatcherHoldsNobodyUp", testSlowWatcher},
		{"LeaseIsExclusive", testLease},
		{"LeaseTokensIncrease", testLeaseTokens},
		{"Fence", testFence},
		{"CampaignEndsWithContext", testCampaignContext},
		{"Closed", testClosed},
		{"BackupRestore", func(t *testing.T, s store.Store) { testBackup(t, s, open) }},
		{"DamagedBackup", func(t *testing.T, s store.Store) { testDamagedBackup(t, s, open) }},
		{"RestoreRefusesAFullStore", testRestoreFull},
		{"FsckOfAHealthyStore", testFsck},
		{"Model", testModel},
		{"Serializable", testSerializable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			tt.run(t, s)
			if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
				t.Fatalf("Close: %v", err)
			}
		})
	}
}

// within is a context that ends the test's waits.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func put(t *testing.T, s store.Store, key, value string) store.Revision {
	t.Helper()
	rev, err := s.Update(within(t), func(tx store.Txn) error { return tx.Put([]byte(key), []byte(value)) })
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return rev
}

func del(t *testing.T, s store.Store, key string) store.Revision {
	t.Helper()
	rev, err := s.Update(within(t), func(tx store.Txn) error { return tx.Delete([]byte(key)) })
	if err != nil {
		t.Fatalf("delete %q: %v", key, err)
	}
	return rev
}

func view(t *testing.T, s store.Store, f func(store.Reader) error) {
	t.Helper()
	if err := s.View(within(t), f); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// get is the value under key, or "<none>".
func get(t *testing.T, r store.Reader, key string) string {
	t.Helper()
	it, err := r.Get([]byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return "<none>"
	}
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	if string(it.Key) != key {
		t.Fatalf("get %q returned key %q", key, it.Key)
	}
	return string(it.Value)
}

func current(t *testing.T, s store.Store, key string) (value string) {
	t.Helper()
	view(t, s, func(r store.Reader) error { value = get(t, r, key); return nil })
	return value
}

// scan is the keys of rg as "k=v k=v".
func scan(t *testing.T, r store.Reader, rg store.Range) string {
	t.Helper()
	var out bytes.Buffer
	for it, err := range r.Scan(rg) {
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		fmt.Fprintf(&out, "%s=%s", it.Key, it.Value)
	}
	return out.String()
}

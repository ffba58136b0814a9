package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/pebble"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	testAccount  = "111122223333"
	otherAccount = "444455556666"
	testRegion   = "eu-central-1"
)

// testTime is where the clocks of these tests start.
var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// watchedStore counts commits, and can hold them up or make them fail.
type watchedStore struct {
	store.Store
	updates atomic.Int64
	gate    chan struct{} // if set, each Update takes one token first
	waiting chan struct{} // if set, each Update says that it waits for one
	fail    atomic.Bool
}

var errDisk = errors.New("the disk is gone")

func (s *watchedStore) Update(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	if s.gate != nil {
		s.waiting <- struct{}{}
		<-s.gate
	}
	if s.fail.Load() {
		return 0, errDisk
	}
	s.updates.Add(1)
	return s.Store.Update(ctx, f)
}

func openStore(t testing.TB, clk clock.Clock) *pebble.Store {
	t.Helper()
	s, err := pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

func openLog(t testing.TB) (*Log, *watchedStore, *clock.Manual) {
	t.Helper()
	clk := clock.NewManual(testTime)
	s := &watchedStore{Store: openStore(t, clk)}
	l := Open(s, clk)
	t.Cleanup(l.Close)
	return l, s, clk
}

// event is a small event of the test account.
func event(name string, at time.Time) *Event {
	id := NewID()
	return &Event{
		ID: id, Time: at, Account: testAccount, Region: testRegion, Name: name, Source: "kms.amazonaws.com",
		AccessKeyID: "AKIAEXAMPLE", UserName: "alice", ReadOnly: true,
		JSON: fmt.Appendf(nil, `{"eventID":%q,"eventName":%q}`, id, name),
	}
}

// names are the names of all events of the test account, newest first, over pages of
// the given size.
func names(t testing.TB, l *Log, limit int) []string {
	t.Helper()
	var out []string
	q := Query{Account: testAccount, Region: testRegion, Limit: limit}
	for {
		p, err := l.Lookup(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Events) > limit {
			t.Fatalf("a page of %d events, limit %d", len(p.Events), limit)
		}
		for i := range p.Events {
			out = append(out, p.Events[i].Name)
		}
		if q.After = p.Next; len(q.After) == 0 {
			return out
		}
	}
}

func testUser() *call.Principal {
	return &call.Principal{
		Kind: call.User, Account: testAccount, ARN: "arn:aws:iam::" + testAccount + ":user/alice",
		ID: "AIDAEXAMPLE", UserName: "alice", AccessKeyID: "AKIAEXAMPLE",
	}
}

// testCall is a call of a KMS operation from outside.
func testCall(op string, in any) *call.Call {
	return &call.Call{
		RequestID: NewID(), EventID: NewID(), Operation: kmsapi.API.Operation(op), Principal: testUser(),
		Region: testRegion, Account: testAccount, Time: testTime, Input: in,
		Source: &call.Source{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "aws-cli/2", Host: "localhost:4566"},
	}
}

// parse reads a record and fails on anything that is not strict JSON.
func parse(t testing.TB, e *Event) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.JSON, &m); err != nil {
		t.Fatalf("record is not JSON: %v\n%s", err, e.JSON)
	}
	return m
}

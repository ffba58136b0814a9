package follow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// stage is a store with a follower that has not been started.
type stage struct {
	*testing.T
	store    store.Store
	clock    *clock.Manual
	follower *follow.Follower
}

func newStage(t *testing.T, o pebble.Options) *stage {
	t.Helper()
	s := &stage{T: t, clock: clock.NewManual(time.Unix(1e9, 0))}
	o.FS, o.Clock = vfs.NewMem(), clock.System{}
	inner, err := pebble.Open("store", o)
	if err != nil {
		t.Fatal(err)
	}
	s.store = inner
	t.Cleanup(func() { _ = inner.Close() })
	s.follower, err = follow.New(t.Context(), s.store, follow.Options{Clock: s.clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts the follower and stops it at the end of the test.
func (s *stage) run() {
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.follower.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			s.Errorf("Run: %v", err)
		}
	})
}

// key is the key of a record of a service's table.
func key(service, id string) []byte {
	return table.Key(table.String("111122223333"), table.String("eu"), table.String(service), table.String("thing"), table.String(id))
}

// commit writes and deletes ("-id") records of a service in one transaction, whose changes
// own takes in.
func (s *stage) commit(service string, own *follow.Memory, ids ...string) store.Revision {
	s.Helper()
	rev, err := s.store.Update(s.Context(), func(tx store.Txn) error {
		if own != nil {
			own.OnCommit(tx, func(store.Revision) {})
		}
		for _, id := range ids {
			var err error
			if gone, ok := strings.CutPrefix(id, "-"); ok {
				err = tx.Delete(key(service, gone))
			} else {
				err = tx.Put(key(service, id), []byte("value"))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return rev
}

// witness is a memory that says what it is told.
func witness(service string) (*follow.Memory, chan string) {
	told := make(chan string, 64)
	m := follow.NewMemory(service, func(_ context.Context, c follow.Commit) error {
		text := fmt.Sprint(c.Revision)
		for _, r := range c.Rows {
			id, _ := r.Parts[0].Str()
			text += " " + map[bool]string{true: "-"}[r.Deleted] + r.Scope.Account + "/" + r.Scope.Region + "/" + r.Service + "/" + r.Kind + "/" + id
		}
		told <- text
		return nil
	}, func(context.Context) error {
		told <- "reset"
		return nil
	})
	return m, told
}

func TestCommitsOfOthersAreToldInOrder(t *testing.T) {
	s := newStage(t, pebble.Options{})
	kms, told := witness("kms")
	s.follower.Add(kms)
	s.commit("kms", nil, "before") // after New: told
	s.run()
	s.commit("ssm", nil, "x")
	s.commit("kms", nil, "a", "b")
	s.commit("kms", nil, "-a")
	for _, want := range []string{
		"1 111122223333/eu/kms/thing/before", "3 111122223333/eu/kms/thing/a 111122223333/eu/kms/thing/b", "4 -111122223333/eu/kms/thing/a",
	} {
		if got := <-told; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

func TestEachServiceHearsOfItsOwnTables(t *testing.T) {
	s := newStage(t, pebble.Options{})
	kms, toldKMS := witness("kms")
	again, toldAgain := witness("kms")
	ssm, toldSSM := witness("ssm")
	s.follower.Add(kms, ssm, again)
	s.run()
	if _, err := s.store.Update(t.Context(), func(tx store.Txn) error {
		return errors.Join(tx.Put(key("ssm", "x"), nil), tx.Put(key("kms", "y"), nil), tx.Put(key("iam", "z"), nil), tx.Put([]byte("no tuple"), nil))
	}); err != nil {
		t.Fatal(err)
	}
	for told, want := range map[chan string]string{toldKMS: "kms/thing/y", toldAgain: "kms/thing/y", toldSSM: "ssm/thing/x"} {
		if got := <-told; got != "1 111122223333/eu/"+want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

// A commit of the room's own may be told when the watch is faster than the hook; a commit of
// somebody else must always be told.
func TestOwnCommitsDoNotHideThoseOfOthers(t *testing.T) {
	s := newStage(t, pebble.Options{})
	kms, told := witness("kms")
	s.follower.Add(kms)
	s.run()
	const rounds = 500
	var others []string
	for i := range rounds {
		s.commit("kms", kms, "own")
		others = append(others, fmt.Sprintf("%d 111122223333/eu/kms/thing/other", s.commit("kms", nil, "other")))
		for got := range told {
			if !strings.HasSuffix(got, "/other") {
				continue
			}
			if got != others[i] {
				t.Fatalf("told %q, want %q", got, others[i])
			}
			break
		}
	}
	// Nothing was written: the revision is that of the last commit, somebody else's.
	s.commit("kms", nil, "last")
	if _, err := s.store.Update(t.Context(), func(tx store.Txn) error {
		kms.OnCommit(tx, func(store.Revision) {})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for got := range told {
		if strings.HasSuffix(got, "/last") {
			break
		}
	}
}

func TestAGapIsAReset(t *testing.T) {
	s := newStage(t, pebble.Options{RetainCommits: 8})
	kms, told := witness("kms")
	s.follower.Add(kms)
	for i := range 4000 {
		s.commit("kms", nil, fmt.Sprint(i%10))
		if _, err := s.store.WatchKeys(t.Context(), func([]byte) bool { return true }, 0); errors.Is(err, store.ErrCompacted) {
			break
		}
	}
	s.run()
	if got := <-told; got != "reset" {
		t.Errorf("told %q", got)
	}
	s.commit("kms", nil, "after")
	if got := <-told; !strings.HasSuffix(got, "/after") {
		t.Errorf("told %q", got)
	}
}

func TestAnErrorIsAResetAfterAWhile(t *testing.T) {
	s := newStage(t, pebble.Options{})
	events := make(chan string)
	fails := true
	broken := follow.NewMemory("kms", func(_ context.Context, c follow.Commit) error {
		events <- "changed"
		if fails {
			return errors.New("cannot read")
		}
		return nil
	}, func(context.Context) error {
		events <- "reset"
		if fails {
			fails = false
			return errors.New("cannot read either")
		}
		return nil
	})
	s.follower.Add(broken)
	s.run()
	s.commit("kms", nil, "a")
	var got []string
	step := func(n int) {
		for range n {
			got = append(got, <-events)
		}
	}
	step(1)
	for range 2 {
		if err := s.clock.AwaitWaiters(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(time.Minute)
		step(1)
	}
	s.commit("kms", nil, "b")
	step(1)
	if want := []string{"changed", "reset", "reset", "changed"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRunEndsWithTheStore(t *testing.T) {
	s := newStage(t, pebble.Options{})
	ended := make(chan error, 1)
	go func() { ended <- s.follower.Run(t.Context()) }()
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
	if _, err := follow.New(t.Context(), s.store, follow.Options{Clock: s.clock, Logger: slog.New(slog.DiscardHandler)}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("New: %v", err)
	}
	if _, err := follow.New(t.Context(), s.store, follow.Options{}); err == nil {
		t.Error("a follower without a clock")
	}
}

package table_test

import (
	"errors"
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

func TestTallyCountsOnceAndFollowsCommits(t *testing.T) {
	_, _, s := aliases(t)
	var tally table.Tally[string, int]
	counted := 0
	sum := func(n int) int {
		t.Helper()
		got, err := tally.Sum("here", func() (int, error) { counted++; return n, nil })
		must(t, err)
		return got
	}
	plus := func(at string, fails error) error {
		return update(t, s, func(tx store.Txn) error {
			tx.OnCommit(func(store.Revision) { tally.Change(at, func(n int) int { return n + 1 }) })
			return fails
		})
	}
	must(t, plus("here", nil)) // of a place that is not known: the next count finds it
	if got := sum(3); got != 3 {
		t.Errorf("first: %d", got)
	}
	must(t, plus("here", nil))
	must(t, plus("elsewhere", nil))
	cause := errors.New("no")
	if err := plus("here", cause); !errors.Is(err, cause) {
		t.Fatalf("a failing transaction: %v", err)
	}
	if got := sum(99); got != 4 || counted != 1 {
		t.Errorf("after one commit: %d, counted %d times", got, counted)
	}
	tally.Forget()
	if got := sum(7); got != 7 || counted != 2 {
		t.Errorf("forgotten: %d, counted %d times", got, counted)
	}
	tally.Recount("elsewhere")
	if got := sum(8); got != 7 || counted != 2 {
		t.Errorf("another place: %d, counted %d times", got, counted)
	}
	tally.Recount("here")
	if got := sum(9); got != 9 || counted != 3 {
		t.Errorf("recounted: %d, counted %d times", got, counted)
	}
}

func TestTallyDoesNotKeepACountThatACommitOvertook(t *testing.T) {
	_, _, s := aliases(t)
	var tally table.Tally[string, int]
	got, err := tally.Sum("here", func() (int, error) {
		must(t, update(t, s, func(tx store.Txn) error {
			tx.OnCommit(func(store.Revision) { tally.Change("here", func(n int) int { return n + 1 }) })
			return nil
		}))
		return 5, nil
	})
	if must(t, err); got != 5 {
		t.Errorf("overtaken: %d", got)
	}
	if got, err = tally.Sum("here", func() (int, error) { return 6, nil }); err != nil || got != 6 {
		t.Errorf("counted again: %d, %v", got, err)
	}
	cause := errors.New("broken")
	if _, err := tally.Sum("there", func() (int, error) { return 0, cause }); !errors.Is(err, cause) {
		t.Errorf("an error: %v", err)
	}
}

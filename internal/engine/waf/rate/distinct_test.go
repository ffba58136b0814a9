package rate

import (
	"testing"
	"time"
)

func TestDistinctCountsMembersOfTheWindow(t *testing.T) {
	d := NewDistinct(5*time.Minute, 10)
	key := Key{1}
	at := time.Unix(1_700_000_000, 0)
	for i, c := range []struct {
		member uint64
		after  time.Duration
		want   int
	}{
		{1, 0, 1}, {1, 0, 1}, {2, time.Minute, 2}, {3, time.Minute, 3}, {1, time.Minute, 3},
		{4, 3*time.Minute - time.Second, 4}, // 2 was seen four minutes and 59 seconds ago
		{4, time.Second, 3},                 // and now it is five
		{5, time.Hour, 1},
	} {
		at = at.Add(c.after)
		if peeked := d.Peek(key, c.member, at); peeked != c.want {
			t.Errorf("%d: peeked %d, want %d", i, peeked, c.want)
		}
		if got := d.Add(key, c.member, at); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
}

func TestDistinctIsBounded(t *testing.T) {
	d := NewDistinct(5*time.Minute, 10)
	at := time.Unix(1_700_000_000, 0)
	for m := range uint64(100) {
		want := min(int(m)+1, maxMembers)
		if got := d.Add(Key{1}, m, at); got != want {
			t.Fatalf("member %d: %d, want %d", m, got, want)
		}
	}
	for i := range byte(9) {
		d.Add(Key{2, i}, 1, at)
	}
	d.Add(Key{1}, 1, at) // touched: not the oldest any more
	d.Add(Key{3}, 1, at)
	if n := d.Len(); n != 10 {
		t.Errorf("%d keys", n)
	}
	if got := d.Peek(Key{1}, 1, at); got != maxMembers {
		t.Errorf("the key that was touched has %d members", got)
	}
	if got := d.Peek(Key{2, 0}, 2, at); got != 1 {
		t.Errorf("the oldest key is still there: %d", got)
	}
}

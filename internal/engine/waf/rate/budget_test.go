package rate

import (
	"runtime"
	"testing"
	"time"
)

func TestABudgetBoundsLimitersTogether(t *testing.T) {
	b := NewBudget(200 * chunkBytes)
	var all []*Limiter
	at := time.Unix(1_700_000_000, 0)
	for range 2 {
		l, err := New(Settings{Limit: 100, Window: time.Minute, Budget: b})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50_000 {
			l.Count(keyOf(i), at)
		}
		all = append(all, l)
	}
	// The first one took what there was; the second has a chunk for each shard.
	if one, two := all[0].Len(), all[1].Len(); one > 200*chunkSize || one < 150*chunkSize || two > shards*chunkSize || two == 0 {
		t.Errorf("%d and %d keys", one, two)
	}
	for range 10 {
		all[1].Count(keyOf(7), at)
	}
	if n := all[1].Peek(keyOf(7), at); n < 10 {
		t.Errorf("a key of the second has %d requests", n)
	}
	runtime.KeepAlive(all)
}

func TestWhatGarbageTookComesBack(t *testing.T) {
	b := NewBudget(1000 * chunkBytes)
	func() {
		l, err := New(Settings{Limit: 100, Window: time.Minute, Budget: b})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10_000 {
			l.Count(keyOf(i), time.Unix(1_700_000_000, 0))
		}
		if b.Left() >= 1000*chunkBytes-100*chunkBytes {
			t.Errorf("%d bytes are left", b.Left())
		}
	}()
	for range 1000 {
		runtime.GC()
		if b.Left() == 1000*chunkBytes {
			return
		}
	}
	t.Errorf("%d bytes are left of %d", b.Left(), 1000*chunkBytes)
}

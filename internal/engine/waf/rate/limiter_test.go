package rate

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newLimiter(t testing.TB, s Settings) *Limiter {
	t.Helper()
	l, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func numbered(n uint64) Key {
	var k Key
	binary.BigEndian.PutUint64(k[8:], n)
	return k
}

func TestEveryEventOfAWindowCountsAtOnce(t *testing.T) {
	l := newLimiter(t, Settings{Limit: 100, Window: time.Minute})
	for i := int64(1); i <= 200; i++ {
		if got := l.Count(numbered(1), epoch); got != i {
			t.Fatalf("event %d: count %d", i, got)
		}
	}
	if got := l.Count(numbered(2), epoch); got != 1 {
		t.Errorf("another key's first event: count %d", got)
	}
	if got := l.Peek(numbered(1), epoch.Add(30*time.Second)); got != 200 {
		t.Errorf("half a minute later: %d", got)
	}
	if got := l.Peek(numbered(1), epoch.Add(time.Minute)); got != 0 {
		t.Errorf("a minute later: %d", got)
	}
	if got := l.Peek(numbered(3), epoch); got != 0 {
		t.Errorf("a key that was never seen: %d", got)
	}
}

func TestAClientAtTheLimitIsNeverAboveIt(t *testing.T) {
	for _, window := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute} {
		const limit = 100
		l := newLimiter(t, Settings{Limit: limit, Window: window})
		now := epoch
		for range 5 * limit {
			now = now.Add(window / limit)
			if got := l.Count(numbered(1), now); got > limit {
				t.Fatalf("%v: %d events counted at %v", window, got, now.Sub(epoch))
			}
		}
	}
}

// TestCountsAreWithinASixtiethOfTheWindow compares with a list of all times.
func TestCountsAreWithinASixtiethOfTheWindow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 25 {
		window := []time.Duration{time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}[rng.IntN(5)]
		l := newLimiter(t, Settings{Limit: 10, Window: window})
		type event struct {
			at time.Time
			n  uint32
		}
		seen := map[uint64][]event{}
		now := epoch.Add(time.Duration(rng.Int64N(int64(time.Hour))))
		for range 3000 {
			switch rng.IntN(20) {
			case 0:
				now = now.Add(time.Duration(rng.Int64N(int64(window) * 2)))
			default:
				now = now.Add(time.Duration(rng.Int64N(int64(window) / 40)))
			}
			k := rng.Uint64N(5)
			n := uint32(1)
			if rng.IntN(4) == 0 {
				n = rng.Uint32N(200_000) + 1
			}
			seen[k] = append(seen[k], event{now, n})
			got := l.Add(numbered(k), n, now)
			var most, least int64
			for _, e := range seen[k] {
				age := now.Sub(e.at)
				if age < window {
					most += int64(e.n)
				}
				if age <= window-window/cells {
					least += int64(e.n)
				}
			}
			if got > most || got < least {
				t.Fatalf("window %v: counted %d, should be %d to %d", window, got, least, most)
			}
		}
	}
}

func TestATimeThatWentBackCountsAsTheNewest(t *testing.T) {
	l := newLimiter(t, Settings{Limit: 10, Window: time.Minute})
	l.Count(numbered(1), epoch)
	if got := l.Count(numbered(1), epoch.Add(-time.Hour)); got != 2 {
		t.Errorf("count %d", got)
	}
}

func TestCellsWiderThanSixteenBits(t *testing.T) {
	l := newLimiter(t, Settings{Limit: 2_000_000_000, Window: time.Minute})
	var want int64
	for i := range 60 {
		want += 40_000_000
		if got := l.Add(numbered(7), 40_000_000, epoch.Add(time.Duration(i)*time.Second)); got != want {
			t.Fatalf("second %d: %d, want %d", i, got, want)
		}
	}
	if got := l.Limited(epoch.Add(59*time.Second), 10); len(got) != 1 || got[0].Count != want {
		t.Errorf("limited: %v", got)
	}
	for i := 60; i < 120; i++ {
		want -= 40_000_000
		if got := l.Peek(numbered(7), epoch.Add(time.Duration(i)*time.Second)); got != want {
			t.Fatalf("second %d: %d, want %d", i, got, want)
		}
	}
	for i := range l.shard {
		if len(l.shard[i].upper) != 0 {
			t.Error("upper halves are kept after the window")
		}
	}
}

func TestLimitedAddresses(t *testing.T) {
	l := newLimiter(t, Settings{Limit: 10, Window: time.Minute})
	count := func(a string, n int) {
		for range n {
			l.Count(AddressKey(netip.MustParseAddr(a)), epoch)
		}
	}
	count("192.0.2.1", 10)
	count("192.0.2.2", 11)
	count("2001:db8::1", 500)
	count("2001:db8::2", 9)
	got := l.Limited(epoch.Add(time.Second), 100)
	if len(got) != 2 || got[0].Address().String() != "2001:db8::1" || got[0].Count != 500 ||
		got[1].Address().String() != "192.0.2.2" || got[1].Count != 11 {
		t.Errorf("limited: %v", got)
	}
	if got := l.Limited(epoch, 1); len(got) != 1 || got[0].Count != 500 {
		t.Errorf("the highest one: %v", got)
	}
	if got := l.Limited(epoch.Add(time.Minute), 100); len(got) != 0 {
		t.Errorf("a minute later: %v", got)
	}
	if got := l.Limited(epoch, 100); len(got) != 0 {
		// The rings have moved on: an entry does not go back in time.
		t.Errorf("limited after the window: %v", got)
	}
}

func TestAFloodOfKeysDoesNotPushOutTheHeavyOnes(t *testing.T) {
	const maxKeys = 6400
	l := newLimiter(t, Settings{Limit: 50, Window: 5 * time.Minute, MaxKeys: maxKeys})
	for k := range uint64(100) {
		for range 60 {
			l.Count(numbered(1<<40|k), epoch)
		}
	}
	for k := range uint64(200_000) {
		l.Count(numbered(k), epoch.Add(time.Duration(k)*time.Millisecond))
	}
	if got := l.Len(); got > maxKeys*21/20 {
		t.Errorf("%d keys are kept", got)
	}
	if got := len(l.Limited(epoch.Add(200*time.Second), 1000)); got != 100 {
		t.Errorf("%d of 100 heavy keys are left", got)
	}
	// A light key that comes again soon enough is still there.
	now := epoch.Add(200 * time.Second)
	l.Count(numbered(1<<41), now)
	for k := range uint64(1000) {
		l.Count(numbered(1<<42|k), now)
	}
	if got := l.Count(numbered(1<<41), now); got != 2 {
		t.Errorf("a key is forgotten after %d others: %d", 1000, got)
	}
}

func TestDeadKeysMakeRoom(t *testing.T) {
	l := newLimiter(t, Settings{Limit: 50, Window: time.Minute})
	now := epoch
	for k := range uint64(300_000) {
		now = now.Add(10 * time.Millisecond) // 6,000 keys a window
		l.Count(numbered(k), now)
	}
	if got := l.Len(); got > 3*6000 {
		t.Errorf("%d keys are kept, 6,000 live", got)
	}
}

// TestTheIndexSurvivesChurn compares with a map while keys come, die and are pushed out.
func TestTheIndexSurvivesChurn(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	l := newLimiter(t, Settings{Limit: 5, Window: time.Minute, MaxKeys: 64 * 100})
	now := epoch
	for range 300_000 {
		now = now.Add(time.Duration(rng.IntN(20)) * time.Millisecond)
		l.Count(numbered(rng.Uint64N(20_000)), now)
	}
	for i := range l.shard {
		s := &l.shard[i]
		alive := 0
		for n := range s.size {
			e := s.entry(n)
			if !e.is(live) {
				continue
			}
			alive++
			var sum uint64
			for _, c := range e.low {
				sum += uint64(c)
			}
			if sum != e.sum || e.class != classOf(e.sum) {
				t.Fatalf("entry of %x: sum %d, cells %d, class %d", e.key, e.sum, sum, e.class)
			}
			if got := l.Peek(e.key, epoch); got != int64(sum) {
				t.Fatalf("%x is not found", e.key)
			}
		}
		filled := 0
		for _, v := range s.index {
			if v != 0 {
				filled++
			}
		}
		if alive != s.used || filled != alive {
			t.Fatalf("shard %d: %d live, %d used, %d in the index", i, alive, s.used, filled)
		}
	}
}

func TestAMillionLiveKeysFitIn200MB(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size != 160 {
		t.Errorf("an entry takes %d bytes", size)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := newLimiter(t, Settings{Limit: 1000, Window: time.Minute})
	for k := range uint64(1_000_000) {
		l.Count(numbered(k), epoch)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	bytes := after.HeapAlloc - before.HeapAlloc
	t.Logf("%d keys in %d bytes: %.1f a key", l.Len(), bytes, float64(bytes)/float64(l.Len()))
	if l.Len() != 1_000_000 {
		t.Errorf("%d keys are kept", l.Len())
	}
	if bytes > 200_000_000 {
		t.Errorf("they take %d bytes", bytes)
	}
	runtime.KeepAlive(l)
}

func TestConcurrentCountsAreNotLost(t *testing.T) {
	l := newLimiter(t, Settings{Limit: 1000, Window: time.Minute})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for k := range uint64(1000) {
				l.Count(numbered(k%50), epoch)
			}
		})
	}
	wg.Wait()
	for k := range uint64(50) {
		if got := l.Peek(numbered(k), epoch); got != 160 {
			t.Errorf("key %d: %d", k, got)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for _, s := range []Settings{{Window: time.Millisecond}, {Window: time.Minute, Limit: -1}, {Window: time.Minute, MaxKeys: -1}} {
		if _, err := New(s); err == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}

func TestHashedKeysDifferByEveryByte(t *testing.T) {
	h := NewHasher()
	seen := map[Key]bool{}
	for i := range 20_000 {
		k := h.Key(binary.BigEndian.AppendUint32(nil, uint32(i)))
		if seen[k] {
			t.Fatal("two inputs, one key")
		}
		seen[k] = true
	}
	if one, two := h.Key([]byte("a")), h.Key([]byte("a")); one != two {
		t.Error("a key is not stable")
	}
	if h.Key([]byte("a")) == NewHasher().Key([]byte("a")) {
		t.Error("two hashers share a secret")
	}
}

func BenchmarkCountOneKey(b *testing.B) {
	l := newLimiter(b, Settings{Limit: 1000, Window: time.Minute})
	b.ReportAllocs()
	now := epoch
	for b.Loop() {
		now = now.Add(time.Millisecond)
		l.Count(numbered(1), now)
	}
}

func BenchmarkCountAMillionKeys(b *testing.B) {
	l := newLimiter(b, Settings{Limit: 1000, Window: 10 * time.Minute})
	for k := range uint64(1_000_000) {
		l.Count(numbered(k), epoch)
	}
	b.ReportAllocs()
	now, k := epoch, uint64(0)
	for b.Loop() {
		now = now.Add(time.Microsecond)
		k = k*6364136223846793005 + 1442695040888963407
		l.Count(numbered(k>>32%1_000_000), now)
	}
}

func BenchmarkFloodOfNewKeys(b *testing.B) {
	l := newLimiter(b, Settings{Limit: 1000, Window: 10 * time.Minute, MaxKeys: 100_000})
	b.ReportAllocs()
	now, k := epoch, uint64(0)
	for b.Loop() {
		now, k = now.Add(time.Microsecond), k+1
		l.Count(numbered(k), now)
	}
}

func BenchmarkCountParallel(b *testing.B) {
	l := newLimiter(b, Settings{Limit: 1000, Window: time.Minute})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		k := rand.Uint64()
		for pb.Next() {
			k++
			l.Count(numbered(k%10_000), epoch)
		}
	})
}

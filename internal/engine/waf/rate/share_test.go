package rate

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
)

func keyOf(n int) (k Key) {
	binary.BigEndian.PutUint32(k[:], uint32(n))
	return k
}

func TestTakenCountsAddUpToWhatWasCounted(t *testing.T) {
	l, err := New(Settings{Limit: 100, Window: time.Minute, MaxKeys: 100_000, Shares: true})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Unix(1_700_000_000, 0)
	counted, taken := map[Key]uint32{}, map[Key]uint32{}
	take := func(most int) {
		for _, d := range l.Take(nil, most) {
			taken[d.Key] += d.N
		}
	}
	for i := range 200_000 {
		k := keyOf(int(r.ExpFloat64() * 300))
		l.Count(k, at)
		counted[k]++
		if i%1000 == 999 {
			at = at.Add(time.Second)
			take(128)
		}
	}
	for range 200_000 {
		l.Count(keyOf(-1), at) // more than 16 bits
	}
	counted[keyOf(-1)] = 200_000
	l.Add(keyOf(-2), 7, at) // of another process
	take(1 << 20)
	if len(taken) != len(counted) {
		t.Errorf("%d keys were taken of %d", len(taken), len(counted))
	}
	for k, n := range counted {
		if taken[k] != n {
			t.Errorf("%x: %d of %d", k, taken[k], n)
		}
	}
	if rest := l.Take(nil, 1<<20); len(rest) > 0 {
		t.Errorf("%d are taken twice", len(rest))
	}
}

func TestKeysOnTheirWayToTheLimitAreTakenFirst(t *testing.T) {
	l, err := New(Settings{Limit: 1000, Window: time.Minute, Shares: true})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	for i := range 100_000 { // a flood of invented keys
		l.Count(keyOf(i), at)
	}
	for range 100 {
		l.Count(keyOf(-1), at)
	}
	n := uint32(0)
	for _, d := range l.Take(nil, 64) {
		if d.Key == keyOf(-1) {
			n += d.N
		}
	}
	if n != 100 {
		t.Errorf("%d of the heavy key's requests were taken", n)
	}
}

func TestWhatMakesRoomIsStillTaken(t *testing.T) {
	l, err := New(Settings{Limit: 10, Window: time.Minute, MaxKeys: 64, Shares: true})
	if err != nil {
		t.Fatal(err)
	}
	const keys = 20_000
	at := time.Unix(1_700_000_000, 0)
	sum := 0
	for i := range keys {
		l.Count(keyOf(i), at)
	}
	for {
		list := l.Take(nil, 1<<16)
		if len(list) == 0 {
			break
		}
		for _, d := range list {
			sum += int(d.N)
		}
	}
	if sum != keys {
		t.Errorf("%d of %d requests were taken", sum, keys)
	}
}

func TestALimiterThatDoesNotShareKeepsNothing(t *testing.T) {
	l, err := New(Settings{Limit: 10, Window: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	l.Count(keyOf(1), time.Unix(1_700_000_000, 0))
	if list := l.Take(nil, 10); len(list) > 0 {
		t.Errorf("%v", list)
	}
}

func BenchmarkCountShared(b *testing.B) {
	l, err := New(Settings{Limit: 1000, Window: time.Minute, Shares: true})
	if err != nil {
		b.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Count(keyOf(i&0xffff), at)
	}
}

package sample

import (
	"math"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fill adds n items to each of the minutes, evenly.
func fill(r *Reservoir[int], key string, minutes, n int) {
	for m := range minutes {
		for i := range n {
			r.Add(key, noon.Add(time.Duration(m)*time.Minute+time.Duration(i)*time.Minute/time.Duration(n)), func() int { return m })
		}
	}
}

func total(s Sample[int]) (sum int64) {
	for _, i := range s.Items {
		sum += i.Weight
	}
	return sum
}

func TestEveryItemOfFewIsThere(t *testing.T) {
	r := New[int](Options{})
	fill(r, "a", 3, 10)
	s := r.Read("a", noon, noon.Add(time.Hour), 100)
	if len(s.Items) != 30 || s.Population != 30 || !s.To.Equal(noon.Add(time.Hour)) {
		t.Errorf("%d items of %d until %v", len(s.Items), s.Population, s.To)
	}
	for _, i := range s.Items {
		if i.Weight != 1 {
			t.Errorf("weight %d", i.Weight)
		}
	}
	if s := r.Read("b", noon, noon.Add(time.Hour), 100); len(s.Items)+int(s.Population) != 0 {
		t.Errorf("items of a series that is not there: %v", s)
	}
	if s := r.Read("a", noon.Add(time.Minute), noon.Add(2*time.Minute), 100); s.Population != 10 {
		t.Errorf("one minute has %d", s.Population)
	}
}

func TestWeightsAddUpToThePopulation(t *testing.T) {
	for _, limit := range []int{1, 7, 50, 500} {
		r := New[int](Options{})
		fill(r, "a", 4, 1000)
		s := r.Read("a", noon, noon.Add(time.Hour), limit)
		if s.Population != 4000 || total(s) != 4000 || len(s.Items) > limit || len(s.Items) == 0 {
			t.Errorf("limit %d: %d items of weight %d of %d", limit, len(s.Items), total(s), s.Population)
		}
	}
}

func TestTheFirstItemsAreAPopulation(t *testing.T) {
	r := New[int](Options{})
	fill(r, "a", 3, 20_000)
	s := r.Read("a", noon, noon.Add(time.Hour), 500)
	if s.Population != 5000 || total(s) != 5000 {
		t.Errorf("population %d, weights %d", s.Population, total(s))
	}
	// A quarter of the first minute.
	if want := noon.Add(15 * time.Second); s.To.Sub(want).Abs() > 10*time.Millisecond {
		t.Errorf("until %v, want %v", s.To, want)
	}
}

// A minute with ten times as many requests has ten times the weight.
func TestSamplesAreInProportion(t *testing.T) {
	var busy, quiet float64
	for range 50 {
		r := New[int](Options{})
		fill(r, "a", 1, 2000)
		for i := range 200 {
			r.Add("a", noon.Add(time.Minute+time.Duration(i)*time.Millisecond), func() int { return 1 })
		}
		for _, i := range r.Read("a", noon, noon.Add(time.Hour), 44).Items {
			if i.Value == 0 {
				busy += float64(i.Weight)
			} else {
				quiet += float64(i.Weight)
			}
		}
	}
	if ratio := busy / quiet; math.Abs(ratio-10) > 0.5 {
		t.Errorf("the busy minute weighs %.2f times the quiet one, want 10", ratio)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	r := New[int](Options{MaxItems: 100, MaxSeries: 5, PerBucket: 10})
	for s := range 20 {
		fill(r, string(rune('a'+s)), 20, 50)
	}
	if len(r.series) > 5 || r.items > 100 {
		t.Errorf("%d series, %d items", len(r.series), r.items)
	}
	n := 0
	for _, list := range r.series {
		for _, b := range list {
			n += len(b.kept)
		}
	}
	if n != r.items {
		t.Errorf("%d items are counted as %d", n, r.items)
	}
	r.Forget(func(string) bool { return true })
	if len(r.series)+r.items != 0 {
		t.Errorf("after forgetting: %d series, %d items", len(r.series), r.items)
	}
}

func TestOldBucketsGo(t *testing.T) {
	r := New[int](Options{Keep: 10 * time.Minute})
	fill(r, "a", 30, 1)
	if n := len(r.series["a"]); n != 11 {
		t.Errorf("%d buckets", n)
	}
	r.Add("a", noon, func() int { t.Error("an item that is too old is made"); return 0 })
	// A little late is not too late.
	r.Add("a", noon.Add(25*time.Minute), func() int { return 0 })
	if n := r.series["a"][len(r.series["a"])-5].seen; n != 2 {
		t.Errorf("the late item is not in its bucket: %d", n)
	}
}

func TestTopKeepsTheMostFrequent(t *testing.T) {
	top := NewTop[string](time.Minute, time.Hour, 10)
	for i := range 10_000 {
		at := noon.Add(time.Duration(i) * 10 * time.Millisecond)
		switch {
		case i%3 == 0:
			top.Add("often", at)
		case i%4 == 0:
			top.Add("sometimes", at)
		default:
			top.Add(time.Duration(i).String(), at)
		}
	}
	got := top.Read(noon, noon.Add(time.Hour))
	if got["often"] != 3334 {
		t.Errorf("often: %d, want 3334", got["often"])
	}
	if n := got["sometimes"]; n < 1666 || n > 2*1666 {
		t.Errorf("sometimes: %d, want at least 1666", n)
	}
	if n := len(top.buckets[0].of); n > 10 {
		t.Errorf("%d keys", n)
	}
	if got := top.Read(noon.Add(time.Hour), noon.Add(2*time.Hour)); len(got) != 0 {
		t.Errorf("counts of no time: %v", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	r := New[int](Options{})
	make := func() int { return 1 }
	b.ReportAllocs()
	for i := range b.N {
		r.Add("a", noon.Add(time.Duration(i)*time.Microsecond), make)
	}
}

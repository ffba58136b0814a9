package baseline

import (
	"testing"
	"time"

	"fastness/internal/engine/waf/rate"
)

var start = time.Unix(1_700_000_000, 0)

func TestLevelLearnsMeanAndDeviation(t *testing.T) {
	var l Level
	for i := range 300 {
		l.Learn(int64(100+20*(i%2)), 150)
	}
	if m := l.Mean(); m < 105 || m > 115 {
		t.Errorf("mean %v", m)
	}
	if a := l.Above(2, 6); a < 210 || a > 230 {
		t.Errorf("above %v", a)
	}
	if a := l.Above(1, 6); a < 160 || a > 180 { // the deviation is 10
		t.Errorf("above by deviations %v", a)
	}
}

func TestBucketsHoldTheirCounts(t *testing.T) {
	for n := uint32(1); n < 100_000; n++ {
		b := bucketOf(n)
		if topOf(b) < int64(n) || topOf(b-1) >= int64(n) {
			t.Fatalf("%d is in bucket %d, %d to %d", n, b, topOf(b-1)+1, topOf(b))
		}
	}
}

func TestCountsTellWhatIsUsual(t *testing.T) {
	c := NewCounts(10*time.Second, 1000)
	if _, known := c.Usual(0.95); known {
		t.Error("something is usual before anything was learned")
	}
	for span := range 5 {
		at := start.Add(time.Duration(span) * 10 * time.Second)
		for client := range byte(100) {
			n := 3
			if client >= 98 {
				n = 500
			}
			for range n {
				c.Count(rate.Key{client}, at, true)
			}
		}
	}
	if n, _ := c.Usual(0.95); n != 3 {
		t.Errorf("95 %% of clients make %d requests", n)
	}
	if n, _ := c.Usual(0.99); n < 500 || n > 600 {
		t.Errorf("99 %% of clients make %d requests", n)
	}
}

func TestCountsAndKindsAreBounded(t *testing.T) {
	c, k := NewCounts(time.Minute, 10), NewKinds(time.Minute, 10, 10)
	for i := range byte(100) {
		c.Count(rate.Key{i}, start, true)
		k.Count(rate.Key{i}, start, true)
	}
	if len(c.current) != 10 || len(k.of) != 10 {
		t.Errorf("%d clients, %d kinds", len(c.current), len(k.of))
	}
}

func TestKindsTellWhatIsUsual(t *testing.T) {
	k := NewKinds(time.Minute, 10, 100)
	for span := range 60 {
		for range 50 {
			k.Count(rate.Key{1}, start.Add(time.Duration(span)*time.Minute), true)
		}
	}
	n, usual := k.Count(rate.Key{1}, start.Add(time.Hour), true)
	if n != 1 || usual < 45 || usual > 50 {
		t.Errorf("%d now, %v usual", n, usual)
	}
	if n, usual := k.Count(rate.Key{2}, start.Add(time.Hour), true); n != 1 || usual != 0 {
		t.Errorf("a new kind: %d now, %v usual", n, usual)
	}
	if _, usual := k.Count(rate.Key{1}, start.Add(10*time.Hour), true); usual > 5 {
		t.Errorf("after a long pause %v are usual", usual)
	}
}

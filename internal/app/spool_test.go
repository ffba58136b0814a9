package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/store"
	"fastness/internal/waflog"
)

// shelf is buckets in memory.
type shelf struct {
	mu   sync.Mutex
	has  map[string]string // bucket/key to what was zipped
	puts int
	away bool
}

func (s *shelf) Exists(_ context.Context, bucket string) error {
	if bucket != "aws-waf-logs-shop" {
		return errors.New("no such bucket")
	}
	return nil
}

func (s *shelf) Put(_ context.Context, bucket, key, _ string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.puts++; s.away {
		return errors.New("away")
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(z)
	s.has[bucket+"/"+key] = string(text)
	return err
}

const spoolACL = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/a1"

func spooled(texts ...string) (all []waflog.Record) {
	for _, t := range texts {
		all = append(all, waflog.Record{ACL: spoolACL, Text: []byte(t)})
	}
	return all
}

func (c *cellar) spool(to *shelf, bytes int64) *spool {
	c.Helper()
	c.config.Log, c.config.WAFLogs.SpoolBytes = slog.New(slog.DiscardHandler), bytes
	p, err := openSpool(c.Context(), c.sealed, to, c.config)
	c.must(err)
	return p
}

func TestRecordsBecomeObjectsOfFiveMinutes(t *testing.T) {
	c := newCellar(t)
	to := &shelf{has: map[string]string{}}
	p := c.spool(to, 0)
	c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(`{"n":1}`, `{"n":2}`)))
	c.clock.Advance(time.Minute)
	c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(`{"n":3}`)))
	c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop/deep/prefix", spooled(`{"n":4}`)))
	c.must(p.drain(t.Context()))
	if len(to.has) != 0 {
		t.Error("an object was put while records may come for it")
	}
	c.clock.Advance(4 * time.Minute)
	c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(`{"n":5}`)))
	c.must(p.drain(t.Context()))
	names := slices.Sorted(maps.Keys(to.has))
	const path = "AWSLogs/111122223333/WAFLogs/us-east-1/shop/2026/03/01/12/00/111122223333_waflogs_us-east-1_shop_20260301T1200Z_"
	if len(names) != 2 || !strings.HasPrefix(names[0], "aws-waf-logs-shop/"+path) || !strings.HasPrefix(names[1], "aws-waf-logs-shop/deep/prefix/"+path) ||
		to.has[names[0]] != "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n" || to.has[names[1]] != "{\"n\":4}\n" || !strings.HasSuffix(names[0], ".log.gz") {
		t.Errorf("objects %q", to.has)
	}
	puts := to.puts
	c.must(p.drain(t.Context()))
	if to.puts != puts {
		t.Error("objects are put twice")
	}
	// What waits is there after a restart, and becomes an object.
	p = c.spool(to, 0)
	if p.bytes.Load() == 0 {
		t.Error("nothing waits after a restart")
	}
	c.clock.Advance(5 * time.Minute)
	c.must(p.drain(t.Context()))
	if len(to.has) != 3 || p.bytes.Load() != 0 {
		t.Errorf("%d objects, %d bytes wait", len(to.has), p.bytes.Load())
	}
}

func TestABucketThatIsAwayIsTriedAgain(t *testing.T) {
	c := newCellar(t)
	to := &shelf{has: map[string]string{}, away: true}
	p := c.spool(to, 0)
	c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(`{}`)))
	c.clock.Advance(DefaultSpoolPeriod)
	for range 60 {
		c.must(p.drain(t.Context()))
		c.clock.Advance(spoolPeriod)
	}
	if to.puts < 4 || to.puts > 8 {
		t.Errorf("%d attempts in ten minutes", to.puts)
	}
	to.away = false
	c.clock.Advance(maxSpoolPause)
	c.must(p.drain(t.Context()))
	if len(to.has) != 1 {
		t.Errorf("%d objects", len(to.has))
	}
}

func TestTheSpoolIsBounded(t *testing.T) {
	c := newCellar(t)
	to := &shelf{has: map[string]string{}, away: true}
	p := c.spool(to, 64<<10)
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(fmt.Sprintf(`{"n":%d,"text":"%x"}`, n, noise(400))))
	}
	if !errors.Is(err, errSpoolFull) || p.bytes.Load() > 64<<10 {
		t.Errorf("%d records, %d bytes: %v", n, p.bytes.Load(), err)
	}
}

// noise does not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestALargeSlotIsSeveralObjects(t *testing.T) {
	c := newCellar(t)
	to := &shelf{has: map[string]string{}}
	p := c.spool(to, 0)
	line := `{"x":"` + strings.Repeat("x", 500_000) + `"}`
	for range 50 {
		c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(line)))
	}
	c.clock.Advance(DefaultSpoolPeriod)
	c.must(p.drain(t.Context()))
	lines := 0
	for _, text := range to.has {
		lines += strings.Count(text, "\n")
	}
	if len(to.has) != 2 || lines != 50 {
		t.Errorf("%d objects, %d lines", len(to.has), lines)
	}
}

// dying is a store that a process has no longer after a number of updates.
type dying struct {
	store.Store
	left int
}

func (d *dying) Update(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	if d.left--; d.left < 0 {
		return 0, errors.New("killed")
	}
	return d.Store.Update(ctx, f)
}

func TestAnObjectThatWasPutBeforeACrashIsNotPutAgainInParts(t *testing.T) {
	const rows = 2*maxSpoolDeleted + 50
	for updates := range 6 {
		c := newCellar(t)
		to := &shelf{has: map[string]string{}}
		p := c.spool(to, 0)
		for n := range rows {
			c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(fmt.Sprint(`{"n":`, n, `}`))))
		}
		c.clock.Advance(DefaultSpoolPeriod)
		p.store = &dying{c.sealed, updates}
		if err := p.drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(to.has) != 1 || to.puts != 1 {
			t.Fatalf("%d objects, %d puts", len(to.has), to.puts)
		}
		again := c.spool(to, 0)
		c.must(again.drain(t.Context()))
		if len(to.has) != 1 || again.bytes.Load() != 0 {
			t.Errorf("after %d updates: %d objects, %d bytes wait", updates, len(to.has), again.bytes.Load())
		}
		for _, text := range to.has {
			if n := strings.Count(text, "\n"); n != rows {
				t.Errorf("after %d updates: %d records, not %d", updates, n, rows)
			}
		}
		if want := map[bool]int{true: 2, false: 1}[updates == 0]; to.puts != want {
			t.Errorf("after %d updates: put %d times, not %d", updates, to.puts, want)
		}
	}
}

func TestObjectsMayBeOfAShorterTime(t *testing.T) {
	c := newCellar(t)
	c.config.WAFLogs.Period = 10 * time.Second
	to := &shelf{has: map[string]string{}}
	p := c.spool(to, 0)
	for n := range 3 {
		c.must(p.take(t.Context(), spoolACL, "aws-waf-logs-shop", spooled(fmt.Sprint(`{"n":`, n, `}`))))
		c.clock.Advance(10 * time.Second)
	}
	c.must(p.drain(t.Context()))
	if len(to.has) != 3 {
		t.Errorf("%d objects", len(to.has))
	}
}

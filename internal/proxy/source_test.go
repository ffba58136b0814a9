package proxy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fastness/internal/clock"
)

func TestPublishedWakesWhoWaits(t *testing.T) {
	var p Published
	got := make(chan uint64)
	go func() {
		_, n, _ := p.Watch(context.Background(), 0)
		got <- n
		_, n, _ = p.Watch(context.Background(), n)
		got <- n
	}()
	p.Publish(Config{}, 3)
	if n := <-got; n != 3 {
		t.Errorf("revision %d", n)
	}
	p.Publish(Config{}, 2) // late
	p.Publish(Config{}, 5)
	if n := <-got; n != 5 {
		t.Errorf("revision %d", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := p.Watch(ctx, 5); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proxy.json")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	m := clock.NewManual(time.Unix(1e9, 0))
	f := NewFile(path, m)
	if _, _, err := f.Watch(t.Context(), 0); err == nil {
		t.Error("a file that is not there")
	}
	write(`{"TargetGroups":[{"ARN":"one","Protocol":"HTTP"}]}`, 0o644)
	if _, _, err := f.Watch(t.Context(), 0); err == nil {
		t.Error("a file that everybody can read")
	}
	write(`{"TargetGroups":[{"ARN":"one","Protocol":"HTTP"}]}`, 0o600)
	c, n, err := f.Watch(t.Context(), 0)
	if err != nil || c.TargetGroups[0].ARN != "one" {
		t.Fatal(c, err)
	}
	type result struct {
		c   Config
		n   uint64
		err error
	}
	next := make(chan result)
	go func() {
		c, n, err := f.Watch(context.Background(), n)
		next <- result{c, n, err}
	}()
	if err := m.AwaitWaiters(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	write(`{"TargetGroups":[{"ARN":"two","Protocol":"HTTP"}]}`, 0o600)
	m.Advance(filePeriod)
	if r := <-next; r.err != nil || r.n == n || r.c.TargetGroups[0].ARN != "two" {
		t.Errorf("%+v", r)
	}
	for _, bad := range []string{`{"TargetGrups":[]}`, `{`, `{} {}`, ``} {
		write(bad, 0o600)
		if _, _, err := f.Watch(t.Context(), 1); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

package followtest

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
)

const service = "follow-test"

// marker is a key that no room uses.
var marker = table.Key(table.String(""), table.String(""), table.String(service), table.String("marker"))

// Run has memories follow s until the test ends. The function it returns waits until they
// have been told of every commit so far. An error or a reset fails the test.
func Run(t testing.TB, s store.Store, memories ...*follow.Memory) (catchUp func()) {
	t.Helper()
	f, err := follow.New(t.Context(), s, follow.Options{Clock: clock.System{}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	passed := make(chan store.Revision, 1024)
	f.Add(memories...)
	f.Add(follow.NewMemory(service, func(_ context.Context, c follow.Commit) error {
		passed <- c.Revision
		return nil
	}, func(context.Context) error {
		t.Error("followtest: reset")
		return nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("followtest: %v", err)
		}
		// The store is as if we had not been here.
		if _, err := s.Update(context.WithoutCancel(ctx), func(tx store.Txn) error { return tx.Delete(marker) }); err != nil {
			t.Errorf("followtest: %v", err)
		}
	})
	return func() {
		t.Helper()
		rev, err := s.Update(ctx, func(tx store.Txn) error { return tx.Put(marker, nil) })
		if err != nil {
			t.Fatalf("followtest: %v", err)
		}
		for at := store.Revision(0); at < rev; {
			select {
			case at = <-passed:
			case err := <-ended:
				ended <- err
				t.Fatalf("followtest: %v", err)
			}
		}
	}
}

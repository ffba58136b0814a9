package xksproxy

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/engine/xks"
	"fastness/internal/securemem"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/follow/followtest"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// noDoor stands for KMS where no key is used.
type noDoor struct{ wire.Invoker }

func (noDoor) AsService(ctx context.Context, _, _, _ string) context.Context { return ctx }

// processes are several proxies over one store, each knowing nothing of the others.
func processes(t *testing.T, n int) []*Service {
	t.Helper()
	s, err := pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	arena := securemem.NewArena(securemem.Options{})
	log := audit.Open(s, clock.System{})
	t.Cleanup(func() {
		log.Close()
		arena.Close()
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	var all []*Service
	for range n {
		p, err := Open(t.Context(), Config{
			Store: s, Registry: table.NewRegistry(), Door: noDoor{}, Audit: log, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Arena: arena,
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestConfigurationOfAnotherProcessIsFollowed(t *testing.T) {
	ctx := t.Context()
	all := processes(t, 2)
	writer, reader := all[0], all[1]
	catchUp := followtest.Run(t, reader.store, reader.Memory())
	sees := func(prefix string) (credentials []xks.Credential) {
		if tenant, ok := reader.tenant(prefix); ok {
			return tenant.Credentials
		}
		return nil
	}
	first, err := writer.Admin().CreatePrefix(ctx, PrefixSpec{Prefix: "/a", Account: "111122223333", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	catchUp()
	if got := sees("/a"); len(got) != 1 || got[0] != first {
		t.Errorf("credentials %v", got)
	}
	second, err := writer.Admin().RotateCredential(ctx, "/a")
	if err != nil {
		t.Fatal(err)
	}
	catchUp()
	if got := sees("/a"); len(got) != 2 || got[1] != second {
		t.Errorf("after a rotation: credentials %v", got)
	}
	if err := writer.Admin().DeletePrefix(ctx, "/a"); err != nil {
		t.Fatal(err)
	}
	catchUp()
	if got := sees("/a"); got != nil {
		t.Errorf("after the deletion: credentials %v", got)
	}
}

func TestAProcessDoesNotReadItsOwnChangeAgain(t *testing.T) {
	ctx := t.Context()
	s := processes(t, 1)[0]
	if _, err := s.Admin().CreatePrefix(ctx, PrefixSpec{Prefix: "/own", Account: "111122223333", Region: "us-east-1"}); err != nil {
		t.Fatal(err)
	}
	before := s.tenants.Load()
	if err := s.othersChanged(ctx, follow.Commit{Revision: s.read}); err != nil {
		t.Fatal(err)
	}
	if s.tenants.Load() != before {
		t.Error("it was read again")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	s := processes(t, 1)[0]
	go func() { ended <- s.Run(ctx) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

package pebble_test

import (
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/storetest"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func open(t testing.TB, dir string, o pebble.Options) *pebble.Store {
	t.Helper()
	s, err := pebble.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, "data", pebble.Options{FS: vfs.NewMem()})
	})
}

// With the smallest change log everything is trimmed all the time, which must be
// visible to nobody but watchers.
func TestConformanceWithShortLog(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, "data", pebble.Options{FS: vfs.NewMem(), RetainCommits: 1000, RetainBytes: 32 << 20, CacheBytes: 1 << 20})
	})
}

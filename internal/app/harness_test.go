package app

import (
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/keyslot"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
)

// testTime is where the clocks of these tests start.
var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// cellar is what stands below the rooms: a real store and key slots, on a clock that is
// moved by hand.
type cellar struct {
	*testing.T
	config   *Config
	clock    *clock.Manual
	inner    *pebble.Store
	arena    *securemem.Arena
	ring     *seal.Keyring
	sealed   *seal.Store
	registry *table.Registry
	own      *records
	queue    *due.Queue
	history  *audit.Log
	events   *eventlog.Log
}

func newCellar(t *testing.T) *cellar {
	t.Helper()
	c := &cellar{T: t, clock: clock.NewManual(testTime), arena: securemem.NewArena(securemem.Options{}), registry: table.NewRegistry()}
	c.config = &Config{DataDir: filepath.Join(t.TempDir(), "data"), Clock: c.clock}
	c.must(c.config.complete())
	t.Cleanup(c.arena.Close)
	var err error
	c.inner, err = pebble.Open(filepath.Join(c.config.DataDir, storeDir), pebble.Options{Clock: c.clock})
	c.must(err)
	t.Cleanup(func() { c.must(c.inner.Close()) })
	provider, err := newProvider(c.config, c.arena)
	c.must(err)
	c.ring, err = seal.Open(t.Context(), c.inner, provider, seal.Options{Clock: c.clock, Arena: c.arena, Initialize: true})
	c.must(err)
	c.sealed = c.ring.Store(c.inner)
	c.own, err = newRecords(c.registry)
	c.must(err)
	c.queue, err = due.NewQueue(c.registry)
	c.must(err)
	c.history = audit.Open(c.sealed, c.clock)
	c.events, err = eventlog.Open(c.sealed, c.registry, eventlog.Options{Clock: c.clock})
	c.must(err)
	t.Cleanup(c.history.Close)
	return c
}

func (c *cellar) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *cellar) openSlots() (*keyslot.File, error) {
	return openSlots(c.Context(), c.config, c.ring, c.sealed, c.arena, c.own)
}

func (c *cellar) slots() *keyslot.File {
	c.Helper()
	f, err := c.openSlots()
	c.must(err)
	c.Cleanup(func() { c.must(f.Close()) })
	return f
}

func (c *cellar) upkeep(slots *keyslot.File) *upkeep {
	return &upkeep{
		ring: c.ring, sealed: c.sealed, slots: slots, history: c.history, events: c.events, queue: c.queue, changing: new(sync.Mutex),
		every: DefaultKeyRotation, clock: c.clock, log: slog.New(slog.DiscardHandler),
	}
}

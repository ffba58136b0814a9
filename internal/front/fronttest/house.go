package fronttest

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/front"
	"fastness/internal/keyslot"
	"fastness/internal/page"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

// Who and where the tests of most rooms are.
const (
	Account      = "111122223333"
	OtherAccount = "444455556666"
	Region       = "us-east-1"
	FarRegion    = "us-west-2"
)

// House is what rooms are made of. All of it ends with the test.
type House struct {
	testing.TB
	// Clock begins at noon (UTC) of 2026-03-01.
	Clock *clock.Manual
	// FS is the disk. Inner is the store on it, and Store what rooms see: Inner, sealed.
	FS    vfs.FS
	Inner store.Store
	Store store.Store

	Arena    *securemem.Arena
	Registry *table.Registry
	Queue    *due.Queue
	Audit    *audit.Log
	Events   *eventlog.Log // nil unless WithEvents was given
	Log      *slog.Logger
	People   *People
	// Regions are served, the first one by default.
	Regions []string

	ring *seal.Keyring
	dir  string
}

// Option is a choice of New's caller.
type Option func(*options)

type options struct {
	events, trail bool
	regions       []string
	log           *slog.Logger
}

// WithEvents gives the house an event log. With trail, what CloudTrail delivers to
// EventBridge is in it.
func WithEvents(trail bool) Option { return func(o *options) { o.events, o.trail = true, trail } }

// WithRegions are the Regions that are served, in place of Region and FarRegion.
func WithRegions(regions ...string) Option { return func(o *options) { o.regions = regions } }

// WithLog takes what rooms and the door log, which is nothing that a test sees otherwise.
func WithLog(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// New makes a house without rooms.
func New(t testing.TB, choices ...Option) *House {
	t.Helper()
	o := options{regions: []string{Region, FarRegion}, log: slog.New(slog.DiscardHandler)}
	for _, choose := range choices {
		choose(&o)
	}
	h := &House{
		TB: t, Clock: clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), FS: vfs.NewMem(), Arena: securemem.NewArena(securemem.Options{}),
		Registry: table.NewRegistry(), Log: o.log, People: NewPeople(), Regions: o.regions, dir: t.TempDir(),
	}
	t.Cleanup(h.Arena.Close)
	inner, err := pebble.Open("store", pebble.Options{FS: h.FS, Clock: h.Clock})
	h.Must(err)
	t.Cleanup(func() {
		if err := inner.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	h.Inner = inner
	h.ring, err = seal.Open(t.Context(), inner, seal.NewFile(h.Arena, filepath.Join(h.dir, "root.key")), seal.Options{Clock: h.Clock, Arena: h.Arena, Initialize: true})
	h.Must(err)
	h.Store = h.ring.Store(inner)
	var followers []audit.Follower
	if o.events {
		h.Events, err = eventlog.Open(h.Store, h.Registry, eventlog.Options{Clock: h.Clock, Logger: o.log})
		h.Must(err)
		if o.trail {
			followers = append(followers, h.Events)
		}
	}
	h.Audit = audit.Open(h.Store, h.Clock, followers...)
	t.Cleanup(h.Audit.Close)
	h.Must(audit.Reserve(h.Registry))
	h.Queue, err = due.NewQueue(h.Registry)
	h.Must(err)
	return h
}

// Must fails the test on an error.
func (h *House) Must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// AEAD seals for one purpose (package seal).
func (h *House) AEAD(purpose string) *seal.AEAD {
	h.Helper()
	a, err := h.ring.AEAD(purpose)
	h.Must(err)
	return a
}

// Pages seals pagination markers.
func (h *House) Pages() *page.Sealer {
	h.Helper()
	return page.New(h.AEAD(seal.PurposePage))
}

// Slots opens the file of the keys that wrap key material. There is one for a house.
func (h *House) Slots() *keyslot.File {
	h.Helper()
	info, err := h.ring.Info()
	h.Must(err)
	slots, err := keyslot.Open(h.Context(), filepath.Join(h.dir, "slots"), keyslot.Options{
		Installation: info.Installation, AEAD: h.AEAD(seal.PurposeKeyslot), Arena: h.Arena, Create: true,
	})
	h.Must(err)
	h.Cleanup(func() { _ = slots.Close() })
	return slots
}

// Beside is the house as another process on the same store has it: its rooms define tables
// and jobs of their own.
func (h *House) Beside() *House {
	h.Helper()
	other := *h
	other.Registry = table.NewRegistry()
	var err error
	other.Queue, err = due.NewQueue(other.Registry)
	h.Must(err)
	return &other
}

// Door is a front door before rooms that speak JSON, or before whatever they and other codecs
// speak.
func (h *House) Door(rooms []*front.Room, codecs ...wire.Codec) *front.Door {
	h.Helper()
	door, err := front.New(front.Config{
		Rooms: rooms, Codecs: append([]wire.Codec{awsjson.New(wire.AWSJSON11)}, codecs...), Credentials: h.People, Principals: h.People,
		Store: h.Store, Audit: h.Audit, Clock: h.Clock, Log: h.Log, Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: h.Regions,
	})
	h.Must(err)
	return door
}

// Keys counts what a room has in the store in Account and Region under a kind of its keys.
func (h *House) Keys(room, kind string) (n int) {
	h.Helper()
	prefix := table.Key(table.String(Account), table.String(Region), table.String(room), table.String(kind))
	h.Must(h.Store.View(h.Context(), func(r store.Reader) error {
		for _, err := range r.Scan(store.Prefix(prefix)) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	}))
	return n
}

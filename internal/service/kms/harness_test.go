package kms

import (
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/front"
	"fastness/internal/front/fronttest"
	"fastness/internal/keyslot"
	"fastness/internal/seal"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

const (
	testAccount  = fronttest.Account
	otherAccount = fronttest.OtherAccount
	testRegion   = fronttest.Region
)

// harness is the room behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	house    *fronttest.House
	service  *Service
	door     *front.Door
	queue    *due.Queue
	slots    *keyslot.File
	store    store.Store
	registry *table.Registry
	audit    *audit.Log
	clock    *clock.Manual
	config   Config
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	house := fronttest.New(t, fronttest.WithRegions(testRegion, "us-west-2", "eu-west-1"))
	slots := house.Slots()
	config := Config{
		Store: house.Store, Registry: house.Registry, Jobs: house.Queue, Slots: slots, Arena: house.Arena, Tokens: house.AEAD(seal.PurposeToken), Pages: house.Pages(),
		Audit: house.Audit, Clock: house.Clock, Log: house.Log, Regions: house.Regions,
	}
	for _, o := range options {
		o(&config)
	}
	h := &harness{TB: t, house: house, slots: slots, config: config}
	h.serve()
	return h
}

// beside is a second room on the same store, as another process has one.
func (h *harness) beside() *harness {
	h.Helper()
	other := *h
	other.house = h.house.Beside()
	other.config.Jobs, other.config.Registry = other.house.Queue, other.house.Registry
	other.serve()
	return &other
}

// serve makes the room and its door.
func (h *harness) serve() {
	h.Helper()
	h.queue, h.store, h.registry, h.audit, h.clock = h.house.Queue, h.house.Store, h.house.Registry, h.house.Audit, h.house.Clock
	s, err := New(h.config)
	if err != nil {
		h.Fatal(err)
	}
	h.service = s
	h.door = h.house.Door([]*front.Room{{API: kmsapi.API, Service: s, Resolver: s, MaxBody: MaxBody}})
}

// runJobs does the jobs that are due, and the ones they lead to.
func (h *harness) runJobs() {
	h.Helper()
	h.house.RunJobs(h.service.JobHandlers())
}

// after lets time pass, a day at a time, and does what becomes due.
func (h *harness) after(days int) {
	h.Helper()
	for range days {
		h.clock.Advance(24 * time.Hour)
		h.runJobs()
	}
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	h.house.Allow(who, document)
}

func root(account string) *call.Principal { return fronttest.Root(account) }

func user(account, name string) *call.Principal { return fronttest.User(account, name) }

// as returns a client that calls as who, in a Region, through the door.
func (h *harness) as(who *call.Principal, region string) *client {
	return &client{fronttest.Caller{Door: h.door, Who: who, Region: region, Clock: h.clock}}
}

// client puts a caller into the context of each call.
type client struct{ fronttest.Caller }

func (c *client) kms() *kmsapi.Client { return kmsapi.NewClient(c) }

// codeOf is the error code of err, or "".
func codeOf(err error) string { return fronttest.Code(err) }

package cloudwatch

import (
	"testing"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/front"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/rpccbor"
)

const (
	testAccount = fronttest.Account
	testRegion  = fronttest.Region
)

// harness is the room behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	house    *fronttest.House
	service  *Service
	door     *front.Door
	store    store.Store
	registry *table.Registry
	audit    *audit.Log
	clock    *clock.Manual
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	house := fronttest.New(t, fronttest.WithRegions(testRegion))
	h := &harness{TB: t, house: house, store: house.Store, registry: house.Registry, audit: house.Audit, clock: house.Clock}
	var err error
	h.service, err = New(Config{Store: house.Store, Registry: house.Registry, Pages: house.Pages(), Jobs: house.Queue, Clock: house.Clock, Log: house.Log})
	house.Must(err)
	h.door = house.Door([]*front.Room{{API: cloudwatchapi.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody}}, awsjson.New(wire.AWSJSON10), awsquery.New(), rpccbor.New())
	return h
}

// runJobs does the jobs that are due by the clock until none is.
func (h *harness) runJobs() {
	h.Helper()
	h.house.RunJobs(h.service.JobHandlers())
}

func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	h.house.Allow(who, document)
}

func root(account string) *call.Principal { return fronttest.Root(account) }

func user(account, name string) *call.Principal { return fronttest.User(account, name) }

func (h *harness) as(who *call.Principal) *cloudwatchapi.Client {
	return cloudwatchapi.NewClient(&fronttest.Caller{Door: h.door, Who: who, Region: testRegion, Clock: h.clock})
}

func (h *harness) admin() *cloudwatchapi.Client { return h.as(root(testAccount)) }

// textOf is the code and the message of an API error.
func textOf(err error) string { return fronttest.Text(err) }

package logs

import (
	"testing"
	"time"

	"fastness/internal/api/logsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/front"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
	"fastness/internal/store/table"
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
	h.door = house.Door([]*front.Room{{API: logsapi.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody}})
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

func (h *harness) as(who *call.Principal) *logsapi.Client {
	return logsapi.NewClient(&fronttest.Caller{Door: h.door, Who: who, Region: testRegion, Clock: h.clock})
}

func (h *harness) admin() *logsapi.Client { return h.as(root(testAccount)) }

// made makes a group with streams.
func (h *harness) made(group string, streams ...string) {
	h.Helper()
	if _, err := h.admin().CreateLogGroup(h.Context(), &logsapi.CreateLogGroupRequest{LogGroupName: &group}); err != nil {
		h.Fatal(err)
	}
	for _, s := range streams {
		if _, err := h.admin().CreateLogStream(h.Context(), &logsapi.CreateLogStreamRequest{LogGroupName: &group, LogStreamName: &s}); err != nil {
			h.Fatal(err)
		}
	}
}

func (h *harness) put(group, stream string, events ...logsapi.InputLogEvent) *logsapi.PutLogEventsResponse {
	h.Helper()
	out, err := h.admin().PutLogEvents(h.Context(), &logsapi.PutLogEventsRequest{LogGroupName: &group, LogStreamName: &stream, LogEvents: events})
	if err != nil {
		h.Fatal(err)
	}
	return out
}

// at is an event some time before now.
func (h *harness) at(ago time.Duration, message string) logsapi.InputLogEvent {
	return logsapi.InputLogEvent{Timestamp: new(h.clock.Now().Add(-ago).UnixMilli()), Message: &message}
}

// textOf is the code and the message of an API error.
func textOf(err error) string { return fronttest.Text(err) }

package logs

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"fastness/internal/api/logsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/front"
	"fastness/internal/page"
	"fastness/internal/policy"
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

const (
	testAccount = "111122223333"
	testRegion  = "us-east-1"
)

// harness is the room behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	service  *Service
	door     *front.Door
	queue    *due.Queue
	store    store.Store
	registry *table.Registry
	audit    *audit.Log
	clock    *clock.Manual
	people   people
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	clk := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	arena := securemem.NewArena(securemem.Options{})
	t.Cleanup(arena.Close)
	inner, err := pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inner.Close() })
	ring, err := seal.Open(t.Context(), inner, seal.NewFile(arena, filepath.Join(t.TempDir(), "root.key")), seal.Options{Clock: clk, Arena: arena, Initialize: true})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := ring.AEAD(seal.PurposePage)
	if err != nil {
		t.Fatal(err)
	}
	sealed := ring.Store(inner)
	h := &harness{TB: t, store: sealed, clock: clk, registry: table.NewRegistry(), audit: audit.Open(sealed, clk), people: people{}}
	t.Cleanup(h.audit.Close)
	if err := audit.Reserve(h.registry); err != nil {
		t.Fatal(err)
	}
	if h.queue, err = due.NewQueue(h.registry); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	if h.service, err = New(Config{Store: sealed, Registry: h.registry, Pages: page.New(pages), Jobs: h.queue, Clock: clk, Log: quiet}); err != nil {
		t.Fatal(err)
	}
	h.door, err = front.New(front.Config{
		Rooms:  []*front.Room{{API: logsapi.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody}},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON11)}, Credentials: h.people, Principals: h.people,
		Store: sealed, Audit: h.audit, Clock: clk, Log: quiet, Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: []string{testRegion},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// runJobs does the jobs that are due by the clock until none is.
func (h *harness) runJobs() {
	h.Helper()
	for ran := true; ran; {
		ran = false
		for kind, handler := range h.service.JobHandlers() {
			var jobs []due.Job
			if err := h.store.View(h.Context(), func(r store.Reader) (err error) {
				jobs, err = h.queue.List(r, kind, "", 1000)
				return err
			}); err != nil {
				h.Fatal(err)
			}
			for _, j := range jobs {
				if j.At.After(h.clock.Now()) {
					continue
				}
				ran = true
				if _, err := h.store.Update(h.Context(), func(tx store.Txn) error {
					if _, err := h.queue.Cancel(tx, kind, j.ID); err != nil {
						return err
					}
					return handler.RunInTxn(h.Context(), tx, j)
				}); err != nil {
					h.Fatalf("job %s/%s: %v", kind, j.ID, err)
				}
			}
		}
	}
}

// keys counts what the room has in the store under a kind.
func (h *harness) keys(kind string) (n int) {
	h.Helper()
	prefix := table.Key(table.String(testAccount), table.String(testRegion), table.String(tableService), table.String(kind))
	if err := h.store.View(h.Context(), func(r store.Reader) error {
		for _, err := range r.Scan(store.Prefix(prefix)) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	}); err != nil {
		h.Fatal(err)
	}
	return n
}

// people stands for IAM: identity policies by principal ARN.
type people map[string][]*policy.Policy

func (people) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{}, call.ErrUnknownAccessKey
}

func (p people) Policies(_ context.Context, who *call.Principal) (*policy.Policies, error) {
	return &policy.Policies{Identity: p[who.PolicyARN()]}, nil
}

func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	p, err := policy.New(policy.IdentityInline, "test", []byte(document))
	if err != nil {
		h.Fatal(err)
	}
	h.people[who.PolicyARN()] = append(h.people[who.PolicyARN()], p)
}

func root(account string) *call.Principal {
	return &call.Principal{Kind: call.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
}

func user(account, name string) *call.Principal {
	return &call.Principal{Kind: call.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name, ID: "AIDA" + name, UserName: name}
}

// client puts a caller into the context of each call.
type client struct {
	door  *front.Door
	who   *call.Principal
	clock clock.Clock
}

func (c *client) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	account := c.who.Account
	if account == "" {
		account = testAccount
	}
	parent := &call.Call{
		Principal: c.who, Account: account, Region: testRegion, Time: c.clock.Now(),
		Source: &call.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "test"},
	}
	return c.door.Invoke(call.With(ctx, parent), op, in)
}

func (h *harness) as(who *call.Principal) *logsapi.Client {
	return logsapi.NewClient(&client{h.door, who, h.clock})
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
func textOf(err error) string {
	var api wire.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	case err != nil:
		return "not an API error: " + err.Error()
	}
	return ""
}

package secretsmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/front"
	"fastness/internal/keyslot"
	"fastness/internal/page"
	"fastness/internal/policy"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/service/kms"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	testAccount  = "111122223333"
	otherAccount = "444455556666"
	testRegion   = "us-east-1"
	farRegion    = "us-west-2"
)

// harness is the room and KMS behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	service  *Service
	kms      *kms.Service
	door     *front.Door
	queue    *due.Queue
	store    store.Store
	inner    store.Store
	registry *table.Registry
	audit    *audit.Log
	events   *eventlog.Log
	clock    *clock.Manual
	people   *people
	log      *bytes.Buffer
	config   Config
}

// through is the door for rooms that are made before it.
type through struct{ door *front.Door }

func (d *through) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return d.door.Invoke(ctx, op, in)
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	h := &harness{TB: t, clock: clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), log: new(bytes.Buffer), registry: table.NewRegistry()}
	arena := securemem.NewArena(securemem.Options{})
	t.Cleanup(arena.Close)
	inner, err := pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: h.clock})
	h.must(err)
	t.Cleanup(func() { h.must(inner.Close()) })
	h.inner = inner
	dir := t.TempDir()
	ring, err := seal.Open(t.Context(), inner, seal.NewFile(arena, filepath.Join(dir, "root.key")), seal.Options{Clock: h.clock, Arena: arena, Initialize: true})
	h.must(err)
	info, err := ring.Info()
	h.must(err)
	aead := func(purpose string) *seal.AEAD {
		a, err := ring.AEAD(purpose)
		h.must(err)
		return a
	}
	slots, err := keyslot.Open(t.Context(), filepath.Join(dir, "slots"), keyslot.Options{
		Installation: info.Installation, AEAD: aead(seal.PurposeKeyslot), Arena: arena, Create: true,
	})
	h.must(err)
	t.Cleanup(func() { _ = slots.Close() })
	h.store = ring.Store(inner)
	h.events, err = eventlog.Open(h.store, h.registry, eventlog.Options{Clock: h.clock})
	h.must(err)
	h.audit = audit.Open(h.store, h.clock, h.events)
	t.Cleanup(h.audit.Close)
	h.must(audit.Reserve(h.registry))
	h.queue, err = due.NewQueue(h.registry)
	h.must(err)
	logger := slog.New(slog.NewTextHandler(h.log, nil))
	regions := []string{testRegion, farRegion, "eu-west-1"}
	h.kms, err = kms.New(kms.Config{
		Store: h.store, Registry: h.registry, Jobs: h.queue, Slots: slots, Arena: arena, Tokens: aead(seal.PurposeToken), Pages: page.New(aead(seal.PurposePage)),
		Audit: h.audit, Clock: h.clock, Log: logger, Regions: regions,
	})
	h.must(err)
	config := Config{
		Store: h.store, Registry: h.registry, Jobs: h.queue,
		Pages: page.New(aead(seal.PurposePage)), Audit: h.audit, Clock: h.clock, Log: logger, Regions: regions,
	}
	for _, o := range options {
		o(&config)
	}
	h.config = config
	h.people = &people{identity: map[string][]*policy.Policy{}}
	h.serve()
	return h
}

// beside is a second room on the same store, as another process has one, with the same
// KMS.
func (h *harness) beside() *harness {
	h.Helper()
	other := *h
	other.registry = table.NewRegistry()
	queue, err := due.NewQueue(other.registry)
	h.must(err)
	other.queue, other.config.Jobs, other.config.Registry = queue, queue, other.registry
	other.serve()
	return &other
}

// serve makes the room and its door.
func (h *harness) serve() {
	h.Helper()
	door := new(through)
	if h.config.KMS == nil {
		h.config.KMS = kmsapi.NewClient(door)
	}
	h.config.Self = secretsmanagerapi.NewClient(door)
	var err error
	h.service, err = New(h.config)
	h.must(err)
	h.door, err = front.New(front.Config{
		Rooms: []*front.Room{
			{API: kmsapi.API, Service: h.kms, Resolver: h.kms, MaxBody: kms.MaxBody},
			{API: secretsmanagerapi.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody},
		},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON11)}, Credentials: h.people, Principals: h.people,
		Store: h.store, Audit: h.audit, Clock: h.clock, Log: h.config.Log,
		Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: h.config.Regions,
	})
	h.must(err)
	door.door = h.door
}

func (h *harness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// runJobs does the jobs of both rooms that are due by the clock, and the ones they lead
// to, until none is due.
func (h *harness) runJobs() {
	h.Helper()
	ctx := h.Context()
	all := h.service.JobHandlers()
	for kind, handler := range h.kms.JobHandlers() {
		all[kind] = handler
	}
	for ran := true; ran; {
		ran = false
		for kind, handler := range all {
			var jobs []due.Job
			h.must(h.store.View(ctx, func(r store.Reader) (err error) {
				jobs, err = h.queue.List(r, kind, "", 1000)
				return err
			}))
			for _, j := range jobs {
				if j.At.After(h.clock.Now()) {
					continue
				}
				ran = true
				if handler.Run != nil {
					h.must(handler.Run(ctx, j))
				}
				_, err := h.store.Update(ctx, func(tx store.Txn) error {
					if _, err := h.queue.Cancel(tx, kind, j.ID); err != nil || handler.Run != nil {
						return err
					}
					return handler.RunInTxn(ctx, tx, j)
				})
				h.must(err)
			}
		}
	}
}

// people stands for IAM: identity policies by principal ARN.
type people struct {
	mu       sync.Mutex
	identity map[string][]*policy.Policy
}

func (p *people) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{}, call.ErrUnknownAccessKey
}

func (p *people) Policies(_ context.Context, who *call.Principal) (*policy.Policies, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &policy.Policies{Identity: p.identity[who.PolicyARN()]}, nil
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	p, err := policy.New(policy.IdentityInline, "test", []byte(document))
	h.must(err)
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	h.people.identity[who.PolicyARN()] = append(h.people.identity[who.PolicyARN()], p)
}

func root(account string) *call.Principal {
	return &call.Principal{Kind: call.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
}

func user(account, name string) *call.Principal {
	return &call.Principal{Kind: call.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name, ID: "AIDA" + name, UserName: name}
}

// client puts a caller into the context of each call.
type client struct {
	h      *harness
	who    *call.Principal
	region string
}

func (c *client) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	parent := &call.Call{
		Principal: c.who, Account: c.who.Account, Region: c.region, Time: c.h.clock.Now(),
		Source: &call.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "test"},
	}
	return c.h.door.Invoke(call.With(ctx, parent), op, in)
}

// as is a client of Secrets Manager that calls as who, in a Region, through the door.
func (h *harness) as(who *call.Principal, region string) *secretsmanagerapi.Client {
	return secretsmanagerapi.NewClient(&client{h, who, region})
}

func (h *harness) admin() *secretsmanagerapi.Client { return h.as(root(testAccount), testRegion) }

func (h *harness) kmsAs(who *call.Principal, region string) *kmsapi.Client {
	return kmsapi.NewClient(&client{h, who, region})
}

// token is a ClientRequestToken with a number.
func token(n int) *string { return new(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

// create makes a secret with a string value, as the version token(1).
func (h *harness) create(name, value string) *secretsmanagerapi.CreateSecretResponse {
	h.Helper()
	out, err := h.admin().CreateSecret(h.Context(), &secretsmanagerapi.CreateSecretRequest{Name: &name, SecretString: &value, ClientRequestToken: token(1)})
	h.must(err)
	return out
}

// put adds a version.
func (h *harness) put(id, value string, n int, stages ...string) *secretsmanagerapi.PutSecretValueResponse {
	h.Helper()
	out, err := h.admin().PutSecretValue(h.Context(), &secretsmanagerapi.PutSecretValueRequest{
		SecretId: &id, SecretString: &value, ClientRequestToken: token(n), VersionStages: stages,
	})
	h.must(err)
	return out
}

// value reads the value with a label, as somebody.
func (h *harness) value(c *secretsmanagerapi.Client, id, stage string) (string, error) {
	in := &secretsmanagerapi.GetSecretValueRequest{SecretId: &id}
	if stage != "" {
		in.VersionStage = &stage
	}
	out, err := c.GetSecretValue(h.Context(), in)
	if err != nil {
		return "", err
	}
	return wire.Value(out.SecretString), nil
}

// want fails unless err has a code and, if it is given, a message.
func (h *harness) want(err error, code, message string) {
	h.Helper()
	api, ok := err.(wire.APIError)
	switch {
	case !ok:
		h.Errorf("error %v, want %s", err, code)
	case api.ErrorCode() != code || message != "" && api.ErrorMessage() != message:
		h.Errorf("got  %s: %q\nwant %s: %q", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

// eventNames are the service events of an account and Region, in order.
func (h *harness) eventNames(region string) []string {
	h.Helper()
	_, err := h.events.Sequence(h.Context())
	h.must(err)
	entries, err := h.events.Read(h.Context(), eventlog.Place{Account: testAccount, Region: region}, 0, 1000)
	h.must(err)
	var names []string
	for _, e := range entries {
		if e.Event.DetailType != eventlog.APICall && e.Event.Source == "aws.secretsmanager" {
			names = append(names, nameOf(h, e))
		}
	}
	return names
}

func nameOf(h *harness, e eventlog.Entry) string {
	h.Helper()
	var detail struct {
		EventName string `json:"eventName"`
		EventType string `json:"eventType"`
	}
	h.must(json.Unmarshal(e.Event.Detail, &detail))
	if e.Event.DetailType != "AWS Service Event via CloudTrail" || detail.EventType != "AwsServiceEvent" {
		h.Errorf("event %s: %s", e.Event.DetailType, e.Event.Detail)
	}
	return detail.EventName
}

// bg is the context of calls that a table of tests makes: the caller is put into it.
var bg = context.Background()

// revision is that of the store: how many commits there have been.
func (h *harness) revision() (rev store.Revision) {
	h.Helper()
	h.must(h.store.View(h.Context(), func(r store.Reader) error {
		rev = r.Revision()
		return nil
	}))
	return rev
}

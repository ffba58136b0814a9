package secretsmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/front"
	"fastness/internal/front/fronttest"
	"fastness/internal/seal"
	"fastness/internal/service/kms"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

const (
	testAccount  = fronttest.Account
	otherAccount = fronttest.OtherAccount
	testRegion   = fronttest.Region
	farRegion    = fronttest.FarRegion
)

// harness is the room and KMS behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	house    *fronttest.House
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
	log      *bytes.Buffer
	config   Config
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	logged := new(bytes.Buffer)
	house := fronttest.New(t, fronttest.WithEvents(true), fronttest.WithRegions(testRegion, farRegion, "eu-west-1"), fronttest.WithLog(slog.New(slog.NewTextHandler(logged, nil))))
	h := &harness{TB: t, house: house, inner: house.Inner, events: house.Events, log: logged}
	var err error
	h.kms, err = kms.New(kms.Config{
		Store: house.Store, Registry: house.Registry, Jobs: house.Queue, Slots: house.Slots(), Arena: house.Arena, Tokens: house.AEAD(seal.PurposeToken), Pages: house.Pages(),
		Audit: house.Audit, Clock: house.Clock, Log: house.Log, Regions: house.Regions,
	})
	h.must(err)
	h.config = Config{
		Store: house.Store, Registry: house.Registry, Jobs: house.Queue,
		Pages: house.Pages(), Audit: house.Audit, Clock: house.Clock, Log: house.Log, Regions: house.Regions,
	}
	for _, o := range options {
		o(&h.config)
	}
	h.serve()
	return h
}

// beside is a second room on the same store, as another process has one, with the same
// KMS.
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
	door := new(fronttest.Later)
	if h.config.KMS == nil {
		h.config.KMS = kmsapi.NewClient(door)
	}
	h.config.Self = secretsmanagerapi.NewClient(door)
	var err error
	h.service, err = New(h.config)
	h.must(err)
	h.door = h.house.Door([]*front.Room{
		{API: kmsapi.API, Service: h.kms, Resolver: h.kms, MaxBody: kms.MaxBody},
		{API: secretsmanagerapi.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody},
	})
	door.Door = h.door
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
	all := h.service.JobHandlers()
	for kind, handler := range h.kms.JobHandlers() {
		all[kind] = handler
	}
	h.house.RunJobs(all)
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	h.house.Allow(who, document)
}

func root(account string) *call.Principal { return fronttest.Root(account) }

func user(account, name string) *call.Principal { return fronttest.User(account, name) }

// caller calls as who, in a Region, through the door.
func (h *harness) caller(who *call.Principal, region string) *fronttest.Caller {
	return &fronttest.Caller{Door: h.door, Who: who, Region: region, Clock: h.clock}
}

// as is a client of Secrets Manager that calls as who, in a Region, through the door.
func (h *harness) as(who *call.Principal, region string) *secretsmanagerapi.Client {
	return secretsmanagerapi.NewClient(h.caller(who, region))
}

func (h *harness) admin() *secretsmanagerapi.Client { return h.as(root(testAccount), testRegion) }

func (h *harness) kmsAs(who *call.Principal, region string) *kmsapi.Client {
	return kmsapi.NewClient(h.caller(who, region))
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

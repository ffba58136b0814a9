package ssm

import (
	"context"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
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

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	testAccount  = fronttest.Account
	otherAccount = fronttest.OtherAccount
	testRegion   = fronttest.Region
)

// harness is the room and KMS behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	house    *fronttest.House
	service  *Service
	door     *front.Door
	queue    *due.Queue
	store    store.Store
	fs       vfs.FS
	registry *table.Registry
	audit    *audit.Log
	events   *eventlog.Log
	clock    *clock.Manual
	seen     eventlog.Cursor
	keys     *kms.Service
	config   Config
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	house := fronttest.New(t, fronttest.WithEvents(false))
	keys, err := kms.New(kms.Config{
		Store: house.Store, Registry: house.Registry, Jobs: house.Queue, Slots: house.Slots(), Arena: house.Arena, Tokens: house.AEAD(seal.PurposeToken), Pages: house.Pages(),
		Audit: house.Audit, Clock: house.Clock, Log: house.Log, Regions: house.Regions,
	})
	house.Must(err)
	config := Config{
		Store: house.Store, Registry: house.Registry, Pages: house.Pages(), Jobs: house.Queue, Events: house.Events, Audit: house.Audit, Clock: house.Clock, Log: house.Log,
	}
	for _, o := range options {
		o(&config)
	}
	h := &harness{TB: t, house: house, keys: keys, config: config, fs: house.FS, events: house.Events}
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
	inside := new(fronttest.Later)
	h.config.Door = inside
	var err error
	h.service, err = New(h.config)
	h.house.Must(err)
	h.door = h.house.Door([]*front.Room{
		{API: kmsapi.API, Service: h.keys, Resolver: h.keys, MaxBody: kms.MaxBody},
		{API: ssmapi.API, Service: h.service, Resolver: h.service},
		{API: secretsmanagerapi.API, Service: secrets{}, Resolver: open{}},
	})
	inside.Door = h.door
}

// runJobs does the jobs of the room that are due, and the ones they lead to.
func (h *harness) runJobs() {
	h.Helper()
	h.house.RunJobs(h.service.JobHandlers())
}

func (h *harness) jobs(kind string) []due.Job { return h.house.Jobs(kind) }

// reported are the events since the last call, as kind and detail.
func (h *harness) reported() (all []event) {
	h.Helper()
	rows := h.take()
	for i := range rows {
		e := event{kind: rows[i].DetailType, resources: rows[i].Resources, at: rows[i].Time}
		if err := json.Unmarshal(rows[i].Detail, &e.detail); err != nil {
			h.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

type event struct {
	kind      string
	resources []string
	at        time.Time
	detail    map[string]string
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	h.house.Allow(who, document)
}

func root(account string) *call.Principal { return fronttest.Root(account) }

func user(account, name string) *call.Principal { return fronttest.User(account, name) }

// caller calls as who through the door.
func (h *harness) caller(who *call.Principal) *fronttest.Caller {
	return &fronttest.Caller{Door: h.door, Who: who, Region: testRegion, Clock: h.clock}
}

// as returns clients that call as who through the door.
func (h *harness) as(who *call.Principal) *ssmapi.Client {
	return ssmapi.NewClient(h.caller(who))
}

func (h *harness) kmsAs(who *call.Principal) *kmsapi.Client {
	return kmsapi.NewClient(h.caller(who))
}

// admin is the root user of the test account.
func (h *harness) admin() *ssmapi.Client { return h.as(root(testAccount)) }

// put stores a String, with changes to the request.
func (h *harness) put(name, text string, changes ...func(*ssmapi.PutParameterRequest)) *ssmapi.PutParameterResult {
	h.Helper()
	out, err := h.tryPut(name, text, changes...)
	if err != nil {
		h.Fatalf("put %s: %v", name, err)
	}
	return out
}

func (h *harness) tryPut(name, text string, changes ...func(*ssmapi.PutParameterRequest)) (*ssmapi.PutParameterResult, error) {
	in := &ssmapi.PutParameterRequest{Name: &name, Value: &text, Type: new(ssmapi.ParameterTypeString)}
	for _, change := range changes {
		change(in)
	}
	return h.admin().PutParameter(h.Context(), in)
}

func overwrite(in *ssmapi.PutParameterRequest) { in.Overwrite = new(true) }
func advanced(in *ssmapi.PutParameterRequest)  { in.Tier = new(ssmapi.ParameterTierAdvanced) }
func secure(in *ssmapi.PutParameterRequest)    { in.Type = new(ssmapi.ParameterTypeSecureString) }

func policies(text string) func(*ssmapi.PutParameterRequest) {
	return func(in *ssmapi.PutParameterRequest) { in.Policies = &text }
}

func under(key string) func(*ssmapi.PutParameterRequest) {
	return func(in *ssmapi.PutParameterRequest) { in.KeyId = &key }
}

// get reads a parameter with decryption.
func (h *harness) get(name string) *ssmapi.Parameter {
	h.Helper()
	out, err := h.admin().GetParameter(h.Context(), &ssmapi.GetParameterRequest{Name: &name, WithDecryption: new(true)})
	if err != nil {
		h.Fatalf("get %s: %v", name, err)
	}
	return out.Parameter
}

// getError is the error of reading a parameter, as code and message.
func (h *harness) getError(name string) string {
	h.Helper()
	_, err := h.admin().GetParameter(h.Context(), &ssmapi.GetParameterRequest{Name: &name, WithDecryption: new(true)})
	return textOf(err)
}

// textOf is the code and the message of an API error, without the ids of requests.
func textOf(err error) string {
	return requestIDs.ReplaceAllString(fronttest.Text(err), "Request ID: ID")
}

var requestIDs = regexp.MustCompile("Request ID: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

// fromKMS ends the words of KMS in the errors of Parameter Store.
func fromKMS(code string) string {
	return " (Service: AWSKMS; Status Code: 400; Error Code: " + code + "; Request ID: ID; Proxy: null)"
}

func codeOf(err error) string { return fronttest.Code(err) }

// take numbers the events and returns those that are new.
func (h *harness) take() (all []eventlog.Event) {
	h.Helper()
	for {
		n, err := h.events.Sequence(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	for {
		entries, err := h.events.Read(h.Context(), eventlog.Place{Account: testAccount, Region: testRegion}, h.seen, eventlog.MaxRead)
		if err != nil {
			h.Fatal(err)
		}
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			h.seen = e.Sequence
			all = append(all, e.Event)
		}
	}
}

// open lets everybody in: the room behind it is none that is tested here.
type open struct{}

func (open) Resolve(context.Context, *call.Call) ([]call.Access, error) { return nil, nil }

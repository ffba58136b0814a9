package front

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/policy"
	"fastness/internal/sigv4"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/restjson"
	"fastness/internal/wire/rpccbor"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	testAccount = "111122223333"
	testRegion  = "eu-central-1"
	testKeyID   = "AKIAIOSFODNN7EXAMPLE"
)

var testSecret = []byte("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

// testTime is where the clocks of these tests start.
var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type noteInput struct {
	Name *string
	Data []byte
}

type noteOutput struct {
	Name *string
	Data []byte
}

// noteAPI makes an API with three operations: GetNote reads, PutNote writes, Ping
// needs no signature.
func noteAPI(name, signing, endpoint, targetPrefix string, protocols ...wire.Protocol) *wire.API {
	const (
		text wire.ShapeRef = iota
		blob
		input
		output
	)
	path := func(op string) string {
		if protocols[0] == wire.RESTJSON1 {
			return "/notes/" + op
		}
		return "/"
	}
	return wire.Link(&wire.API{
		Name: name, ServiceID: name, Version: "2020-01-01", SigningName: signing, EndpointPrefix: endpoint,
		TargetPrefix: targetPrefix, EventSource: name + ".amazonaws.com", IAMPrefix: name, Protocols: protocols,
		XMLNamespace: "https://" + name + ".example/",
		Operations: []wire.Operation{
			{Name: "GetNote", Method: "POST", Path: path("GetNote"), ReadOnly: true, InputRef: input, OutputRef: output, ResultWrapper: "GetNoteResult",
				NewInput: func() any { return new(noteInput) }, Invoke: invokeNote("GetNote"), Validate: validateNote},
			{Name: "PutNote", Method: "POST", Path: path("PutNote"), InputRef: input, OutputRef: output, ResultWrapper: "PutNoteResult",
				NewInput: func() any { return new(noteInput) }, Invoke: invokeNote("PutNote"), Validate: validateNote},
			{Name: "Ping", Method: "POST", Path: path("Ping"), ReadOnly: true, Unsigned: true, InputRef: wire.NoShape, OutputRef: output, ResultWrapper: "PingResult",
				Invoke: invokeNote("Ping")},
		},
		Shapes: []wire.Shape{
			text: {Name: "Text", Kind: wire.String}, blob: {Name: "Blob", Kind: wire.Blob},
			input: {Name: "NoteRequest", Kind: wire.Structure, Payload: -1, Size: unsafe.Sizeof(noteInput{}), New: wire.Allocate[noteInput], Members: []wire.Member{
				{Name: "Name", WireName: "Name", Ref: text, Offset: unsafe.Offsetof(noteInput{}.Name)},
				{Name: "Data", WireName: "Data", Ref: blob, Offset: unsafe.Offsetof(noteInput{}.Data)},
			}},
			output: {Name: "NoteResponse", Kind: wire.Structure, Payload: -1, Size: unsafe.Sizeof(noteOutput{}), New: wire.Allocate[noteOutput], Members: []wire.Member{
				{Name: "Name", WireName: "Name", Ref: text, Offset: unsafe.Offsetof(noteOutput{}.Name)},
				{Name: "Data", WireName: "Data", Ref: blob, Offset: unsafe.Offsetof(noteOutput{}.Data)},
			}},
		},
	})
}

func invokeNote(op string) func(context.Context, any, any) (any, error) {
	return func(ctx context.Context, svc, in any) (any, error) {
		n, _ := in.(*noteInput)
		return svc.(*notes).do(ctx, op, n)
	}
}

func validateNote(in any) error {
	if n := in.(*noteInput); n.Name != nil && len(*n.Name) > 100 {
		return &wire.CommonError{Kind: wire.Validation, Message: "1 validation error detected"}
	}
	return nil
}

// notes is a service; what an operation does, each test says.
type notes struct {
	api *wire.API
	do  func(ctx context.Context, op string, in *noteInput) (any, error)

	mu   sync.Mutex
	seen []*call.Call
}

func (n *notes) Resolve(_ context.Context, c *call.Call) ([]call.Access, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, c)
	if c.Operation.Unsigned {
		return nil, nil // for everybody
	}
	return []call.Access{{Action: n.api.IAMPrefix + ":" + c.Operation.Name, Resource: "*"}}, nil
}

func (n *notes) calls() []*call.Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen
}

// faultyStore fails its commits, or only those that hold an audit batch, on demand.
type faultyStore struct {
	store.Store
	mu   sync.Mutex
	fail error
	// refused, if set, gets a message for each audit batch that was not written.
	refused chan struct{}
}

func (s *faultyStore) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *faultyStore) Update(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	s.mu.Lock()
	err := s.fail
	s.mu.Unlock()
	if err == nil {
		return s.Store.Update(ctx, f)
	}
	return s.Store.Update(ctx, func(tx store.Txn) error { return f(&faultyTxn{tx, err, s.refused}) })
}

// faultyTxn refuses to write audit batches.
type faultyTxn struct {
	store.Txn
	err     error
	refused chan struct{}
}

func (t *faultyTxn) Put(key, value []byte) error {
	if bytes.HasPrefix(key, table.Key(table.String(""), table.String(""), table.String("audit"))) {
		if t.refused != nil {
			t.refused <- struct{}{}
		}
		return t.err
	}
	return t.Txn.Put(key, value)
}

// harness is a door with services made of notes.
type harness struct {
	testing.TB
	door    *Door
	alpha   *notes // AWS JSON and CBOR
	beta    *notes // query
	first   *notes // query, signed as another one is
	store   *faultyStore
	audit   *audit.Log
	clock   *clock.Manual
	metrics *prometheus.Registry
	log     *bytes.Buffer
	denied  map[string]bool  // actions that the user may not
	allow   *policy.Policies // while nothing is denied
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	h := &harness{TB: t, clock: clock.NewManual(testTime), log: new(bytes.Buffer), denied: map[string]bool{}}
	inner, err := pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := inner.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	h.store = &faultyStore{Store: inner}
	h.audit = audit.Open(h.store, h.clock)
	t.Cleanup(h.audit.Close)
	h.metrics = prometheus.NewRegistry()
	if h.allow, err = h.Policies(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	echo := func(_ context.Context, op string, in *noteInput) (any, error) {
		if in == nil {
			return &noteOutput{Name: &op}, nil
		}
		return &noteOutput{Name: in.Name, Data: in.Data}, nil
	}
	h.alpha = &notes{api: noteAPI("alpha", "alpha", "alpha", "Alpha_2020.Notes", wire.AWSJSON11, wire.AWSJSON10, wire.RPCv2CBOR), do: echo}
	h.beta = &notes{api: noteAPI("beta", "beta", "beta", "", wire.AWSQuery), do: echo}
	h.first = &notes{api: noteAPI("first", "shared", "first", "", wire.AWSQuery), do: echo}
	shared2 := &notes{api: noteAPI("second", "shared", "second", "", wire.AWSQuery), do: echo}
	rest := &notes{api: noteAPI("rest", "rest", "rest", "", wire.RESTJSON1), do: echo}
	room := func(n *notes) *Room { return &Room{API: n.api, Service: n, Resolver: n, MaxBody: 64 << 10} }
	h.door, err = New(Config{
		Rooms: []*Room{room(h.alpha), room(h.beta), room(h.first), room(shared2), room(rest)},
		Codecs: []wire.Codec{
			awsjson.New(wire.AWSJSON11), awsjson.New(wire.AWSJSON10), awsquery.New(), restjson.New(), rpccbor.New(),
		},
		Credentials: h, Principals: h, Store: h.store, Audit: h.audit, Clock: h.clock,
		Log: slog.New(slog.NewTextHandler(h.log, nil)), Metrics: NewMetrics(h.metrics), Regions: []string{testRegion, "us-east-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var testPrincipal = &call.Principal{
	Kind: call.User, Account: testAccount, ARN: "arn:aws:iam::" + testAccount + ":user/alice", ID: "AIDAEXAMPLE", UserName: "alice", AccessKeyID: testKeyID,
}

// Credential implements Credentials.
func (h *harness) Credential(_ context.Context, id, token string) (call.Credential, error) {
	switch {
	case token == "expired":
		return call.Credential{}, call.ErrExpiredToken
	case token != "":
		return call.Credential{}, call.ErrInvalidToken
	case id == testKeyID:
		return call.Credential{Principal: testPrincipal, Secret: bytes.Clone(testSecret)}, nil
	}
	return call.Credential{}, call.ErrUnknownAccessKey
}

// Policies implements Principals: everything is allowed but what is denied.
func (h *harness) Policies(context.Context, *call.Principal) (*policy.Policies, error) {
	if len(h.denied) == 0 && h.allow != nil {
		return h.allow, nil
	}
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}`
	for action := range h.denied {
		doc += `,{"Effect":"Deny","Action":"` + action + `","Resource":"*"}`
	}
	p, err := policy.New(policy.IdentityInline, "test", []byte(doc+"]}"))
	return &policy.Policies{Identity: []*policy.Policy{p}}, err
}

// request describes an HTTP request; it is signed for service unless that is empty.
type request struct {
	method, target, host, service, region string
	header                                map[string]string
	body                                  string
	keyID                                 string
	secret                                []byte
	token                                 string
	change                                func(*http.Request) // after signing
}

func (h *harness) build(q request) *http.Request {
	h.Helper()
	if q.method == "" {
		q.method = http.MethodPost
	}
	if q.target == "" {
		q.target = "/"
	}
	r := httptest.NewRequestWithContext(h.Context(), q.method, q.target, strings.NewReader(q.body))
	r.Host = "localhost:4566"
	if q.host != "" {
		r.Host = q.host
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	if q.service != "" {
		cred := sigv4.Credentials{AccessKeyID: testKeyID, Secret: testSecret, SecurityToken: q.token}
		if q.keyID != "" {
			cred.AccessKeyID = q.keyID
		}
		if q.secret != nil {
			cred.Secret = q.secret
		}
		region := testRegion
		if q.region != "" {
			region = q.region
		}
		if err := sigv4.Sign(r, []byte(q.body), cred, sigv4.Scope{Region: region, Service: q.service}, h.clock.Now()); err != nil {
			h.Fatal(err)
		}
	}
	if q.change != nil {
		q.change(r)
	}
	return r
}

// answered is an HTTP answer.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (h *harness) send(q request) answered {
	h.Helper()
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, h.build(q))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		h.Fatal(err)
	}
	return answered{w.Code, w.Result().Header, body}
}

// json sends an operation of alpha as AWS JSON.
func (h *harness) json(op, body string, change ...func(*request)) answered {
	h.Helper()
	q := request{service: "alpha", body: body, header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Alpha_2020.Notes." + op,
	}}
	for _, f := range change {
		f(&q)
	}
	return h.send(q)
}

// code is the error code of a JSON answer, "" of a success.
func (a answered) code() string {
	var m struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(a.body, &m); err != nil && len(a.body) > 0 {
		return "not JSON: " + string(a.body)
	}
	return m.Type
}

// history is the audit log, newest first.
func (h *harness) history() []audit.Event {
	h.Helper()
	p, err := h.audit.Lookup(context.Background(), audit.Query{Account: testAccount, Region: testRegion, Limit: 1000})
	if err != nil {
		h.Fatal(err)
	}
	return p.Events
}

// counted is the value of a counter, over all its labels.
func (h *harness) counted(name string) float64 {
	h.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		h.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func (h *harness) panics() float64 { return h.counted("fastness_panics_total") }

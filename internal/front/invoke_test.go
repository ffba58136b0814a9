package front

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/wire"
)

type panicky struct{}

func (panicky) Admit(*call.Call) error { panic("quota") }

type panickyResolver struct{ value string }

func (p panickyResolver) Resolve(context.Context, *call.Call) ([]call.Access, error) {
	panic("value " + p.value)
}

type never struct{}

func (never) Admit(*call.Call) error {
	return &wire.CommonError{Kind: wire.Throttling, Message: "Rate exceeded"}
}

func (h *harness) has(key string) bool {
	h.Helper()
	err := h.store.View(context.Background(), func(r store.Reader) error {
		_, err := r.Get([]byte(key))
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.Fatal(err)
	}
	return err == nil
}

// holds tells whether the store has value under key.
func (h *harness) holds(key, value string) (same bool) {
	h.Helper()
	err := h.store.View(context.Background(), func(r store.Reader) error {
		it, err := r.Get([]byte(key))
		same = string(it.Value) == value
		return err
	})
	if err != nil {
		h.Error(err)
	}
	return same
}

func TestMutationAndRecordCommitTogether(t *testing.T) {
	h := newHarness(t)
	h.alpha.do = func(c ctx, op string, in *noteInput) (any, error) {
		return &noteOutput{}, call.From(c).Txn().Put([]byte("note"), []byte("x"))
	}
	disk := errors.New("no space for audit")
	h.store.setFail(disk)
	a := h.json("PutNote", "{}")
	if a.status != http.StatusServiceUnavailable || a.code() != "ServiceUnavailableException" {
		t.Errorf("unaudited mutation: %d %s", a.status, a.body)
	}
	if strings.Contains(string(a.body), disk.Error()) {
		t.Error("the cause is shown")
	}
	if h.has("note") {
		t.Error("an unaudited mutation was committed")
	}
	if n := h.counted("fastness_audit_failures_total"); n != 1 {
		t.Errorf("%v audit failures counted", n)
	}
	h.store.setFail(nil)
	if a := h.json("PutNote", "{}"); a.status != http.StatusOK || !h.has("note") || len(h.history()) != 1 {
		t.Errorf("audited mutation: %d %s", a.status, a.body)
	}
}

func TestUnauditedReadsAreNotAnswered(t *testing.T) {
	h := newHarness(t)
	h.store.setFail(errors.New("no space for audit"))
	a := h.json("GetNote", `{"Name":"x","Data":"c2VjcmV0"}`)
	if a.status != http.StatusServiceUnavailable || strings.Contains(string(a.body), "c2VjcmV0") {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.denied["alpha:GetNote"] = true
	if a := h.json("GetNote", "{}"); a.status != http.StatusServiceUnavailable {
		t.Errorf("an unrecorded refusal: %d %s", a.status, a.body)
	}
}

func TestFailedMutationLeavesItsRecordOnly(t *testing.T) {
	h := newHarness(t)
	h.alpha.do = func(c ctx, op string, in *noteInput) (any, error) {
		if err := call.From(c).Txn().Put([]byte("note"), []byte("x")); err != nil {
			return nil, err
		}
		return nil, &wire.CommonError{Kind: wire.Validation, Message: "no"}
	}
	if a := h.json("PutNote", "{}"); a.code() != "ValidationException" {
		t.Errorf("%s", a.body)
	}
	if h.has("note") {
		t.Error("a refused mutation was committed")
	}
	if e := h.history(); len(e) != 1 || !bytes.Contains(e[0].JSON, []byte(`"errorCode":"ValidationException"`)) {
		t.Errorf("%d events", len(e))
	}
}

func TestEveryRefusalBehindTheSignatureIsRecorded(t *testing.T) {
	for _, c := range []struct {
		name, body, code string
		prepare          func(*harness)
	}{
		{"no JSON", "{", "SerializationException", nil},
		{"constraint", `{"Name":"` + strings.Repeat("x", 101) + `"}`, "ValidationException", nil},
		{"quota", "{}", "ThrottlingException", func(h *harness) { h.door.rooms[h.alpha.api].Quota = never{} }},
		{"policy", "{}", "AccessDenied", func(h *harness) { h.denied["alpha:PutNote"] = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t)
			ran := false
			h.alpha.do = func(ctx, string, *noteInput) (any, error) { ran = true; return &noteOutput{}, nil }
			if c.prepare != nil {
				c.prepare(h)
			}
			a := h.json("PutNote", c.body)
			if a.status != http.StatusBadRequest || ran {
				t.Errorf("%d %s, ran: %v", a.status, a.body, ran)
			}
			e := h.history()
			if len(e) != 1 || !bytes.Contains(e[0].JSON, []byte(`"errorCode":"`+c.code)) || !bytes.Contains(e[0].JSON, []byte(a.header.Get("X-Amzn-Requestid"))) {
				t.Errorf("%d events: %v", len(e), e)
			}
		})
	}
}

// A panic before the operation is an InternalFailure with a record of its own, for calls
// from outside and for calls of services, which have no HTTP server around them.
func TestPanicBeforeTheOperationIsRecorded(t *testing.T) {
	const secret = "secret-input"
	for name, breakRoom := range map[string]func(*harness, *notes){
		"resolve": func(h *harness, n *notes) { h.door.rooms[n.api].Resolver = panickyResolver{secret} },
		"validate": func(_ *harness, n *notes) {
			n.api.Operation("PutNote").Validate = func(any) error { panic("value " + secret) }
		},
		"quota": func(h *harness, n *notes) { h.door.rooms[n.api].Quota = panicky{} },
	} {
		t.Run(name+" in process", func(t *testing.T) {
			h := newHarness(t)
			breakRoom(h, h.beta)
			nested(h, func(err error) error {
				var e wire.APIError
				if !errors.As(err, &e) || e.ErrorCode() != "InternalFailure" {
					t.Errorf("the caller in the process gets %v", err)
				}
				return err
			})
			a := h.json("PutNote", `{"Name":"`+secret+`"}`)
			if a.code() != "InternalFailure" || h.has("outer") || h.has("inner") || h.panics() != 1 {
				t.Errorf("%d %s, %v panics", a.status, a.body, h.panics())
			}
			recorded := map[string]int{}
			for _, e := range h.history() {
				if bytes.Contains(e.JSON, []byte(`"errorCode":"InternalFailure"`)) {
					recorded[e.Source]++
				}
			}
			if recorded["alpha.amazonaws.com"] != 1 || recorded["beta.amazonaws.com"] != 1 {
				t.Errorf("recorded %v", recorded)
			}
			if strings.Contains(h.log.String(), secret) {
				t.Error("the panic's value is in the log")
			}
		})
		t.Run(name+" from outside", func(t *testing.T) {
			h := newHarness(t)
			breakRoom(h, h.alpha)
			a := h.json("PutNote", "{}")
			if a.status != http.StatusInternalServerError || a.code() != "InternalFailure" || h.panics() != 1 {
				t.Errorf("%d %s, %v panics", a.status, a.body, h.panics())
			}
			e := h.history()
			if len(e) != 1 || !bytes.Contains(e[0].JSON, []byte(a.header.Get("X-Amzn-Requestid"))) {
				t.Errorf("%d events", len(e))
			}
		})
	}
}

// nested makes PutNote of alpha call PutNote of beta.
func nested(h *harness, then func(error) error) {
	client := h.door
	h.beta.do = func(c ctx, op string, in *noteInput) (any, error) {
		if tx := call.From(c).Txn(); tx != nil {
			if err := tx.Put([]byte("inner"), []byte("x")); err != nil {
				return nil, err
			}
		}
		return &noteOutput{Name: in.Name}, nil
	}
	h.alpha.do = func(c ctx, op string, in *noteInput) (any, error) {
		if tx := call.From(c).Txn(); tx != nil {
			if err := tx.Put([]byte("outer"), []byte("x")); err != nil {
				return nil, err
			}
		}
		_, err := client.Invoke(c, h.beta.api.Operation("PutNote"), &noteInput{Name: in.Name})
		return &noteOutput{}, then(err)
	}
}

func TestInvokeForwardsTheCaller(t *testing.T) {
	h := newHarness(t)
	nested(h, func(err error) error { return err })
	a := h.json("PutNote", `{"Name":"x"}`)
	if a.status != http.StatusOK || !h.has("outer") || !h.has("inner") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	inner := h.beta.calls()[0]
	if inner.Principal != testPrincipal || inner.Account != testAccount || inner.Region != testRegion {
		t.Error("the inner call has another caller")
	}
	if !slices.Equal(inner.Via, []string{"alpha.amazonaws.com"}) || inner.ViaService() != "alpha."+testRegion+".amazonaws.com" || inner.Depth() != 1 {
		t.Errorf("via %v, depth %d", inner.Via, inner.Depth())
	}
	e := h.history()
	if len(e) != 2 || e[0].Name != "PutNote" || bytes.Equal([]byte(e[0].ID), []byte(e[1].ID)) {
		t.Fatalf("%d events", len(e))
	}
	forwarded := 0
	for i := range e {
		if e[i].Source == "beta.amazonaws.com" && bytes.Contains(e[i].JSON, []byte(`"invokedBy":"alpha.amazonaws.com"`)) {
			forwarded++
		}
	}
	if forwarded != 1 {
		t.Error("the inner record does not name the forwarder")
	}
}

func TestNestedMutationJoinsTheTransaction(t *testing.T) {
	h := newHarness(t)
	nested(h, func(error) error { return &wire.CommonError{Kind: wire.Validation, Message: "after all, no"} })
	if a := h.json("PutNote", `{"Name":"x"}`); a.code() != "ValidationException" {
		t.Fatalf("%s", a.body)
	}
	if h.has("outer") || h.has("inner") {
		t.Error("part of a refused mutation was committed")
	}
}

// A service that swallows the error of a call it made commits nothing of that call but
// the record of its failure.
func TestFailedNestedMutationIsUndone(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return &wire.CommonError{Kind: wire.Validation, Message: "inner no"} },
		"panic": func() error { panic("inner") },
		"bound": func() error { return nil }, // of the transaction: see below
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			hooks := 0
			nested(h, func(err error) error {
				if err == nil {
					t.Error("the inner call succeeded")
				}
				return nil // swallowed
			})
			h.beta.do = func(c ctx, op string, in *noteInput) (any, error) {
				tx := call.From(c).Txn()
				tx.OnCommit(func(store.Revision) { hooks++ })
				if err := errors.Join(tx.Put([]byte("inner"), []byte("x")), tx.Put([]byte("outer"), []byte("changed"))); err != nil {
					return nil, err
				}
				if name == "bound" {
					for i := range store.MaxTxnOps {
						_ = tx.Put(append([]byte("many"), byte(i)), nil) // overlooked: the record does not fit
					}
				}
				return &noteOutput{}, fail()
			}
			if a := h.json("PutNote", `{"Name":"x"}`); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if h.has("inner") || hooks != 0 || !h.holds("outer", "x") {
				t.Errorf("the inner call's writes stayed (hooks run: %d)", hooks)
			}
			records := map[string]int{}
			for _, e := range h.history() {
				if e.Source == "alpha.amazonaws.com" || bytes.Contains(e.JSON, []byte(`"errorCode":`)) {
					records[e.Source]++
				}
			}
			want := map[string]int{"alpha.amazonaws.com": 1, "beta.amazonaws.com": 1}
			if !maps.Equal(records, want) {
				t.Errorf("records %v, want %v", records, want)
			}
		})
	}
}

// One level deeper: the middle call succeeds without what it called, or fails and takes
// with it what it called with success.
func TestNestedMutationsAreUndoneLevelByLevel(t *testing.T) {
	for _, c := range []struct {
		fails string
		kept  []string
		lost  []string
	}{
		{"first", []string{"alpha", "beta"}, []string{"first"}},
		{"beta", []string{"alpha"}, []string{"beta", "first"}},
		{"", []string{"alpha", "beta", "first"}, nil},
	} {
		t.Run("fails: "+c.fails, func(t *testing.T) {
			h := newHarness(t)
			level := func(name string, next *notes) func(ctx, string, *noteInput) (any, error) {
				return func(ctx ctx, op string, in *noteInput) (any, error) {
					if err := call.From(ctx).Txn().Put([]byte(name), []byte("x")); err != nil {
						return nil, err
					}
					if next != nil {
						_, _ = h.door.Invoke(ctx, next.api.Operation("PutNote"), &noteInput{})
					}
					if name == c.fails {
						return nil, &wire.CommonError{Kind: wire.Validation, Message: "no"}
					}
					return &noteOutput{}, nil
				}
			}
			h.alpha.do, h.beta.do, h.first.do = level("alpha", h.beta), level("beta", h.first), level("first", nil)
			if a := h.json("PutNote", "{}"); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for _, key := range c.kept {
				if !h.has(key) {
					t.Errorf("the writes of %s are lost", key)
				}
			}
			for _, key := range c.lost {
				if h.has(key) {
					t.Errorf("the writes of %s stayed", key)
				}
			}
		})
	}
}

func TestNestedCallsAreAuthorized(t *testing.T) {
	h := newHarness(t)
	h.denied["beta:PutNote"] = true
	nested(h, func(err error) error { return err })
	a := h.json("PutNote", `{"Name":"x"}`)
	if a.code() != "AccessDeniedException" || !strings.Contains(string(a.body), "beta:PutNote") || h.has("outer") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestDepthIsBounded(t *testing.T) {
	h := newHarness(t)
	deepest := 0
	h.alpha.do = func(c ctx, op string, in *noteInput) (any, error) {
		deepest = max(deepest, call.From(c).Depth())
		return h.door.Invoke(c, h.alpha.api.Operation("GetNote"), in)
	}
	a := h.json("GetNote", "{}")
	if a.code() != "InternalFailure" || deepest != call.MaxDepth {
		t.Errorf("%d %s at depth %d", a.status, a.body, deepest)
	}
}

func TestInvokeNeedsACaller(t *testing.T) {
	h := newHarness(t)
	_, err := h.door.Invoke(t.Context(), h.alpha.api.Operation("GetNote"), &noteInput{})
	var e *wire.CommonError
	if !errors.As(err, &e) || e.Kind != wire.MissingAuthentication {
		t.Errorf("without a caller: %v", err)
	}
	ctx := h.door.AsService(t.Context(), "alpha.amazonaws.com", testAccount, testRegion)
	if _, err := h.door.Invoke(ctx, h.beta.api.Operation("Ping"), nil); err != nil {
		t.Errorf("as a service: %v", err)
	}
	elsewhere := noteAPI("elsewhere", "elsewhere", "elsewhere", "", wire.AWSQuery)
	if _, err := h.door.Invoke(ctx, elsewhere.Operation("GetNote"), &noteInput{}); err == nil {
		t.Error("an operation of no room ran")
	}
}

// A client that goes away is no failure of the audit log.
func TestGoneClientIsNoAuditFailure(t *testing.T) {
	h := newHarness(t)
	gone, cancel := context.WithCancel(t.Context())
	h.alpha.do = func(ctx, string, *noteInput) (any, error) {
		cancel()
		return &noteOutput{}, nil
	}
	r := h.build(request{service: "alpha", body: "{}", header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Alpha_2020.Notes.GetNote"}})
	h.door.ServeHTTP(discard{http.Header{}}, r.WithContext(gone))
	if n := h.counted("fastness_audit_failures_total"); n != 0 {
		t.Errorf("%v audit failures counted", n)
	}
	if n := len(h.history()); n != 1 {
		t.Errorf("%d events", n)
	}
}

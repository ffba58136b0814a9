package front

import (
	"errors"
	"net/http"
	"testing"

	"fastness/internal/call"
)

// inner has an operation of alpha call GetNote of beta, with as in the place of alpha's
// own call, and returns the error that beta answered.
func inner(h *harness, op string, as func(*call.Call) *call.Call, between func()) *error {
	var got error
	h.alpha.do = func(c ctx, _ string, in *noteInput) (any, error) {
		_, got = h.door.Invoke(call.With(c, as(call.From(c))), h.beta.api.Operation(op), &noteInput{Name: in.Name})
		between()
		return &noteOutput{Name: in.Name}, nil
	}
	return &got
}

func itself(c *call.Call) *call.Call { return c }

// The record of a call that was made while another one read is durable before that one is
// answered, and the calls do not wait one after the other.
func TestReadingsWithinAReadingAreRecordedBeforeItsAnswer(t *testing.T) {
	for name, as := range map[string]func(*call.Call) *call.Call{
		"a service that forwards": itself,
		"a service that acts as its caller": func(c *call.Call) *call.Call {
			own := *c
			own.Operation = nil
			return &own
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.store.refused = make(chan struct{}, 1)
			got := inner(h, "GetNote", as, func() {
				<-h.store.refused // the inner record is lost
				h.store.setFail(nil)
			})
			h.store.setFail(errors.New("no space for audit"))
			a := h.json("GetNote", `{"Name":"x"}`)
			if *got != nil {
				t.Errorf("the inner call waited for its record: %v", *got)
			}
			if a.status != http.StatusServiceUnavailable {
				t.Errorf("answered without the inner record: %d %s", a.status, a.body)
			}
			inner(h, "GetNote", as, func() {})
			if a := h.json("GetNote", `{"Name":"x"}`); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			sources := map[string]int{}
			for _, e := range h.history() {
				sources[e.Source]++
			}
			if sources["beta.amazonaws.com"] != 1 || sources["alpha.amazonaws.com"] != 2 {
				t.Errorf("records: %v", sources)
			}
		})
	}
}

// What a changing call learns from a reading one may stay in the store, so it learns
// nothing without a durable record.
func TestReadingsWithinAChangeAreRecordedBeforeIt(t *testing.T) {
	h := newHarness(t)
	got := inner(h, "GetNote", itself, func() {})
	h.store.setFail(errors.New("no space for audit"))
	if a := h.json("PutNote", `{"Name":"x"}`); *got == nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("inner %v, outer %d %s", *got, a.status, a.body)
	}
}

// Nobody settles what a service does on its own account.
func TestReadingsOfAServiceAreRecordedBeforeTheirEnd(t *testing.T) {
	h := newHarness(t)
	as := h.door.AsService(t.Context(), "alpha.amazonaws.com", testAccount, testRegion)
	call.From(as).Principal = testPrincipal // no policy here names services
	h.store.setFail(errors.New("no space for audit"))
	if _, err := h.door.Invoke(as, h.beta.api.Operation("GetNote"), &noteInput{Name: new("x")}); err == nil {
		t.Error("answered without a record")
	}
	h.store.setFail(nil)
	if _, err := h.door.Invoke(as, h.beta.api.Operation("GetNote"), &noteInput{Name: new("x")}); err != nil || len(h.history()) != 1 {
		t.Errorf("%v, %d records", err, len(h.history()))
	}
}

func TestConcurrentReadingsWithinAReading(t *testing.T) {
	h := newHarness(t)
	const n = 32
	h.alpha.do = func(c ctx, _ string, in *noteInput) (any, error) {
		errs := make(chan error, n)
		for range n {
			go func() {
				_, err := h.door.Invoke(c, h.beta.api.Operation("GetNote"), &noteInput{Name: in.Name})
				errs <- err
			}()
		}
		var all error
		for range n {
			all = errors.Join(all, <-errs)
		}
		return &noteOutput{}, all
	}
	if a := h.json("GetNote", `{"Name":"x"}`); a.status != http.StatusOK || len(h.history()) != n+1 {
		t.Errorf("%d %s, %d records", a.status, a.body, len(h.history()))
	}
}

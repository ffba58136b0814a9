package ssm

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/ssmapi"
	"fastness/internal/due"
	"fastness/internal/store"
)

const (
	expireAt  = `{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-03-11T12:00:00.000Z"}}` // ten days on
	warnAt    = `{"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"5","Unit":"Days"}}`
	unchanged = `{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"20","Unit":"Hours"}}`
)

func TestPoliciesActOnceAtTheirTime(t *testing.T) {
	h := newHarness(t)
	start := h.clock.Now()
	h.put("/p", "x", advanced, policies("["+expireAt+","+warnAt+", "+unchanged+"]"))
	h.put("other", "x")
	if got := statuses(h.describe("/p")); got != "Expiration Pending, ExpirationNotification Pending, NoChangeNotification Pending" {
		t.Error(got)
	}
	h.take()
	type seen struct {
		after time.Duration
		kind  string
	}
	var all []seen
	// Hour by hour, and a second before and after each.
	for hour := range 24*10 + 2 {
		for _, offset := range []time.Duration{-time.Second, 0, time.Second} {
			at := time.Duration(hour)*time.Hour + offset
			if at <= h.clock.Now().Sub(start) {
				continue
			}
			h.clock.Advance(start.Add(at).Sub(h.clock.Now()))
			h.runJobs()
			for _, e := range h.reported() {
				kind := e.detail["policy-type"]
				if e.kind == changeEvent {
					kind = e.detail["operation"]
				}
				all = append(all, seen{at, kind})
			}
		}
	}
	want := []seen{
		{20 * time.Hour, noChangeNotification}, {5 * 24 * time.Hour, expirationNotification},
		{10 * 24 * time.Hour, expiration}, {10 * 24 * time.Hour, "Delete"},
	}
	if !slices.Equal(all, want) {
		t.Errorf("%v", all)
	}
	if got := h.getError("/p"); got != "ParameterNotFound: " {
		t.Errorf("after the expiration: %s", got)
	}
	if n := len(h.jobs(jobPolicy)) + len(h.jobs(jobSweep)); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	if records := h.history("ParameterExpired"); len(records) != 1 {
		t.Errorf("%d audit records of the expiration", len(records))
	}
}

func TestPolicyEventsHaveAWSsShape(t *testing.T) {
	h := newHarness(t)
	h.put("/a/p", "x", advanced, policies("["+unchanged+"]"))
	h.take()
	h.clock.Advance(20 * time.Hour)
	h.runJobs()
	events := h.take()
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	const detail = `{"parameter-name":"/a/p","parameter-type":"String","policy-type":"NoChangeNotification","policy-content":` +
		`"{\"Type\":\"NoChangeNotification\",\"Version\":\"1.0\",\"Attributes\":{\"After\":\"20\",\"Unit\":\"Hours\"}}","action-status":"Success"}`
	if e.Source != "aws.ssm" || e.DetailType != "Parameter Store Policy Action" || string(e.Detail) != detail ||
		!slices.Equal(e.Resources, []string{"arn:aws:ssm:us-east-1:111122223333:parameter/a/p"}) {
		t.Errorf("%+v\n%s", e, e.Detail)
	}
	if got := statuses(h.describe("/a/p")); got != "NoChangeNotification Finished" {
		t.Error(got)
	}
	out, err := h.admin().GetParameterHistory(t.Context(), &ssmapi.GetParameterHistoryRequest{Name: new("/a/p")})
	if err != nil || *out.Parameters[0].Policies[0].PolicyStatus != "Finished" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestAChangeResetsNoChangeNotification(t *testing.T) {
	h := newHarness(t)
	h.put("p", "x", advanced, policies("["+unchanged+"]"))
	h.clock.Advance(19 * time.Hour)
	h.put("p", "y", overwrite)
	h.take()
	h.clock.Advance(19 * time.Hour)
	h.runJobs()
	if e := h.take(); len(e) != 0 {
		t.Errorf("an hour early: %v", e)
	}
	h.clock.Advance(time.Hour)
	h.runJobs()
	h.put("p", "z", overwrite)
	if e := h.take(); len(e) != 2 {
		t.Errorf("%v", e)
	}
	h.clock.Advance(20 * time.Hour)
	h.runJobs()
	if e := h.take(); len(e) != 1 {
		t.Errorf("once more for the new version: %v", e)
	}
}

func TestANotificationOlderThanTheParameterActsAtOnce(t *testing.T) {
	h := newHarness(t)
	h.put("p", "x", advanced, policies(`[`+expireAt+`,{"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"30","Unit":"Days"}}]`))
	h.take()
	h.runJobs()
	if e := h.reported(); len(e) != 1 || e[0].detail["policy-type"] != expirationNotification {
		t.Errorf("%v", e)
	}
}

func TestPoliciesGoWithTheirParameterAndWhenTheyAreRemoved(t *testing.T) {
	h := newHarness(t)
	h.put("p", "x", advanced, policies("["+expireAt+"]"))
	h.delete("p")
	h.put("p", "y")
	h.put("q", "x", advanced, policies("["+expireAt+"]"))
	h.put("q", "x", overwrite, policies("[{}]"))
	if n := len(h.jobs(jobPolicy)); n != 0 {
		t.Errorf("%d jobs", n)
	}
	h.clock.Advance(30 * 24 * time.Hour)
	h.runJobs()
	h.get("p")
	h.get("q")
}

func TestALateJobOfADeletedParameterDoesNothingToItsSuccessor(t *testing.T) {
	h := newHarness(t)
	h.put("p", "x", advanced, policies("["+expireAt+"]"))
	job := h.jobs(jobPolicy)[0]
	h.delete("p")
	h.put("p", "y")
	h.clock.Advance(30 * 24 * time.Hour)
	if _, err := h.store.Update(t.Context(), func(tx store.Txn) error { return h.service.actOnPolicies(t.Context(), tx, job) }); err != nil {
		t.Fatal(err)
	}
	h.get("p")
}

func TestPoliciesSurviveARestart(t *testing.T) {
	h := newHarness(t)
	h.put("p", "x", advanced, policies("["+expireAt+","+warnAt+"]"))
	h.clock.Advance(5 * 24 * time.Hour)
	h.runJobs()
	h.take()
	// What a new process has: the same store, and nothing in memory.
	h.service.directory = newDirectory(h.store, h.service.tables)
	h.clock.Advance(5 * 24 * time.Hour)
	h.runJobs()
	h.runJobs()
	var kinds []string
	for _, e := range h.reported() {
		kinds = append(kinds, e.detail["policy-type"]+e.detail["operation"])
	}
	if !slices.Equal(kinds, []string{"Expiration", "Delete"}) {
		t.Errorf("%v", kinds)
	}
}

func TestPolicyRefusals(t *testing.T) {
	h := newHarness(t)
	policy := func(kind, attributes string) string {
		return fmt.Sprintf(`[{"Type":%q,"Version":"1.0","Attributes":{%s}}]`, kind, attributes)
	}
	many := "[" + strings.TrimSuffix(strings.Repeat(unchanged+",", 11), ",") + "]"
	for _, c := range []struct{ text, want string }{
		{`nonsense`, "ValidationException: Invalid policies input: nonsense."},
		{`{"Type":"Expiration"}`, `ValidationException: Invalid policies input: {"Type":"Expiration"}.`},
		{`["Expiration"]`, `ValidationException: Invalid policies input: ["Expiration"].`},
		{`[null]`, `ValidationException: Invalid policies input: [null].`},
		{policy("Expire", ""), "InvalidPolicyTypeException"},
		{policy("Expiration", `"Timestamp":"tomorrow"`), "InvalidPolicyAttributeException"},
		{policy("Expiration", `"Timestamp":"2026-03-01T12:00:00Z"`), "InvalidPolicyAttributeException"},
		{policy("Expiration", ``), "InvalidPolicyAttributeException"},
		{policy("NoChangeNotification", `"After":"2","Unit":"Minutes"`), "InvalidPolicyAttributeException"},
		{policy("NoChangeNotification", `"After":"0","Unit":"Days"`), "InvalidPolicyAttributeException"},
		{policy("NoChangeNotification", `"Before":"2","Unit":"Days"`), "InvalidPolicyAttributeException"},
		{policy("NoChangeNotification", `"After":"2","Unit":"Days","Extra":"1"`), "InvalidPolicyAttributeException"},
		{"[" + expireAt + "," + expireAt + "]", "IncompatiblePolicyException"},
		{"[" + warnAt + "]", "IncompatiblePolicyException"},
		{many, "PoliciesLimitExceededException"},
	} {
		_, err := h.tryPut("p", "x", advanced, policies(c.text))
		if got := textOf(err); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s", c.text, got)
		}
	}
	if _, err := h.tryPut("p", "x", policies("["+unchanged+"]")); codeOf(err) != "ValidationException" {
		t.Errorf("a Standard parameter: %v", err)
	}
	if out := h.put("p", "x", policies("["+unchanged+"]"), func(in *ssmapi.PutParameterRequest) { in.Tier = new(ssmapi.ParameterTierIntelligentTiering) }); *out.Tier != "Advanced" {
		t.Errorf("Intelligent-Tiering: %s", *out.Tier)
	}
}

func TestTimestampsOfJava(t *testing.T) {
	now := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2019-12-02T21:34:33.000Z":            "2019-12-02T21:34:33Z",
		"2019-11-01T22:13:48.87+10:30:00":     "2019-11-01T11:43:48.87Z",
		"2019-11-01T22:13:48+10:30":           "2019-11-01T11:43:48Z",
		"2019-11-01T22:13Z":                   "2019-11-01T22:13:00Z",
		"2019-12-02T21:34:33.123456789-05:00": "2019-12-03T02:34:33.123456789Z",
	} {
		p, err := parsePolicies(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"`+text+`"}}]`, now)
		if err != nil || p[0].At.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
}

func TestSweepRemovesEveryVersion(t *testing.T) {
	h := newHarness(t)
	for i := range 30 {
		h.put("p", "x", overwrite)
		var labels []string
		for l := range 10 {
			labels = append(labels, fmt.Sprintf("l%d-%d", i, l))
		}
		h.label("p", int64(i+1), labels...)
	}
	h.delete("p")
	if got := h.getError("p:l1-1"); got != "ParameterNotFound: " {
		t.Error(got)
	}
	h.runJobs()
	if err := h.store.View(t.Context(), func(r store.Reader) error {
		for row, err := range h.service.tables.versions.ScanAll(r) {
			if err != nil {
				return err
			}
			t.Errorf("version %d is left", row.Record.Version.Number)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.consistent()
}

func TestHandlersRefuseJobsTheyCannotRead(t *testing.T) {
	h := newHarness(t)
	for kind, handler := range h.service.JobHandlers() {
		if _, err := h.store.Update(t.Context(), func(tx store.Txn) error {
			return handler.RunInTxn(t.Context(), tx, due.Job{Kind: kind, Payload: []byte("{")})
		}); err == nil {
			t.Errorf("%s: no error", kind)
		}
	}
}

func statuses(m *ssmapi.ParameterMetadata) string {
	var all []string
	for _, p := range m.Policies {
		all = append(all, *p.PolicyType+" "+*p.PolicyStatus)
	}
	return strings.Join(all, ", ")
}

// consistent examines the tables.
func (h *harness) consistent() {
	h.Helper()
	problems, err := store.Fsck(h.Context(), h.store, h.registry.Checks()...)
	if err != nil {
		h.Fatal(err)
	}
	for _, p := range problems {
		h.Errorf("%s: %s", p.Check, p.Text)
	}
}

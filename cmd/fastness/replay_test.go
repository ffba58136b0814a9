package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fastness/internal/app"
	"fastness/internal/engine/waf"
)

func TestReplayPrintsATableOrJSON(t *testing.T) {
	report := &app.ReplayReport{Requests: 9, Changed: 1, Partial: 1, Actions: map[string]int{"ALLOW to BLOCK": 1}, Changes: []app.ReplayChange{{
		Request: "POST /login", Client: "192.0.2.1", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Partial: true,
		Old: app.ReplayVerdict{Action: waf.Allow}, New: app.ReplayVerdict{Action: waf.Block, Rule: "group/word", Labels: []string{"a:b"}},
	}}}
	var text bytes.Buffer
	if err := printReplay(&output{Writer: &text}, report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2026-03-01T12:00:00Z", "192.0.2.1", "POST /login (partial)", "ALLOW by default", "BLOCK by group/word", "1 of 9 requests are decided otherwise; of 1 not everything is known"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	text.Reset()
	if err := printReplay(&output{Writer: &text, json: true}, report); err != nil {
		t.Fatal(err)
	}
	var back app.ReplayReport
	if err := json.Unmarshal(text.Bytes(), &back); err != nil || back.Changed != 1 || back.Changes[0].New.Rule != "group/word" || back.Changes[0].New.Action != waf.Block {
		t.Errorf("%s: %+v, %v", text.String(), back, err)
	}
	text.Reset()
	if err := printReplay(&output{Writer: &text}, &app.ReplayReport{Requests: 3}); err != nil || strings.TrimSpace(text.String()) != "0 of 3 requests are decided otherwise" {
		t.Errorf("%q, %v", text.String(), err)
	}
}

func TestReplayWantsAnotherVersion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new.json")
	if err := os.WriteFile(file, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"waf", "replay"}, {"waf", "replay", "--web-acl", "arn"}, {"waf", "replay", "--new", file}} {
		r := root()
		r.SetArgs(args)
		r.SetOut(io.Discard)
		if err := r.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "needs --web-acl") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

package ssm

import (
	"strings"
	"testing"
	"time"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
)

func FuzzPolicies(f *testing.F) {
	for _, seed := range []string{"[" + expireAt + "," + warnAt + "," + unchanged + "]", "[{}]", "[]", "null", "{}", `[{"Type":1}]`} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		states, err := parsePolicies(text, now)
		if err != nil {
			return
		}
		if len(states) > maxPolicies {
			t.Errorf("%d policies", len(states))
		}
		v := &version{Modified: now, Policies: states}
		for i := range states {
			if v.due(&states[i]).IsZero() {
				t.Errorf("%s acts never", states[i].Text)
			}
			again, err := parsePolicies("["+states[i].Text+"]", now)
			if states[i].Type == expirationNotification {
				continue // not without the other
			}
			if err != nil || again[0] != states[i] {
				t.Errorf("%s is read back as %v, %v", states[i].Text, again, err)
			}
		}
	})
}

func FuzzReference(f *testing.F) {
	for _, seed := range []string{"name", "/a/b:3", "/a:label", "arn:aws:ssm:us-east-1:111122223333:parameter/a/b:1", "arn:aws:ssm:us-east-1::parameter/aws/service/x", "/aws/reference/secretsmanager/x:y"} {
		f.Add(seed)
	}
	c := &call.Call{Account: testAccount, Region: testRegion}
	f.Fuzz(func(t *testing.T, given string) {
		r, err := parseReference(c, given)
		if err != nil || strings.HasPrefix(r.name, referencePrefix) {
			return
		}
		if !plain(r.name) {
			t.Errorf("%q is called %q", given, r.name)
		}
		// The ARN of what was found names the same.
		again, err := parseReference(c, r.arn())
		if err != nil || again.key() != r.key() {
			t.Errorf("%q: %s is %v, %v", given, r.arn(), again.key(), err)
		}
	})
}

func FuzzFilter(f *testing.F) {
	f.Add("Name", "Contains", "a", "/b", true)
	f.Add("Path", "Recursive", "/a", "/", false)
	f.Add("tag:k", "", "v", "", false)
	f.Fuzz(func(_ *testing.T, key, option, a, b string, byPath bool) {
		all, err := parseFilters([]ssmapi.ParameterStringFilter{{Key: &key, Option: &option, Values: []string{a, b}}}, byPath)
		if err == nil {
			all.match(&parameterRecord{Name: "/a/b", Tags: []tag{{"k", "v"}}})
		}
	})
}

func FuzzPublic(f *testing.F) {
	f.Add(publicFile)
	f.Add(`{"parameters":[{"name":"/aws/service/x","value":"x"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ReadPublic(strings.NewReader(text))
		if err != nil {
			return
		}
		for i := range all.sorted {
			p := &all.sorted[i]
			region := "us-east-1"
			if len(p.Regions) > 0 {
				region = p.Regions[0]
			}
			if got := all.get(region, p.Name); got == nil || got.Name != p.Name {
				t.Errorf("%s is not found", p.Name)
			}
		}
	})
}

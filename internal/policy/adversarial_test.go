package policy

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	noon   = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	tenNet = netip.MustParseAddr("10.1.2.3")
)

// TestWildcardsAreLinear gives the matcher patterns that make a backtracking matcher
// run for centuries. Work is measured by time with a wide margin: twenty times the
// input may take at most four hundred times as long even on a busy machine, while
// exponential or cubic growth would take thousands of times as long or never end.
func TestWildcardsAreLinear(t *testing.T) {
	for name, c := range map[string]struct{ pattern, text func(n int) string }{
		"*a*a*a":      {func(n int) string { return strings.Repeat("*a", n) + "*b" }, func(n int) string { return strings.Repeat("a", 2*n) }},
		"*?*?*?":      {func(n int) string { return strings.Repeat("*?", n) + "b" }, func(n int) string { return strings.Repeat("a", 2*n) }},
		"long suffix": {func(n int) string { return "*" + strings.Repeat("a", n) + "b*" }, func(n int) string { return strings.Repeat("a", 2*n) }},
		"stars only":  {func(n int) string { return strings.Repeat("*", n) + "b" }, func(n int) string { return strings.Repeat("a", 2*n) }},
		"colons":      {func(n int) string { return strings.Repeat("*:", n) + "b" }, func(n int) string { return strings.Repeat("a:", n) }},
	} {
		spend := func(n int) time.Duration {
			p, s := compilePattern(c.pattern(n), true, true), c.text(n)
			best := time.Hour
			for range 5 {
				start := time.Now()
				if matchGlob(p.text, s) || matchResource(p.text, exactSegments(p.text), s) {
					t.Errorf("%s matches", name)
				}
				best = min(best, time.Since(start))
			}
			return best
		}
		small, large := spend(2_000), spend(40_000)
		if large > 400*max(small, 10*time.Microsecond) {
			t.Errorf("%s: %v for 2,000, %v for 40,000", name, small, large)
		}
	}
}

// TestLargestDocument parses, compiles and evaluates documents of the greatest size.
func TestLargestDocument(t *testing.T) {
	fill := func(head, item, tail string) string {
		n := (MaxDocumentBytes - len(head) - len(tail)) / (len(item) + 1)
		return head + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + tail
	}
	for name, doc := range map[string]string{
		"statements": fill(`{"Version":"2012-10-17","Statement":[`, `{"Effect":"Deny","Principal":"*","Action":"kms:*Z","Resource":"*"}`, `]}`),
		"actions":    fill(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Resource":"*","Action":[`, `"kms:*D*e*c*r*y*p*x*t"`, `]}}`),
		"principals": fill(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Principal":{"AWS":[`, `"arn:aws:iam::111122223333:user/bob"`, `]}}}`),
		"resources":  fill(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":[`, `"arn:aws:kms:*:*:key/*a*a*a*b${aws:username}"`, `]}}`),
		"values":     fill(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:username":[`, `"*a*i*x*"`, `]}}}}`),
	} {
		p := must(t, KMSKey, doc)
		r := Evaluate(&Request{Principal: alice, Action: "kms:Decrypt", Resource: theKey}, &Policies{Resource: []*Policy{p}}, nil)
		if r.Decision != ImplicitDeny {
			t.Errorf("%s: %v", name, r.Decision)
		}
	}
}

// A variable's value is text: wildcards in a user name, a tag or a session name open
// nothing.
func TestVariableValuesAreNotPatterns(t *testing.T) {
	ps := &Policies{Identity: []*Policy{must(t, IdentityInline, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/dir}/x"}}`)}}
	for _, value := range []string{"*", "?", "a*", "\xff", "\xfe", "${*}", "${aws:username}"} {
		who := *alice
		who.Tags = []Tag{{"dir", value}}
		for resource, want := range map[string]bool{"arn:aws:s3:::b/a/x": false, "arn:aws:s3:::b/alice/x": false} {
			r := Evaluate(&Request{Principal: &who, Action: "s3:GetObject", Resource: resource}, ps, nil)
			if r.Allowed() != want {
				t.Errorf("dir %q opens %s", value, resource)
			}
		}
	}
}

func TestLongActionsAndValuesOverflowTheBuffers(t *testing.T) {
	long := strings.Repeat("a", 3000)
	ps := &Policies{Identity: []*Policy{must(t, IdentityInline, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"x:`+long+`","Resource":"arn:aws:x:::${aws:username}"}}`)}}
	who := *alice
	who.UserName = long
	r := Evaluate(&Request{Principal: &who, Action: "X:" + strings.ToUpper(long), Resource: "arn:aws:x:::" + long}, ps, nil)
	if !r.Allowed() {
		t.Error("long names do not match")
	}
}

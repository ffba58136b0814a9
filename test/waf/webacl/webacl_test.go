package webacl

import (
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// An attack on a database is blocked by the group that is about databases, and passes one that is about PHP.
func TestGroupsAreChosenByName(t *testing.T) {
	r := &request.Request{Method: "GET", Target: "/?q=1'+union+select+password+from+users--"}
	for names, want := range map[string]waf.ActionKind{"": waf.Block, "AWSManagedRulesPHPRuleSet,AWSManagedRulesSQLiRuleSet": waf.Block, "AWSManagedRulesPHPRuleSet": waf.Allow, "none": waf.Allow} {
		p, err := OfGroups(names)
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.Evaluate(r, nil, waf.NewScratch(request.DefaultLimits()))
		if err != nil {
			t.Fatal(err)
		}
		if v.Action != want {
			t.Errorf("groups %q: %v", names, v.Action)
		}
	}
}

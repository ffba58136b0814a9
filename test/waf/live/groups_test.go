package live

import (
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/managed"
	"fastness/internal/proxy"
)

// everyGroup is a web ACL of all managed rule groups about what is in requests, each rule with its default action. Those
// about who sends them (bots, logins, floods) are configured for an application, and judge Playwright rightly.
func everyGroup(t testing.TB) proxy.WebACL {
	t.Helper()
	groups, err := managed.New(managed.Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{Name: "all", LabelNamespace: "awswaf:111122223333:webacl:all:", DefaultAction: waf.Action{Kind: waf.Allow}}
	for i, g := range groups.Groups() {
		if g.Advanced {
			continue
		}
		acl.Rules = append(acl.Rules, waf.Rule{
			Name: g.Name, Priority: int32(i), Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: managed.Vendor, Name: g.Name}},
		})
	}
	if len(acl.Rules) < 10 {
		t.Fatalf("only %d managed groups", len(acl.Rules))
	}
	return proxy.WebACL{ACL: acl}
}

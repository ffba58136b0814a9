package managed

import (
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
)

func TestEveryGroupCompiles(t *testing.T) {
	c, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{Name: "all", LabelNamespace: "awswaf:111122223333:webacl:all:", DefaultAction: waf.Action{Kind: waf.Allow}}
	for i, g := range c.Groups() {
		acl.Rules = append(acl.Rules, waf.Rule{Name: g.Name, Priority: int32(i), Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: g.Name}}})
	}
	if _, err := waf.Compile(&acl, waf.Options{Managed: c, Attacks: d}); err != nil {
		t.Fatal(err)
	}
}

package managed

import (
	"encoding/json"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
)

func TestEveryGroupCompiles(t *testing.T) {
	c, err := New(Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{Name: "all", LabelNamespace: "awswaf:111122223333:webacl:all:", DefaultAction: waf.Action{Kind: waf.Allow}}
	for i, g := range c.Groups() {
		acl.Rules = append(acl.Rules, waf.Rule{Name: g.Name, Priority: int32(i), Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: g.Name, Configs: json.RawMessage(configs[g.Name])}}})
	}
	if _, err := waf.Compile(&acl, waf.Options{Managed: c, Attacks: d}); err != nil {
		t.Fatal(err)
	}
}

// configs are configurations of the groups that cannot do without one.
var configs = map[string]string{
	takeover: `[{"AWSManagedRulesATPRuleSet": {"LoginPath": "/login"}}]`,
	creation: `[{"AWSManagedRulesACFPRuleSet": {"CreationPath": "/create", "RegistrationPagePath": "/register", "RequestInspection": {"PayloadType": "JSON"}}}]`,
	antiDDoS: `[{"AWSManagedRulesAntiDDoSRuleSet": {"ClientSideActionConfig": {"Challenge": {"UsageOfAction": "DISABLED"}}}}]`,
}

func TestGroupsThatNeedAConfigurationSaySo(t *testing.T) {
	c, err := New(Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range configs {
		if _, _, err := c.ManagedGroup(Vendor, name, "", nil); err == nil {
			t.Errorf("%s was made without a configuration", name)
		}
	}
}

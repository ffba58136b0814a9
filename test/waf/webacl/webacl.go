package webacl

import (
	"slices"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/managed"
)

// OfGroups compiles a web ACL of all managed groups, or of those whose names are in names with commas between them. Groups that are
// about who sends a request, and not about what is in it, are left out.
func OfGroups(names string) (*waf.Program, error) {
	detector, err := attack.New()
	if err != nil {
		return nil, err
	}
	groups, err := managed.New(managed.Feeds{})
	if err != nil {
		return nil, err
	}
	acl := waf.ACL{Name: "all", LabelNamespace: "awswaf:111122223333:webacl:all:", DefaultAction: waf.Action{Kind: waf.Allow}}
	for i, g := range groups.Groups() {
		if g.Advanced {
			continue
		}
		if names != "" && !slices.Contains(strings.Split(names, ","), g.Name) {
			continue
		}
		acl.Rules = append(acl.Rules, waf.Rule{Name: g.Name, Priority: int32(i), Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: managed.Vendor, Name: g.Name}}})
	}
	return waf.Compile(&acl, waf.Options{Managed: groups, Attacks: detector})
}

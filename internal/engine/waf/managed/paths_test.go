package managed

import (
	"slices"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
)

// TestPathsThatNobodyShouldReachAreKnownByTheirKind has a few of each kind, and what looks like them and is asked for every day.
func TestPathsThatNobodyShouldReachAreKnownByTheirKind(t *testing.T) {
	groups, err := New(Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	detector, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{Name: "a", LabelNamespace: "awswaf:111122223333:webacl:a:", DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{
		{Name: "g", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: "AWSManagedRulesKnownBadInputsRuleSet"}}},
	}}
	p, err := waf.Compile(&acl, waf.Options{Managed: groups, Attacks: detector})
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := pathsIn("exploitable")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if len(k.blocks) == 0 || len(k.passes) == 0 {
			t.Errorf("%s has no samples", k.name)
		}
		for _, path := range k.blocks {
			labels, blocked := judge(t, p, browse("GET", path, ""))
			if !blocked || !slices.ContainsFunc(labels, func(l string) bool { return strings.HasSuffix(l, ":ExploitablePaths_URIPath") }) {
				t.Errorf("%s, %s: blocked %t, %v", k.name, path, blocked, labels)
			}
			for _, other := range kinds {
				if other.name != k.name && slices.Contains(other.passes, path) {
					t.Errorf("%s is of two minds: %s, %s", path, k.name, other.name)
				}
			}
		}
		for _, path := range k.passes {
			if labels, blocked := judge(t, p, browse("GET", path, "")); blocked {
				t.Errorf("%s, %s is blocked: %v", k.name, path, labels)
			}
		}
	}
	for _, path := range []string{
		"/", "/wp-content/themes/a/style.css", "/api/v1/users", "/photo.png", "/wp-content/plugins/revslider/public/assets/a.js",
		"/etc/designs/shop/base.css", "/ann/shop/raw/branch/main/composer.lock", "/index.php", "/profile.php", "/admin/users.php",
	} {
		if labels, blocked := judge(t, p, browse("GET", path, "")); blocked {
			t.Errorf("%s is blocked: %v", path, labels)
		}
	}
}

func TestFilesOfPathsThatAreWrongAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "why x", "kind a", "kind a\nwhy x", "kind a\nwhy x\nany b", "kind a\nwhy x\nin /b\nany c", "kind a\nwhy x\nin /(?:<>)", "kind a\nwhy x\nin /b\nodd c", "kind a\nin /b",
	} {
		if _, err := parsePaths([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	kinds, err := parsePaths([]byte("# a remark\nkind a\nwhy x\nin /(?:<>)$\nany b c\nany d\nin /e\n"))
	if err != nil || expression(kinds) != "/(?:b|c|d)$|/e" {
		t.Errorf("%v, %q", err, expression(kinds))
	}
}

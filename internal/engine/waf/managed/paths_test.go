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
	for _, path := range []string{
		"/.git/config", "/.svn/entries", "/.env", "/.env.production", "/app/.aws/credentials", "/.gitignore", // tools of developers
		"/index.php.bak", "/config.php~", "/web.config.old", "/settings.py.swp", // copies
		"/backup.zip", "/db_backup.sql.gz", "/old/www.tar.gz", "/dump.sql",
		"/wp-config.php.bak", "/appsettings.json", "/application-prod.yml", "/docker-compose.yml", "/id_rsa", // settings
		"/actuator/env", "/actuator/heapdump", "/heapdump", "/server-status", "/debug/pprof/", // what servers say of themselves
		"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/cgi-bin/luci", "/boaform/admin/formLogin", "/HNAP1/", // open doors
		"/jenkins/scriptText", "/api/jolokia/list", "/uploads/2026/x.php", "/a.jsp/",
		"/_ignition/execute-solution", "/_users/org.couchdb.user:ann", "/v1.41/containers/create", "/secure/ContactAdministrators!default.jspa", // what is behind them, too
		"/a/photo.png/.php", "/;/admin", "/%2BCSCOT%2B/x", "//evil.example.com/", "/current_config/passwd", "/./x", // what no browser writes
	} {
		labels, blocked := judge(t, p, browse("GET", path, ""))
		if !blocked || !slices.ContainsFunc(labels, func(l string) bool { return strings.HasSuffix(l, ":ExploitablePaths_URIPath") }) {
			t.Errorf("%s: blocked %t, %v", path, blocked, labels)
		}
	}
	for _, path := range []string{
		"/", "/.well-known/security.txt", "/actuator/health", "/actuator/info", "/wp-content/themes/a/style.css", "/environment", "/backup", "/backups/list",
		"/images/site.jpg", "/downloads/report.zip", "/api/v1/users", "/docs/git/config", "/status", "/app.config.js", "/media/Push.ashx", "/cgi-bin/search.cgi",
		"/wp-content/plugins/revslider/public/assets/a.js", "/s/en_GB-x/710000/_/download/resources/a.js", "/photo.png", "//search", "/account/password",
		"/wp-json/wp/v2/users", "/_cluster/health", "/files/notes.sql.html", "/etc/designs/shop/base.css",
	} {
		if labels, blocked := judge(t, p, browse("GET", path, "")); blocked {
			t.Errorf("%s is blocked: %v", path, labels)
		}
	}
}

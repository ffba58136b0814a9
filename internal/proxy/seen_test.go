package proxy

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/managed"
)

// guarded is a proxy whose web ACL guards the logins of a target.
func guarded(t *testing.T, answers string, c Config) *rig {
	t.Helper()
	groups, err := managed.New(managed.Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, c, func(c *Config, o *Options) {
		c.LoadBalancers[0].WebACL = "acl"
		c.WebACLs = []WebACL{{ARN: "acl", ACL: waf.ACL{
			Name: "a", DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{{Name: "r", Statement: waf.Statement{Managed: &waf.ManagedGroup{
				Vendor: "AWS", Name: "AWSManagedRulesATPRuleSet",
				Configs: json.RawMessage(`[{"AWSManagedRulesATPRuleSet": {"LoginPath": "/login", "ResponseInspection": ` + answers + `}}]`),
			}}}},
		}}}
		o.Compile = NewEngine(waf.Options{Managed: groups}, nil).Compile
	})
}

// failingLogins logs in with a wrong password twelve times, and returns the statuses.
func failingLogins(t *testing.T, r *rig) (all []int) {
	t.Helper()
	for range 12 {
		res, err := http.Post("http://"+r.addr+"/login", "application/x-www-form-urlencoded", strings.NewReader("user=ann&word=a"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		all = append(all, res.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	return all
}

const twelfthBlocked = "[401 401 401 401 401 401 401 401 401 401 401 403]"

func TestFailedLoginsAreCountedByTheAnswers(t *testing.T) {
	target := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	r := guarded(t, `{"StatusCode": {"SuccessCodes": [200], "FailureCodes": [401]}}`, baseConfig(targetOf(t, target.URL)))
	if got := fmt.Sprint(failingLogins(t, r)); got != twelfthBlocked {
		t.Errorf("%s", got)
	}
}

func TestFailedLoginsAreCountedByTheBodyOfTheAnswers(t *testing.T) {
	target := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusUnauthorized)
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat("<p>filler ", 3000)+`Sorry, wrong password`)
		_ = z.Close()
	})
	r := guarded(t, `{"BodyContains": {"SuccessStrings": ["Welcome"], "FailureStrings": ["wrong password"]}}`, baseConfig(targetOf(t, target.URL)))
	if got := fmt.Sprint(failingLogins(t, r)); got != twelfthBlocked {
		t.Errorf("%s", got)
	}
}

func TestFailedLoginsAreCountedOfTargetsOfHTTP2(t *testing.T) {
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error": "credentials"}`)
	}))
	target.Config.Protocols = new(http.Protocols)
	target.Config.Protocols.SetUnencryptedHTTP2(true)
	target.Start()
	t.Cleanup(target.Close)
	c := baseConfig(targetOf(t, target.URL))
	c.TargetGroups[0].Version = "HTTP2"
	r := guarded(t, `{"Json": {"Identifier": "/error", "SuccessValues": [""], "FailureValues": ["credentials"]}}`, c)
	if got := fmt.Sprint(failingLogins(t, r)); got != twelfthBlocked {
		t.Errorf("%s", got)
	}
}

package managed

import (
	"fmt"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

const takeoverJSON = `[{"AWSManagedRulesATPRuleSet": {"LoginPath": "/login",
	"RequestInspection": {"PayloadType": "JSON", "UsernameField": {"Identifier": "/user"}, "PasswordField": {"Identifier": "/secret/word"}},
	"ResponseInspection": {"StatusCode": {"SuccessCodes": [200], "FailureCodes": [401]}}}}]`

// stolenPair is the SHA-256 of "ann@example.org:hunter2", by sha256sum; stolenWord the SHA-1 of "letmein", by sha1sum.
const (
	stolenPair = "e600c0433dc3249770f18e29c0c976cc7a40e408fcdaef69d01bf3dad7d35d92"
	stolenWord = "b7a875fc1ea228b9061041b7cec4bd3c52ab3ce3:1234"
)

func login(c client, user, password string) *request.Request {
	return c.request("POST", "/login", fmt.Sprintf(`{"user": %q, "secret": {"word": %q}}`, user, password), "Content-Type", "application/json")
}

func TestTakeoverCountsLoginsOfAnAddress(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{}, waf.Overrides{})
	for i := range 40 {
		o := s.send(login(client{}, fmt.Sprint("user", i), "a"))
		switch n := i + 1; {
		case n > 20:
			s.want(fmt.Sprint(n), o, waf.Block, "VolumetricIpHigh", "awswaf:managed:aws:atp:aggregate:volumetric:ip:high", "awswaf:managed:aws:atp:VolumetricIpHigh")
		case n > 15:
			s.want(fmt.Sprint(n), o, waf.Allow, "", "aggregate:volumetric:ip:medium")
		case n > 10:
			s.want(fmt.Sprint(n), o, waf.Allow, "", "aggregate:volumetric:ip:low", "awswaf:managed:token:absent")
		default:
			s.want(fmt.Sprint(n), o, waf.Allow, "")
		}
	}
	s.want("another address", s.send(login(client{address: "10.2.2.2"}, "u", "a")), waf.Allow, "")
	s.now = s.now.Add(11 * time.Minute)
	s.want("ten minutes later", s.send(login(client{}, "u", "a")), waf.Allow, "")
}

func TestTakeoverLooksAtLoginsAlone(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{}, waf.Overrides{})
	for _, r := range []*request.Request{
		client{}.request("GET", "/login", ""), client{}.request("POST", "/home/login", "{}"), client{}.request("POST", "/", "{}"),
	} {
		if o := s.send(r); len(o.labels) > 0 || o.action != waf.Allow {
			t.Errorf("%s %s: %v", r.Method, r.Target, o)
		}
	}
	for _, target := range []string{"/login", "/login/", "/loginPage", "/login/this?a=b", "/%6cogin", "/x/../login", "/./login"} {
		s.want(target, s.send(client{}.request("POST", target, "{}")), waf.Block, "SignalMissingCredential", "awswaf:managed:aws:atp:signal:missing_credential", "atp:SignalMissingCredential")
	}
	regex := newSite(t, takeover, `[{"AWSManagedRulesATPRuleSet": {"LoginPath": "^/v[0-9]+/login$", "EnableRegexInPath": true}}]`, Feeds{}, waf.Overrides{})
	for target, want := range map[string]bool{"/v1/login": true, "/v22/login?x": true, "/v/login": false, "/v1/login/a": false} {
		if o := regex.send(client{}.request("POST", target, "")); (len(o.labels) > 0) != want {
			t.Errorf("%s: %v", target, o)
		}
	}
}

func TestTakeoverCountsLoginsOfASession(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{}, waf.Overrides{})
	for i := range 22 {
		o := s.send(login(client{token: "t", address: fmt.Sprintf("10.1.1.%d", i%4)}, "ann", "a"))
		if i < 20 {
			s.want(fmt.Sprint(i), o, waf.Allow, "", "awswaf:managed:token:accepted", "awswaf:managed:token:id:t")
		} else {
			s.want(fmt.Sprint(i), o, waf.Block, "VolumetricSession", "awswaf:managed:aws:atp:aggregate:volumetric:session", "atp:VolumetricSession")
		}
	}
}

func TestTakeoverKnowsStolenCredentials(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{Stolen: stolen(t, "# a list\n"+stolenPair+"\n", stolenWord+"\n")}, waf.Overrides{})
	const label = "awswaf:managed:aws:atp:signal:credential_compromised"
	s.want("a pair", s.send(login(client{}, " Ann@Example.org ", "hunter2")), waf.Allow, "", label)
	s.want("a password", s.send(login(client{}, "bob", "letmein")), waf.Allow, "", label)
	for _, r := range []*request.Request{login(client{}, "ann@example.org", "Hunter2"), login(client{}, "bob", "hunter2")} {
		if o := s.send(r); o.has(label) || o.action != waf.Allow {
			t.Errorf("%s: %v", r.Body, o)
		}
	}
	c := client{token: "t", address: "10.3.3.3"}
	s.want("once in a session", s.send(login(c, "ann@example.org", "hunter2")), waf.Allow, "", label)
	s.want("twice in a session", s.send(login(c, "bob", "letmein")), waf.Block, "AttributeCompromisedCredentials",
		"awswaf:managed:aws:atp:aggregate:attribute:compromised_credentials", "atp:AttributeCompromisedCredentials")
}

func TestTakeoverNoticesTraversal(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{}, waf.Overrides{})
	for i := range 7 {
		o := s.send(login(client{token: "names"}, fmt.Sprint("user", i), "a"))
		if i < 5 {
			s.want(fmt.Sprint(i), o, waf.Allow, "")
		} else {
			s.want(fmt.Sprint(i), o, waf.Block, "AttributeUsernameTraversal", "atp:aggregate:attribute:username_traversal", "atp:AttributeUsernameTraversal")
		}
	}
	for i := range 12 {
		o := s.send(login(client{address: fmt.Sprintf("10.1.2.%d", i)}, "ann", fmt.Sprint("guess", i)))
		if i < 10 {
			s.want(fmt.Sprint(i), o, waf.Allow, "")
		} else {
			s.want(fmt.Sprint(i), o, waf.Block, "AttributePasswordTraversal", "atp:aggregate:attribute:password_traversal", "atp:AttributePasswordTraversal")
		}
	}
}

func TestTakeoverNoticesLongSessions(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{}, waf.Overrides{})
	c := client{token: "t"}
	for i := range 14 { // every 29 minutes
		o := s.send(login(c, "ann", "a"))
		if time.Duration(i)*29*time.Minute > 6*time.Hour {
			s.want(fmt.Sprint(i), o, waf.Block, "AttributeLongSession", "atp:aggregate:attribute:long_session", "atp:AttributeLongSession")
		} else {
			s.want(fmt.Sprint(i), o, waf.Allow, "")
		}
		s.now = s.now.Add(29 * time.Minute)
	}
	s.now = s.now.Add(2 * time.Minute)
	s.want("after a pause", s.send(login(c, "ann", "a")), waf.Allow, "")
}

func TestTakeoverTellsWhatTokensAreWorth(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{}, waf.Overrides{})
	s.tokens = map[string]waf.Token{
		"forged": {Status: waf.TokenInvalid}, "old": {Status: waf.TokenExpired}, "other": {Status: waf.TokenDomainMismatch},
		"stale": {Status: waf.TokenValid, ID: "x", ChallengeSolved: clock.Unix() - 301}, "fresh": {Status: waf.TokenValid, ID: "y", ChallengeSolved: clock.Unix() - 299},
	}
	for token, reason := range map[string]string{"forged": "invalid", "old": "expired", "other": "domain_mismatch", "stale": "expired"} {
		s.want(token, s.send(login(client{token: token}, "ann", "a")), waf.Block, "TokenRejected", "awswaf:managed:token:rejected", "awswaf:managed:token:rejected:"+reason)
	}
	s.want("fresh", s.send(login(client{token: "fresh"}, "ann", "a")), waf.Allow, "", "awswaf:managed:token:accepted", "awswaf:managed:token:id:y", "awswaf:managed:captcha:rejected:not_solved")
	s.want("none", s.send(login(client{}, "ann", "a")), waf.Allow, "", "awswaf:managed:token:absent", "awswaf:managed:captcha:absent")
}

func TestTakeoverNoticesTokensInOtherHands(t *testing.T) {
	s := newSite(t, takeover, takeoverJSON, Feeds{}, waf.Overrides{})
	for i := range 7 {
		o := s.send(login(client{token: "t", address: fmt.Sprintf("10.1.1.%d", i+1)}, "ann", "a"))
		if got := o.has("atp:aggregate:volumetric:session:token_reuse:ip"); got != (i >= 5) {
			t.Errorf("from %d addresses: %v", i+1, got)
		}
	}
	for i, ja4 := range []string{"t13d1516h2_a_b", "t13d1516h2_a_b", "t13d3112h1_c_d"} {
		o := s.send(login(client{token: "u", ja4: ja4}, "ann", "a"))
		if got := o.has("atp:aggregate:attribute:suspicious_tls_fingerprint"); got != (i == 2) {
			t.Errorf("%d: %v", i, got)
		}
	}
}

func TestTakeoverCountsAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		config           string
		success, failure waf.Answer
	}{
		"status": {`"StatusCode": {"SuccessCodes": [200], "FailureCodes": [401, 403]}`, waf.Answer{Status: 200}, waf.Answer{Status: 403}},
		"header": {`"Header": {"Name": "X-Login", "SuccessValues": ["yes"], "FailureValues": ["no"]}`,
			waf.Answer{Fields: []request.Field{{Name: "x-login", Value: "yes"}}}, waf.Answer{Fields: []request.Field{{Name: "x-login", Value: "no"}}}},
		"body": {`"BodyContains": {"SuccessStrings": ["Welcome"], "FailureStrings": ["Wrong"]}`, waf.Answer{Body: []byte("<p>Welcome!")}, waf.Answer{Body: []byte("<p>Wrong!")}},
		"JSON": {`"Json": {"Identifier": "/login/success", "SuccessValues": ["True", "true"], "FailureValues": ["false"]}`,
			waf.Answer{Body: []byte(`{"login": {"success": true}}`)}, waf.Answer{Body: []byte(`{"login": {"success": false}}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			config := `[{"AWSManagedRulesATPRuleSet": {"LoginPath": "/login", "ResponseInspection": {` + c.config + `}}}]`
			s := newSite(t, takeover, config, Feeds{}, waf.Overrides{})
			s.answer = &waf.Answer{Status: 500, Body: []byte("down")}
			for range 4 {
				s.send(login(client{token: "t"}, "ann", "a"))
			}
			s.answer = &c.failure
			for i := range 12 {
				o := s.send(login(client{address: "10.1.1.9"}, "ann", "a"))
				for level, more := range map[string]int{"low": 1, "medium": 5} {
					if next := map[string]int{"low": 5, "medium": 10}[level]; o.has("atp:aggregate:volumetric:ip:failed_login_response:"+level) != (i > more && i <= next) {
						t.Errorf("%d failures: %s is wrong in %v", i, level, o.labels)
					}
				}
				if i > 10 {
					s.want(fmt.Sprint(i), o, waf.Block, "VolumetricIpFailedLoginResponseHigh", "atp:aggregate:volumetric:ip:failed_login_response:high", "atp:VolumetricIpFailedLoginResponseHigh")
				}
			}
			for i := range 12 {
				o := s.send(login(client{address: fmt.Sprintf("10.2.%d.9", i+1), token: "u"}, "ann", "a"))
				if i > 10 {
					s.want(fmt.Sprint(i), o, waf.Block, "VolumetricSessionFailedLoginResponseHigh", "atp:aggregate:volumetric:session:failed_login_response:high", "atp:VolumetricSessionFailedLoginResponseHigh")
				} else {
					s.want(fmt.Sprint(i), o, waf.Allow, "")
				}
			}
			s.answer = &c.success
			for i := range 12 {
				o := s.send(login(client{address: "10.4.4.4", token: "v"}, "ann", "a"))
				want := map[bool]string{i > 1 && i <= 5: "low", i > 5 && i <= 10: "medium", i > 10: "high"}[true]
				for _, of := range []string{"ip", "session"} {
					if want != "" {
						s.want(fmt.Sprint(i), o, waf.Allow, "", "atp:aggregate:volumetric:"+of+":successful_login_response:"+want)
					}
				}
			}
		})
	}
}

func TestTakeoverReadsForms(t *testing.T) {
	const config = `[{"LoginPath": "/login"}, {"PayloadType": "FORM_ENCODED"}, {"UsernameField": {"Identifier": "user"}}, {"PasswordField": {"Identifier": "word"}}]`
	s := newSite(t, takeover, config, Feeds{Stolen: stolen(t, stolenPair, "")}, waf.Overrides{})
	form := func(body string) *request.Request {
		return client{}.request("POST", "/login", body, "Content-Type", "application/x-www-form-urlencoded")
	}
	s.want("stolen", s.send(form("user=ann%40example.org&word=hunter2")), waf.Allow, "", "signal:credential_compromised")
	for _, body := range []string{"user=ann", "word=a", "user=&word=a", "user=ann&word=", ""} {
		s.want(body, s.send(form(body)), waf.Block, "SignalMissingCredential")
	}
}

func TestNothingHereIsACognitoUserPool(t *testing.T) {
	for _, name := range []string{takeover, creation} {
		s := newSite(t, name, configs[name], Feeds{}, waf.Overrides{})
		for _, r := range s.program.Rules() {
			if r.Name == "UnsupportedCognitoIDP" {
				t.Errorf("%s evaluates %s", name, r.Name)
			}
		}
	}
}

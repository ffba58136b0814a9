package managed

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

const creationJSON = `[{"AWSManagedRulesACFPRuleSet": {"CreationPath": "/create", "RegistrationPagePath": "/register",
	"RequestInspection": {"PayloadType": "JSON", "UsernameField": {"Identifier": "/user"}, "PasswordField": {"Identifier": "/word"}, "EmailField": {"Identifier": "/mail"},
		"PhoneNumberFields": [{"Identifier": "/phone/0"}, {"Identifier": "/phone/1"}], "AddressFields": [{"Identifier": "/street"}, {"Identifier": "/town"}]},
	"ResponseInspection": {"StatusCode": {"SuccessCodes": [201], "FailureCodes": [409]}}}}]`

const ofCreations = "awswaf:managed:aws:acfp:"

// created is the creation of the nth account.
func created(c client, n int, more string) *request.Request {
	return c.request("POST", "/create", fmt.Sprintf(`{"user": "user%d", "word": "w%d"%s}`, n, n, more), "Content-Type", "application/json")
}

func TestCreationChallengesThePage(t *testing.T) {
	s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
	s.want("without a token", s.send(client{}.request("GET", "/register", "")), waf.Challenge, "AllRequests", ofCreations+"signal:registration_page", "awswaf:managed:token:absent")
	s.want("with a token", s.send(client{token: "t"}.request("GET", "/register", "")), waf.Allow, "")
	if o := s.send(client{}.request("GET", "/", "")); len(o.labels) > 0 {
		t.Errorf("another page: %v", o)
	}
}

func TestCreationScoresRisk(t *testing.T) {
	lists := map[string]string{"AWSManagedIPReputationList": "10.5.0.0/16", "AnonymousIPList": "10.6.0.0/16", "HostingProviderIPList": "10.7.0.0/16"}
	feeds := Feeds{Addresses: func(name string) []netip.Prefix {
		if p, ok := lists[name]; ok {
			return []netip.Prefix{netip.MustParsePrefix(p)}
		}
		return nil
	}, Stolen: stolen(t, stolenPair, stolenWord)}
	s := newSite(t, creation, creationJSON, feeds, waf.Overrides{Actions: map[string]waf.Action{"SignalCredentialCompromised": {Kind: waf.Count}}})
	with := func(address, word string) *request.Request {
		return client{address: address, token: "t" + address}.request("POST", "/create", fmt.Sprintf(`{"user": "ann@example.org", "word": %q}`, word))
	}
	ip := "risk_score:contributor:ip_reputation:"
	pair := "risk_score:contributor:stolen_credentials_credential_pair:"
	for _, c := range []struct {
		address, word string
		rule          string
		labels        []string
	}{
		{"10.5.1.1", "fine", "RiskScoreHigh", []string{"risk_score:high", "RiskScoreHigh", ip + "high"}},
		{"10.6.1.1", "fine", "", []string{"risk_score:medium", ip + "medium"}},
		{"10.6.1.2", "hunter2", "RiskScoreHigh", []string{"risk_score:high", ip + "medium", pair + "high"}},
		{"10.6.1.3", "letmein", "RiskScoreHigh", []string{"risk_score:high", ip + "medium", pair + "medium"}},
		{"10.7.1.1", "fine", "", []string{"risk_score:low", ip + "low"}},
		{"10.8.1.1", "hunter2", "", []string{"risk_score:medium", pair + "high"}},
		{"10.8.1.2", "fine", "", nil},
	} {
		action := waf.Allow
		if c.rule != "" {
			action = waf.Block
		}
		o := s.send(with(c.address, c.word))
		s.want(c.address, o, action, c.rule, c.labels...)
		if c.labels == nil && o.has("risk_score:low") {
			t.Errorf("%s: %v", c.address, o.labels)
		}
	}
}

func TestCreationRefusesStolenCredentials(t *testing.T) {
	s := newSite(t, creation, creationJSON, Feeds{Stolen: stolen(t, stolenPair, "")}, waf.Overrides{})
	s.want("stolen", s.send(client{}.request("POST", "/create", `{"mail": "ann@example.org", "word": "hunter2"}`)), waf.Block, "SignalCredentialCompromised",
		ofCreations+"signal:credential_compromised", ofCreations+"SignalCredentialCompromised", ofCreations+"signal:creation_page")
	s.want("missing", s.send(client{}.request("POST", "/create", `{"mail": "ann@example.org"}`)), waf.Allow, "", ofCreations+"signal:missing_credential")
}

func TestCreationLooksAtTheBrowser(t *testing.T) {
	s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
	told := func(t waf.Token) waf.Token {
		t.Status, t.Told, t.Used = waf.TokenValid, true, true
		return t
	}
	s.tokens = map[string]waf.Token{
		"silent": told(waf.Token{ID: "a", Form: true}), "quiet": told(waf.Token{ID: "b", Interactions: 1}), "few": told(waf.Token{ID: "c", Interactions: 5}),
		"busy": told(waf.Token{ID: "d", Interactions: 50}), "robot": told(waf.Token{ID: "e", Interactions: 50, Automated: true}),
		"extension": told(waf.Token{ID: "f", Interactions: 50, Extension: true}), "odd": told(waf.Token{ID: "g", Interactions: 50, Inconsistent: true}),
		"untold": {Status: waf.TokenValid, ID: "h"}, "unused": {Status: waf.TokenValid, ID: "i", Told: true},
	}
	for i, c := range []struct {
		token  string
		action waf.ActionKind
		rule   string
		labels []string
	}{
		{"silent", waf.Captcha, "SignalClientHumanInteractivityAbsentLow", []string{"signal:client:human_interactivity:high", "SignalClientHumanInteractivityAbsentHigh", "signal:form_detected"}},
		{"quiet", waf.Captcha, "SignalClientHumanInteractivityAbsentLow", []string{"signal:client:human_interactivity:medium", "SignalClientHumanInteractivityAbsentMedium"}},
		{"few", waf.Captcha, "SignalClientHumanInteractivityAbsentLow", []string{"signal:client:human_interactivity:low", "SignalClientHumanInteractivityAbsentLow"}},
		{"busy", waf.Allow, "", nil},
		{"robot", waf.Block, "AutomatedBrowser", []string{"signal:automated_browser", "acfp:AutomatedBrowser"}},
		{"extension", waf.Block, "AutomatedBrowser", nil},
		{"odd", waf.Captcha, "BrowserInconsistency", []string{"signal:browser_inconsistency", "acfp:BrowserInconsistency"}},
		{"untold", waf.Allow, "", []string{"signal:client:human_interactivity:insufficient_data"}},
		{"unused", waf.Allow, "", []string{"signal:client:human_interactivity:insufficient_data"}},
	} {
		// A CAPTCHA that was solved lets pass; these have not solved one.
		token := s.tokens[c.token]
		token.ChallengeSolved = clock.Unix()
		s.tokens[c.token] = token
		s.want(c.token, s.send(created(client{token: c.token, address: fmt.Sprintf("10.1.1.%d", i)}, i, "")), c.action, c.rule, c.labels...)
	}
}

func TestCreationCounts(t *testing.T) {
	t.Run("addresses", func(t *testing.T) {
		s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
		for i := range 22 {
			o := s.send(created(client{}, i, ""))
			switch n := i + 1; {
			case n > 20:
				s.want(fmt.Sprint(n), o, waf.Captcha, "VolumetricIpHigh", "acfp:aggregate:volumetric:ip:creation:high", "acfp:VolumetricIpHigh")
			case n > 15:
				s.want(fmt.Sprint(n), o, waf.Allow, "", "acfp:aggregate:volumetric:ip:creation:medium")
			case n > 10:
				s.want(fmt.Sprint(n), o, waf.Allow, "", "acfp:aggregate:volumetric:ip:creation:low")
			}
		}
	})
	t.Run("sessions and names", func(t *testing.T) {
		s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
		for i := range 12 {
			o := s.send(created(client{token: "t"}, 1, ""))
			if i >= 10 {
				s.want(fmt.Sprint(i), o, waf.Block, "VolumetricSessionHigh", "acfp:aggregate:volumetric:session:creation:high", "acfp:VolumetricSessionHigh")
			} else if i >= 1 {
				s.want(fmt.Sprint(i), o, waf.Allow, "", "acfp:aggregate:volumetric:session:creation:"+map[bool]string{true: "medium", false: "low"}[i >= 5])
			}
		}
		over := waf.Overrides{Actions: map[string]waf.Action{"VolumetricSessionHigh": {Kind: waf.Count}}}
		s = newSite(t, creation, creationJSON, Feeds{}, over)
		for i := range 12 {
			o := s.send(created(client{token: "t", address: "10.2.2.2"}, i, ""))
			if i >= 10 {
				s.want(fmt.Sprint(i), o, waf.Block, "AttributeUsernameTraversalHigh", "acfp:aggregate:attribute:username_traversal:creation:high", "acfp:AttributeUsernameTraversalHigh")
			} else if i >= 1 {
				s.want(fmt.Sprint(i), o, waf.Allow, "", "acfp:aggregate:attribute:username_traversal:creation:"+map[bool]string{true: "medium", false: "low"}[i >= 5])
			}
		}
	})
	t.Run("phones", func(t *testing.T) {
		s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
		for i := range 12 {
			o := s.send(created(client{token: fmt.Sprint("t", i), address: fmt.Sprintf("10.1.1.%d", i)}, i, `, "phone": ["+49", "30 1234"]`))
			if i >= 10 {
				s.want(fmt.Sprint(i), o, waf.Block, "VolumetricPhoneNumberHigh", "acfp:aggregate:volumetric:phone_number:high", "acfp:VolumetricPhoneNumberHigh")
			} else if i >= 1 {
				s.want(fmt.Sprint(i), o, waf.Allow, "", "acfp:aggregate:volumetric:phone_number:"+map[bool]string{true: "medium", false: "low"}[i >= 5])
			}
		}
		s.want("another number", s.send(created(client{token: "x", address: "10.2.2.2"}, 1, `, "phone": ["+49", "30 4321"]`)), waf.Allow, "")
	})
	t.Run("postal addresses", func(t *testing.T) {
		s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
		for i := range 102 {
			o := s.send(created(client{token: fmt.Sprint("t", i), address: fmt.Sprintf("10.1.1.%d", i)}, i, `, "street": "Main St 1", "town": "X"`))
			switch n := i + 1; {
			case n > 100:
				s.want(fmt.Sprint(n), o, waf.Block, "VolumetricAddressHigh", "acfp:aggregate:volumetric:address:high", "acfp:VolumetricAddressHigh")
			case n > 50:
				s.want(fmt.Sprint(n), o, waf.Captcha, "VolumetricAddressLow", "acfp:aggregate:volumetric:address:medium", "acfp:VolumetricAddressMedium")
			case n > 10:
				s.want(fmt.Sprint(n), o, waf.Captcha, "VolumetricAddressLow", "acfp:aggregate:volumetric:address:low", "acfp:VolumetricAddressLow")
			default:
				s.want(fmt.Sprint(n), o, waf.Allow, "")
			}
		}
	})
	t.Run("tokens in other hands", func(t *testing.T) {
		s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
		for i := range 7 {
			o := s.send(created(client{token: "t", address: fmt.Sprintf("10.1.1.%d", i)}, 1, ""))
			if i >= 5 {
				s.want(fmt.Sprint(i), o, waf.Block, "VolumetricSessionTokenReuseIp", "acfp:aggregate:volumetric:session:creation:token_reuse:ip", "acfp:VolumetricSessionTokenReuseIp")
			} else {
				s.want(fmt.Sprint(i), o, waf.Allow, "")
			}
		}
	})
}

func TestCreationCountsAnswers(t *testing.T) {
	s := newSite(t, creation, creationJSON, Feeds{}, waf.Overrides{})
	s.answer = &waf.Answer{Status: 201}
	for i := range 13 {
		o := s.send(created(client{}, i, ""))
		switch {
		case i > 10:
			s.want(fmt.Sprint(i), o, waf.Block, "VolumetricIPSuccessfulResponse", "acfp:aggregate:volumetric:ip:successful_creation_response:high", "acfp:VolumetricIPSuccessfulResponse")
		case i > 5:
			s.want(fmt.Sprint(i), o, waf.Allow, "", "acfp:aggregate:volumetric:ip:successful_creation_response:medium")
		case i > 1:
			s.want(fmt.Sprint(i), o, waf.Allow, "", "acfp:aggregate:volumetric:ip:successful_creation_response:low")
		}
	}
	for i := range 3 {
		o := s.send(created(client{token: "t", address: fmt.Sprintf("10.2.2.%d", i)}, 1, ""))
		if i > 1 {
			s.want(fmt.Sprint(i), o, waf.Block, "VolumetricSessionSuccessfulResponse", "acfp:aggregate:volumetric:session:successful_creation_response:low", "acfp:VolumetricSessionSuccessfulResponse")
		} else {
			s.want(fmt.Sprint(i), o, waf.Allow, "")
		}
	}
	s.now = s.now.Add(time.Hour)
	s.answer = &waf.Answer{Status: 409}
	for i := range 9 {
		o := s.send(created(client{token: "f"}, 1, ""))
		if want := map[bool]string{i > 1 && i <= 5: "low", i > 5: "medium"}[true]; want != "" {
			s.want(fmt.Sprint(i), o, waf.Allow, "", "acfp:aggregate:volumetric:ip:failed_creation_response:"+want, "acfp:aggregate:volumetric:session:failed_creation_response:"+want)
		}
	}
}

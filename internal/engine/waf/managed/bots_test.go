package managed

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

const (
	commonLevel   = `[{"AWSManagedRulesBotControlRuleSet": {"InspectionLevel": "COMMON"}}]`
	targetedLevel = `[{"AWSManagedRulesBotControlRuleSet": {"InspectionLevel": "TARGETED"}}]`
	ofBots        = "awswaf:managed:aws:bot-control:"
)

// botFile is the file of the group.
func botFile(t *testing.T) (f file) {
	t.Helper()
	data, err := files.ReadFile("groups/botcontrol.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// categoryRules are the rules of categories.
func categoryRules(f *file) map[string]string {
	rules := map[string]string{}
	for i := range f.Rules {
		if r := &f.Rules[i]; strings.HasPrefix(r.Name, "Category") {
			rules[strings.TrimPrefix(r.Has[0], "bot:category:")] = r.Name
		}
	}
	return rules
}

func TestEveryBotIsKnownByItsUserAgent(t *testing.T) {
	f := botFile(t)
	rules := categoryRules(&f)
	s := newSite(t, botControl, commonLevel, Feeds{}, waf.Overrides{})
	for i := range f.Bots {
		b := &f.Bots[i]
		if len(b.Samples) == 0 {
			t.Errorf("%s has no sample", b.Name)
		}
		for _, sample := range b.Samples {
			o := s.send(client{agent: sample}.request("GET", "/", ""))
			s.want(sample, o, waf.Block, rules[b.Category], ofBots+"bot:name:"+b.Name, ofBots+"bot:category:"+b.Category, ofBots+"bot:unverified", ofBots+rules[b.Category])
			names := slices.DeleteFunc(slices.Clone(o.labels), func(l string) bool { return !strings.HasPrefix(l, ofBots+"bot:name:") })
			if len(names) != 1 {
				t.Errorf("%s is %v", sample, names)
			}
			if b.Organization != "" && !o.has("bot:organization:"+b.Organization) {
				t.Errorf("%s: %v", sample, o.labels)
			}
		}
	}
}

func TestEveryCategoryHasBots(t *testing.T) {
	f := botFile(t)
	rules := categoryRules(&f)
	seen := map[string]bool{}
	names := map[string]bool{}
	for i := range f.Bots {
		b := &f.Bots[i]
		if rules[b.Category] == "" {
			t.Errorf("%s is of the category %q", b.Name, b.Category)
		}
		if names[b.Name] {
			t.Errorf("%s is there twice", b.Name)
		}
		names[b.Name], seen[b.Category] = true, true
	}
	if len(seen) != 16 || len(rules) != 16 {
		t.Errorf("%d categories with bots, %d with rules", len(seen), len(rules))
	}
}

func TestBrowsersAreNoBots(t *testing.T) {
	s := newSite(t, botControl, targetedLevel, Feeds{}, waf.Overrides{})
	for i, agent := range []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 OPR/125.0.0.0",
		"Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
		"Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
	} {
		o := s.send(client{agent: agent, address: fmt.Sprintf("10.1.1.%d", i)}.request("GET", "/", ""))
		s.want(agent, o, waf.Allow, "")
		for _, l := range o.labels {
			if strings.HasPrefix(l, ofBots) && l != ofBots+"TGT_TokenAbsent" {
				t.Errorf("%s: %s", agent, l)
			}
		}
	}
}

func TestBotsAreVerifiedByTheirAddress(t *testing.T) {
	feeds := Feeds{Addresses: func(name string) []netip.Prefix {
		if name == BotSet("bingbot") || name == BotSet("gptbot") {
			return []netip.Prefix{netip.MustParsePrefix("10.40.0.0/16")}
		}
		return nil
	}}
	s := newSite(t, botControl, commonLevel, feeds, waf.Overrides{})
	const google, bing, gpt = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "GPTBot/1.2"
	googles := netip.MustParseAddr("10.1.1.1")
	for _, c := range []struct {
		agent, address string
		asn            uint32
		verified       bool
		rule           string
	}{
		{bing, "10.40.1.1", 40, true, ""}, {bing, "10.41.1.1", 41, false, "CategorySearchEngine"}, {google, "10.40.1.1", 40, false, "CategorySearchEngine"},
		{gpt, "10.40.1.1", 40, true, "CategoryAI"}, {gpt, "10.41.1.1", 41, false, "CategoryAI"},
	} {
		o := s.send(client{agent: c.agent, address: c.address}.request("GET", "/", ""))
		action := waf.Allow
		if c.rule != "" {
			action = waf.Block
		}
		label := map[bool]string{true: "bot:verified", false: "bot:unverified"}[c.verified]
		s.want(c.agent+" from "+c.address, o, action, c.rule, ofBots+label)
	}
	// By its autonomous system.
	groups, err := New(Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{{Name: "g", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: botControl}}}}}
	p, err := waf.Compile(&acl, waf.Options{Managed: groups, Places: oneSystem(15169)})
	if err != nil {
		t.Fatal(err)
	}
	if p.UsesASN() {
		t.Error("the group has AWS's logs tell the autonomous system")
	}
	s.program = p
	s.want("Googlebot", s.send(client{agent: google, address: googles.String()}.request("GET", "/", "")), waf.Allow, "", ofBots+"bot:verified", ofBots+"bot:organization:google")
	s.want("bingbot", s.send(client{agent: bing, address: googles.String()}.request("GET", "/", "")), waf.Block, "CategorySearchEngine", ofBots+"bot:unverified")
}

// oneSystem is a world of one autonomous system.
type oneSystem uint32

func (oneSystem) Country(netip.Addr) (string, string) { return "", "" }
func (s oneSystem) ASN(netip.Addr) uint32             { return uint32(s) }

func TestBotSignals(t *testing.T) {
	feeds := Feeds{Addresses: func(name string) []netip.Prefix {
		if name == "KnownBotDataCenter" {
			return []netip.Prefix{netip.MustParsePrefix("10.50.0.0/16")}
		}
		return nil
	}}
	s := newSite(t, botControl, commonLevel, feeds, waf.Overrides{})
	for _, c := range []struct {
		c           client
		rule, label string
	}{
		{client{agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36"}, "SignalAutomatedBrowser", "signal:automated_browser"},
		{client{address: "10.50.1.1"}, "SignalKnownBotDataCenter", "signal:known_bot_data_center"},
		{client{agent: "-"}, "SignalNonBrowserUserAgent", "signal:non_browser_user_agent"},
		{client{agent: "MyApp/1.0"}, "SignalNonBrowserUserAgent", "signal:non_browser_user_agent"},
		{client{agent: "Mozilla/5.0 (compatible; Unheard/1.0)"}, "SignalNonBrowserUserAgent", "signal:non_browser_user_agent"},
	} {
		s.want(c.rule, s.send(c.c.request("GET", "/", "")), waf.Block, c.rule, ofBots+c.label, ofBots+c.rule)
	}
	s.program = nil
	for name, asn := range map[string]oneSystem{"aws": 16509, "azure": 8075, "gcp": 396982, "cloudflare": 13335, "digital_ocean": 14061, "akamai": 63949, "alibaba": 45102, "ibm": 36351, "oracle": 31898} {
		groups, err := New(Feeds{})
		if err != nil {
			t.Fatal(err)
		}
		acl := waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{{Name: "g", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: botControl}}}}}
		if s.program, err = waf.Compile(&acl, waf.Options{Managed: groups, Places: asn}); err != nil {
			t.Fatal(err)
		}
		s.want(name, s.send(client{}.request("GET", "/", "")), waf.Allow, "", ofBots+"signal:cloud_service_provider:"+name)
	}
}

func TestTargetedRulesAreOfTheTargetedLevel(t *testing.T) {
	count := func(configs string) (n, learned int) {
		for _, r := range newSite(t, botControl, configs, Feeds{}, waf.Overrides{}).program.Rules() {
			if strings.HasPrefix(r.Name, "TGT_ML_") {
				learned++
			} else if strings.HasPrefix(r.Name, "TGT_") {
				n++
			}
		}
		return n, learned
	}
	for configs, want := range map[string][2]int{
		commonLevel: {0, 0}, "": {0, 0}, targetedLevel: {16, 3},
		`[{"AWSManagedRulesBotControlRuleSet": {"InspectionLevel": "TARGETED", "EnableMachineLearning": false}}]`: {16, 0},
	} {
		if n, learned := count(configs); n != want[0] || learned != want[1] {
			t.Errorf("%s: %d rules and %d of learning", configs, n, learned)
		}
	}
}

func TestTargetedTokenAbsent(t *testing.T) {
	s := newSite(t, botControl, targetedLevel, Feeds{}, waf.Overrides{})
	for i := range 6 {
		o := s.send(client{}.request("GET", "/", ""))
		if i < 4 {
			s.want(fmt.Sprint(i), o, waf.Allow, "", "awswaf:managed:token:absent", ofBots+"TGT_TokenAbsent")
		} else {
			s.want(fmt.Sprint(i), o, waf.Challenge, "TGT_VolumetricIpTokenAbsent", ofBots+"targeted:aggregate:volumetric:ip:token_absent", ofBots+"TGT_VolumetricIpTokenAbsent")
		}
	}
	s.want("with a token", s.send(client{token: "t"}.request("GET", "/", "")), waf.Allow, "", "awswaf:managed:token:accepted")
	s.now = s.now.Add(6 * time.Minute)
	s.want("later", s.send(client{}.request("GET", "/", "")), waf.Allow, "")
}

func TestTargetedBrowserSignals(t *testing.T) {
	s := newSite(t, botControl, targetedLevel, Feeds{}, waf.Overrides{})
	s.tokens = map[string]waf.Token{
		"automated": {Status: waf.TokenValid, ID: "a", Told: true, Automated: true, ChallengeSolved: clock.Unix()},
		"extension": {Status: waf.TokenValid, ID: "b", Told: true, Extension: true, ChallengeSolved: clock.Unix()},
		"odd":       {Status: waf.TokenValid, ID: "c", Told: true, Inconsistent: true, ChallengeSolved: clock.Unix(), Browser: "f1"},
	}
	for token, c := range map[string][2]string{
		"automated": {"TGT_SignalAutomatedBrowser", "targeted:signal:automated_browser"}, "extension": {"TGT_SignalBrowserAutomationExtension", "targeted:signal:browser_automation_extension"},
		"odd": {"TGT_SignalBrowserInconsistency", "targeted:signal:browser_inconsistency"},
	} {
		s.want(token, s.send(client{token: token}.request("GET", "/", "")), waf.Captcha, c[0], ofBots+c[1], ofBots+c[0])
	}
	if o := s.send(client{token: "odd"}.request("GET", "/", "")); !o.has("awswaf:managed:token:fingerprint:f1") {
		t.Errorf("%v", o.labels)
	}
}

func TestTargetedTokenReuse(t *testing.T) {
	for _, c := range []struct {
		kind, name  string
		low, medium int // the first numbers of these levels; the next ones follow
		high        int
		address     func(i int) string
	}{
		{"ip", "Ip", 3, 6, 9, func(i int) string { return fmt.Sprintf("10.1.1.%d", i) }},
		{"country", "Country", 2, 3, 4, func(i int) string { return fmt.Sprintf("10.%d.1.1", i) }},
		{"asn", "Asn", 2, 3, 4, func(i int) string { return fmt.Sprintf("10.%d.1.1", i) }},
	} {
		// The other reuses of the same requests only count.
		over := waf.Overrides{Actions: map[string]waf.Action{}}
		for _, other := range []string{"Ip", "Country", "Asn"} {
			for _, level := range []string{"Medium", "High"} {
				if other != c.name {
					over.Actions["TGT_TokenReuse"+other+level] = waf.Action{Kind: waf.Count}
				}
			}
		}
		s := newSite(t, botControl, targetedLevel, Feeds{}, over)
		s.tokens["t"] = waf.Token{Status: waf.TokenValid, ID: "t", ChallengeSolved: clock.Unix()}
		for n := 1; n <= 10; n++ {
			o := s.send(client{token: "t", address: c.address(n)}.request("GET", "/", ""))
			action, rule, level := waf.Allow, "", ""
			switch {
			case n >= c.high:
				action, level = waf.Block, "High"
			case n >= c.medium:
				action, level = waf.Captcha, "Medium"
			case n >= c.low:
				level = "Low"
			}
			if action != waf.Allow {
				rule = "TGT_TokenReuse" + c.name + level
			}
			s.want(fmt.Sprint(c.kind, n), o, action, rule)
			if level != "" && (!o.has(ofBots+"targeted:aggregate:volumetric:session:token_reuse:"+c.kind+":"+strings.ToLower(level)) || !o.has("TGT_TokenReuse"+c.name+level)) {
				t.Errorf("%s %d: %v", c.kind, n, o.labels)
			}
		}
	}
}

func TestTargetedSessionVolume(t *testing.T) {
	s := newSite(t, botControl, targetedLevel, Feeds{}, waf.Overrides{})
	s.program = counting(t, botControl, targetedLevel)
	busy := client{token: "busy"}.request("GET", "/", "")
	for range 4000 {
		if o := s.send(busy); o.has("targeted:aggregate:volumetric:session:low") {
			t.Fatal("something is unusual before anything is known")
		}
	}
	for i := range 100 {
		for range 10 {
			s.send(client{token: fmt.Sprint("t", i)}.request("GET", "/", ""))
		}
	}
	s.now = s.now.Add(10 * time.Minute)
	first := map[string]int{}
	for n := 1; n <= 3100; n++ {
		o := s.send(busy)
		for _, level := range []string{"low", "medium", "high", "maximum"} {
			if _, known := first[level]; !known && o.has("targeted:aggregate:volumetric:session:"+level) {
				first[level] = n
			}
		}
	}
	if want := (map[string]int{"low": 301, "medium": 601, "high": 1001, "maximum": 3001}); fmt.Sprint(first) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", first, want)
	}
	o := s.send(busy)
	if !o.has("TGT_VolumetricSessionMaximum") {
		t.Errorf("%v", o.labels)
	}
}

// counting is a program of a group whose rules only count.
func counting(t *testing.T, group, configs string) *waf.Program {
	t.Helper()
	groups, err := New(Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{
		{Name: "g", Override: waf.OverrideCount, Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: group, Configs: json.RawMessage(configs), Overrides: waf.Overrides{Actions: countAll(t, groups, group)}}}},
	}}
	p, err := waf.Compile(&acl, waf.Options{Managed: groups, Places: lands{}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func countAll(t *testing.T, groups *Catalogue, name string) map[string]waf.Action {
	t.Helper()
	all := map[string]waf.Action{}
	for _, g := range groups.Groups() {
		if g.Name == name {
			for _, r := range g.Rules {
				all[r.Name] = waf.Action{Kind: waf.Count}
			}
		}
	}
	return all
}

func TestTargetedCoordinatedActivity(t *testing.T) {
	s := newSite(t, botControl, targetedLevel, Feeds{}, waf.Overrides{})
	s.program = counting(t, botControl, targetedLevel)
	visit := func(c client, target, referer string) outcome {
		r := c.request("GET", target, "")
		if referer != "" {
			r.Fields = append(r.Fields, request.Field{Name: "Referer", Value: referer})
		}
		return s.send(r)
	}
	// An hour of ordinary traffic, in which a few clients of the tool ask, too.
	for range 60 {
		for i := range 30 {
			visit(client{address: fmt.Sprintf("10.9.1.%d", i)}, "/", "")
			for range 5 {
				visit(client{address: fmt.Sprintf("10.9.1.%d", i)}, "/style.css", "https://shop.example/")
			}
		}
		visit(client{agent: "Mozilla/5.0 (Tool)", address: "10.1.1.1"}, "/api/x", "")
		s.now = s.now.Add(time.Minute)
	}
	seen := map[string]int{}
	for n := range 200 {
		o := visit(client{agent: "Mozilla/5.0 (Tool)", address: fmt.Sprintf("10.1.2.%d", n%40)}, "/api/x", "")
		for _, level := range []string{"low", "medium", "high"} {
			if o.has("targeted:aggregate:coordinated_activity:" + level) {
				seen[level]++
				if rule := "TGT_ML_CoordinatedActivity" + strings.ToUpper(level[:1]) + level[1:]; !o.has(rule) {
					t.Errorf("no label %s", rule)
				}
			}
		}
	}
	if seen["high"] < 100 {
		t.Errorf("a coordinated flood: %v", seen)
	}
	s.now = s.now.Add(time.Minute)
	seen = map[string]int{}
	for n := range 200 {
		if o := visit(client{agent: "Mozilla/5.0 (Tool)", address: fmt.Sprintf("10.1.2.%d", n%10)}, "/api/y/z", ""); o.has("targeted:aggregate:coordinated_activity:low") {
			seen["low"]++
		}
	}
	if seen["low"] < 50 {
		t.Errorf("a flood of ten: %v", seen)
	}
	s.now = s.now.Add(time.Minute)
	for n := range 600 { // a crowd of browsers, which ask for what a page needs
		c := client{address: fmt.Sprintf("10.9.3.%d", n%200)}
		o := visit(c, "/sale", "")
		for range 5 {
			visit(c, "/style.css", "https://shop.example/sale")
		}
		for _, level := range []string{"low", "medium", "high"} {
			if o.has("targeted:aggregate:coordinated_activity:" + level) {
				t.Fatalf("a crowd is coordinated (%s) at request %d", level, n)
			}
		}
	}
}

package proxy

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"fastness/internal/http1"
)

func TestWildcards(t *testing.T) {
	for _, c := range []struct {
		p, s string
		fold bool
		want bool
	}{
		{"", "", false, true}, {"*", "", false, true}, {"?", "", false, false}, {"a*", "abc", false, true}, {"a*c", "abcbc", false, true},
		{"a?c", "abc", false, true}, {"a?c", "ac", false, false}, {"*b*d*", "abcd", false, true}, {"*.example.com", "www.EXAMPLE.com", true, true},
		{"*.example.com", "example.com", true, false}, {"/img/*", "/IMG/a", false, false}, {"*a*a*a*a*b", strings.Repeat("a", 5000), false, false},
	} {
		if got := wildcard(c.p, c.s, c.fold); got != c.want {
			t.Errorf("wildcard(%q, %.20q) = %v", c.p, c.s, got)
		}
	}
}

func TestConditions(t *testing.T) {
	q := routing{
		method: "GET", host: "Www.Example.com:8080", path: "/Img/cat.png", query: "size=Large&a=b%20c&flag", client: netip.MustParseAddr("192.0.2.7"),
		fields: []http1.Field{{Name: "User-Agent", Value: "Mozilla/5.0 Chrome"}, {Name: "X-A", Value: "1"}, {Name: "x-a", Value: "Two"}},
	}
	for _, c := range []struct {
		condition Condition
		want      bool
	}{
		{Condition{Field: "host-header", Values: []string{"*.example.COM"}}, true},
		{Condition{Field: "host-header", Values: []string{"example.com"}}, false},
		{Condition{Field: "host-header", Regex: []string{`^www\.`}}, true},
		{Condition{Field: "path-pattern", Values: []string{"/img/*"}}, false},
		{Condition{Field: "path-pattern", Values: []string{"/other", "/Img/*.png"}}, true},
		{Condition{Field: "path-pattern", Regex: []string{`^/Img/[a-z]+\.png$`}}, true},
		{Condition{Field: "http-request-method", Values: []string{"POST", "GET"}}, true},
		{Condition{Field: "http-request-method", Values: []string{"get"}}, false},
		{Condition{Field: "http-header", Name: "X-a", Values: []string{"t?o"}}, true},
		{Condition{Field: "http-header", Name: "x-b", Values: []string{"*"}}, false},
		{Condition{Field: "http-header", Name: "user-agent", Values: []string{"*chrome*"}}, true},
		{Condition{Field: "query-string", Query: []Pair{{"SIZE", "large"}}}, true},
		{Condition{Field: "query-string", Query: []Pair{{"", "b c"}}}, true},
		{Condition{Field: "query-string", Query: []Pair{{"flag", "*"}}}, true},
		{Condition{Field: "query-string", Query: []Pair{{"size", "small"}}}, false},
		{Condition{Field: "source-ip", Values: []string{"198.51.100.0/24", "192.0.2.0/29"}}, true},
		{Condition{Field: "source-ip", Values: []string{"2001:db8::/32"}}, false},
	} {
		k, err := compileCondition(&c.condition)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.holds(&q); got != c.want {
			t.Errorf("%+v: %v", c.condition, got)
		}
	}
}

func TestRulesDecideInOrder(t *testing.T) {
	one := backend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "one") })
	two := backend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "two") })
	c := baseConfig(targetOf(t, one.URL))
	c.TargetGroups = append(c.TargetGroups, TargetGroup{ARN: "g2", Protocol: "HTTP", Targets: []Target{targetOf(t, two.URL)}, Health: HealthCheck{Off: true}},
		TargetGroup{ARN: "empty", Protocol: "HTTP"})
	path := func(p string) []Condition { return []Condition{{Field: "path-pattern", Values: []string{p}}} }
	c.LoadBalancers[0].Listeners[0].Rules = []Rule{
		{ARN: "r3", Priority: 30, Conditions: path("/two*"), Action: Action{Forward: &Forward{Groups: []WeightedGroup{{"g2", 1}}}}},
		{ARN: "r1", Priority: 10, Conditions: path("/two/fixed"), Action: Action{Fixed: &FixedResponse{Status: 503, ContentType: "application/json", Body: `{"a":1}`}}},
		{ARN: "r2", Priority: 20, Conditions: path("/old/*"), Action: Action{Redirect: &Redirect{Status: 301, Protocol: "HTTPS", Port: "443", Path: "/new/#{path}", Query: "from=#{host}&#{query}"}}},
		{ARN: "r4", Priority: 40, Conditions: path("/empty"), Action: Action{Forward: &Forward{Groups: []WeightedGroup{{"empty", 1}}}}},
		{ARN: "r5", Priority: 50, Conditions: path("/none"), Action: Action{Forward: &Forward{Groups: []WeightedGroup{{"g2", 0}, {"g", 0}}}}},
	}
	r := start(t, c)
	for path, want := range map[string]string{"/": "one", "/two": "two", "/two/fixed": `{"a":1}`} {
		if a := r.get(path); a.body != want {
			t.Errorf("%s: %d %q", path, a.StatusCode, a.body)
		}
	}
	host := r.addr[:strings.LastIndexByte(r.addr, ':')]
	if a := r.get("/old/a%2fb?x=1"); a.StatusCode != 301 || a.Header.Get("Location") != "https://"+host+":443/new/old/a%2fb?from="+host+"&x=1" {
		t.Errorf("%d %q", a.StatusCode, a.Header.Get("Location"))
	}
	for _, path := range []string{"/empty", "/none"} {
		if a := r.get(path); a.StatusCode != 503 || a.ContentLength != 162 {
			t.Errorf("%s: %d, %d bytes", path, a.StatusCode, a.ContentLength)
		}
	}
}

func TestWeightsAndTheirStickiness(t *testing.T) {
	one := backend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "one") })
	two := backend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "two") })
	c := baseConfig(targetOf(t, one.URL))
	c.TargetGroups = append(c.TargetGroups, TargetGroup{ARN: "g2", Protocol: "HTTP", Targets: []Target{targetOf(t, two.URL)}, Health: HealthCheck{Off: true}})
	c.LoadBalancers[0].Listeners[0].Default.Forward = &Forward{Groups: []WeightedGroup{{"g", 3}, {"g2", 1}}, StickinessSeconds: 60}
	r := start(t, c)
	count := map[string]int{}
	var cookies []*http.Cookie
	for range 400 {
		a := r.get("/")
		count[a.body]++
		if a.body == "two" {
			cookies = a.Cookies()
		}
	}
	if count["two"] < 50 || count["two"] > 150 {
		t.Errorf("three to one became %v", count)
	}
	if len(cookies) != 2 || cookies[0].Name != "AWSALBTG" || cookies[1].Name != "AWSALBTGCORS" || cookies[1].SameSite != http.SameSiteNoneMode {
		t.Fatalf("cookies %v", cookies)
	}
	for _, cookie := range cookies {
		for range 20 {
			if a := r.getWith(cookie.Name + "=" + cookie.Value); a.body != "two" {
				t.Fatalf("%s did not keep the client", cookie.Name)
			}
		}
	}
	// A cookie that somebody made, or that was for another name, is worth nothing.
	forged := 0
	for range 40 {
		if a := r.getWith("AWSALBTG=" + cookies[1].Value); a.body == "two" {
			forged++
		}
	}
	if forged == 40 {
		t.Error("a cookie under another name kept the client")
	}
}

func (r *rig) getWith(cookie string) answer {
	r.t.Helper()
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCookie: other=1; " + cookie + "\r\n\r\n")
	return c.receive("GET")
}

func TestTargetStickiness(t *testing.T) {
	var targets []Target
	for i := range 4 {
		targets = append(targets, targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"})
			}
			fmt.Fprint(w, i)
		}).URL))
	}
	c := baseConfig(targets...)
	c.TargetGroups[0].Stickiness = &Stickiness{Seconds: 60}
	r := start(t, c)
	a := r.get("/")
	cookies := a.Cookies()
	if len(cookies) != 2 || cookies[0].Name != "AWSALB" || cookies[1].Name != "AWSALBCORS" || strings.Contains(cookies[0].Value, "127.0.0.1") {
		t.Fatalf("cookies %v", cookies)
	}
	for range 8 {
		if b := r.getWith("AWSALB=" + cookies[0].Value); b.body != a.body {
			t.Fatalf("went from target %s to %s", a.body, b.body)
		}
	}
	c.TargetGroups[0].Stickiness = &Stickiness{Seconds: 60, Cookie: "session"}
	if err := r.Apply(c); err != nil {
		t.Fatal(err)
	}
	if a := r.get("/"); len(a.Cookies()) != 0 {
		t.Errorf("cookies %v", a.Cookies())
	}
	a = r.get("/login")
	if cookies = a.Cookies(); len(cookies) != 2 || cookies[1].Name != "AWSALBAPP-0" {
		t.Fatalf("cookies %v", cookies)
	}
	for range 8 {
		if b := r.getWith("AWSALBAPP-0=" + cookies[1].Value); b.body != a.body {
			t.Fatalf("went from target %s to %s", a.body, b.body)
		}
	}
}

func TestRefusesBadConfigurationsWhole(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)))
	for name, change := range map[string]func(*Config){
		"no such group":    func(c *Config) { c.LoadBalancers[0].Listeners[0].Default.Forward.Groups[0].Group = "x" },
		"no action":        func(c *Config) { c.LoadBalancers[0].Listeners[0].Default = Action{} },
		"two actions":      func(c *Config) { c.LoadBalancers[0].Listeners[0].Default.Fixed = &FixedResponse{Status: 200} },
		"protocol":         func(c *Config) { c.LoadBalancers[0].Listeners[0].Protocol = "UDP" },
		"HTTPS without":    func(c *Config) { c.LoadBalancers[0].Listeners[0].Protocol = "HTTPS" },
		"no such ACL":      func(c *Config) { c.LoadBalancers[0].WebACL = "x" },
		"target":           func(c *Config) { c.TargetGroups[0].Targets[0].IP = "example.com" },
		"matcher":          func(c *Config) { c.TargetGroups[0].Health = HealthCheck{Matcher: "600"} },
		"path of checks":   func(c *Config) { c.TargetGroups[0].Health = HealthCheck{Path: "/ HTTP/1.1\r\n"} },
		"interval":         func(c *Config) { c.TargetGroups[0].Health = HealthCheck{IntervalSeconds: 1} },
		"idle timeout":     func(c *Config) { c.LoadBalancers[0].Attributes.IdleTimeoutSeconds = 5000 },
		"inspected body":   func(c *Config) { c.LoadBalancers[0].Attributes.InspectedBody = 1 << 20 },
		"cookie key":       func(c *Config) { c.CookieKeys = [][]byte{{1}} },
		"bind":             func(c *Config) { c.LoadBalancers[0].Listeners[0].Bind = "localhost" },
		"certificate":      func(c *Config) { c.Certificates = []Certificate{{ARN: "k", Chain: "x", Key: "y"}} },
		"equal priorities": func(c *Config) { c.LoadBalancers[0].Listeners[0].Rules = make([]Rule, 2) },
		"condition": func(c *Config) {
			c.LoadBalancers[0].Listeners[0].Rules = []Rule{{Conditions: []Condition{{Field: "x", Values: []string{"y"}}}, Action: c.LoadBalancers[0].Listeners[0].Default}}
		},
		"target group twice": func(c *Config) { c.TargetGroups = append(c.TargetGroups, c.TargetGroups[0]) },
	} {
		c := baseConfig(targetOf(t, "127.0.0.1:1"))
		change(&c)
		if err := r.Apply(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if a := r.get("/"); a.StatusCode != 200 {
		t.Errorf("after bad configurations: status %d", a.StatusCode)
	}
}

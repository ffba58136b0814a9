package waflog

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
	"fastness/internal/proxy"
)

// member is a member of a record as JSON.
func member(m map[string]any, name string) string {
	b, _ := json.Marshal(m[name])
	return string(b)
}

// only is a web ACL of one rule.
func only(r waf.Rule) *proxy.WebACL {
	w := shopACL()
	r.Visibility = visible(r.Name)
	w.ACL.Rules = []waf.Rule{r}
	return w
}

// limiting is a web ACL of one rate-based rule that lets no request pass.
func limiting(r waf.RateBased) *proxy.WebACL {
	r.Limit, r.Window = 1, 2*time.Minute
	return only(waf.Rule{Name: "RateBasedRule", Action: waf.Action{Kind: waf.Block}, Statement: waf.Statement{Rate: &r}})
}

// second is the record of a request that came a second time.
func second(t *testing.T, w *proxy.WebACL, r func() *request.Request) map[string]any {
	t.Helper()
	s := newStand(t, w)
	s.ask(r(), proxy.Outcome{Status: 200})
	s.ask(r(), proxy.Outcome{Status: 403})
	records, _, _ := s.all()
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	var m map[string]any
	if err := json.Unmarshal(records[1].Text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The first two are the examples of the AWS WAF Developer Guide, "Log examples for web ACL traffic"; that values have 32
// characters at most is in its "Log fields".
func TestRecordsHaveTheValuesOfCustomKeys(t *testing.T) {
	const head = `[{"rateBasedRuleId":"RateBasedRule","rateBasedRuleName":"RateBasedRule","limitKey":"CUSTOMKEYS","maxRateAllowed":1,"evaluationWindowSec":"120","customValues":`
	fields := []string{"Host: shop.example", "dogname: ella", "catname: goofie", "Cookie: session=s1; theme=dark", "X-Forwarded-For: 203.0.113.9, 10.0.0.1", "long: " + strings.Repeat("ü", 40)}
	for name, c := range map[string]struct {
		keys []waf.RateKey
		want string
	}{
		"one header":  {[]waf.RateKey{{Kind: waf.KeyHeader, Name: "dogname"}}, `[{"key":"HEADER","name":"dogname","value":"ella"}]`},
		"two headers": {[]waf.RateKey{{Kind: waf.KeyHeader, Name: "dogname"}, {Kind: waf.KeyHeader, Name: "catname"}}, `[{"key":"HEADER","name":"dogname","value":"ella"},{"key":"HEADER","name":"catname","value":"goofie"}]`},
		"transformed": {[]waf.RateKey{{Kind: waf.KeyHeader, Name: "dogname", Transformations: []transform.Kind{transform.Uppercase}}}, `[{"key":"HEADER","name":"dogname","value":"ELLA"}]`},
		"long":        {[]waf.RateKey{{Kind: waf.KeyHeader, Name: "long"}}, `[{"key":"HEADER","name":"long","value":"` + strings.Repeat("ü", 32) + `"}]`},
		"cookie, method, fingerprint": {[]waf.RateKey{{Kind: waf.KeyCookie, Name: "session"}, {Kind: waf.KeyMethod}, {Kind: waf.KeyJA3}, {Kind: waf.KeyJA4}},
			`[{"key":"COOKIE","name":"session","value":"s1"},{"key":"HTTP_METHOD","value":"GET"},{"key":"JA3_FINGERPRINT","value":"j3"},{"key":"JA4_FINGERPRINT","value":"j4"}]`},
		"query": {[]waf.RateKey{{Kind: waf.KeyQueryArgument, Name: "q"}, {Kind: waf.KeyQueryString}, {Kind: waf.KeyURIPath}},
			`[{"key":"QUERY_ARGUMENT","name":"q","value":"1"},{"key":"QUERY_STRING","value":"q=1&r=2"},{"key":"URI_PATH","value":"/there"}]`},
		"addresses": {[]waf.RateKey{{Kind: waf.KeyIP}, {Kind: waf.KeyForwardedIP}, {Kind: waf.KeyASN}},
			`[{"key":"IP","value":"192.0.2.7"},{"key":"FORWARDED_IP","value":"203.0.113.9"},{"key":"ASN","value":"64500"}]`},
		"missing, which is a match": {[]waf.RateKey{{Kind: waf.KeyMethod}, {Kind: waf.KeyHeader, Name: "absent", MatchMissing: true}}, `[{"key":"HTTP_METHOD","value":"GET"},{"key":"HEADER","name":"absent","value":""}]`},
	} {
		w := limiting(waf.RateBased{Aggregate: waf.AggregateKeys, Keys: c.keys, Forwarded: &waf.ForwardedIP{Header: "X-Forwarded-For"}})
		m := second(t, w, func() *request.Request { return get("/there?q=1&r=2", fields...) })
		var want any
		if err := json.Unmarshal([]byte(head+c.want+"}]"), &want); err != nil {
			t.Fatal(err)
		}
		if got, want := member(m, "rateBasedRuleList"), fmt.Sprint(member(map[string]any{"": want}, "")); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got := member(m, "terminatingRuleId") + member(m, "terminatingRuleType"); got != `"RateBasedRule""RATE_BASED"` {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestRecordsHaveTheLabelsOfANamespace(t *testing.T) {
	w := limiting(waf.RateBased{Aggregate: waf.AggregateKeys, Keys: []waf.RateKey{{Kind: waf.KeyLabelNamespace, Name: "awswaf:111122223333:webacl:shop:user:"}}})
	labelled := waf.Rule{Name: "labels", Priority: -1, Action: waf.Action{Kind: waf.Count}, Statement: path("/"), Labels: []string{"user:known"}, Visibility: visible("labels")}
	w.ACL.Rules = append([]waf.Rule{labelled}, w.ACL.Rules...)
	m := second(t, w, func() *request.Request { return get("/") })
	const label = "awswaf:111122223333:webacl:shop:user:known"
	if got := member(m, "rateBasedRuleList"); !strings.Contains(got, `{"key":"LABEL_NAMESPACE","name":"awswaf:111122223333:webacl:shop:user:","value":"`+label[:32]+`"}`) {
		t.Error(got)
	}
}

func TestRecordsTellOfForwardedAddressesThatAreNone(t *testing.T) {
	w := limiting(waf.RateBased{Aggregate: waf.AggregateForwardedIP, Forwarded: &waf.ForwardedIP{Header: "X-Forwarded-For", MatchInvalid: true}})
	for value, want := range map[string]string{"unknown": "INVALID", "203.0.113.9": "203.0.113.9"} {
		m := second(t, w, func() *request.Request { return get("/", "X-Forwarded-For: "+value) })
		if got := member(m, "rateBasedRuleList"); !strings.Contains(got, `"limitKey":"FORWARDED_IP"`) || !strings.Contains(got, `"limitValue":"`+want+`"`) {
			t.Errorf("%s: %s", value, got)
		}
	}
	m := second(t, limiting(waf.RateBased{Aggregate: waf.AggregateConstant, ScopeDown: new(path("/"))}), func() *request.Request { return get("/") })
	if got := member(m, "rateBasedRuleList"); !strings.Contains(got, `"limitKey":"CONSTANT"`) || strings.Contains(got, "limitValue") || strings.Contains(got, "customValues") {
		t.Error(got)
	}
}

func TestNothingHiddenIsInACustomValue(t *testing.T) {
	const hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" // SHA-256 of "secret" (sha256sum)
	header, cookie := waf.RateKey{Kind: waf.KeyHeader, Name: "X-Token"}, waf.RateKey{Kind: waf.KeyCookie, Name: "id"}
	argument, query, uri := waf.RateKey{Kind: waf.KeyQueryArgument, Name: "token"}, waf.RateKey{Kind: waf.KeyQueryString}, waf.RateKey{Kind: waf.KeyURIPath}
	for name, c := range map[string]struct {
		key     waf.RateKey
		logging proxy.Logging
		hidden  waf.DataProtection
		want    string
	}{
		"redacted header":                 {key: header, logging: proxy.Logging{RedactHeaders: []string{"x-token"}}, want: "REDACTED"},
		"redacted cookies":                {key: cookie, logging: proxy.Logging{RedactHeaders: []string{"Cookie"}}, want: "REDACTED"},
		"redacted query":                  {key: argument, logging: proxy.Logging{RedactQuery: true}, want: "REDACTED"},
		"redacted path":                   {key: uri, logging: proxy.Logging{RedactPath: true}, want: "REDACTED"},
		"protected header":                {key: header, hidden: waf.DataProtection{Field: protectHeader, Keys: []string{"x-token"}}, want: "REDACTED"},
		"hashed header":                   {key: header, hidden: waf.DataProtection{Field: protectHeader, Hash: true, Keys: []string{"x-token"}}, want: hash},
		"another header":                  {key: header, hidden: waf.DataProtection{Field: protectHeader, Keys: []string{"other"}}, want: "secret"},
		"excluded":                        {key: header, hidden: waf.DataProtection{Field: protectHeader, Keys: []string{"x-token"}, ExcludeRateBasedKey: true}, want: "secret"},
		"protected cookie":                {key: cookie, hidden: waf.DataProtection{Field: protectCookie, Hash: true}, want: hash},
		"protected cookies' header":       {key: cookie, hidden: waf.DataProtection{Field: protectHeader, Keys: []string{"cookie"}}, want: "REDACTED"},
		"protected argument":              {key: argument, hidden: waf.DataProtection{Field: protectArgument, Keys: []string{"token"}}, want: "REDACTED"},
		"protected argument in the query": {key: query, hidden: waf.DataProtection{Field: protectArgument, Keys: []string{"token"}}, want: "REDACTED"},
		"protected query":                 {key: argument, hidden: waf.DataProtection{Field: protectQuery}, want: "REDACTED"},
		"forwarded":                       {key: waf.RateKey{Kind: waf.KeyForwardedIP}, hidden: waf.DataProtection{Field: protectHeader, Keys: []string{"x-forwarded-for"}}, want: "REDACTED"},
	} {
		w := limiting(waf.RateBased{Aggregate: waf.AggregateKeys, Keys: []waf.RateKey{c.key}, Forwarded: &waf.ForwardedIP{Header: "X-Forwarded-For"}})
		c.logging.Destination, c.logging.KeepOthers = logARN, true
		w.Logging = []proxy.Logging{c.logging}
		if c.hidden.Field != "" {
			w.ACL.DataProtection = []waf.DataProtection{c.hidden}
		}
		m := second(t, w, func() *request.Request {
			return get("/secret?token=secret", "X-Token: secret", "Cookie: id=secret", "X-Forwarded-For: 203.0.113.9")
		})
		if got := member(m, "rateBasedRuleList"); !strings.Contains(got, `"value":"`+c.want+`"`) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestRecordsTellWhatWasTooLargeToInspect(t *testing.T) {
	match := func(c request.Component) *proxy.WebACL {
		return only(waf.Rule{Name: "r", Action: waf.Action{Kind: waf.Block}, Statement: waf.Statement{Byte: &waf.ByteMatch{Inspect: waf.Inspect{Component: c}, Search: []byte("nothing of the kind"), Position: waf.Contains}}})
	}
	long := strings.Repeat("a", 9000)
	large := func() *request.Request {
		r := get("/?"+long, "long: "+long, "Cookie: a="+long)
		r.Body, r.BodyTruncated = []byte(`{"a":"`+long[:8186]), true
		return r
	}
	for name, c := range map[string]struct {
		of      request.Component
		request func() *request.Request
		want    string
	}{
		"body":                      {request.Component{Kind: request.Body}, large, `["REQUEST_BODY"]`},
		"JSON":                      {request.Component{Kind: request.JSONBody}, large, `["REQUEST_JSON_BODY"]`},
		"headers":                   {request.Component{Kind: request.Headers}, large, `["REQUEST_HEADERS"]`},
		"order of headers":          {request.Component{Kind: request.HeaderOrder}, large, `["REQUEST_HEADERS"]`},
		"cookies":                   {request.Component{Kind: request.Cookies}, large, `["REQUEST_COOKIES"]`},
		"arguments of either":       {request.Component{Kind: request.Arguments}, large, `["REQUEST_BODY"]`},
		"what no rule looks at":     {request.Component{Kind: request.QueryString}, large, "null"},
		"one header, of any size":   {request.Component{Kind: request.SingleHeader, Name: "long"}, large, "null"},
		"nothing that is too large": {request.Component{Kind: request.Body}, func() *request.Request { return get("/") }, "null"},
	} {
		m := record1(t, match(c.of), c.request(), proxy.Outcome{Status: 200, Received: 9006})
		if got := member(m, "oversizeFields"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := member(m, "requestBodySize") + member(m, "requestBodySizeInspectedByWAF"); c.want != "null" && got != "90068192" {
			t.Errorf("%s: sizes %s", name, got)
		}
	}
	both := match(request.Component{Kind: request.Headers})
	both.ACL.Rules = append(both.ACL.Rules, match(request.Component{Kind: request.Body}).ACL.Rules[0], match(request.Component{Kind: request.Cookies}).ACL.Rules[0])
	both.ACL.Rules[1].Name, both.ACL.Rules[1].Priority, both.ACL.Rules[2].Name, both.ACL.Rules[2].Priority = "s", 1, "t", 2
	if got := member(record1(t, both, large(), proxy.Outcome{}), "oversizeFields"); got != `["REQUEST_BODY","REQUEST_HEADERS","REQUEST_COOKIES"]` {
		t.Error(got)
	}
}

func TestRecordsTellOfAutonomousSystemsThatRulesLookAt(t *testing.T) {
	asn := func(f *waf.ForwardedIP) *proxy.WebACL {
		return only(waf.Rule{Name: "r", Action: waf.Action{Kind: waf.Block}, Statement: waf.Statement{ASN: &waf.ASNMatch{ASNs: []uint32{1}, Forwarded: f}}})
	}
	for name, c := range map[string]struct {
		w    *proxy.WebACL
		want string
	}{
		"the client's":      {asn(nil), "64500 null"},
		"that of a proxy's": {asn(&waf.ForwardedIP{Header: "X-Forwarded-For"}), "64500 64500"},
		"none":              {only(waf.Rule{Name: "r", Action: waf.Action{Kind: waf.Block}, Statement: path("/x")}), "null null"},
	} {
		m := record1(t, c.w, get("/", "X-Forwarded-For: 203.0.113.9"), proxy.Outcome{})
		if got := member(m, "clientAsn") + " " + member(m, "forwardedAsn"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// The example of the AWS WAF Developer Guide, "CAPTCHA and Challenge actions in the logs and metrics".
func TestSolvedPuzzlesHaveTheStatusZero(t *testing.T) {
	got, err := json.Marshal(answerOf(&waf.Match{Action: waf.Captcha, Solved: 1632420429}))
	if want := `{"responseCode":0,"solveTimestamp":1632420429}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestARecordHasAHundredLabelsAtMost(t *testing.T) {
	w := only(waf.Rule{Name: "r", Action: waf.Action{Kind: waf.Count}, Statement: path("/")})
	for n := range 3 {
		r := w.ACL.Rules[0]
		r.Name, r.Priority, r.Labels = fmt.Sprint("r", n), int32(n+1), nil
		for l := range 50 {
			r.Labels = append(r.Labels, fmt.Sprintf("l%d:%d", n, l))
		}
		w.ACL.Rules = append(w.ACL.Rules, r)
	}
	m := record1(t, w, get("/"), proxy.Outcome{})
	if got, _ := m["labels"].([]any); len(got) != 100 {
		t.Errorf("%d labels", len(got))
	}
}

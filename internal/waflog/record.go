package waflog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// The bounds of a record. AWS does not say any; together they keep a record far below what a log takes
// as one event.
const (
	maxHeaders   = 100
	maxTextBytes = 8192
	maxDetails   = 10
	maxMatched   = 10
)

// The bounds that AWS has: of the labels of a record, and of the characters of a custom value.
const (
	maxLabels      = 100
	maxCustomValue = 32
)

// defaultAction is the rule of requests that no rule decided on.
const defaultAction = "Default_Action"

// record is a log record, its members in AWS's order (AWS WAF Developer Guide, "Log fields for web ACL
// traffic").
type record struct {
	Timestamp                   int64            `json:"timestamp"` // milliseconds since 1970
	FormatVersion               int              `json:"formatVersion"`
	WebACLID                    string           `json:"webaclId"`
	TerminatingRuleID           string           `json:"terminatingRuleId"`
	TerminatingRuleType         waf.RuleKind     `json:"terminatingRuleType"`
	Action                      string           `json:"action"`
	TerminatingRuleMatchDetails []matchDetails   `json:"terminatingRuleMatchDetails"`
	HTTPSourceName              string           `json:"httpSourceName"`
	HTTPSourceID                string           `json:"httpSourceId"`
	RuleGroupList               []ruleGroup      `json:"ruleGroupList"`
	RateBasedRuleList           []rateBasedRule  `json:"rateBasedRuleList"`
	NonTerminatingMatchingRules []matchingRule   `json:"nonTerminatingMatchingRules"`
	RequestHeadersInserted      []header         `json:"requestHeadersInserted"`
	ResponseCodeSent            *int             `json:"responseCodeSent"`
	HTTPRequest                 httpRequest      `json:"httpRequest"`
	Labels                      []label          `json:"labels,omitempty"`
	CaptchaResponse             *challengeAnswer `json:"captchaResponse,omitempty"`
	ChallengeResponse           *challengeAnswer `json:"challengeResponse,omitempty"`
	OversizeFields              []string         `json:"oversizeFields,omitempty"`
	RequestBodySize             int64            `json:"requestBodySize"`
	RequestBodySizeInspected    int              `json:"requestBodySizeInspectedByWAF"`
	JA3Fingerprint              string           `json:"ja3Fingerprint,omitempty"`
	JA4Fingerprint              string           `json:"ja4Fingerprint,omitempty"`
	ClientASN                   uint32           `json:"clientAsn,omitempty"`
	ForwardedASN                uint32           `json:"forwardedAsn,omitempty"`
}

type (
	header struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	label struct {
		Name string `json:"name"`
	}
	httpRequest struct {
		ClientIP    string   `json:"clientIp"`
		Country     string   `json:"country"`
		Headers     []header `json:"headers"`
		URI         string   `json:"uri"`
		Args        string   `json:"args"`
		HTTPVersion string   `json:"httpVersion"`
		HTTPMethod  string   `json:"httpMethod"`
		RequestID   string   `json:"requestId"`
		Fragment    string   `json:"fragment"`
		Scheme      string   `json:"scheme"`
		Host        string   `json:"host"`
	}
	// ruleGroup is a rule group that the request met.
	ruleGroup struct {
		RuleGroupID                 string          `json:"ruleGroupId"`
		TerminatingRule             *matchingRule   `json:"terminatingRule"`
		NonTerminatingMatchingRules []matchingRule  `json:"nonTerminatingMatchingRules"`
		ExcludedRules               []excludedRule  `json:"excludedRules"`
		CustomerConfig              json.RawMessage `json:"customerConfig"`
	}
	matchingRule struct {
		RuleID            string           `json:"ruleId"`
		Action            string           `json:"action"`
		OverriddenAction  string           `json:"overriddenAction,omitempty"`
		RuleMatchDetails  []matchDetails   `json:"ruleMatchDetails"`
		CaptchaResponse   *challengeAnswer `json:"captchaResponse,omitempty"`
		ChallengeResponse *challengeAnswer `json:"challengeResponse,omitempty"`
	}
	excludedRule struct {
		ExclusionType string `json:"exclusionType"`
		RuleID        string `json:"ruleId"`
	}
	rateBasedRule struct {
		RateBasedRuleID     string        `json:"rateBasedRuleId"` // as terminatingRuleId has it
		RateBasedRuleName   string        `json:"rateBasedRuleName"`
		LimitKey            string        `json:"limitKey"`
		MaxRateAllowed      int64         `json:"maxRateAllowed"`
		EvaluationWindowSec string        `json:"evaluationWindowSec"`
		LimitValue          string        `json:"limitValue,omitempty"`
		CustomValues        []customValue `json:"customValues,omitempty"`
	}
	// customValue is a part of the key of a rule that counts by custom keys.
	customValue struct {
		Key   waf.RateKeyKind `json:"key"`
		Name  string          `json:"name,omitempty"`
		Value string          `json:"value"`
	}
	// challengeAnswer is what a CAPTCHA or a challenge came to: refused, with a status and why, or solved (0).
	challengeAnswer struct {
		ResponseCode   int    `json:"responseCode"`
		SolveTimestamp int64  `json:"solveTimestamp"`
		FailureReason  string `json:"failureReason,omitempty"`
	}
)

// The statuses of the pages that ask for a CAPTCHA or a challenge.
const (
	captchaStatus   = 405
	challengeStatus = 202
)

// note is what is put aside of a request for its record.
type note struct {
	acl     *webACL
	logging []*proxy.Logging // that keep it
	program *waf.Program
	request request.Request // its slices are copies
	verdict *waf.Verdict    // a copy
	labels  []string
	// rates are the parts of the custom keys of verdict.Rates, where the rule limited the request.
	rates    [][]waf.RateValue
	oversize waf.Oversize
	outcome  proxy.Outcome
	bodySize int // inspected
}

// record makes the record that a logging configuration gets.
func (n *note) record(l *proxy.Logging, found *waf.Explanation) ([]byte, error) {
	v, spec := n.verdict, n.program.ACL()
	d := &details{logging: l, protections: spec.DataProtection, found: found}
	out := record{
		Timestamp: n.request.Time.UnixMilli(), FormatVersion: 1, WebACLID: n.acl.arn, TerminatingRuleID: defaultAction, TerminatingRuleType: waf.RegularRule,
		Action: v.Action.String(), TerminatingRuleMatchDetails: []matchDetails{}, RuleGroupList: []ruleGroup{}, RateBasedRuleList: []rateBasedRule{},
		NonTerminatingMatchingRules: []matchingRule{}, RequestBodySize: n.outcome.Received, RequestBodySizeInspected: n.bodySize,
		JA3Fingerprint: n.request.JA3, JA4Fingerprint: n.request.JA4,
	}
	out.HTTPSourceName, out.HTTPSourceID = source(n.outcome.Resource)
	if t := v.Terminating; t != nil {
		out.TerminatingRuleID, out.TerminatingRuleType = t.Rule.Name, t.Rule.Kind
		out.TerminatingRuleMatchDetails = d.of(t.Rule)
		switch {
		case t.Action == waf.Captcha:
			out.ResponseCodeSent = new(captchaStatus)
		case t.Action == waf.Challenge:
			out.ResponseCodeSent = new(challengeStatus)
		case t.Action == waf.Block && v.Response != nil:
			out.ResponseCodeSent = &n.outcome.Status
		}
	}
	n.matches(&out, d)
	n.limits(&out, l, spec.DataProtection)
	for _, f := range v.Insert {
		out.RequestHeadersInserted = append(out.RequestHeadersInserted, header(f))
	}
	for _, name := range n.labels[:min(len(n.labels), maxLabels)] {
		out.Labels = append(out.Labels, label{name})
	}
	for _, o := range []struct {
		is   bool
		name string
	}{{n.oversize.Body, "REQUEST_BODY"}, {n.oversize.JSONBody, "REQUEST_JSON_BODY"}, {n.oversize.Headers, "REQUEST_HEADERS"}, {n.oversize.Cookies, "REQUEST_COOKIES"}} {
		if o.is {
			out.OversizeFields = append(out.OversizeFields, o.name)
		}
	}
	var asn uint32
	out.HTTPRequest, asn = n.shown(l, spec.DataProtection)
	if n.program.UsesASN() {
		out.ClientASN, out.ForwardedASN = asn, n.program.ForwardedASN(&n.request)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as AWS writes it
	if err := e.Encode(&out); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// source is the kind of the resource that was asked, and its id.
func source(arn string) (name, id string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[2] == "elasticloadbalancing" {
		return "ALB", parts[4] + "-" + strings.TrimPrefix(parts[5], "loadbalancer/")
	}
	return "-", "-"
}

// matches lists the rules that matched, by the groups they are in.
func (n *note) matches(out *record, d *details) {
	v := n.verdict
	groups := make(map[*waf.RuleInfo]int)
	for _, r := range n.program.Rules() {
		if r.Kind == waf.GroupRule || r.Kind == waf.ManagedGroupRule {
			groups[r] = len(out.RuleGroupList)
			out.RuleGroupList = append(out.RuleGroupList, ruleGroup{RuleGroupID: groupID(r), NonTerminatingMatchingRules: []matchingRule{}})
		}
		if v.Terminating != nil && r == v.Terminating.Rule {
			break // the ones behind it were not asked
		}
	}
	for i := range v.Matches {
		m := &v.Matches[i]
		answer := answerOf(m)
		switch m.Action {
		case waf.Captcha:
			out.CaptchaResponse = answer
		case waf.Challenge:
			out.ChallengeResponse = answer
		}
		x := matchingRule{RuleID: m.Rule.Name, Action: m.Action.String(), RuleMatchDetails: d.of(m.Rule)}
		if m.Own != 0 && !m.Excluded {
			x.OverriddenAction = m.Own.String()
		}
		if !m.Terminating {
			switch m.Action {
			case waf.Captcha:
				x.CaptchaResponse = answer
			case waf.Challenge:
				x.ChallengeResponse = answer
			}
		}
		if m.Rule.Group == nil {
			if !m.Terminating {
				out.NonTerminatingMatchingRules = append(out.NonTerminatingMatchingRules, x)
			}
			continue
		}
		at, ok := groups[m.Rule.Group]
		if !ok {
			continue
		}
		g := &out.RuleGroupList[at]
		switch {
		case m.Excluded:
			g.ExcludedRules = append(g.ExcludedRules, excludedRule{excludedAsCount, m.Rule.Name})
		case m.Terminating:
			g.TerminatingRule = &x
		default:
			g.NonTerminatingMatchingRules = append(g.NonTerminatingMatchingRules, x)
		}
	}
}

// answerOf is what a CAPTCHA or a challenge came to.
func answerOf(m *waf.Match) *challengeAnswer {
	status := captchaStatus
	switch m.Action {
	case waf.Captcha:
	case waf.Challenge:
		status = challengeStatus
	default:
		return nil
	}
	if m.Terminating {
		return &challengeAnswer{ResponseCode: status, FailureReason: m.Failure.String(), SolveTimestamp: m.Solved}
	}
	return &challengeAnswer{SolveTimestamp: m.Solved}
}

// groupID is the id of the rule group that a rule refers to: VENDOR#NAME, VENDOR#NAME#VERSION, or an
// ARN.
func groupID(r *waf.RuleInfo) string { return r.GroupName }

// invalidAddress is the limitValue of a request whose address is none.
const invalidAddress = "INVALID"

// limits lists the rate-based rules that limited the request.
func (n *note) limits(out *record, l *proxy.Logging, protections []waf.DataProtection) {
	for i := range n.verdict.Rates {
		s := &n.verdict.Rates[i]
		if !s.Limited {
			continue
		}
		x := rateBasedRule{
			RateBasedRuleID: s.Rule.Name, RateBasedRuleName: s.Rule.Name, LimitKey: string(s.Rule.Aggregate), MaxRateAllowed: s.Rule.Limit,
			EvaluationWindowSec: strconv.Itoa(int(s.Rule.Window.Seconds())),
		}
		switch s.Rule.Aggregate {
		case waf.AggregateKeys:
			x.LimitKey = "CUSTOMKEYS"
			for _, v := range n.rates[i] {
				x.CustomValues = append(x.CustomValues, customValue{v.Kind, bounded(v.Name), shownValue(l, protections, &v)})
			}
		case waf.AggregateIP, waf.AggregateForwardedIP:
			if s.Uncounted {
				x.LimitValue = invalidAddress
				break
			}
			x.LimitValue = shownValue(l, protections, &waf.RateValue{Kind: waf.RateKeyKind(s.Rule.Aggregate), Value: s.Address.String()})
		}
		out.RateBasedRuleList = append(out.RateBasedRuleList, x)
	}
}

// shownValue is what a rule counts by, as much of it as a log may have.
func shownValue(l *proxy.Logging, protections []waf.DataProtection, v *waf.RateValue) string {
	if text, hide := hiddenKey(l, protections, v); hide {
		return text
	}
	text := strings.ToValidUTF8(v.Value, "\uFFFD")
	if v.Kind == waf.KeyIP || v.Kind == waf.KeyForwardedIP {
		return text
	}
	for i, n := 0, 0; i < len(text); n++ {
		if n == maxCustomValue {
			return text[:i]
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		i += size
	}
	return text
}

// shown is the request without what is hidden.
func (n *note) shown(l *proxy.Logging, protections []waf.DataProtection) (out httpRequest, asn uint32) {
	r := &n.request
	country, asn := n.program.Origin(r.Remote)
	if country == "" {
		country = "-"
	}
	query, _ := r.Query()
	fragment, _ := r.Fragment()
	out = httpRequest{
		ClientIP: r.Remote.Unmap().String(), Country: country, Headers: []header{}, URI: bounded(r.Path()), HTTPVersion: r.Proto, HTTPMethod: bounded(r.Method),
		RequestID: r.ID, Fragment: bounded(fragment), Scheme: r.Scheme, Host: bounded(r.Host),
	}
	for _, f := range r.Fields[:min(len(r.Fields), maxHeaders)] {
		v := f.Value
		for i := range protections {
			v = ProtectHeader(&protections[i], f.Name, v)
		}
		for _, h := range l.RedactHeaders {
			if strings.EqualFold(h, f.Name) {
				v = redacted
			}
		}
		if l.RedactQuery && strings.EqualFold(f.Name, "referer") {
			v = ProtectHeader(&waf.DataProtection{Field: protectQuery}, f.Name, v)
		}
		out.Headers = append(out.Headers, header{bounded(f.Name), bounded(v)})
		if strings.EqualFold(f.Name, "host") && v != f.Value {
			out.Host = bounded(v)
		}
	}
	for i := range protections {
		query = protectQueryString(&protections[i], query)
	}
	if l.RedactQuery && query != "" {
		query = redacted
	}
	out.Args = bounded(query)
	if l.RedactPath {
		out.URI = redacted
	}
	if l.RedactMethod {
		out.HTTPMethod = redacted
	}
	return out, asn
}

// bounded is a text as JSON can have it, not longer than a bound.
func bounded(text string) string {
	if len(text) > maxTextBytes {
		text = text[:maxTextBytes]
	}
	return strings.ToValidUTF8(text, "�")
}

// check says what is wrong with a logging configuration that came from elsewhere.
func check(l *proxy.Logging) error {
	for i := range l.Filters {
		for _, c := range l.Filters[i].Conditions {
			if (c.Action == "") == (c.Label == "") {
				return errors.New("waflog: a condition of a filter with an action and a label, or neither")
			}
		}
	}
	return nil
}

package wafv2

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
	"fastness/internal/proxy"
	"fastness/internal/store"
	"fastness/internal/wire"
	"fastness/internal/wire/jsonbody"
)

// Specification is a web ACL for the engine, with all it refers to. Names of sets and groups are
// ARNs.
type Specification struct {
	ARN  string
	ACL  waf.ACL
	Sets waf.Sets
	// Logging is what is logged, and where it goes.
	Logging []proxy.Logging
}

// Specification reads the web ACL of an ARN. The error is WAFNonexistentItemException if there is
// none.
func (s *Service) Specification(r store.Reader, arn string) (*Specification, error) {
	n, ok := parseARN(arn)
	if !ok || n.kind != kindWebACL {
		return nil, nonexistent()
	}
	e, err := s.tables.entity(r, n)
	if err != nil {
		return nil, err
	}
	a, err := s.webACL(e)
	if err != nil {
		return nil, err
	}
	return s.specify(r, e, a)
}

// specify translates a web ACL.
func (s *Service) specify(r store.Reader, e *entity, a *wafv2api.WebACL) (out *Specification, err error) {
	t := &translation{
		service: s, reader: r, region: e.Region, scope: e.Scope,
		sets: waf.Sets{Addresses: map[string][]netip.Prefix{}, Regexes: map[string][]string{}, Groups: map[string]waf.RuleGroup{}},
	}
	out = &Specification{ARN: e.arn()}
	if out.ACL, err = t.acl(a); err != nil {
		return nil, fmt.Errorf("wafv2: web ACL %s: %w", e.arn(), err)
	}
	out.Sets = t.sets
	out.Logging, err = s.logged(r, e)
	return out, err
}

// Associations are the web ACLs of all protected resources, by the ARN of the resource.
func (s *Service) Associations(r store.Reader) (map[string]string, error) {
	all := make(map[string]string)
	for row, err := range s.tables.associations.ScanAll(r) {
		if err != nil {
			return nil, err
		}
		all[row.Record.Resource] = row.Record.WebACL
	}
	return all, nil
}

// translation turns AWS's structures into the engine's, and collects the sets on the way.
type translation struct {
	service *Service
	reader  store.Reader
	region  string
	scope   wafv2api.Scope
	sets    waf.Sets
}

// limits are how many bytes of a body are inspected, by AWS's names for them.
var limits = map[wafv2api.SizeInspectionLimit]int{
	wafv2api.SizeInspectionLimitKb16: 16 << 10, wafv2api.SizeInspectionLimitKb32: 32 << 10,
	wafv2api.SizeInspectionLimitKb48: 48 << 10, wafv2api.SizeInspectionLimitKb64: 64 << 10,
}

func (t *translation) acl(a *wafv2api.WebACL) (out waf.ACL, err error) {
	out = waf.ACL{
		Name: value(a.Name), LabelNamespace: value(a.LabelNamespace), Visibility: visibility(a.VisibilityConfig), Bodies: bodies(a.CustomResponseBodies),
		TokenDomains: a.TokenDomains, Captcha: captchaImmunity(a.CaptchaConfig), Challenge: challengeImmunity(a.ChallengeConfig),
	}
	if a.DefaultAction.Block != nil {
		out.DefaultAction = waf.Action{Kind: waf.Block, Response: response(a.DefaultAction.Block.CustomResponse)}
	} else {
		out.DefaultAction = waf.Action{Kind: waf.Allow, Insert: insert(a.DefaultAction.Allow.CustomRequestHandling)}
	}
	rules := slices.Clone(a.Rules)
	sortByPriority(rules)
	if extra := firewallManagerRules(a); len(extra) > 0 {
		// Those of Firewall Manager come before and behind the customer's, in their own order.
		before := extra[:len(a.PreProcessFirewallManagerRuleGroups)]
		behind := extra[len(before):]
		sortByPriority(before)
		sortByPriority(behind)
		rules = slices.Concat(before, rules, behind)
		for i := range rules {
			rules[i].Priority = new(int32(i))
		}
	}
	if out.Rules, err = t.rules(rules); err != nil {
		return out, err
	}
	if a.AssociationConfig != nil {
		out.BodyLimits = make(map[string]int)
		for kind, l := range a.AssociationConfig.RequestBody {
			out.BodyLimits[string(kind)] = limits[value(l.DefaultSizeInspectionLimit)]
		}
	}
	if a.DataProtectionConfig != nil {
		for _, d := range a.DataProtectionConfig.DataProtections {
			out.DataProtection = append(out.DataProtection, waf.DataProtection{
				Field: string(value(d.Field.FieldType)), Keys: d.Field.FieldKeys, Hash: value(d.Action) == wafv2api.DataProtectionActionHash,
				ExcludeRuleMatch: value(d.ExcludeRuleMatchDetails), ExcludeRateBasedKey: value(d.ExcludeRateBasedDetails),
			})
		}
	}
	return out, nil
}

func sortByPriority(rules []wafv2api.Rule) {
	slices.SortStableFunc(rules, func(a, b wafv2api.Rule) int { return int(value(a.Priority)) - int(value(b.Priority)) })
}

func visibility(v *wafv2api.VisibilityConfig) waf.Visibility {
	if v == nil {
		return waf.Visibility{}
	}
	return waf.Visibility{MetricName: value(v.MetricName), Metrics: value(v.CloudWatchMetricsEnabled), Samples: value(v.SampledRequestsEnabled)}
}

func captchaImmunity(c *wafv2api.CaptchaConfig) waf.Immunity {
	if c == nil || c.ImmunityTimeProperty == nil {
		return waf.Immunity{}
	}
	return waf.Immunity{Duration: time.Duration(value(c.ImmunityTimeProperty.ImmunityTime)) * time.Second}
}

func challengeImmunity(c *wafv2api.ChallengeConfig) waf.Immunity {
	if c == nil || c.ImmunityTimeProperty == nil {
		return waf.Immunity{}
	}
	return waf.Immunity{Duration: time.Duration(value(c.ImmunityTimeProperty.ImmunityTime)) * time.Second}
}

func bodies(in map[string]wafv2api.CustomResponseBody) map[string]waf.ResponseBody {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]waf.ResponseBody, len(in))
	for key, b := range in {
		out[key] = waf.ResponseBody{ContentType: string(value(b.ContentType)), Content: value(b.Content)}
	}
	return out
}

// insertedPrefix is before the names of headers that rules insert.
const insertedPrefix = "x-amzn-waf-"

func insert(h *wafv2api.CustomRequestHandling) (out []waf.HeaderField) {
	if h == nil {
		return nil
	}
	for _, f := range h.InsertHeaders {
		out = append(out, waf.HeaderField{Name: insertedPrefix + value(f.Name), Value: value(f.Value)})
	}
	return out
}

func response(r *wafv2api.CustomResponse) *waf.Response {
	if r == nil {
		return nil
	}
	out := &waf.Response{Status: int(value(r.ResponseCode)), BodyKey: value(r.CustomResponseBodyKey)}
	for _, f := range r.ResponseHeaders {
		out.Headers = append(out.Headers, waf.HeaderField{Name: value(f.Name), Value: value(f.Value)})
	}
	return out
}

// action is the engine’s form of an action.
func action(a *wafv2api.RuleAction) waf.Action {
	switch {
	case a == nil:
		return waf.Action{}
	case a.Block != nil:
		return waf.Action{Kind: waf.Block, Response: response(a.Block.CustomResponse)}
	case a.Allow != nil:
		return waf.Action{Kind: waf.Allow, Insert: insert(a.Allow.CustomRequestHandling)}
	case a.Count != nil:
		return waf.Action{Kind: waf.Count, Insert: insert(a.Count.CustomRequestHandling)}
	case a.Captcha != nil:
		return waf.Action{Kind: waf.Captcha, Insert: insert(a.Captcha.CustomRequestHandling)}
	case a.Challenge != nil:
		return waf.Action{Kind: waf.Challenge, Insert: insert(a.Challenge.CustomRequestHandling)}
	}
	return waf.Action{}
}

func (t *translation) rules(in []wafv2api.Rule) (out []waf.Rule, err error) {
	for i := range in {
		r := &in[i]
		x := waf.Rule{
			Name: value(r.Name), Priority: value(r.Priority), Action: action(r.Action), Visibility: visibility(r.VisibilityConfig),
			Captcha: captchaImmunity(r.CaptchaConfig), Challenge: challengeImmunity(r.ChallengeConfig),
		}
		if o := r.OverrideAction; o != nil && o.Count != nil {
			x.Override = waf.OverrideCount
		}
		for _, l := range r.RuleLabels {
			x.Labels = append(x.Labels, value(l.Name))
		}
		if x.Statement, err = t.statement(r.Statement); err != nil {
			return nil, fmt.Errorf("rule %s: %w", x.Name, err)
		}
		out = append(out, x)
	}
	return out, nil
}

func (t *translation) statement(s *wafv2api.Statement) (out waf.Statement, err error) {
	switch {
	case s.ByteMatchStatement != nil:
		m := &waf.ByteMatch{Search: s.ByteMatchStatement.SearchString, Position: waf.Position(value(s.ByteMatchStatement.PositionalConstraint))}
		m.Inspect, err = inspect(s.ByteMatchStatement.FieldToMatch, s.ByteMatchStatement.TextTransformations, s.ByteMatchStatement.PreParseTextTransformations)
		out.Byte = m
	case s.RegexMatchStatement != nil:
		m := &waf.RegexMatch{Regex: value(s.RegexMatchStatement.RegexString)}
		m.Inspect, err = inspect(s.RegexMatchStatement.FieldToMatch, s.RegexMatchStatement.TextTransformations, s.RegexMatchStatement.PreParseTextTransformations)
		out.Regex = m
	case s.RegexPatternSetReferenceStatement != nil:
		x := s.RegexPatternSetReferenceStatement
		m := &waf.RegexSetMatch{Set: value(x.ARN)}
		if m.Inspect, err = inspect(x.FieldToMatch, x.TextTransformations, x.PreParseTextTransformations); err == nil {
			err = t.regexSet(m.Set)
		}
		out.RegexSet = m
	case s.SqliMatchStatement != nil:
		m := &waf.SQLiMatch{High: value(s.SqliMatchStatement.SensitivityLevel) == wafv2api.SensitivityLevelHigh}
		m.Inspect, err = inspect(s.SqliMatchStatement.FieldToMatch, s.SqliMatchStatement.TextTransformations, s.SqliMatchStatement.PreParseTextTransformations)
		out.SQLi = m
	case s.XssMatchStatement != nil:
		m := new(waf.XSSMatch)
		m.Inspect, err = inspect(s.XssMatchStatement.FieldToMatch, s.XssMatchStatement.TextTransformations, s.XssMatchStatement.PreParseTextTransformations)
		out.XSS = m
	case s.SizeConstraintStatement != nil:
		x := s.SizeConstraintStatement
		m := &waf.SizeMatch{Comparison: waf.Comparison(value(x.ComparisonOperator)), Size: value(x.Size)}
		m.Inspect, err = inspect(x.FieldToMatch, x.TextTransformations, x.PreParseTextTransformations)
		out.Size = m
	case s.GeoMatchStatement != nil:
		m := &waf.GeoMatch{Forwarded: forwarded(s.GeoMatchStatement.ForwardedIPConfig)}
		for _, c := range s.GeoMatchStatement.CountryCodes {
			m.Countries = append(m.Countries, string(c))
		}
		out.Geo = m
	case s.AsnMatchStatement != nil:
		m := &waf.ASNMatch{Forwarded: forwarded(s.AsnMatchStatement.ForwardedIPConfig)}
		for _, n := range s.AsnMatchStatement.AsnList {
			m.ASNs = append(m.ASNs, uint32(n)) // the model bounds them
		}
		out.ASN = m
	case s.LabelMatchStatement != nil:
		out.Label = &waf.LabelMatch{Key: value(s.LabelMatchStatement.Key), Namespace: value(s.LabelMatchStatement.Scope) == wafv2api.LabelMatchScopeNamespace}
	case s.IPSetReferenceStatement != nil:
		m := &waf.IPSetMatch{Set: value(s.IPSetReferenceStatement.ARN)}
		if f := s.IPSetReferenceStatement.IPSetForwardedIPConfig; f != nil {
			m.Forwarded = &waf.ForwardedIP{
				Header: value(f.HeaderName), MatchInvalid: value(f.FallbackBehavior) == wafv2api.FallbackBehaviorMatch, Position: waf.IPPosition(value(f.Position)),
			}
		}
		out.IPSet, err = m, t.ipSet(m.Set)
	default:
		return t.compound(s)
	}
	return out, err
}

// compound goes on with statements that hold others.
func (t *translation) compound(s *wafv2api.Statement) (out waf.Statement, err error) {
	switch {
	case s.AndStatement != nil:
		out.And, err = t.statements(s.AndStatement.Statements)
	case s.OrStatement != nil:
		out.Or, err = t.statements(s.OrStatement.Statements)
	case s.NotStatement != nil:
		out.Not, err = t.optional(s.NotStatement.Statement)
	case s.RateBasedStatement != nil:
		out.Rate, err = t.rate(s.RateBasedStatement)
	case s.RuleGroupReferenceStatement != nil:
		g := s.RuleGroupReferenceStatement
		out.Group, err = &waf.GroupReference{Group: value(g.ARN), Overrides: overrides(g.ExcludedRules, g.RuleActionOverrides)}, t.group(value(g.ARN))
	case s.ManagedRuleGroupStatement != nil:
		return t.managed(s.ManagedRuleGroupStatement)
	default:
		err = fmt.Errorf("a statement without content")
	}
	return out, err
}

func (t *translation) statements(in []wafv2api.Statement) (out []waf.Statement, err error) {
	for i := range in {
		s, err := t.statement(&in[i])
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (t *translation) optional(s *wafv2api.Statement) (*waf.Statement, error) {
	if s == nil {
		return nil, nil
	}
	out, err := t.statement(s)
	return &out, err
}

func overrides(excluded []wafv2api.ExcludedRule, overridden []wafv2api.RuleActionOverride) (out waf.Overrides) {
	for _, e := range excluded {
		out.Excluded = append(out.Excluded, value(e.Name))
	}
	for _, o := range overridden {
		if out.Actions == nil {
			out.Actions = make(map[string]waf.Action)
		}
		out.Actions[value(o.Name)] = action(o.ActionToUse)
	}
	return out
}

// managed translates a reference to a managed rule group. What an account here has published is a
// rule group of that account; only its labels have another namespace.
func (t *translation) managed(m *wafv2api.ManagedRuleGroupStatement) (out waf.Statement, err error) {
	g, v, err := t.service.managedVersion(t.reader, t.region, t.scope, value(m.VendorName), value(m.Name), value(m.Version))
	if err != nil {
		return out, err
	}
	over := overrides(m.ExcludedRules, m.RuleActionOverrides)
	if g != nil && v != nil && v.RuleGroup != "" {
		name := g.Vendor + "#" + g.Name + "#" + v.Name
		if err := t.groupAs(v.RuleGroup, name, g.LabelNamespace); err != nil {
			return out, err
		}
		return waf.Statement{Group: &waf.GroupReference{Group: name, Overrides: over}}, nil
	}
	x := &waf.ManagedGroup{Vendor: value(m.VendorName), Name: value(m.Name), Version: value(m.Version), Overrides: over}
	if x.ScopeDown, err = t.optional(m.ScopeDownStatement); err != nil {
		return out, err
	}
	if len(m.ManagedRuleGroupConfigs) > 0 {
		if x.Configs, err = t.configs(m); err != nil {
			return out, err
		}
	}
	return waf.Statement{Managed: x}, nil
}

// configs is the configuration of a managed rule group as AWS's JSON.
func (t *translation) configs(m *wafv2api.ManagedRuleGroupStatement) (json.RawMessage, error) {
	shape := t.service.documents.shapes["ManagedRuleGroupConfig"]
	out := []byte{'['}
	for i := range m.ManagedRuleGroupConfigs {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = jsonbody.AppendStruct(out, shape, wire.PointerOf(&m.ManagedRuleGroupConfigs[i]), false); err != nil {
			return nil, fmt.Errorf("configuration of %s: %w", value(m.Name), err)
		}
	}
	return append(out, ']'), nil
}

func (t *translation) entity(arn string) (*entity, error) {
	n, ok := parseARN(arn)
	if !ok {
		return nil, fmt.Errorf("%s is no ARN of an entity", arn)
	}
	return t.service.tables.entity(t.reader, n)
}

func (t *translation) ipSet(arn string) error {
	if _, done := t.sets.Addresses[arn]; done {
		return nil
	}
	e, err := t.entity(arn)
	if err != nil {
		return err
	}
	set := new(wafv2api.IPSet)
	if err := t.service.documents.decode(shapeIPSet, e.Document, set); err != nil {
		return err
	}
	list := make([]netip.Prefix, 0, len(set.Addresses))
	for _, text := range set.Addresses {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("stored IP set %s: %w", arn, err)
		}
		list = append(list, p)
	}
	t.sets.Addresses[arn] = list
	return nil
}

func (t *translation) regexSet(arn string) error {
	if _, done := t.sets.Regexes[arn]; done {
		return nil
	}
	e, err := t.entity(arn)
	if err != nil {
		return err
	}
	set := new(wafv2api.RegexPatternSet)
	if err := t.service.documents.decode(shapeRegexPatternSet, e.Document, set); err != nil {
		return err
	}
	list := make([]string, 0, len(set.RegularExpressionList))
	for _, x := range set.RegularExpressionList {
		list = append(list, value(x.RegexString))
	}
	t.sets.Regexes[arn] = list
	return nil
}

func (t *translation) group(arn string) error { return t.groupAs(arn, arn, "") }

// groupAs adds a rule group under a name, with a label namespace of its own unless another one is
// given.
func (t *translation) groupAs(arn, name, namespace string) error {
	if _, done := t.sets.Groups[name]; done {
		return nil
	}
	e, err := t.entity(arn)
	if err != nil {
		return err
	}
	g, err := t.service.ruleGroup(e)
	if err != nil {
		return err
	}
	out := waf.RuleGroup{Name: value(g.Name), LabelNamespace: value(g.LabelNamespace), Bodies: bodies(g.CustomResponseBodies), Visibility: visibility(g.VisibilityConfig)}
	if namespace != "" {
		out.LabelNamespace = namespace
	}
	if out.Rules, err = t.rules(g.Rules); err != nil {
		return fmt.Errorf("rule group %s: %w", arn, err)
	}
	t.sets.Groups[name] = out
	return nil
}

func forwarded(f *wafv2api.ForwardedIPConfig) *waf.ForwardedIP {
	if f == nil {
		return nil
	}
	return &waf.ForwardedIP{Header: value(f.HeaderName), MatchInvalid: value(f.FallbackBehavior) == wafv2api.FallbackBehaviorMatch}
}

func (t *translation) rate(r *wafv2api.RateBasedStatement) (out *waf.RateBased, err error) {
	out = &waf.RateBased{
		Limit: value(r.Limit), Window: time.Duration(value(r.EvaluationWindowSec)) * time.Second, Aggregate: waf.AggregateKey(value(r.AggregateKeyType)),
		Forwarded: forwarded(r.ForwardedIPConfig),
	}
	for i := range r.CustomKeys {
		k, err := rateKey(&r.CustomKeys[i])
		if err != nil {
			return nil, err
		}
		out.Keys = append(out.Keys, k)
	}
	out.ScopeDown, err = t.optional(r.ScopeDownStatement)
	return out, err
}

func rateKey(c *wafv2api.RateBasedStatementCustomKey) (k waf.RateKey, err error) {
	match := func(f *wafv2api.FallbackBehavior) bool { return value(f) == wafv2api.FallbackBehaviorMatch }
	var kinds []wafv2api.TextTransformation
	switch {
	case c.Header != nil:
		k, kinds = waf.RateKey{Kind: waf.KeyHeader, Name: value(c.Header.Name)}, c.Header.TextTransformations
	case c.Cookie != nil:
		k, kinds = waf.RateKey{Kind: waf.KeyCookie, Name: value(c.Cookie.Name)}, c.Cookie.TextTransformations
	case c.QueryArgument != nil:
		k, kinds = waf.RateKey{Kind: waf.KeyQueryArgument, Name: value(c.QueryArgument.Name)}, c.QueryArgument.TextTransformations
	case c.QueryString != nil:
		k, kinds = waf.RateKey{Kind: waf.KeyQueryString}, c.QueryString.TextTransformations
	case c.UriPath != nil:
		k, kinds = waf.RateKey{Kind: waf.KeyURIPath}, c.UriPath.TextTransformations
	case c.HTTPMethod != nil:
		k.Kind = waf.KeyMethod
	case c.ForwardedIP != nil:
		k.Kind = waf.KeyForwardedIP
	case c.IP != nil:
		k.Kind = waf.KeyIP
	case c.LabelNamespace != nil:
		k = waf.RateKey{Kind: waf.KeyLabelNamespace, Name: value(c.LabelNamespace.Namespace)}
	case c.JA3Fingerprint != nil:
		k = waf.RateKey{Kind: waf.KeyJA3, MatchMissing: match(c.JA3Fingerprint.FallbackBehavior)}
	case c.JA4Fingerprint != nil:
		k = waf.RateKey{Kind: waf.KeyJA4, MatchMissing: match(c.JA4Fingerprint.FallbackBehavior)}
	case c.ASN != nil:
		k.Kind = waf.KeyASN
	default:
		return k, fmt.Errorf("a custom key without content")
	}
	k.Transformations, err = transformations(kinds)
	return k, err
}

// transformations are the kinds in the order of their priorities.
func transformations(in []wafv2api.TextTransformation) (out []transform.Kind, err error) {
	sorted := slices.Clone(in)
	slices.SortStableFunc(sorted, func(a, b wafv2api.TextTransformation) int { return int(value(a.Priority)) - int(value(b.Priority)) })
	for _, x := range sorted {
		var k transform.Kind
		if err := k.UnmarshalText([]byte(value(x.Type))); err != nil {
			return nil, err
		}
		if k != transform.None {
			out = append(out, k)
		}
	}
	return out, nil
}

// inspect translates what a statement looks at.
func inspect(f *wafv2api.FieldToMatch, kinds []wafv2api.TextTransformation, before []wafv2api.PreParseTextTransformation) (out waf.Inspect, err error) {
	if out.Transformations, err = transformations(kinds); err != nil {
		return out, err
	}
	c := &out.Component
	before = slices.Clone(before)
	slices.SortFunc(before, func(a, b wafv2api.PreParseTextTransformation) int {
		return int(value(a.Priority)) - int(value(b.Priority))
	})
	for i := range before {
		c.PreParse = append(c.PreParse, request.PreParse(value(before[i].Type)))
	}
	fallback := func(b *wafv2api.FallbackBehavior) request.Fallback { return request.Fallback(value(b)) }
	switch {
	case f == nil:
		err = fmt.Errorf("a statement without a component")
	case f.SingleHeader != nil:
		c.Kind, c.Name = request.SingleHeader, value(f.SingleHeader.Name)
	case f.SingleQueryArgument != nil:
		c.Kind, c.Name = request.SingleQueryArgument, value(f.SingleQueryArgument.Name)
	case f.AllQueryArguments != nil:
		c.Kind = request.AllQueryArguments
	case f.UriPath != nil:
		c.Kind = request.URIPath
	case f.QueryString != nil:
		c.Kind = request.QueryString
	case f.Body != nil:
		c.Kind, c.Oversize = request.Body, request.Handling(value(f.Body.OversizeHandling))
	case f.Method != nil:
		c.Kind = request.Method
	case f.JsonBody != nil:
		c.Kind, c.Scope, c.Oversize = request.JSONBody, request.Scope(value(f.JsonBody.MatchScope)), request.Handling(value(f.JsonBody.OversizeHandling))
		c.Fallback = request.Fallback(value(f.JsonBody.InvalidFallbackBehavior))
		c.Included = f.JsonBody.MatchPattern.IncludedPaths
	case f.Headers != nil:
		c.Kind, c.Scope, c.Oversize = request.Headers, request.Scope(value(f.Headers.MatchScope)), request.Handling(value(f.Headers.OversizeHandling))
		c.Included, c.Excluded = f.Headers.MatchPattern.IncludedHeaders, f.Headers.MatchPattern.ExcludedHeaders
	case f.Cookies != nil:
		c.Kind, c.Scope, c.Oversize = request.Cookies, request.Scope(value(f.Cookies.MatchScope)), request.Handling(value(f.Cookies.OversizeHandling))
		c.Included, c.Excluded = f.Cookies.MatchPattern.IncludedCookies, f.Cookies.MatchPattern.ExcludedCookies
	case f.HeaderOrder != nil:
		c.Kind, c.Oversize = request.HeaderOrder, request.Handling(value(f.HeaderOrder.OversizeHandling))
	case f.JA3Fingerprint != nil:
		c.Kind, c.Fallback = request.JA3Fingerprint, fallback(f.JA3Fingerprint.FallbackBehavior)
	case f.JA4Fingerprint != nil:
		c.Kind, c.Fallback = request.JA4Fingerprint, fallback(f.JA4Fingerprint.FallbackBehavior)
	case f.UriFragment != nil:
		c.Kind, c.Fallback = request.URIFragment, fallback(f.UriFragment.FallbackBehavior)
	default:
		err = fmt.Errorf("a component without content")
	}
	return out, err
}

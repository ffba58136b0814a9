package wafv2

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"fastness/internal/api/wafv2api"
)

// Sampled are requests that met a rule.
type Sampled struct {
	// Requests have their weights.
	Requests []wafv2api.SampledHTTPRequest
	// Population is from how many requests they were chosen: at most the first 5,000 of the range.
	Population int64
	// To is the end of the range, earlier than what was asked for if there were more than 5,000.
	To time.Time
}

// sampleAge is how far back samples go (AWS WAF API reference, GetSampledRequests).
const sampleAge = 3 * time.Hour

// GetSampledRequests implements the operation of that name.
func (s *Service) GetSampledRequests(ctx context.Context, in *wafv2api.GetSampledRequestsRequest) (*wafv2api.GetSampledRequestsResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	if e.Scope != value(in.Scope) {
		return nil, nonexistent()
	}
	a, err := s.webACL(e)
	if err != nil {
		return nil, err
	}
	if !s.hasMetric(ctx, a, value(in.RuleMetricName)) {
		return nil, nonexistent()
	}
	from, to := value(in.TimeWindow.StartTime).UTC(), value(in.TimeWindow.EndTime).UTC()
	now := s.clock.Now().UTC()
	// "If you specify a start time that's earlier than three hours ago, AWS WAF sets it to three hours
	// ago."
	if oldest := now.Add(-sampleAge); from.Before(oldest) {
		from = oldest
	}
	if !from.Before(to) {
		return nil, invalidOperation("The operation isn't valid. The time window is empty or more than three hours ago.")
	}
	found, err := s.live.Samples(ctx, e.arn(), value(in.RuleMetricName), from, to, int(value(in.MaxItems)))
	if err != nil {
		return nil, err
	}
	if found.To.IsZero() || found.To.After(to) {
		found.To = to
	}
	out := &wafv2api.GetSampledRequestsResponse{
		SampledRequests: found.Requests, PopulationSize: &found.Population, TimeWindow: &wafv2api.TimeWindow{StartTime: &from, EndTime: &found.To},
	}
	if out.SampledRequests == nil {
		out.SampledRequests = []wafv2api.SampledHTTPRequest{}
	}
	return out, nil
}

// hasMetric tells whether a web ACL, one of its rules or a rule of its rule groups reports under a
// name.
func (s *Service) hasMetric(ctx context.Context, a *wafv2api.WebACL, name string) bool {
	is := func(v *wafv2api.VisibilityConfig) bool { return v != nil && value(v.MetricName) == name }
	rules := withFirewallManager(a)
	if is(a.VisibilityConfig) || slices.ContainsFunc(rules, func(r wafv2api.Rule) bool { return is(r.VisibilityConfig) }) {
		return true
	}
	found := false
	err := s.view(ctx, func(k *ruleCheck) error {
		for _, text := range namedIn(rules) {
			n, ok := parseARN(text)
			if !ok || n.kind != kindRuleGroup {
				continue
			}
			e, err := s.lookup(k.reader, n)
			if err != nil || e == nil {
				return err
			}
			g, err := s.ruleGroup(e)
			if err != nil {
				return err
			}
			found = found || slices.ContainsFunc(g.Rules, func(r wafv2api.Rule) bool { return is(r.VisibilityConfig) })
		}
		return nil
	})
	return err == nil && found
}

// GetRateBasedStatementManagedKeys implements the operation of that name: the addresses that a
// rate-based rule limits now.
func (s *Service) GetRateBasedStatementManagedKeys(ctx context.Context, in *wafv2api.GetRateBasedStatementManagedKeysRequest) (*wafv2api.GetRateBasedStatementManagedKeysResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.webACL(e)
	if err != nil {
		return nil, err
	}
	rules := a.Rules
	if group := value(in.RuleGroupRuleName); group != "" {
		if rules, err = s.groupRules(ctx, a, group); err != nil {
			return nil, err
		}
	}
	at := slices.IndexFunc(rules, func(r wafv2api.Rule) bool { return value(r.Name) == value(in.RuleName) })
	if at < 0 || rules[at].Statement.RateBasedStatement == nil {
		return nil, nonexistent()
	}
	switch value(rules[at].Statement.RateBasedStatement.AggregateKeyType) {
	case wafv2api.RateBasedStatementAggregateKeyTypeIP, wafv2api.RateBasedStatementAggregateKeyTypeForwardedIP:
	default:
		return nil, &wafv2api.WAFUnsupportedAggregateKeyTypeException{
			Message: new("The rule that you've named doesn't aggregate solely on the IP address or solely on the forwarded IP address. This call is only available for rate-based rules with an AggregateKeyType setting of IP or FORWARDED_IP."),
		}
	}
	limited, err := s.live.RateLimited(ctx, e.arn(), value(in.RuleGroupRuleName), value(in.RuleName))
	if err != nil {
		return nil, err
	}
	v4 := &wafv2api.RateBasedStatementManagedKeysIPSet{IPAddressVersion: new(wafv2api.IPAddressVersionIPV4), Addresses: []string{}}
	v6 := &wafv2api.RateBasedStatementManagedKeysIPSet{IPAddressVersion: new(wafv2api.IPAddressVersionIPV6), Addresses: []string{}}
	for _, ip := range limited {
		if ip = ip.Unmap(); ip.Is4() {
			v4.Addresses = append(v4.Addresses, ip.String()+"/32")
		} else {
			v6.Addresses = append(v6.Addresses, ip.StringExpanded()+"/128")
		}
	}
	slices.Sort(v4.Addresses)
	slices.Sort(v6.Addresses)
	return &wafv2api.GetRateBasedStatementManagedKeysResponse{ManagedKeysIPV4: v4, ManagedKeysIPV6: v6}, nil
}

// groupRules are the rules of the rule group that a rule of the web ACL refers to.
func (s *Service) groupRules(ctx context.Context, a *wafv2api.WebACL, name string) (rules []wafv2api.Rule, err error) {
	all := withFirewallManager(a)
	at := slices.IndexFunc(all, func(r wafv2api.Rule) bool { return value(r.Name) == name })
	if at < 0 || all[at].Statement.RuleGroupReferenceStatement == nil {
		return nil, nonexistent()
	}
	n, ok := parseARN(value(all[at].Statement.RuleGroupReferenceStatement.ARN))
	if !ok {
		return nil, nonexistent()
	}
	err = s.view(ctx, func(k *ruleCheck) error {
		e, err := s.tables.entity(k.reader, n)
		if err != nil {
			return err
		}
		g, err := s.ruleGroup(e)
		rules = g.Rules
		return err
	})
	return rules, err
}

// PathQuery asks for the paths that bots have asked for.
type PathQuery struct {
	WebACL   string // ARN
	From, To time.Time
	// Prefix, if set, keeps the paths below it; otherwise paths are told by their first part.
	Prefix string
	// Category, Organization and Bot keep the requests of some bots; each may be empty.
	Category, Organization, Bot string
	// Bots is how many bots are told of each path.
	Bots int
}

// PathTraffic is the answer to a PathQuery.
type PathTraffic struct {
	Total int64
	// Paths are in the order of their counts, Categories (without a filter) in that of the names and
	// counts.
	Paths, Categories []PathCount
}

// PathCount counts the requests for a path.
type PathCount struct {
	Path     string
	Category string // in PathTraffic.Categories
	Requests int64
	Bots     []BotCount
}

// BotCount counts the requests of a bot.
type BotCount struct {
	Bot      string
	Requests int64
}

// GetTopPathStatisticsByTraffic implements the operation of that name.
func (s *Service) GetTopPathStatisticsByTraffic(ctx context.Context, in *wafv2api.GetTopPathStatisticsByTrafficRequest) (*wafv2api.GetTopPathStatisticsByTrafficResponse, error) {
	c, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	if e.Scope != value(in.Scope) {
		return nil, nonexistent()
	}
	q := PathQuery{
		WebACL: e.arn(), From: value(in.TimeWindow.StartTime), To: value(in.TimeWindow.EndTime), Prefix: value(in.UriPathPrefix),
		Category: value(in.BotCategory), Organization: value(in.BotOrganization), Bot: value(in.BotName), Bots: int(value(in.NumberOfTopTrafficBotsPerPath)),
	}
	if !q.From.Before(q.To) {
		return nil, invalidOperation("The operation isn't valid. The time window is empty.")
	}
	query := strings.Join([]string{q.WebACL, q.Prefix, q.Category, q.Organization, q.Bot, q.From.String(), q.To.String()}, "\x00")
	after, err := s.position(c, query, in.NextMarker)
	if err != nil {
		return nil, err
	}
	skip := 0
	if after != "" {
		if skip, err = strconv.Atoi(after); err != nil {
			return nil, invalidOperation("The NextMarker is not valid.")
		}
	}
	found, err := s.live.Paths(ctx, q)
	if err != nil {
		return nil, err
	}
	source := &wafv2api.FilterSource{BotCategory: some(q.Category), BotOrganization: some(q.Organization), BotName: some(q.Bot)}
	if q.Category == "" && q.Organization == "" && q.Bot == "" {
		source = nil
	}
	page := found.Paths[min(skip, len(found.Paths)):]
	next := ""
	if limit := int(value(in.Limit)); len(page) > limit {
		page, next = page[:limit], strconv.Itoa(skip+limit)
	}
	out := &wafv2api.GetTopPathStatisticsByTrafficResponse{PathStatistics: []wafv2api.PathStatistics{}, TotalRequestCount: &found.Total}
	for i := range page {
		out.PathStatistics = append(out.PathStatistics, page[i].statistics(found.Total, source))
	}
	if source == nil {
		for i := range found.Categories {
			p := &found.Categories[i]
			out.TopCategories = append(out.TopCategories, p.statistics(found.Total, &wafv2api.FilterSource{BotCategory: &p.Category}))
		}
	}
	out.NextMarker, err = s.nextMarker(c, query, next)
	return out, err
}

func (p *PathCount) statistics(total int64, source *wafv2api.FilterSource) wafv2api.PathStatistics {
	st := wafv2api.PathStatistics{Source: source, Path: &p.Path, RequestCount: &p.Requests, Percentage: new(percentage(p.Requests, total))}
	for i := range p.Bots {
		b := &p.Bots[i]
		st.TopBots = append(st.TopBots, wafv2api.BotStatistics{BotName: &b.Bot, RequestCount: &b.Requests, Percentage: new(percentage(b.Requests, p.Requests))})
	}
	return st
}

func percentage(part, of int64) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(part) / float64(of)
}

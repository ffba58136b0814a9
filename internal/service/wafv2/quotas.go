package wafv2

// Quotas are AWS's limits (AWS WAF Developer Guide, "AWS WAF quotas"). A zero is the default.
type Quotas struct {
	// Of an account in a Region and a scope.
	WebACLs, RuleGroups, IPSets, RegexPatternSets, APIKeys int
	// Of a set.
	AddressesPerIPSet, PatternsPerSet, PatternCharacters int
	// Of a web ACL or a rule group.
	Capacity                              int64
	References                            int
	RateRulesPerWebACL, RateRulesPerGroup int
	ResponseBodies, ResponseBodyBytes     int
	TokenDomains, ResourcesPerWebACL      int
	InsertedHeaders, ResponseHeaders      int
	// Of a statement.
	Transformations, SearchStringBytes int
	// NestedStatements bounds how deep statements nest. AWS names no bound.
	NestedStatements int
}

// defaultQuotas are AWS's.
var defaultQuotas = Quotas{
	WebACLs: 100, RuleGroups: 100, IPSets: 100, RegexPatternSets: 10, APIKeys: 100,
	AddressesPerIPSet: 10_000, PatternsPerSet: 10, PatternCharacters: 200,
	Capacity: 5000, References: 50, RateRulesPerWebACL: 10, RateRulesPerGroup: 4,
	ResponseBodies: 50, ResponseBodyBytes: 50 << 10,
	TokenDomains: 10, ResourcesPerWebACL: 100, InsertedHeaders: 100, ResponseHeaders: 100,
	Transformations: 10, SearchStringBytes: 200, NestedStatements: 16,
}

// withDefaults fills in what is zero.
func (q Quotas) withDefaults() Quotas {
	d := defaultQuotas
	for _, p := range []struct{ at, otherwise *int }{
		{&q.WebACLs, &d.WebACLs}, {&q.RuleGroups, &d.RuleGroups}, {&q.IPSets, &d.IPSets}, {&q.RegexPatternSets, &d.RegexPatternSets},
		{&q.APIKeys, &d.APIKeys}, {&q.AddressesPerIPSet, &d.AddressesPerIPSet}, {&q.PatternsPerSet, &d.PatternsPerSet},
		{&q.PatternCharacters, &d.PatternCharacters}, {&q.References, &d.References}, {&q.RateRulesPerWebACL, &d.RateRulesPerWebACL},
		{&q.RateRulesPerGroup, &d.RateRulesPerGroup}, {&q.ResponseBodies, &d.ResponseBodies}, {&q.ResponseBodyBytes, &d.ResponseBodyBytes},
		{&q.TokenDomains, &d.TokenDomains}, {&q.ResourcesPerWebACL, &d.ResourcesPerWebACL}, {&q.InsertedHeaders, &d.InsertedHeaders},
		{&q.ResponseHeaders, &d.ResponseHeaders}, {&q.Transformations, &d.Transformations}, {&q.SearchStringBytes, &d.SearchStringBytes},
		{&q.NestedStatements, &d.NestedStatements},
	} {
		if *p.at == 0 {
			*p.at = *p.otherwise
		}
	}
	if q.Capacity == 0 {
		q.Capacity = d.Capacity
	}
	return q
}

// entities is the quota of a kind in an account, a Region and a scope.
func (q *Quotas) entities(k kind) int {
	switch k {
	case kindWebACL:
		return q.WebACLs
	case kindRuleGroup:
		return q.RuleGroups
	case kindIPSet:
		return q.IPSets
	case kindRegexPatternSet:
		return q.RegexPatternSets
	}
	return 0 // managed rule sets come from the operator
}

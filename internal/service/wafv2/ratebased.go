package wafv2

import (
	"slices"
	"strconv"

	"fastness/internal/api/wafv2api"
)

// evaluationWindows are the spans that a rate-based rule can look at, in seconds (AWS WAF API
// reference, RateBasedStatement); the default is five minutes.
var evaluationWindows = []int64{60, 120, 300, 600}

const defaultEvaluationWindow = 300

// rateBased checks a rate-based statement.
func (k *ruleCheck) rateBased(r *wafv2api.RateBasedStatement, at place) error {
	const f = wafv2api.ParameterExceptionFieldRateBasedStatement
	k.rateRules++
	if r.EvaluationWindowSec == nil {
		r.EvaluationWindowSec = new(int64(defaultEvaluationWindow))
	}
	if !slices.Contains(evaluationWindows, *r.EvaluationWindowSec) {
		return invalid(f, strconv.FormatInt(*r.EvaluationWindowSec, 10), reasonUnknown)
	}
	kind := value(r.AggregateKeyType)
	forwarded, err := k.customKeys(r.CustomKeys)
	if err != nil {
		return err
	}
	custom := kind == wafv2api.RateBasedStatementAggregateKeyTypeCustomKeys
	switch {
	case custom != (len(r.CustomKeys) > 0):
		return invalid(wafv2api.ParameterExceptionFieldCustomKeys, "CustomKeys", reasonExactlyOne)
	case (kind == wafv2api.RateBasedStatementAggregateKeyTypeForwardedIP || forwarded) != (r.ForwardedIPConfig != nil):
		return invalid(wafv2api.ParameterExceptionFieldForwardedIPConfig, "ForwardedIPConfig", reasonExactlyOne)
	case kind == wafv2api.RateBasedStatementAggregateKeyTypeConstant && r.ScopeDownStatement == nil:
		return invalid(wafv2api.ParameterExceptionFieldScopeDown, "ScopeDownStatement", reasonExactlyOne)
	}
	if r.ScopeDownStatement != nil {
		return k.statement(r.ScopeDownStatement, place{scopeDown: true, depth: at.depth + 1})
	}
	return nil
}

// customKeys checks the keys of an aggregation. Addresses alone are what the types IP and
// FORWARDED_IP are for.
func (k *ruleCheck) customKeys(keys []wafv2api.RateBasedStatementCustomKey) (forwarded bool, err error) {
	const f = wafv2api.ParameterExceptionFieldCustomKeys
	for i := range keys {
		c := &keys[i]
		if count(
			c.Header != nil, c.Cookie != nil, c.QueryArgument != nil, c.QueryString != nil, c.HTTPMethod != nil, c.ForwardedIP != nil,
			c.IP != nil, c.LabelNamespace != nil, c.UriPath != nil, c.JA3Fingerprint != nil, c.JA4Fingerprint != nil, c.ASN != nil,
		) != 1 {
			return false, invalid(f, "CustomKeys", reasonExactlyOne)
		}
		forwarded = forwarded || c.ForwardedIP != nil
		if (c.IP != nil || c.ForwardedIP != nil) && len(keys) == 1 {
			return false, invalid(f, "CustomKeys", reasonCombination)
		}
		var transformations []wafv2api.TextTransformation
		switch {
		case c.Header != nil:
			transformations = c.Header.TextTransformations
		case c.Cookie != nil:
			transformations = c.Cookie.TextTransformations
		case c.QueryArgument != nil:
			transformations = c.QueryArgument.TextTransformations
		case c.QueryString != nil:
			transformations = c.QueryString.TextTransformations
		case c.UriPath != nil:
			transformations = c.UriPath.TextTransformations
		default:
			continue
		}
		if err := k.transformations(transformations); err != nil {
			return false, err
		}
	}
	return forwarded, nil
}

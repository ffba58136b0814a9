package wafv2

import (
	"strconv"

	"fastness/internal/api/wafv2api"
)

// newerTransformations are those of the developer guide that the model of the API does not
// list yet (AWS WAF Developer Guide, "Using text transformations in AWS WAF").
var newerTransformations = map[wafv2api.TextTransformationType]struct{}{
	"REMOVE_WHITESPACE": {}, "TRIM": {}, "TRIM_LEFT": {}, "TRIM_RIGHT": {}, "REMOVE_COMMENTS_CHAR": {}, "UPPERCASE": {},
	"CMD_LINE_WIN": {}, "CMD_LINE_UNIX": {}, "JS_DECODE_EXT": {}, "SHA256": {},
}

func knownTransformation(t wafv2api.TextTransformationType) bool {
	if _, ok := newerTransformations[t]; ok {
		return true
	}
	for _, known := range t.Values() {
		if t == known {
			return true
		}
	}
	return false
}

// component checks what a statement inspects and what it does to it first.
func (k *ruleCheck) component(f *wafv2api.FieldToMatch, transformations []wafv2api.TextTransformation, before []wafv2api.PreParseTextTransformation) error {
	const all = wafv2api.ParameterExceptionFieldFieldToMatch
	if f == nil || componentsOf(f) != 1 {
		return invalid(all, "FieldToMatch", reasonExactlyOne)
	}
	if err := k.transformations(transformations); err != nil {
		return err
	}
	if err := k.preParse(f, before); err != nil {
		return err
	}
	switch {
	case f.JsonBody != nil:
		p := f.JsonBody.MatchPattern
		if p == nil || count(p.All != nil, len(p.IncludedPaths) > 0) != 1 {
			return invalid(wafv2api.ParameterExceptionFieldJSONMatchPattern, "JsonMatchPattern", reasonExactlyOne)
		}
	case f.Headers != nil:
		p := f.Headers.MatchPattern
		if p == nil || count(p.All != nil, len(p.IncludedHeaders) > 0, len(p.ExcludedHeaders) > 0) != 1 {
			return invalid(wafv2api.ParameterExceptionFieldHeaderMatchPattern, "HeaderMatchPattern", reasonExactlyOne)
		}
	case f.Cookies != nil:
		p := f.Cookies.MatchPattern
		if p == nil || count(p.All != nil, len(p.IncludedCookies) > 0, len(p.ExcludedCookies) > 0) != 1 {
			return invalid(wafv2api.ParameterExceptionFieldCookieMatchPattern, "CookieMatchPattern", reasonExactlyOne)
		}
	}
	return nil
}

// maxPreParse is how many transformations a statement has before the query is split (AWS WAF Developer Guide, "Using
// pre-parse text transformations in AWS WAF").
const maxPreParse = 10

// preParse checks what is done to a query string before it is split into arguments.
func (k *ruleCheck) preParse(f *wafv2api.FieldToMatch, list []wafv2api.PreParseTextTransformation) error {
	const field = wafv2api.ParameterExceptionFieldTextTransformation
	switch {
	case len(list) == 0:
		return nil
	case f.SingleQueryArgument == nil && f.AllQueryArguments == nil:
		return invalid(field, "PreParseTextTransformations", reasonCombination)
	case len(list) > maxPreParse:
		return invalid(field, strconv.Itoa(len(list)), reasonMaximum)
	}
	seen := make(map[int32]struct{}, len(list))
	for i := range list {
		p := value(list[i].Priority)
		if _, taken := seen[p]; taken {
			return invalid(field, strconv.Itoa(int(p)), reasonDuplicate)
		}
		seen[p] = struct{}{}
	}
	return nil
}

// componentsOf is how many components a FieldToMatch names.
func componentsOf(f *wafv2api.FieldToMatch) int {
	return count(
		f.SingleHeader != nil, f.SingleQueryArgument != nil, f.AllQueryArguments != nil, f.UriPath != nil, f.QueryString != nil,
		f.Body != nil, f.Method != nil, f.JsonBody != nil, f.Headers != nil, f.Cookies != nil, f.HeaderOrder != nil,
		f.JA3Fingerprint != nil, f.JA4Fingerprint != nil, f.UriFragment != nil,
	)
}

// transformations checks text transformations: their kinds, their number, and that each has a
// priority of its own.
func (k *ruleCheck) transformations(list []wafv2api.TextTransformation) error {
	const f = wafv2api.ParameterExceptionFieldTextTransformation
	switch {
	case len(list) == 0:
		return invalid(f, "TextTransformations", reasonMinimum)
	case len(list) > k.service.quotas.Transformations:
		return invalid(f, strconv.Itoa(len(list)), reasonMaximum)
	}
	seen := make(map[int32]struct{}, len(list))
	for i := range list {
		if !knownTransformation(value(list[i].Type)) {
			return invalid(f, string(value(list[i].Type)), reasonUnknown)
		}
		p := value(list[i].Priority)
		if _, taken := seen[p]; taken {
			return invalid(f, strconv.Itoa(int(p)), reasonDuplicate)
		}
		seen[p] = struct{}{}
	}
	return nil
}

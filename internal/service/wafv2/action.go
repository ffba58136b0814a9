package wafv2

import (
	"slices"
	"strings"

	"fastness/internal/api/wafv2api"
)

// responseCodes are the statuses that a custom response can have (AWS WAF Developer Guide,
// "Supported status codes for custom response").
var responseCodes = []int32{
	200, 201, 202, 204, 206,
	300, 301, 302, 303, 304, 307, 308,
	400, 401, 403, 404, 405, 408, 409, 411, 412, 413, 414, 415, 416, 421, 429,
	500, 501, 502, 503, 504,
}

// action checks the action of a rule, of which there is one.
func (k *ruleCheck) action(a *wafv2api.RuleAction) error {
	if a == nil || count(a.Block != nil, a.Allow != nil, a.Count != nil, a.Captcha != nil, a.Challenge != nil) != 1 {
		return invalid(wafv2api.ParameterExceptionFieldRuleAction, "RuleAction", reasonExactlyOne)
	}
	switch {
	case a.Block != nil:
		return k.response(a.Block.CustomResponse)
	case a.Allow != nil:
		return k.insert(a.Allow.CustomRequestHandling)
	case a.Count != nil:
		return k.insert(a.Count.CustomRequestHandling)
	case a.Captcha != nil:
		return k.insert(a.Captcha.CustomRequestHandling)
	default:
		return k.insert(a.Challenge.CustomRequestHandling)
	}
}

// defaultAction checks what happens to requests that no rule decides on.
func (k *ruleCheck) defaultAction(a *wafv2api.DefaultAction) error {
	if a == nil || count(a.Block != nil, a.Allow != nil) != 1 {
		return invalid(wafv2api.ParameterExceptionFieldDefaultAction, "DefaultAction", reasonExactlyOne)
	}
	if a.Block != nil {
		return k.response(a.Block.CustomResponse)
	}
	return k.insert(a.Allow.CustomRequestHandling)
}

// insert checks the headers that an action adds to the request on its way.
func (k *ruleCheck) insert(h *wafv2api.CustomRequestHandling) error {
	if h == nil {
		return nil
	}
	k.inserted += len(h.InsertHeaders)
	return checkHeaders(h.InsertHeaders, wafv2api.ParameterExceptionFieldCustomRequestHandling)
}

// response checks a custom answer to a blocked request.
func (k *ruleCheck) response(r *wafv2api.CustomResponse) error {
	const f = wafv2api.ParameterExceptionFieldCustomResponse
	if r == nil {
		return nil
	}
	if !slices.Contains(responseCodes, value(r.ResponseCode)) {
		return invalid(f, "ResponseCode", reasonUnknown)
	}
	if key := value(r.CustomResponseBodyKey); key != "" {
		if _, known := k.bodies[key]; !known && !k.anyBody {
			return invalid(wafv2api.ParameterExceptionFieldCustomResponseBody, key, reasonReference)
		}
	}
	k.answered += len(r.ResponseHeaders)
	return checkHeaders(r.ResponseHeaders, f)
}

// checkHeaders refuses a name that occurs twice.
func checkHeaders(headers []wafv2api.CustomHTTPHeader, f field) error {
	seen := make(map[string]struct{}, len(headers))
	for i := range headers {
		name := strings.ToLower(value(headers[i].Name))
		if _, twice := seen[name]; twice {
			return invalid(f, value(headers[i].Name), reasonDuplicate)
		}
		seen[name] = struct{}{}
	}
	return nil
}

// responseBodies checks the custom response bodies of a web ACL or rule group.
func (k *ruleCheck) responseBodies() error {
	q := &k.service.quotas
	total := 0
	for _, b := range k.bodies {
		total += len(value(b.Content))
	}
	if len(k.bodies) > q.ResponseBodies || total > q.ResponseBodyBytes {
		return limitExceeded("CUSTOM_RESPONSE_BODY")
	}
	return nil
}

package waflog

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// redacted stands for what is hidden.
const redacted = "REDACTED"

// The fields that data protection is about (AWS WAF API reference, FieldToProtect).
const (
	protectHeader   = "SINGLE_HEADER"
	protectCookie   = "SINGLE_COOKIE"
	protectArgument = "SINGLE_QUERY_ARGUMENT"
	protectQuery    = "QUERY_STRING"
	protectBody     = "BODY"
)

// hide is what stands for a protected value.
func hide(p *waf.DataProtection, v string) string {
	if p.Hash {
		sum := sha256.Sum256([]byte(v))
		return hex.EncodeToString(sum[:])
	}
	return redacted
}

// covers tells whether a protection is about a name.
func covers(p *waf.DataProtection, name string) bool {
	return len(p.Keys) == 0 || slices.ContainsFunc(p.Keys, func(k string) bool { return strings.EqualFold(k, name) })
}

// ProtectHeader is a header field's value with what a protection hides in it. The page that
// referred to this one can have the query that is protected.
func ProtectHeader(p *waf.DataProtection, name, v string) string {
	switch {
	case p.Field == protectHeader && covers(p, name):
		return hide(p, v)
	case p.Field == protectCookie && strings.EqualFold(name, "cookie"):
		pairs := strings.Split(v, ";")
		for i, pair := range pairs {
			key, value, ok := strings.Cut(pair, "=")
			if ok && covers(p, strings.TrimSpace(key)) {
				pairs[i] = key + "=" + hide(p, value)
			}
		}
		return strings.Join(pairs, ";")
	case (p.Field == protectQuery || p.Field == protectArgument) && strings.EqualFold(name, "referer"):
		if u, err := url.Parse(v); err != nil || u.RawQuery != "" {
			before, _, _ := strings.Cut(v, "?")
			return before + "?" + hide(p, v)
		}
	}
	return v
}

// protectQueryString is a query with what a protection hides in it.
func protectQueryString(p *waf.DataProtection, query string) string {
	switch {
	case query == "":
	case p.Field == protectQuery:
		return hide(p, query)
	case p.Field == protectArgument:
		pairs := strings.Split(query, "&")
		for i, pair := range pairs {
			key, value, ok := strings.Cut(pair, "=")
			name, err := url.QueryUnescape(key)
			if err != nil {
				name = key
			}
			if ok && covers(p, name) {
				pairs[i] = key + "=" + hide(p, value)
			}
		}
		return strings.Join(pairs, "&")
	}
	return query
}

// hidden tells whether what a rule found in a component must not be shown, and then what stands for
// it.
func hidden(l *proxy.Logging, protections []waf.DataProtection, c *request.Component, name, found string) (string, bool) {
	fieldName := name
	if c.Kind == request.SingleHeader {
		fieldName = c.Name
	}
	header := c.Kind == request.SingleHeader || c.Kind == request.Headers
	cookie := c.Kind == request.Cookies || header && strings.EqualFold(fieldName, "cookie")
	query := c.Kind == request.QueryString || c.Kind == request.SingleQueryArgument || c.Kind == request.AllQueryArguments
	if !header && !cookie && !query && !apart[c.Kind] && (l.RedactQuery || l.RedactPath || protectsMore(protections)) {
		return redacted, true // of a component that AWS does not have it is not known which part this was
	}
	switch {
	case c.Kind == request.URIPath && l.RedactPath, query && l.RedactQuery, c.Kind == request.Method && l.RedactMethod,
		header && slices.ContainsFunc(l.RedactHeaders, func(h string) bool { return strings.EqualFold(h, fieldName) }),
		cookie && slices.ContainsFunc(l.RedactHeaders, func(h string) bool { return strings.EqualFold(h, "cookie") }):
		return redacted, true
	}
	for i := range protections {
		p := &protections[i]
		if p.ExcludeRuleMatch {
			continue
		}
		argument := fieldName
		if c.Kind == request.SingleQueryArgument {
			argument = c.Name
		}
		switch {
		case p.Field == protectHeader && header && covers(p, fieldName),
			p.Field == protectCookie && cookie && (c.Kind != request.Cookies || covers(p, name)),
			p.Field == protectQuery && query,
			p.Field == protectArgument && (c.Kind == request.QueryString || query && covers(p, argument)),
			p.Field == protectBody && (c.Kind == request.Body || c.Kind == request.JSONBody):
			return hide(p, found), true
		}
	}
	return "", false
}

// hiddenKey tells whether a part of the key that a rate-based rule counts by must not be shown, and then what
// stands for it. An address that was forwarded comes from a header field.
func hiddenKey(l *proxy.Logging, protections []waf.DataProtection, v *waf.RateValue) (string, bool) {
	redacts := func(name string) bool {
		return slices.ContainsFunc(l.RedactHeaders, func(h string) bool { return strings.EqualFold(h, name) })
	}
	query := v.Kind == waf.KeyQueryString || v.Kind == waf.KeyQueryArgument
	switch {
	case v.Kind == waf.KeyHeader && redacts(v.Name), v.Kind == waf.KeyCookie && redacts("cookie"), query && l.RedactQuery,
		v.Kind == waf.KeyURIPath && l.RedactPath, v.Kind == waf.KeyMethod && l.RedactMethod:
		return redacted, true
	}
	for i := range protections {
		p := &protections[i]
		switch {
		case p.ExcludeRateBasedKey:
		case p.Field == protectHeader && (v.Kind == waf.KeyForwardedIP || v.Kind == waf.KeyHeader && covers(p, v.Name)),
			p.Field == protectHeader && v.Kind == waf.KeyCookie && covers(p, "cookie"),
			p.Field == protectCookie && (v.Kind == waf.KeyCookie && covers(p, v.Name) || v.Kind == waf.KeyHeader && strings.EqualFold(v.Name, "cookie")),
			p.Field == protectQuery && query,
			p.Field == protectArgument && (v.Kind == waf.KeyQueryString || v.Kind == waf.KeyQueryArgument && covers(p, v.Name)),
			(p.Field == protectQuery || p.Field == protectArgument) && v.Kind == waf.KeyHeader && strings.EqualFold(v.Name, "referer"):
			return hide(p, v.Value), true
		}
	}
	return "", false
}

// apart are the components that have nothing of others.
var apart = map[request.Kind]bool{
	request.URIPath: true, request.Body: true, request.JSONBody: true, request.Method: true, request.URIFragment: true,
	request.HeaderOrder: true, request.JA3Fingerprint: true, request.JA4Fingerprint: true,
}

// protectsMore tells whether a part of the query or the body is protected.
func protectsMore(protections []waf.DataProtection) bool {
	return slices.ContainsFunc(protections, func(p waf.DataProtection) bool {
		return !p.ExcludeRuleMatch && (p.Field == protectQuery || p.Field == protectArgument || p.Field == protectBody)
	})
}

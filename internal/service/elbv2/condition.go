package elbv2

import (
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strings"

	"fastness/internal/api/elbv2api"
)

// maxConditionValues is how many values the conditions of a rule have together, maxWildcards how many
// of them have how many wildcards (Elastic Load Balancing User Guide, "Quotas").
const (
	maxConditionValues = 5
	maxWildcards       = 6
)

var (
	hostPattern   = regexp.MustCompile(`^[A-Za-z0-9.*?-]{1,128}$`)
	pathPattern   = regexp.MustCompile(`^[A-Za-z0-9_.$/~"'@:+&*?=;,()!%\[\]#|-]{1,128}$`)
	headerName    = regexp.MustCompile(`^[A-Za-z0-9*?!#$%&'+.^_` + "`" + `|~-]{1,40}$`)
	methodPattern = regexp.MustCompile(`^[A-Z_-]{1,40}$`)
)

// checkConditions checks the conditions of a rule and gives them AWS's form, in which the values of
// the two older fields are shown twice.
func checkConditions(in []elbv2api.RuleCondition) ([]elbv2api.RuleCondition, error) {
	if len(in) == 0 {
		return nil, invalid("A condition must be specified")
	}
	out := make([]elbv2api.RuleCondition, 0, len(in))
	values, wildcards := 0, 0
	single := make(map[string]bool) // fields that can be there once
	for _, c := range in {
		field := value(c.Field)
		switch field {
		case "host-header", "path-pattern", "http-request-method", "source-ip":
			if single[field] {
				return nil, invalid("A rule can only have one '%s' condition", field)
			}
			single[field] = true
		}
		list, err := conditionValues(&c)
		if err != nil {
			return nil, err
		}
		values += len(list)
		for _, v := range list {
			wildcards += strings.Count(v, "*") + strings.Count(v, "?")
		}
		out = append(out, c)
	}
	switch {
	case values > maxConditionValues:
		return nil, invalid("Conditions of a rule cannot have more than '%d' values", maxConditionValues)
	case wildcards > maxWildcards:
		return nil, invalid("Conditions of a rule cannot have more than '%d' wildcards", maxWildcards)
	}
	return out, nil
}

// conditionValues checks one condition; the result are its values.
func conditionValues(c *elbv2api.RuleCondition) ([]string, error) {
	field := value(c.Field)
	old := append([]string(nil), c.Values...)
	regexes := append([]string(nil), c.RegexValues...)
	own := 0
	for _, given := range []bool{
		c.HostHeaderConfig != nil, c.PathPatternConfig != nil, c.HttpHeaderConfig != nil, c.QueryStringConfig != nil,
		c.HttpRequestMethodConfig != nil, c.SourceIpConfig != nil,
	} {
		if given {
			own++
		}
	}
	if own > 1 || own == 1 && len(old) > 0 && field != "host-header" && field != "path-pattern" {
		return nil, invalid("A condition of the field '%s' must have its own configuration, and no other", field)
	}
	var list []string
	var check func(string) bool
	missing := func() ([]string, error) {
		return nil, invalid("A condition of the field '%s' must have its own configuration", field)
	}
	switch field {
	case "host-header":
		if c.HostHeaderConfig != nil {
			old, regexes = c.HostHeaderConfig.Values, c.HostHeaderConfig.RegexValues
		} else if own > 0 {
			return missing()
		}
		list, check = old, hostPattern.MatchString
		c.Values, c.RegexValues = old, nil
		c.HostHeaderConfig = &elbv2api.HostHeaderConditionConfig{Values: old, RegexValues: regexes}
	case "path-pattern":
		if c.PathPatternConfig != nil {
			old, regexes = c.PathPatternConfig.Values, c.PathPatternConfig.RegexValues
		} else if own > 0 {
			return missing()
		}
		list, check = old, pathPattern.MatchString
		c.Values, c.RegexValues = old, nil
		c.PathPatternConfig = &elbv2api.PathPatternConditionConfig{Values: old, RegexValues: regexes}
	case "http-header":
		h := c.HttpHeaderConfig
		if h == nil {
			return missing()
		}
		if n := value(h.HttpHeaderName); !headerName.MatchString(n) || strings.ContainsAny(n, "*?") || strings.EqualFold(n, "host") {
			return nil, invalid("HTTP header name '%s' is not valid", n)
		}
		list, regexes, check = h.Values, h.RegexValues, printable
	case "http-request-method":
		if c.HttpRequestMethodConfig == nil {
			return missing()
		}
		list, check = c.HttpRequestMethodConfig.Values, methodPattern.MatchString
	case "source-ip":
		if c.SourceIpConfig == nil {
			return missing()
		}
		list, check = c.SourceIpConfig.Values, func(v string) bool { p, err := netip.ParsePrefix(v); return err == nil && p == p.Masked() }
	case "query-string":
		if c.QueryStringConfig == nil {
			return missing()
		}
		for _, p := range c.QueryStringConfig.Values {
			if value(p.Value) == "" || !printable(value(p.Value)) || p.Key != nil && !printable(*p.Key) {
				return nil, invalid("A query string condition must have a value, of at most 128 characters")
			}
			list = append(list, value(p.Key)+"="+value(p.Value))
		}
		check = func(string) bool { return true }
	default:
		return nil, invalid("Condition field '%s' must be one of '[host-header, path-pattern, http-header, http-request-method, query-string, source-ip]'", field)
	}
	if len(list) > 0 == (len(regexes) > 0) {
		return nil, invalid("A condition of the field '%s' must have values, or regular expressions", field)
	}
	for _, v := range list {
		if !check(v) {
			return nil, invalid("Condition value '%s' contains a character that is not valid for the field '%s', or is too long", v, field)
		}
	}
	for _, v := range regexes {
		if _, err := syntax.Parse(v, syntax.Perl); err != nil || len(v) > 128 {
			return nil, invalid("'%s' is not a valid regular expression", v)
		}
	}
	return append(list, regexes...), nil
}

// printable are texts of 128 ASCII characters.
func printable(v string) bool {
	for i := range len(v) {
		if v[i] < ' ' || v[i] >= 0x7f {
			return false
		}
	}
	return len(v) > 0 && len(v) <= 128
}

package waflog

import (
	"slices"

	"fastness/internal/engine/waf"
	"fastness/internal/proxy"
)

// excludedAsCount is the action of a rule that only counts because the reference to its group
// excludes it.
const excludedAsCount = "EXCLUDED_AS_COUNT"

// kept tells whether a request is logged.
func kept(l *proxy.Logging, v *waf.Verdict, labels []string) bool {
	for i := range l.Filters {
		f := &l.Filters[i]
		met := func(c proxy.LogCondition) bool { return meets(&c, v, labels) }
		unmet := func(c proxy.LogCondition) bool { return !met(c) }
		if f.All && !slices.ContainsFunc(f.Conditions, unmet) || !f.All && slices.ContainsFunc(f.Conditions, met) {
			return f.Keep
		}
	}
	return len(l.Filters) == 0 || l.KeepOthers
}

func meets(c *proxy.LogCondition, v *waf.Verdict, labels []string) bool {
	if c.Label != "" {
		return slices.Contains(labels, c.Label)
	}
	if c.Action == v.Action.String() {
		return true
	}
	for i := range v.Matches {
		m := &v.Matches[i]
		if m.Excluded {
			if c.Action == excludedAsCount {
				return true
			}
		} else if c.Action == m.Action.String() {
			return true
		}
	}
	return false
}

package waflog

import (
	"slices"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// matchDetails is what a rule that looks for injections found. AWS has them for SQL injection and
// cross-site scripting only.
type matchDetails struct {
	ConditionType    string   `json:"conditionType"`
	SensitivityLevel string   `json:"sensitivityLevel,omitempty"`
	Location         string   `json:"location"`
	MatchedData      []string `json:"matchedData"`
	MatchedFieldName string   `json:"matchedFieldName"`
}

// details makes them from an explanation.
type details struct {
	logging     *proxy.Logging
	protections []waf.DataProtection
	found       *waf.Explanation // nil if no rule that matched looks for injections
}

// of are the details of a rule, never nil.
func (d *details) of(r *waf.RuleInfo) []matchDetails {
	out := []matchDetails{}
	if d.found == nil || !r.Injection {
		return out
	}
	path := r.Path()
	for i := range d.found.Rules {
		if t := &d.found.Rules[i]; t.Rule == path && t.Matched && t.Statement != nil {
			d.walk(t.Statement, &out)
		}
	}
	return out
}

func (d *details) walk(s *waf.StatementTrace, out *[]matchDetails) {
	if s.Outcome == waf.Matched {
		for i := range s.Findings {
			if len(*out) < maxDetails {
				d.add(&s.Findings[i], out)
			}
		}
	}
	for i := range s.Statements {
		d.walk(&s.Statements[i], out)
	}
}

func (d *details) add(f *waf.Finding, out *[]matchDetails) {
	x := matchDetails{Location: location(&f.Component), MatchedFieldName: fieldName(f)}
	families := strings.Split(f.Attack, ",")
	switch {
	case f.Injection == "SQL" || slices.Contains(families, attack.SQL.String()):
		x.ConditionType = "SQL_INJECTION"
		if f.Injection == "SQL" {
			x.SensitivityLevel = "LOW"
			if f.High {
				x.SensitivityLevel = "HIGH"
			}
		}
	case f.Injection == "XSS" || slices.Contains(families, attack.Script.String()):
		x.ConditionType = "XSS"
	default:
		return
	}
	value := string(f.Value)
	if f.Start >= 0 && f.Start <= f.End && f.End <= len(f.Value) {
		value = string(f.Value[f.Start:f.End])
	}
	if text, hide := hidden(d.logging, d.protections, &f.Component, f.Name, value); hide {
		x.MatchedData = []string{text}
	} else {
		x.MatchedData = pieces(value)
	}
	*out = append(*out, x)
}

// pieces are the words and signs of what matched, as AWS shows it.
func pieces(value string) (all []string) {
	value = bounded(value)
	isWord := func(c byte) bool {
		return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
	}
	for at := 0; at < len(value) && len(all) < maxMatched; {
		c := value[at]
		if c <= ' ' {
			at++
			continue
		}
		end := at + 1
		for isWord(c) && end < len(value) && isWord(value[end]) {
			end++
		}
		all = append(all, value[at:end])
		at = end
	}
	if all == nil {
		all = []string{}
	}
	return all
}

// location is AWS's name of where a finding is.
func location(c *request.Component) string {
	switch c.Kind {
	case request.SingleHeader, request.Headers:
		return "HEADER"
	case request.Cookies:
		return "COOKIE"
	case request.URIPath:
		return "URI"
	case request.QueryString:
		return "QUERY_STRING"
	case request.SingleQueryArgument:
		return "SINGLE_QUERY_ARG"
	case request.AllQueryArguments, request.QueryArguments, request.QueryArgumentNames:
		return "ALL_QUERY_ARGS"
	case request.Body, request.BodyArguments, request.BodyArgumentNames, request.OpaqueBody, request.OtherBody, request.FileNames:
		return "BODY"
	case request.JSONBody:
		return "JSON_BODY"
	case request.Method:
		return "METHOD"
	}
	return "UNKNOWN"
}

// fieldName is the name of the field, argument or cookie.
func fieldName(f *waf.Finding) string {
	if f.Component.Name != "" {
		return f.Component.Name
	}
	return bounded(f.Name)
}

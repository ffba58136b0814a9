package waf

import (
	"time"

	"fastness/internal/engine/waf/seclang"
)

// ACL is the specification of a web ACL.
type ACL struct {
	Name string
	// LabelNamespace is the prefix of the labels that the ACL's own rules add, with the colon at
	// its end: "awswaf:111122223333:webacl:shop:".
	LabelNamespace string
	DefaultAction  Action // Allow or Block
	Rules          []Rule // in any order; priorities are unique
	Visibility     Visibility
	// Bodies are the bodies that custom responses name, at most 50.
	Bodies       map[string]ResponseBody `json:",omitempty"`
	TokenDomains []string                `json:",omitempty"`
	Captcha      Immunity                `json:",omitzero"`
	Challenge    Immunity                `json:",omitzero"`
	// BodyLimits are the bytes of a body that are inspected, by the kind of resource that the
	// ACL protects: "ALB", "CLOUDFRONT", "API_GATEWAY" …. A kind that is not there has its
	// default, which the data plane knows.
	BodyLimits     map[string]int   `json:",omitempty"`
	DataProtection []DataProtection `json:",omitempty"`
}

// Rule is one rule of an ACL or of a rule group.
type Rule struct {
	Name      string
	Priority  int32 // lower ones first
	Statement Statement
	// Action is what a match does. It is the zero Action for a rule whose statement refers to a
	// group; the group's rules have their own.
	Action Action `json:",omitzero"`
	// Override is for a rule whose statement refers to a group: OverrideCount lets what the
	// group decides only count.
	Override Override `json:",omitempty"`
	Labels   []string `json:",omitempty"` // without the prefix of the ACL or group
	// Quiet has the rule only add its labels: it is no match, has no action and cannot be
	// overridden. AWS's groups add labels for which they have no rule.
	Quiet      bool       `json:",omitempty"`
	Visibility Visibility `json:",omitzero"`
	Captcha    Immunity   `json:",omitzero"` // zero: the ACL's
	Challenge  Immunity   `json:",omitzero"`
}

// Override says what becomes of a group's decision.
type Override string

// The overrides of a group's decision. The empty string is OverrideNone.
const (
	OverrideNone  Override = "NONE"
	OverrideCount Override = "COUNT"
)

// Visibility says how a rule or an ACL shows itself.
type Visibility struct {
	MetricName string // at most 255 characters
	Metrics    bool   // publish metrics
	Samples    bool   // keep samples of requests that match
}

// Immunity is how long a solved CAPTCHA or challenge counts, from the moment it was solved.
// Zero means that the next outer setting counts, and 300 s at last.
type Immunity struct {
	Duration time.Duration // AWS: 60 s (challenge 300 s) to 259,200 s
}

// DefaultImmunity is the immunity time where nothing sets one.
const DefaultImmunity = 300 * time.Second

// DataProtection hides a part of requests in logs and samples.
type DataProtection struct {
	Field string   // SINGLE_HEADER, SINGLE_COOKIE, SINGLE_QUERY_ARGUMENT, QUERY_STRING, BODY
	Keys  []string `json:",omitempty"` // names of the single ones
	// Hash replaces the part by a hash of it; otherwise "REDACTED" stands in its place.
	Hash                bool `json:",omitempty"`
	ExcludeRuleMatch    bool `json:",omitempty"` // rule match details stay readable
	ExcludeRateBasedKey bool `json:",omitempty"` // keys of rate-based rules stay readable
}

// RuleGroup is the specification of a group of rules that ACLs refer to.
type RuleGroup struct {
	Name           string
	LabelNamespace string // as in ACL
	Rules          []Rule
	Bodies         map[string]ResponseBody `json:",omitempty"`
	Visibility     Visibility              `json:",omitzero"`
	// Watch makes the observer that the group's statements on signals ask, or takes previous, which
	// was made for the same configuration, on. nil: there is none.
	Watch func(previous Observer) (Observer, error) `json:"-"`
	// SecLang is what statements on SecLang in the group's rules ask; nil for most groups.
	SecLang *seclang.Program `json:"-"`
}

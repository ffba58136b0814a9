package waf

import (
	"net/netip"
	"time"
)

// Verdict is what a program decided on a request. It belongs to the scratch it was made with
// and is valid until the scratch is used again.
type Verdict struct {
	// Action is Allow, Block, Captcha or Challenge.
	Action ActionKind
	// Terminating is the match that ended the evaluation, nil if the default action decided.
	// If that was inside a group, Terminating is the ACL's rule that refers to the group and
	// Inner the group's rule.
	Terminating, Inner *Match
	// Matches are all rules that matched, in order, those inside groups before the group's own.
	Matches []Match
	// Response is the answer of a Block, nil for a plain 403; Body is the body that it names.
	Response *Response
	Body     *ResponseBody // nil: no body
	// Insert are header fields to add to the request when it is sent on.
	Insert []HeaderField
	// Rates are the states of the rate-based rules that counted the request, and of those that it
	// matched for want of what they count by.
	Rates []RateState
	// Exhausted tells that the request would have cost more than Options.Steps or InjectionSteps:
	// rules that refuse requests took what was not looked at for what they look for, others did not. Such a request has
	// the label BoundLabel.
	Exhausted bool
	// Answered wants to be called with the application's answer to the request, if it gets there;
	// AnswerBody tells that the beginning of its body is wanted, too.
	Answered   []func(*Answer)
	AnswerBody bool
	// Token is what the token proves, if a rule had to know (TokenAsked).
	Token      Token
	TokenAsked bool

	program *Program
	scratch *Scratch // nil: there is nothing in it that the verdict needs
	// oversize is what Oversize tells without a scratch.
	oversize Oversize
}

// Detach makes into a copy of a verdict about which there is nothing more to tell than the action and the
// token, and what is too large: no rule matched or counted the request, which has no labels. Unlike the verdict the copy
// stays valid when the scratch is used again. It tells whether the verdict is such a one.
func (v *Verdict) Detach(into *Verdict) bool {
	if v.scratch == nil || len(v.Matches)+len(v.Insert)+len(v.Rates)+len(v.Answered)+len(v.scratch.labelOrder) > 0 || v.Response != nil {
		return false
	}
	into.Action, into.Exhausted, into.Token, into.TokenAsked, into.program = v.Action, v.Exhausted, v.Token, v.TokenAsked, v.program
	into.oversize = v.Oversize()
	return true
}

// Match is one rule that matched.
type Match struct {
	Rule *RuleInfo
	// Action is the action that was taken: what the rule says, after overrides. A Captcha or
	// Challenge whose token was valid is a Match that did not end the evaluation.
	Action ActionKind
	// Own is the rule's own action where an override changed it, 0 otherwise.
	Own ActionKind
	// Excluded tells that the rule only counts because the reference excludes it.
	Excluded bool
	// Terminating tells whether the match ended the evaluation of the ACL, or inside a group the
	// evaluation of the group.
	Terminating bool
	// Uninspected tells that the rule matched because not all of what it looks at was inspected (Verdict.Exhausted), and not because it found anything.
	Uninspected bool
	// Failure is why a Captcha or Challenge was not satisfied; TokenValid if it was, and for
	// other actions.
	Failure TokenStatus
	// Solved is when the client solved the CAPTCHA or challenge, in seconds since 1970; 0 if
	// never.
	Solved int64

	rule int32 // index in the program
}

// RuleInfo describes a rule of a program. It is immutable and shared by verdicts.
type RuleInfo struct {
	Name       string
	Priority   int32
	Action     ActionKind // own action, before overrides; 0 for a reference to a group
	Visibility Visibility
	Kind       RuleKind
	// Group is the rule of the ACL that refers to the group this rule is in, nil for rules of the
	// ACL itself.
	Group *RuleInfo
	// GroupName is the name of the group that a reference runs: the name in Sets.Groups, or
	// Vendor#Name or Vendor#Name#Version of a managed group.
	GroupName string
	// Injection tells whether the rule looks for SQL injection or cross-site scripting: then an
	// explanation tells what it found.
	Injection bool
	// Of a rate-based rule.
	Limit     int64
	Window    time.Duration
	Aggregate AggregateKey
}

// RuleKind is the kind of a rule in AWS's logs.
type RuleKind string

// The kinds.
const (
	RegularRule      RuleKind = "REGULAR"
	RateBasedRule    RuleKind = "RATE_BASED"
	GroupRule        RuleKind = "GROUP"
	ManagedGroupRule RuleKind = "MANAGED_RULE_GROUP"
)

// RateState is what a rate-based rule counted.
type RateState struct {
	Rule    *RuleInfo
	Count   int64 // requests of this key in the window, with this one
	Limited bool
	// Address is the key of the aggregations IP and FORWARDED_IP; otherwise it is not valid.
	Address netip.Addr
	// Uncounted tells that what the rule counts by is missing or no address, and that the rule's fallback is
	// a match.
	Uncounted bool

	rule int32
}

// Limited tells whether a rate-based rule limited the request.
func (v *Verdict) Limited() bool {
	for i := range v.Rates {
		if v.Rates[i].Limited {
			return true
		}
	}
	return false
}

// ACL is the specification of the web ACL that decided, as Program.ACL has it; nil for the zero Verdict.
func (v *Verdict) ACL() *ACL {
	if v.program == nil {
		return nil
	}
	return &v.program.acl
}

// TokenDomains are the token domains of the web ACL. They are not to be changed.
func (v *Verdict) TokenDomains() []string {
	if v.program == nil {
		return nil
	}
	return v.program.acl.TokenDomains
}

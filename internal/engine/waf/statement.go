package waf

import (
	"encoding/json"
	"time"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// Statement is a condition on a request. Exactly one of its members is set.
type Statement struct {
	Byte     *ByteMatch      `json:",omitempty"`
	Regex    *RegexMatch     `json:",omitempty"`
	RegexSet *RegexSetMatch  `json:",omitempty"`
	SQLi     *SQLiMatch      `json:",omitempty"`
	XSS      *XSSMatch       `json:",omitempty"`
	Attack   *AttackMatch    `json:",omitempty"` // not of AWS: managed groups use it
	Signal   *SignalMatch    `json:",omitempty"` // not of AWS: managed groups use it
	SecLang  *SecLangMatch   `json:",omitempty"` // not of AWS: only in a group that has a program
	Size     *SizeMatch      `json:",omitempty"`
	Geo      *GeoMatch       `json:",omitempty"`
	ASN      *ASNMatch       `json:",omitempty"`
	IPSet    *IPSetMatch     `json:",omitempty"`
	Label    *LabelMatch     `json:",omitempty"`
	Rate     *RateBased      `json:",omitempty"` // only as a whole rule
	Group    *GroupReference `json:",omitempty"` // only as a whole rule of an ACL
	Managed  *ManagedGroup   `json:",omitempty"` // only as a whole rule of an ACL
	And      []Statement     `json:",omitempty"` // two or more
	Or       []Statement     `json:",omitempty"` // two or more
	Not      *Statement      `json:",omitempty"`
}

// Inspect names what a statement looks at: a component of the request, after transformations.
type Inspect struct {
	Component       request.Component
	Transformations []transform.Kind `json:",omitempty"` // in the order of their application
}

// ByteMatch looks for a string.
type ByteMatch struct {
	Inspect
	Search   []byte // at most 200 bytes in AWS
	Position Position
}

// Position says where a string must be.
type Position string

// The positions. ContainsWord wants the string bounded by something other than A-Z, a-z, 0-9
// and underscore, or by an end of the value.
const (
	Exactly      Position = "EXACTLY"
	StartsWith   Position = "STARTS_WITH"
	EndsWith     Position = "ENDS_WITH"
	Contains     Position = "CONTAINS"
	ContainsWord Position = "CONTAINS_WORD"
)

// RegexMatch looks for a regular expression.
type RegexMatch struct {
	Inspect
	Regex string
}

// RegexSetMatch looks for any expression of a set.
type RegexSetMatch struct {
	Inspect
	Set string // in Sets.Regexes
}

// SQLiMatch looks for an SQL injection.
type SQLiMatch struct {
	Inspect
	High bool // sensitivity HIGH instead of LOW
}

// XSSMatch looks for cross-site scripting.
type XSSMatch struct {
	Inspect
}

// SizeMatch compares the length in bytes of a component after its transformations with Size:
// length Comparison Size.
type SizeMatch struct {
	Inspect
	Comparison Comparison
	Size       int64 // 0 to 21,474,836,480
}

// Comparison is EQ, NE, LE, LT, GE or GT.
type Comparison string

// The comparisons.
const (
	Equal          Comparison = "EQ"
	NotEqual       Comparison = "NE"
	LessOrEqual    Comparison = "LE"
	Less           Comparison = "LT"
	GreaterOrEqual Comparison = "GE"
	Greater        Comparison = "GT"
)

// GeoMatch compares the country of the client with a list. It labels every request that it
// inspects with the country and, where it is known, the region.
type GeoMatch struct {
	Countries []string     // ISO 3166-1 alpha-2, and XK
	Forwarded *ForwardedIP `json:",omitempty"`
}

// ASNMatch compares the autonomous system of the client's address with a list.
type ASNMatch struct {
	ASNs      []uint32
	Forwarded *ForwardedIP `json:",omitempty"`
}

// IPSetMatch tells whether the client's address is in a set.
type IPSetMatch struct {
	Set       string       // in Sets.Addresses
	Forwarded *ForwardedIP `json:",omitempty"`
}

// ForwardedIP takes the client's address from a header field. Where the field is absent the
// rule is not applied to the request.
type ForwardedIP struct {
	Header string
	// MatchInvalid is the fallback where the field holds no valid address at the position:
	// true treats the request as a match.
	MatchInvalid bool
	// Position is for IPSetMatch alone; everything else uses FirstIP.
	Position IPPosition `json:",omitempty"`
}

// IPPosition says which address of a forwarded list is meant. The empty string is FirstIP.
type IPPosition string

// The positions. AnyIP looks at the last ten at most.
const (
	FirstIP IPPosition = "FIRST"
	LastIP  IPPosition = "LAST"
	AnyIP   IPPosition = "ANY"
)

// LabelMatch tells whether a label was added by a rule that ran before.
//
// A Key that does not begin with "awswaf:" is looked for among the labels of the ACL or group
// that the statement is in. As a label, the Key is the end of a label's name, with any
// number of the namespaces before it; as a namespace it ends in a colon and is any contiguous
// run of the label's namespaces.
type LabelMatch struct {
	Key       string
	Namespace bool // scope NAMESPACE instead of LABEL
}

// RateBased counts requests by a key and matches those above a limit.
type RateBased struct {
	Limit     int64         // requests in the window; the next one matches
	Window    time.Duration // 60, 120, 300 or 600 s
	Aggregate AggregateKey
	Keys      []RateKey    `json:",omitempty"` // of AggregateKeys: one to five
	Forwarded *ForwardedIP `json:",omitempty"` // of AggregateForwardedIP, and of the key FORWARDED_IP
	ScopeDown *Statement   `json:",omitempty"` // only requests that match it are counted and limited
}

// AggregateKey says what the counted requests have in common.
type AggregateKey string

// The aggregations.
const (
	AggregateIP          AggregateKey = "IP"
	AggregateForwardedIP AggregateKey = "FORWARDED_IP"
	AggregateKeys        AggregateKey = "CUSTOM_KEYS"
	AggregateConstant    AggregateKey = "CONSTANT" // with a scope-down statement
)

// RateKey is one part of a custom aggregation key. A request that lacks a part is neither
// counted nor limited.
type RateKey struct {
	Kind            RateKeyKind
	Name            string           `json:",omitempty"` // of a header, cookie, query argument; the label namespace
	Transformations []transform.Kind `json:",omitempty"` // of a header, cookie, query argument, query string, URI path
	MatchMissing    bool             `json:",omitempty"` // of JA3 and JA4: the fallback where there is no fingerprint
}

// RateKeyKind is one of the twelve parts that a custom key can have.
type RateKeyKind string

// The twelve kinds.
const (
	KeyHeader         RateKeyKind = "HEADER"
	KeyCookie         RateKeyKind = "COOKIE"
	KeyQueryArgument  RateKeyKind = "QUERY_ARGUMENT"
	KeyQueryString    RateKeyKind = "QUERY_STRING"
	KeyMethod         RateKeyKind = "HTTP_METHOD"
	KeyForwardedIP    RateKeyKind = "FORWARDED_IP"
	KeyIP             RateKeyKind = "IP"
	KeyLabelNamespace RateKeyKind = "LABEL_NAMESPACE"
	KeyURIPath        RateKeyKind = "URI_PATH"
	KeyJA3            RateKeyKind = "JA3_FINGERPRINT"
	KeyJA4            RateKeyKind = "JA4_FINGERPRINT"
	KeyASN            RateKeyKind = "ASN"
)

// GroupReference runs the rules of a group.
type GroupReference struct {
	Group     string // in Sets.Groups
	Overrides `json:",omitzero"`
}

// ManagedGroup runs the rules of a managed group.
type ManagedGroup struct {
	Vendor  string
	Name    string
	Version string `json:",omitempty"` // empty: the default one
	// Configs is the array of AWS's ManagedRuleGroupConfigs as JSON; whoever provides the group
	// reads it.
	Configs   json.RawMessage `json:",omitempty"`
	ScopeDown *Statement      `json:",omitempty"`
	Overrides `json:",omitzero"`
}

// Overrides changes actions of single rules of a group.
type Overrides struct {
	Actions  map[string]Action `json:",omitempty"` // by the rule's name
	Excluded []string          `json:",omitempty"` // rules that only count
}

package policy

// Effect is what a statement does when it applies.
type Effect uint8

// The effects.
const (
	EffectAllow Effect = iota + 1
	EffectDeny
)

// String is the word used in documents.
func (e Effect) String() string {
	if e == EffectDeny {
		return "Deny"
	}
	return "Allow"
}

// The principal types of a Principal element.
const (
	PrincipalAWS       = "AWS"
	PrincipalService   = "Service"
	PrincipalFederated = "Federated"
	PrincipalCanonical = "CanonicalUser"
)

// Versions of the policy language. Variables exist only in the second.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Document is a parsed policy. It must not be changed after Compile.
type Document struct {
	Kind       Kind
	Version    string // as written; empty means Version2008
	ID         string
	Statements []Statement
}

// Statement is one statement of a Document, lists always expanded.
type Statement struct {
	Sid          string
	Effect       Effect
	Principals   []PrincipalEntry // empty for kinds without principals
	NotPrincipal bool             // Principals came from NotPrincipal
	Actions      []string
	NotAction    bool // Actions came from NotAction
	Resources    []string
	NotResource  bool // Resources came from NotResource
	Conditions   []Condition
	Pos          Position // of the opening brace
}

// PrincipalEntry is one value of a Principal element. "Principal": "*" is an entry
// of type AWS with value "*".
type PrincipalEntry struct {
	Type  string
	Value string
	Pos   Position
}

// Condition is one operator applied to one context key. A condition block with
// several operators or keys yields several conditions, all of which must hold.
type Condition struct {
	Operator string // as written, with ForAllValues:/ForAnyValue: and IfExists
	Key      string // as written; compared without regard to case
	Values   []string
	Pos      Position
}

// variables reports whether ${…} has a meaning in this document.
func (d *Document) variables() bool { return d.Version == Version2012 }

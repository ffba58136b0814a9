package request

import (
	"errors"
	"fmt"
	"strings"
)

// Kind names a part of a request. Those of AWS have the names of FieldToMatch's members.
type Kind string

// The components of AWS WAF.
const (
	URIPath             Kind = "UriPath"
	QueryString         Kind = "QueryString"
	SingleQueryArgument Kind = "SingleQueryArgument"
	AllQueryArguments   Kind = "AllQueryArguments" // their values
	SingleHeader        Kind = "SingleHeader"
	Headers             Kind = "Headers"
	Cookies             Kind = "Cookies"
	HeaderOrder         Kind = "HeaderOrder"
	Body                Kind = "Body"
	JSONBody            Kind = "JsonBody"
	Method              Kind = "Method"
	URIFragment         Kind = "UriFragment"
	JA3Fingerprint      Kind = "JA3Fingerprint"
	JA4Fingerprint      Kind = "JA4Fingerprint"
)

// Components that AWS does not have. Arguments are decoded as an application sees them.
const (
	// Arguments are the values of the query's and the body's arguments, ArgumentNames their
	// names; BodyArguments and BodyArgumentNames those of the body alone, QueryArguments
	// and QueryArgumentNames those of the query.
	Arguments          Kind = "Arguments"
	ArgumentNames      Kind = "ArgumentNames"
	QueryArguments     Kind = "QueryArguments"
	QueryArgumentNames Kind = "QueryArgumentNames"
	BodyArguments      Kind = "BodyArguments"
	BodyArgumentNames  Kind = "BodyArgumentNames"
	// FileNames are the file names of multipart parts.
	FileNames Kind = "FileNames"
	// FileTexts are the first 4,096 bytes of each file in a multipart body, if those are text and the
	// file's name is not that of a program's source or a style sheet.
	FileTexts Kind = "FileTexts"
	// OtherBody is a body of a format that is not taken apart (FormatOther): as a whole if it is text, and else
	// the texts of at least five bytes in it. Other bodies do not have it.
	OtherBody Kind = "OtherBody"
	// OpaqueBody is what is held of a body that is not looked at whole: one that goes on, exceeds a bound, is
	// malformed in the format that its Content-Type names, or, if it is a form or text, has more than 2,048 letters
	// and digits without anything between them. Other bodies do not have it.
	OpaqueBody Kind = "OpaqueBody"
	// PathRun and QueryRun are the longest piece of the decoded path, or of a decoded name or value in the query,
	// that is of letters and digits only, or of one byte again and again.
	PathRun  Kind = "PathRun"
	QueryRun Kind = "QueryRun"
	// RequestLine is the method, target and protocol with a space between them.
	RequestLine Kind = "RequestLine"
	// Target is the request target.
	Target Kind = "Target"
	// Basename is what follows the path's last slash or backslash.
	Basename Kind = "Basename"
	// Protocol is the protocol and version.
	Protocol Kind = "Protocol"
	// Host is the authority that the request is for.
	Host Kind = "Host"
)

// Scope says which side of a pair is looked at: of header fields, cookies, JSON.
type Scope string

// The scopes; the empty string is ScopeAll.
const (
	ScopeAll   Scope = "ALL"
	ScopeKey   Scope = "KEY"
	ScopeValue Scope = "VALUE"
)

// Handling says what happens when a component is larger than what is inspected.
type Handling string

// The handlings; the empty string is OversizeContinue.
const (
	OversizeContinue Handling = "CONTINUE" // look at what there is
	OversizeMatch    Handling = "MATCH"    // it is a match
	OversizeNoMatch  Handling = "NO_MATCH" // it is no match
)

// Fallback says what happens when JSON cannot be parsed, or a fragment or fingerprint is
// missing.
type Fallback string

// The fallbacks. Without one, JSON is looked at up to where it breaks, and what is missing
// does not match.
const (
	FallbackNone             Fallback = ""
	FallbackMatch            Fallback = "MATCH"
	FallbackNoMatch          Fallback = "NO_MATCH"
	FallbackEvaluateAsString Fallback = "EVALUATE_AS_STRING" // JSON only
)

// PreParse is what is done to a query string before it is split into arguments
// (PreParseTextTransformationType).
type PreParse string

// The steps before the split.
const (
	PreParseNone              PreParse = "NONE"
	PreParseURLDecode         PreParse = "URL_DECODE"
	PreParseURLDecodeUni      PreParse = "URL_DECODE_UNI"
	PreParseCombineDuplicates PreParse = "COMBINE_DUPLICATE_QUERY_ARGS_BY_COMMA"
	PreParseSemicolons        PreParse = "REPLACE_SEMICOLONS_WITH_AMPERSANDS"
)

// Component is what a rule looks at. It is plain data; Compile makes it work.
type Component struct {
	Kind Kind
	// Name is that of SingleHeader or SingleQueryArgument. Case does not matter.
	Name string `json:",omitempty"`
	// Included and Excluded, of which at most one may be set, are names of header fields or
	// cookies that are looked at, or are not. Case does not matter to header fields but
	// does to cookies. With JSONBody, Included are JSON pointers (RFC 6901), in which a
	// segment * stands for any; what lies below them is looked at. With neither, everything
	// is.
	Included []string `json:",omitempty"`
	Excluded []string `json:",omitempty"`
	// Scope is for Headers, Cookies and JSONBody.
	Scope Scope `json:",omitempty"`
	// Oversize is for Headers, Cookies, HeaderOrder, Body, JSONBody, and what AWS does not
	// have.
	Oversize Handling `json:",omitempty"`
	// Fallback is for JSONBody, URIFragment, JA3Fingerprint and JA4Fingerprint.
	Fallback Fallback `json:",omitempty"`
	// PreParse is for SingleQueryArgument and AllQueryArguments, in the order of its steps.
	PreParse []PreParse `json:",omitempty"`
	// Pieces tells that the texts inside of the values that are read by themselves are values as well: the segments of
	// URIPath, the arguments of the address in a SingleHeader, the keys of JSON among BodyArgumentNames; those that have
	// signs in them.
	Pieces bool `json:",omitempty"`
}

// Validate says what is wrong with a component, beyond what AWS's API models constrain.
func (c *Component) Validate() error {
	named := c.Kind == SingleHeader || c.Kind == SingleQueryArgument
	switch {
	case named && c.Name == "":
		return fmt.Errorf("request: %s needs a name", c.Kind)
	case !named && c.Name != "":
		return fmt.Errorf("request: %s takes no name", c.Kind)
	case len(c.Included) > 0 && len(c.Excluded) > 0:
		return errors.New("request: names cannot be both included and excluded")
	case c.Kind == JSONBody && len(c.Excluded) > 0:
		return errors.New("request: JSON pointers cannot be excluded")
	case len(c.Included)+len(c.Excluded) > 0 && c.Kind != Headers && c.Kind != Cookies && c.Kind != JSONBody:
		return fmt.Errorf("request: %s takes no names to include or exclude", c.Kind)
	}
	if c.Pieces && c.Kind != URIPath && c.Kind != SingleHeader && c.Kind != BodyArgumentNames {
		return fmt.Errorf("request: %s has no pieces", c.Kind)
	}
	switch c.Scope {
	case "", ScopeAll, ScopeKey, ScopeValue:
	default:
		return fmt.Errorf("request: unknown match scope %q", c.Scope)
	}
	switch c.Oversize {
	case "", OversizeContinue, OversizeMatch, OversizeNoMatch:
	default:
		return fmt.Errorf("request: unknown oversize handling %q", c.Oversize)
	}
	switch c.Fallback {
	case FallbackNone, FallbackMatch, FallbackNoMatch:
	case FallbackEvaluateAsString:
		if c.Kind != JSONBody {
			return fmt.Errorf("request: %s cannot be evaluated as a string", c.Kind)
		}
	default:
		return fmt.Errorf("request: unknown fallback behavior %q", c.Fallback)
	}
	if len(c.PreParse) > 0 && c.Kind != SingleQueryArgument && c.Kind != AllQueryArguments {
		return fmt.Errorf("request: %s is not parsed from the query string", c.Kind)
	}
	for _, p := range c.PreParse {
		switch p {
		case PreParseNone, PreParseURLDecode, PreParseURLDecodeUni, PreParseCombineDuplicates, PreParseSemicolons:
		default:
			return fmt.Errorf("request: unknown pre-parse transformation %q", p)
		}
	}
	if c.Kind == JSONBody {
		for _, p := range c.Included {
			if p != "" && p[0] != '/' {
				return fmt.Errorf("request: %q is no JSON pointer", p)
			}
		}
	}
	return nil
}

// Key is the same for two components that look at the same in the same way.
func (c *Component) Key() string {
	var b strings.Builder
	name := c.Name
	if c.Kind == SingleHeader || c.Kind == SingleQueryArgument {
		name = strings.ToLower(name)
	}
	scope, oversize := c.Scope, c.Oversize
	if scope == "" {
		scope = ScopeAll
	}
	if oversize == "" {
		oversize = OversizeContinue
	}
	fmt.Fprintf(&b, "%s %q %s %s %s %q %q %q %t", c.Kind, name, scope, oversize, c.Fallback, c.Included, c.Excluded, c.PreParse, c.Pieces)
	return b.String()
}

package waf

import (
	"fmt"
	"slices"
)

// Action is what a rule does with a request that it matches.
type Action struct {
	Kind ActionKind
	// Response is the answer of Block; nil is a plain 403.
	Response *Response `json:",omitempty"`
	// Insert are header fields that are added to the request when it is sent on: Allow, Count,
	// and CAPTCHA and Challenge when the token is valid. The names are as they are sent,
	// with the prefix "x-amzn-waf-".
	Insert []HeaderField `json:",omitempty"`
}

func (a Action) clone() Action {
	a.Insert = slices.Clone(a.Insert)
	if a.Response != nil {
		r := *a.Response
		r.Headers = slices.Clone(r.Headers)
		a.Response = &r
	}
	return a
}

// ActionKind is one of the actions.
type ActionKind uint8

// The actions.
const (
	Allow ActionKind = iota + 1
	Block
	Count
	Captcha
	Challenge
)

var actionNames = [...]string{"", "ALLOW", "BLOCK", "COUNT", "CAPTCHA", "CHALLENGE"}

// String returns the name that AWS's logs use, ALLOW for example.
func (k ActionKind) String() string {
	if int(k) < len(actionNames) {
		return actionNames[k]
	}
	return fmt.Sprintf("ActionKind(%d)", uint8(k))
}

// MarshalText writes the name.
func (k ActionKind) MarshalText() ([]byte, error) {
	if int(k) >= len(actionNames) {
		return nil, fmt.Errorf("waf: no action %d", uint8(k))
	}
	return []byte(actionNames[k]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (k *ActionKind) UnmarshalText(text []byte) error {
	for i, name := range actionNames {
		if string(text) == name {
			*k = ActionKind(i)
			return nil
		}
	}
	return fmt.Errorf("waf: no action is named %q", text)
}

// HeaderField is one field of a header.
type HeaderField struct {
	Name, Value string
}

// Response is a custom answer.
type Response struct {
	Status  int           // 200 to 599
	BodyKey string        `json:",omitempty"` // in Bodies of the ACL or the group that the rule is in
	Headers []HeaderField `json:",omitempty"`
}

// ResponseBody is a body that custom answers refer to.
type ResponseBody struct {
	ContentType string // TEXT_PLAIN, TEXT_HTML or APPLICATION_JSON
	Content     string // at most 10,240 bytes
}

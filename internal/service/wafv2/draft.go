package wafv2

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"fastness/internal/api/wafv2api"
	"fastness/internal/store"
	"fastness/internal/wire"
	"fastness/internal/wire/jsonbody"
)

// MaxDraft bounds a draft, in bytes.
const MaxDraft = 4 << 20

// Draft is the specification that the web ACL of an ARN would have if it was updated. The document is JSON of
// what UpdateWebACL takes, of what GetWebACL answers, or just of an array of rules; what it does
// not have stays as it is. It is checked as in an update; nothing is written.
func (s *Service) Draft(r store.Reader, arn string, document []byte) (*Specification, error) {
	n, ok := parseARN(arn)
	if !ok || n.kind != kindWebACL {
		return nil, nonexistent()
	}
	e, err := s.tables.entity(r, n)
	if err != nil {
		return nil, err
	}
	a, err := s.webACL(e)
	if err != nil {
		return nil, err
	}
	in, err := s.readDraft(document)
	if err != nil {
		return nil, err
	}
	// What an update would need and the document does not have is that of now.
	in.Name, in.Id, in.Scope, in.LockToken = a.Name, a.Id, &e.Scope, &e.LockToken
	if value(in.Description) == "" {
		in.Description = nil // GetWebACL answers it, UpdateWebACL does not take it
	}
	if in.DefaultAction == nil {
		in.DefaultAction = a.DefaultAction
	}
	if in.Rules == nil {
		in.Rules = a.Rules
	}
	if in.VisibilityConfig == nil {
		in.VisibilityConfig = a.VisibilityConfig
	}
	i := slices.IndexFunc(wafv2api.API.Operations, func(o wire.Operation) bool { return o.Name == "UpdateWebACL" })
	if err := wafv2api.API.Operations[i].Validate(in); err != nil {
		return nil, err
	}
	a.DefaultAction, a.Rules, a.VisibilityConfig = in.DefaultAction, in.Rules, in.VisibilityConfig
	if in.CustomResponseBodies != nil {
		a.CustomResponseBodies = in.CustomResponseBodies
	}
	if in.TokenDomains != nil {
		a.TokenDomains = in.TokenDomains
	}
	if in.CaptchaConfig != nil {
		a.CaptchaConfig = in.CaptchaConfig
	}
	if in.ChallengeConfig != nil {
		a.ChallengeConfig = in.ChallengeConfig
	}
	if in.AssociationConfig != nil {
		a.AssociationConfig = in.AssociationConfig
	}
	if in.DataProtectionConfig != nil {
		a.DataProtectionConfig = in.DataProtectionConfig
	}
	if err := s.checkWebACLIn(r, e, a); err != nil {
		return nil, err
	}
	return s.specify(r, e, a)
}

// readDraft reads a document of a draft.
func (s *Service) readDraft(document []byte) (*wafv2api.UpdateWebACLRequest, error) {
	if len(document) > MaxDraft {
		return nil, fmt.Errorf("wafv2: a draft of more than %d bytes", MaxDraft)
	}
	document = bytes.TrimSpace(document)
	if len(document) > 0 && document[0] == '[' {
		document = append(append([]byte(`{"Rules":`), document...), '}')
	}
	var wrapped struct{ WebACL json.RawMessage }
	if err := json.Unmarshal(document, &wrapped); err != nil {
		return nil, fmt.Errorf("wafv2: the draft is no JSON of a web ACL: %w", err)
	}
	if len(wrapped.WebACL) > 0 {
		document = wrapped.WebACL
	}
	in := new(wafv2api.UpdateWebACLRequest)
	if err := jsonbody.DecodeStruct(document, s.documents.shapes["UpdateWebACLRequest"], wire.PointerOf(in), false); err != nil {
		return nil, fmt.Errorf("wafv2: the draft: %w", err)
	}
	return in, nil
}

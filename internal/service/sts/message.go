package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"fastness/internal/api/stsapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// authorizationMessage is the document behind an encoded authorization message, with
// the members that AWS documents for it.
type authorizationMessage struct {
	Allowed           bool           `json:"allowed"`
	ExplicitDeny      bool           `json:"explicitDeny"`
	MatchedStatements statementItems `json:"matchedStatements"`
	Failures          emptyItems     `json:"failures"`
	Context           messageContext `json:"context"`
}

type emptyItems struct {
	Items []struct{} `json:"items"`
}

type statementItems struct {
	Items []statementItem `json:"items"`
}

type statementItem struct {
	StatementID string `json:"statementId"`
	Effect      string `json:"effect"`
	Policy      string `json:"policy"`
	Line        int    `json:"line,omitempty"`
	Column      int    `json:"column,omitempty"`
}

type messageContext struct {
	Principal  messagePrincipal `json:"principal"`
	Action     string           `json:"action"`
	Resource   string           `json:"resource"`
	Conditions emptyItems       `json:"conditions"`
}

type messagePrincipal struct {
	ID  string `json:"id"`
	ARN string `json:"arn"`
}

// messageAAD binds a message to the account whose principals may read it.
func messageAAD(account string) []byte { return []byte("sts authorization message\x00" + account) }

// EncodeAuthorizationMessage seals the reasons of a decision for the account of the
// caller it was about. DecodeAuthorizationMessage shows them to whoever may call it
// there.
func (s *Service) EncodeAuthorizationMessage(r *policy.Result, req *policy.Request) (string, error) {
	m := authorizationMessage{
		Allowed: r.Allowed(), ExplicitDeny: r.Decision == policy.ExplicitDeny,
		MatchedStatements: statementItems{Items: []statementItem{}}, Failures: emptyItems{Items: []struct{}{}},
		Context: messageContext{Action: req.Action, Resource: req.Resource, Conditions: emptyItems{Items: []struct{}{}}},
	}
	account := ""
	if p := req.Principal; p != nil {
		m.Context.Principal, account = messagePrincipal{p.UserID, p.ARN}, p.Account
	}
	for _, d := range r.Decisive() {
		st := d.Statement()
		m.MatchedStatements.Items = append(m.MatchedStatements.Items, statementItem{
			StatementID: st.Sid, Effect: st.Effect.String(), Policy: d.Policy.ID(), Line: st.Pos.Line, Column: st.Pos.Column,
		})
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	sealed, err := s.tokens.Seal(nil, plain, messageAAD(account))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// DecodeAuthorizationMessage opens what EncodeAuthorizationMessage has sealed.
func (s *Service) DecodeAuthorizationMessage(ctx context.Context, in *stsapi.DecodeAuthorizationMessageRequest) (*stsapi.DecodeAuthorizationMessageResponse, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(*in.EncodedMessage)
	if err == nil {
		var plain []byte
		if plain, err = s.tokens.Open(nil, sealed, messageAAD(call.From(ctx).Account)); err == nil {
			return &stsapi.DecodeAuthorizationMessageResponse{DecodedMessage: new(string(plain))}, nil
		}
	}
	return nil, &stsapi.InvalidAuthorizationMessageException{Message: new("Message is not valid")}
}

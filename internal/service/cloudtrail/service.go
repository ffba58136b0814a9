package cloudtrail

import (
	"context"

	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/page"
)

// History is where events are kept; *audit.Log is one.
type History interface {
	Lookup(ctx context.Context, q audit.Query) (audit.Page, error)
}

// Service implements the operations of CloudTrail. It is safe for concurrent use.
type Service struct {
	history History
	tokens  *page.Sealer
}

var _ cloudtrailapi.Service = (*Service)(nil)

// New makes the service; tokens makes pagination tokens.
func New(h History, tokens *page.Sealer) *Service { return &Service{history: h, tokens: tokens} }

// Resolve says what a call touches. The authorization reference has no resource for
// LookupEvents.
func (s *Service) Resolve(_ context.Context, c *call.Call) ([]call.Access, error) {
	return []call.Access{{Action: c.Operation.Actions[0].Name, Resource: "*", Account: c.Account}}, nil
}

package apigen

import "fastness/internal/wire"

// Rules are hand-made facts about one API.
type Rules struct{}

// ActionTable holds the IAM actions of one service.
type ActionTable struct{ Actions map[string]wire.Action }

// authorize fills in the IAM actions and the read-only flag of an operation.
func (p *plan) authorize(op *operation) error { return nil }

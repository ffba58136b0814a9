package fronttest

import (
	"cmp"
	"context"
	"net/netip"

	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/front"
	"fastness/internal/wire"
)

// Caller makes calls through a door as somebody, in a Region: what clients of generated APIs
// are made from. A service, which has no account, acts in Account.
type Caller struct {
	Door   *front.Door
	Who    *call.Principal
	Region string
	Clock  clock.Clock
}

var _ wire.Invoker = (*Caller)(nil)

// Invoke implements wire.Invoker.
func (c *Caller) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	parent := &call.Call{
		Principal: c.Who, Account: cmp.Or(c.Who.Account, Account), Region: c.Region, Time: c.Clock.Now(),
		Source: &call.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "test"},
	}
	return c.Door.Invoke(call.With(ctx, parent), op, in)
}

// Later is the door for rooms that are made before it, and call through it.
type Later struct{ Door *front.Door }

// Invoke implements wire.Invoker.
func (l *Later) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return l.Door.Invoke(ctx, op, in)
}

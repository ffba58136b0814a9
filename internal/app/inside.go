package app

import (
	"context"
	"errors"

	"fastness/internal/front"
	"fastness/internal/wire"
)

// insideDoor is the door for services that call others: the door is made of them, so they
// are made before it. It is set before anything runs.
type insideDoor struct{ door *front.Door }

var _ wire.Invoker = (*insideDoor)(nil)

// Invoke implements wire.Invoker.
func (i *insideDoor) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	if i.door == nil {
		return nil, errors.New("app: a service was called before the door was there")
	}
	return i.door.Invoke(ctx, op, in)
}

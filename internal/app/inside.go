package app

import (
	"context"
	"errors"

	"fastness/internal/front"
	"fastness/internal/wire"
)

// inside is the front door for services that are made before it: they call each other
// through it, once it is there.
type inside struct{ door *front.Door }

// Invoke implements wire.Invoker.
func (i *inside) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	if i.door == nil {
		return nil, errors.New("app: a service was called before the front door was made")
	}
	return i.door.Invoke(ctx, op, in)
}

// AsService returns a context for calls that a service makes by itself.
func (i *inside) AsService(ctx context.Context, service, account, region string) context.Context {
	return i.door.AsService(ctx, service, account, region)
}

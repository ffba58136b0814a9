package wire

import (
	"context"
	"fmt"
)

// Generated operation tables call services through the functions of this file. They
// turn what can only be a defect of ours (a service of the wrong type, an output that
// is nil) into an InternalFailure instead of a panic.

// Call runs an operation: call is a method expression of the Service interface S.
func Call[S, I, O any](ctx context.Context, svc, in any, call func(S, context.Context, *I) (*O, error)) (any, error) {
	s, ok := svc.(S)
	if !ok {
		return nil, mismatch("service", svc)
	}
	i, ok := in.(*I)
	if !ok || i == nil {
		return nil, mismatch("input", in)
	}
	out, err := call(s, ctx, i)
	if err != nil {
		return nil, err
	}
	if out == nil {
		return nil, mismatch("output", out)
	}
	return out, nil
}

// CallNoInput is Call for an operation whose model has no input.
func CallNoInput[S, I, O any](ctx context.Context, svc any, call func(S, context.Context, *I) (*O, error)) (any, error) {
	return Call(ctx, svc, new(I), call)
}

// CallNoOutput is Call for an operation whose model has no output.
func CallNoOutput[S, I, O any](ctx context.Context, svc, in any, call func(S, context.Context, *I) (*O, error)) (any, error) {
	_, err := Call(ctx, svc, in, call)
	return nil, err
}

// CallEmpty is Call for an operation whose model has neither.
func CallEmpty[S, I, O any](ctx context.Context, svc any, call func(S, context.Context, *I) (*O, error)) (any, error) {
	_, err := Call(ctx, svc, new(I), call)
	return nil, err
}

// Send is the client's side: it gives the input to inv and the output its type back.
// in is nil for an operation without input; an operation without output gives a zero O.
func Send[O any](ctx context.Context, inv Invoker, op *Operation, in any) (*O, error) {
	out, err := inv.Invoke(ctx, op, in)
	if err != nil {
		return nil, err
	}
	if op.output == nil {
		return new(O), nil
	}
	o, ok := out.(*O)
	if !ok || o == nil {
		return nil, mismatch("output", out)
	}
	return o, nil
}

// WrongInput is the error of a validator that meets an input of another type.
func WrongInput(in any) error { return mismatch("input", in) }

func mismatch(what string, have any) error {
	return &CommonError{Kind: InternalFailure, Cause: fmt.Errorf("%s of unexpected type %T", what, have)}
}

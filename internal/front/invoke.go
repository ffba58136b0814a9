package front

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// Invoke runs an operation for a service inside the process (wire.Invoker). The
// context carries the call on whose behalf it runs: its principal is forwarded, and
// the calling service is added to Via. Without a call in the context there is nobody
// to act for, and the call is refused; background work uses AsService.
func (d *Door) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	room := d.rooms[op.API()]
	if room == nil {
		return nil, fmt.Errorf("front: no service offers %s", op.API().Name)
	}
	parent := call.From(ctx)
	if parent == nil {
		return nil, &wire.CommonError{Kind: wire.MissingAuthentication, Message: "Request is missing Authentication Token"}
	}
	if parent.Depth() >= call.MaxDepth {
		return nil, fmt.Errorf("front: services call each other more than %d deep", call.MaxDepth)
	}
	requestID, eventID := audit.NewIDs()
	c := &call.Call{
		RequestID: requestID, EventID: eventID, Operation: op, Principal: parent.Principal,
		Region: parent.Region, Account: parent.Account, Time: d.clock.Now(),
		Source: parent.Source, Parent: parent, Input: in,
		Via: parent.Via, SourceARN: parent.SourceARN, Settlement: settlementOf(parent),
	}
	if parent.Operation != nil {
		c.Via = append(slices.Clip(parent.Via), parent.Operation.API().EventSource)
	}
	c.SetTxn(parent.Txn())
	out, err := d.run(ctx, room, c)
	if err != nil {
		return nil, d.apiError(ctx, err, c.RequestID)
	}
	return out, nil
}

// AsService returns a context in which calls are made by a service itself, for an
// account and Region: rotation, expiry and other work that no caller waits for.
func (d *Door) AsService(ctx context.Context, service, account, region string) context.Context {
	return call.With(ctx, &call.Call{
		RequestID: audit.NewID(), Account: account, Region: region, Time: d.clock.Now(),
		Principal: &call.Principal{Kind: call.Service, Service: service, ARN: service, Account: account},
	})
}

// run takes a call through the steps that every call takes: validate, throttle,
// authorize, run, audit. Errors are as the room returned them.
func (d *Door) run(ctx context.Context, room *Room, c *call.Call) (any, error) {
	ctx = call.With(ctx, c)
	if err := d.admit(ctx, room, c); err != nil {
		return nil, d.refuse(ctx, c, err)
	}
	if c.Operation.ReadOnly {
		out, err := d.perform(ctx, room, c)
		if err != nil {
			return nil, d.refuse(ctx, c, err)
		}
		if err := d.record(c, out, nil); err != nil {
			return nil, d.unaudited(err)
		}
		return out, nil
	}
	return d.mutate(ctx, room, c)
}

// admit validates, throttles and authorizes. What panics in a room meanwhile refuses the
// call, with a record, whoever made it.
func (d *Door) admit(ctx context.Context, room *Room, c *call.Call) (err error) {
	defer d.contain(c, "panic before an operation", &err)
	if validate := c.Operation.Validate; validate != nil && c.Input != nil {
		if err := validate(c.Input); err != nil {
			if own, ok := room.Service.(ValidationErrors); ok {
				return own.ValidationError(err.Error())
			}
			return err
		}
	}
	if room.Quota != nil {
		if err := room.Quota.Admit(c); err != nil {
			return err
		}
	}
	return d.authorize(ctx, room, c)
}

// perform runs the operation and keeps its panics inside.
func (d *Door) perform(ctx context.Context, room *Room, c *call.Call) (out any, err error) {
	defer d.contain(c, "panic in an operation", &err)
	return c.Operation.Invoke(ctx, room.Service, c.Input)
}

// contain, deferred, turns a panic into InternalFailure. The value of the panic may hold
// secrets: only its type is logged.
func (d *Door) contain(c *call.Call, message string, err *error) {
	p := recover()
	if p == nil {
		return
	}
	d.metrics.panics.Inc()
	d.log.Error(message, "operation", c.Operation.Name, "requestID", c.RequestID,
		"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	*err = &wire.CommonError{Kind: wire.InternalFailure}
}

// mutate runs the operation in a transaction that its audit record is part of. Inside
// another call's transaction it joins that one, so that both commit or neither; if it
// fails, its writes are undone there and the other call may go on without them.
func (d *Door) mutate(ctx context.Context, room *Room, c *call.Call) (any, error) {
	var out any
	authorized := slices.Clip(c.Notes.Additional) // what authorization noted outlives retries
	body := func(tx store.Txn) error {
		c.SetTxn(tx)
		c.Notes = call.Notes{Additional: authorized}
		var err error
		if out, err = d.perform(ctx, room, c); err != nil || c.Operation.DataEvent {
			return err
		}
		return d.audit.RecordTxn(tx, c, out, nil)
	}
	var err error
	if tx := c.Txn(); tx != nil {
		err = tx.Savepoint(func() error { return body(tx) })
	} else {
		_, err = d.store.Update(ctx, body)
		c.SetTxn(nil)
	}
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, audit.ErrUnavailable) && !errors.Is(err, store.ErrTxnTooLarge):
		return nil, d.unaudited(err)
	}
	// Also when the record alone did not fit: it is the operation that wrote too much.
	return nil, d.refuse(ctx, c, err)
}

// refuse writes the record of a call that failed and returns the error it failed
// with.
func (d *Door) refuse(ctx context.Context, c *call.Call, err error) wire.APIError {
	apiErr := d.apiError(ctx, err, c.RequestID)
	if own, ok := d.rooms[c.Operation.API()].Service.(InternalErrors); ok && isInternalFailure(apiErr) {
		apiErr = own.InternalError()
	}
	if err := d.record(c, nil, apiErr); err != nil {
		return d.unaudited(err)
	}
	return apiErr
}

// InternalErrors is implemented by the Service of a room whose API models an error of its
// own for faults of the server, which takes the place of InternalFailure.
type InternalErrors interface{ InternalError() wire.APIError }

// ValidationErrors is implemented by the Service of a room that answers inputs which break a
// constraint of the model with an error of its own, in the place of ValidationException.
type ValidationErrors interface {
	ValidationError(message string) wire.APIError
}

func isInternalFailure(err wire.APIError) bool {
	var common *wire.CommonError
	return errors.As(err, &common) && common.Kind == wire.InternalFailure
}

// unaudited is the answer when the audit log cannot be written.
func (d *Door) unaudited(err error) wire.APIError {
	d.metrics.unaudited.Inc()
	d.log.Error("the audit log cannot be written", "error", err)
	return &wire.CommonError{Kind: wire.ServiceUnavailable, Message: "The audit log is not available.", Cause: err}
}

// apiError is err as a caller may see it. What is not an API error is logged and
// becomes InternalFailure.
func (d *Door) apiError(ctx context.Context, err error, requestID string) wire.APIError {
	var api wire.APIError
	if errors.As(err, &api) {
		return api
	}
	var invalid *wire.ValidationError
	if errors.As(err, &invalid) {
		return &wire.CommonError{Kind: wire.Validation, Message: invalid.Error()}
	}
	if errors.Is(err, store.ErrConflict) {
		return &wire.CommonError{Kind: wire.ServiceUnavailable, Message: "Too many concurrent changes; try again.", Cause: err}
	}
	if ctx.Err() != nil {
		return &wire.CommonError{Kind: wire.ServiceUnavailable, Message: "The request was cancelled.", Cause: err}
	}
	d.log.ErrorContext(ctx, "internal failure", "requestID", requestID, "error", err)
	return &wire.CommonError{Kind: wire.InternalFailure, Message: "The request processing has failed because of an unknown error, exception or failure.", Cause: err}
}

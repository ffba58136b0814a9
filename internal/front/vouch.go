package front

import (
	"context"
	"fmt"
	"net/http"

	"fastness/internal/call"
	"fastness/internal/sigv4"
	"fastness/internal/wire"
)

// Vouch verifies the signature of a request that is none of an API's operations, made for the
// signing name of one of the APIs behind the door, and asks policies whether its principal may do
// what access says. It returns the principal. The error is a *wire.CommonError, or a failure of ours.
func (d *Door) Vouch(ctx context.Context, r *http.Request, body []byte, api *wire.API, access call.Access) (*call.Principal, error) {
	room := d.rooms[api]
	if room == nil {
		return nil, fmt.Errorf("front: %s is not offered", api.Name)
	}
	sig, err := parseSignature(new(sigv4.Signature), r)
	if err != nil {
		return nil, signatureError(err)
	}
	who, region, err := d.authenticate(ctx, r, target{room: room}, sig, body)
	if err != nil {
		return nil, err
	}
	of, err := d.principals.Policies(ctx, who)
	if err != nil {
		return nil, err
	}
	c := &call.Call{Principal: who, Account: who.Account, Region: region, Time: d.clock.Now(), Source: new(call.Source)}
	setSource(c.Source, r, sig)
	q := questions.Get().(*question)
	defer q.release()
	result := q.ask(c, &access, of, nil)
	if !result.Allowed() {
		return nil, &wire.CommonError{Kind: wire.AccessDenied, Message: result.Denial(&q.request)}
	}
	return who, nil
}

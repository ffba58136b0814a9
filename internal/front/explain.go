package front

import (
	"context"
	"fmt"
	"strings"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// Explanation says how policies decide on one access of a call, and why.
type Explanation struct {
	Access call.Access
	Result policy.Result
	// Denial is the sentence that the caller would read; empty when allowed.
	Denial string
	// Trace are all statements that were examined.
	Trace policy.Trace
}

// Explain decides on everything that c would touch, as a call would be decided on, and
// reports each decision with its reasons. Nothing runs and nothing is recorded. The
// call needs Operation, Principal, Account, Region and Input; where the network matters
// to policies, also Source. The error is the one with which the room refuses to look at
// the call at all.
func (d *Door) Explain(ctx context.Context, c *call.Call) ([]Explanation, error) {
	room := d.rooms[c.Operation.API()]
	if room == nil {
		return nil, fmt.Errorf("front: no service offers %s", c.Operation.API().Name)
	}
	if c.Time.IsZero() {
		c.Time = d.clock.Now()
	}
	if c.RequestID == "" {
		c.RequestID, c.EventID = audit.NewIDs()
	}
	accesses, err := room.Resolver.Resolve(call.With(ctx, c), c)
	c.Accesses = accesses
	if err != nil {
		return nil, err
	}
	// Without the call in its context: a question is no use of a role.
	of, err := d.principals.Policies(ctx, c.Principal)
	if err != nil {
		return nil, err
	}
	out := make([]Explanation, len(accesses))
	for i := range accesses {
		e := &out[i]
		e.Access = accesses[i]
		// The decision is the one that calls get, made without a trace.
		var q question
		e.Result = q.ask(c, &accesses[i], of, nil)
		if !e.Result.Allowed() {
			e.Denial = e.Result.Denial(&q.request)
		}
		q.ask(c, &accesses[i], of, &e.Trace)
	}
	return out, nil
}

// String tells the decision and what decided, then each statement that was examined, a
// line each.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s: ", e.Access.Action, e.Access.Resource)
	decisive := e.Result.Decisive()
	switch {
	case !e.Result.Allowed():
		b.WriteString("denied. " + e.Denial)
	case e.Result.Grant != "":
		b.WriteString("allowed by grant " + e.Result.Grant)
	case len(decisive) == 0:
		b.WriteString("allowed: the root user of an account may do so of itself")
	default:
		b.WriteString("allowed")
	}
	for _, m := range decisive {
		s := m.Statement()
		fmt.Fprintf(&b, "\n  decided by statement %d", m.Index+1)
		if s.Sid != "" {
			fmt.Fprintf(&b, " %q", s.Sid)
		}
		fmt.Fprintf(&b, " (%s, %s) of policy %s", s.Pos, s.Effect, m.Policy.ID())
	}
	for _, s := range e.Trace.Steps {
		b.WriteString("\n  examined: " + s.String())
	}
	if len(e.Trace.MissingKeys) > 0 {
		b.WriteString("\n  condition keys that the request does not have: " + strings.Join(e.Trace.MissingKeys, ", "))
	}
	return b.String()
}

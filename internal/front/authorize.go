package front

import (
	"context"
	"strings"
	"sync"

	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// Resolver says what a call touches. Each room has one.
type Resolver interface {
	// Resolve returns everything that must be allowed for c to run. What it looked up
	// it may leave in c.Resolved. An error refuses the call.
	Resolve(ctx context.Context, c *call.Call) ([]call.Access, error)
}

// Principals knows the policies of principals. The iam room implements it.
type Principals interface {
	// Policies returns the policies around what p does: Identity, Boundary, Session and
	// SCP. The result is shared and must not be changed.
	Policies(ctx context.Context, p *call.Principal) (*policy.Policies, error)
}

// authorize asks policies for everything the call touches and refuses it with AWS's
// sentence at the first thing that is not allowed.
func (d *Door) authorize(ctx context.Context, room *Room, c *call.Call) error {
	accesses, err := room.Resolver.Resolve(ctx, c)
	c.Accesses = accesses
	if err != nil {
		return err
	}
	of, err := d.principals.Policies(ctx, c.Principal)
	if err != nil {
		return err
	}
	q := questions.Get().(*question)
	defer q.release()
	for i := range accesses {
		a := &accesses[i]
		result := q.ask(c, a, of, nil)
		if !result.Allowed() {
			return &wire.CommonError{Kind: wire.AccessDenied, Message: result.Denial(&q.request)}
		}
		if result.Grant != "" {
			c.Note("grantId", result.Grant)
		}
	}
	return nil
}

// question is the memory of a decision. Package policy keeps nothing of what it is asked.
type question struct {
	policies policy.Policies
	resource [1]*policy.Policy
	keys     contextKeys
	request  policy.Request
}

var questions = sync.Pool{New: func() any { return new(question) }}

// release forgets the call, so that the pool holds nothing of it alive.
func (q *question) release() {
	*q = question{}
	questions.Put(q)
}

// ask decides on one access. With a trace it explains itself. q.request is what was asked.
func (q *question) ask(c *call.Call, a *call.Access, of *policy.Policies, trace *policy.Trace) policy.Result {
	q.policies = *of
	if a.Policy != nil {
		q.resource[0] = a.Policy
		q.policies.Resource = q.resource[:]
	}
	q.policies.ResourceMode = a.Mode
	q.policies.Extra = a.Extra
	q.keys = contextKeys{call: c, access: a}
	q.request = policy.Request{
		Principal: c.Principal.Subject(), Action: a.Action, Resource: a.Resource,
		ResourceAccount: a.Account, Context: &q.keys, Named: a.Named, Hidden: a.Hidden, Unexplained: a.Unexplained,
	}
	return policy.Evaluate(&q.request, &q.policies, trace)
}

// contextKeys answers condition keys: the service's own first, then the global ones
// that describe the request (those of the principal are answered by package policy).
type contextKeys struct {
	call   *call.Call
	access *call.Access
}

const (
	resourceTagPrefix = "aws:resourcetag/"
	requestTagPrefix  = "aws:requesttag/"
)

// Lookup implements policy.Context. The names are those of the IAM user guide,
// "AWS global condition context keys", in lower case.
func (k *contextKeys) Lookup(key string) (policy.Values, bool) {
	if k.access.Context != nil {
		if v, ok := k.access.Context.Lookup(key); ok {
			return v, true
		}
	}
	if !strings.HasPrefix(key, "aws:") {
		return policy.Values{}, false
	}
	if tag, ok := strings.CutPrefix(key, resourceTagPrefix); ok {
		return tagValue(k.access.ResourceTags, tag)
	}
	if tag, ok := strings.CutPrefix(key, requestTagPrefix); ok {
		return tagValue(k.access.RequestTags, tag)
	}
	c := k.call
	switch key {
	case "aws:tagkeys":
		keys := append([]string(nil), k.access.TagKeys...)
		for t := range k.access.RequestTags {
			keys = append(keys, t)
		}
		return policy.Many(keys), len(keys) > 0
	case "aws:currenttime", "aws:epochtime":
		return policy.Time(c.Time), true
	case "aws:requestedregion":
		return policy.One(c.Region), true
	case "aws:resourceaccount":
		if k.access.Account != "" {
			return policy.One(k.access.Account), true
		}
		return policy.One(c.Account), c.Account != ""
	case "aws:securetransport":
		return policy.Flag(c.Secure()), true
	case "aws:sourcearn":
		return policy.One(c.SourceARN), c.SourceARN != ""
	case "aws:sourceaccount":
		return policy.One(c.Account), c.SourceARN != ""
	case "aws:viaawsservice":
		return policy.Flag(len(c.Via) > 0), true
	case "aws:calledvia":
		return policy.Many(c.Via), len(c.Via) > 0
	case "aws:calledviafirst":
		if len(c.Via) > 0 {
			return policy.One(c.Via[0]), true
		}
	case "aws:calledvialast":
		if len(c.Via) > 0 {
			return policy.One(c.Via[len(c.Via)-1]), true
		}
	}
	if v, ok := k.network(key); ok {
		return v, true
	}
	return k.session(key)
}

// network answers the keys about where the request came from. They are absent for
// forwarded calls, as on AWS, except for aws:SourceIp of the original caller, which a
// forwarding service does not have.
func (k *contextKeys) network(key string) (policy.Values, bool) {
	s := k.call.Source
	if s == nil || len(k.call.Via) > 0 {
		return policy.Values{}, false
	}
	switch key {
	case "aws:sourceip":
		return policy.Addr(s.IP), s.IP.IsValid()
	case "aws:useragent":
		return policy.One(s.UserAgent), s.UserAgent != ""
	}
	return policy.Values{}, false
}

// session answers the keys of temporary credentials.
func (k *contextKeys) session(key string) (policy.Values, bool) {
	s := k.call.Principal.Session
	if s == nil {
		return policy.Values{}, false
	}
	switch key {
	case "aws:multifactorauthpresent":
		return policy.Flag(s.MFA), true
	case "aws:multifactorauthage":
		return policy.Int(int64(k.call.Time.Sub(s.Issued).Seconds())), s.MFA
	case "aws:tokenissuetime":
		return policy.Time(s.Issued), true
	case "aws:sourceidentity", "sts:sourceidentity":
		return policy.One(s.SourceIdentity), s.SourceIdentity != ""
	}
	return policy.Values{}, false
}

// tagValue finds a tag by its key in lower case.
func tagValue(tags map[string]string, lower string) (policy.Values, bool) {
	for k, v := range tags {
		if strings.EqualFold(k, lower) {
			return policy.One(v), true
		}
	}
	return policy.Values{}, false
}

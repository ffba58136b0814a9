package policy

// finding is what one layer says.
type finding struct {
	match Match
	ok    bool
}

// decide weighs the allows. r already holds an explicit deny only when it is to be
// thrown away (a traced evaluation that goes on).
func (e *evaluation) decide(ps *Policies, r *Result) {
	var ceilings [maxDecisive - 4]Match // SCP, RCP and endpoint statements that allow
	n := 0
	blocked := LayerNone // first layer without an allow
	block := func(l Layer) bool {
		if blocked == LayerNone {
			blocked = l
		}
		return e.trace == nil
	}
	keep := func(m Match) {
		if m.Policy != nil && n < len(ceilings) {
			ceilings[n] = m
			n++
		}
	}

	if e.bound(ps) {
		for level, policies := range ps.SCP {
			f := e.anyOf(LayerSCP, level, policies)
			if keep(f.match); !f.ok && block(LayerSCP) {
				r.Layer = LayerSCP
				return
			}
		}
	}
	if e.controlled(ps) {
		for level, policies := range ps.RCP {
			f := e.anyOf(LayerRCP, level, policies)
			if keep(f.match); !f.ok && block(LayerRCP) {
				r.Layer = LayerRCP
				return
			}
		}
	}
	if ps.VPCEndpoint != nil {
		f := e.one(LayerVPCEndpoint, ps.VPCEndpoint)
		if keep(f.match); !f.ok && block(LayerVPCEndpoint) {
			r.Layer = LayerVPCEndpoint
			return
		}
	}

	v := e.weigh(ps)
	if blocked != LayerNone {
		r.Layer = blocked
		return
	}
	if v.missing != LayerNone {
		r.Layer = v.missing
		return
	}
	r.Decision, r.Grant = Allow, v.grant
	for _, m := range v.matches {
		r.decide(m)
	}
	for _, m := range ceilings[:n] {
		r.decide(m)
	}
}

// verdict is the outcome of the layers below the ceilings: what is missing, or what
// allowed.
type verdict struct {
	missing Layer
	grant   string
	matches [4]Match // resource, identity, boundary, session; those that counted
}

// weigh combines resource policy, identity policies, boundary, session policies and
// extra permission.
func (e *evaluation) weigh(ps *Policies) verdict {
	var v verdict
	resource, how := e.resourcePolicies(ps)
	same := e.who.identity() && e.who.Account == e.account

	// Callers without identity policies: the resource's side decides alone.
	if !e.who.identity() {
		if how != notNamed {
			v.matches[0] = resource
			return v
		}
		if v.grant, how = extra(ps); how == notNamed {
			v.missing = resourceLayer(ps)
		}
		return v
	}

	// A resource policy of the same account that names the caller itself is enough.
	if same && how == directly && e.trace == nil {
		v.matches[0] = resource
		return v
	}

	identity := finding{ok: e.who.root()}
	if m := e.anyOf(LayerIdentity, 0, ps.Identity); m.ok {
		identity = m
	}
	boundary, session := finding{ok: true}, finding{ok: e.who.Type != FederatedUser}
	if ps.Boundary != nil {
		boundary = e.one(LayerBoundary, ps.Boundary)
	}
	if len(ps.Session) > 0 {
		session = e.anyOf(LayerSession, 0, ps.Session)
	}

	if same && how == directly {
		v.matches[0] = resource
		return v
	}

	// Is the resource's side content, and is the identity's side still needed?
	needIdentity := true
	switch {
	case same && how == byRole:
		needIdentity = false
		v.matches[0] = resource
	case same && ps.ResourceMode == ResourceOptional && identity.ok:
		// An identity policy is enough.
	case same && ps.ResourceMode != ResourceOptional && how == byAccount && identity.ok:
		v.matches[0] = resource
	case !same && how != notNamed && identity.ok:
		v.matches[0] = resource
	default:
		var given grantee
		if v.grant, given = extra(ps); given != notNamed {
			if e.who.Type == User {
				return v
			}
			needIdentity = false
			break
		}
		v.missing = LayerIdentity
		if identity.ok || same && ps.ResourceMode != ResourceOptional && how == notNamed {
			v.missing = resourceLayer(ps)
		}
		return v
	}
	if needIdentity {
		v.matches[1] = identity.match
	}
	v.matches[2], v.matches[3] = boundary.match, session.match
	switch {
	case boundary.ok && session.ok:
		return v
	case e.who.Type == User: // a grant names the user, so the limits do not bind it
		if id, given := extra(ps); given != notNamed {
			return verdict{grant: id}
		}
	}
	v.missing = LayerSession
	if !boundary.ok {
		v.missing = LayerBoundary
	}
	return v
}

// extra asks for permission from outside the policies.
func extra(ps *Policies) (id string, how grantee) {
	if ps.Extra == nil {
		return "", notNamed
	}
	id, ok := ps.Extra.Allow()
	if !ok {
		return "", notNamed
	}
	return id, directly
}

// resourcePolicies gives the allow of the resource policies that names the caller most
// closely.
func (e *evaluation) resourcePolicies(ps *Policies) (best Match, how grantee) {
	e.layer, e.level = resourceLayer(ps), 0
	for _, p := range ps.Resource {
		if m, g := e.findBest(p); g > how {
			best, how = m, g
		}
		if how == directly && e.trace == nil {
			break
		}
	}
	return best, how
}

// anyOf looks for an allow in a list of policies.
func (e *evaluation) anyOf(l Layer, level int, list []*Policy) finding {
	e.layer, e.level = l, level
	var first finding
	for _, p := range list {
		m, ok := e.find(p, EffectAllow)
		if ok && !first.ok {
			first = finding{m, true}
		}
		if first.ok && e.trace == nil {
			break
		}
	}
	return first
}

func (e *evaluation) one(l Layer, p *Policy) finding {
	e.layer, e.level = l, 0
	m, ok := e.find(p, EffectAllow)
	return finding{m, ok}
}

package policy

// Evaluate decides a request. It allocates nothing unless a Trace is given, the
// action is longer than 128 bytes, or a string operator meets a date, number or
// address given as such. The policies are only read.
//
// The order is that of "Policy evaluation logic": explicit denies of every layer;
// then SCPs, RCPs and the VPC endpoint policy, each of which must allow; then the
// resource policy, identity policies, boundary and session policies, within one
// account or across two.
func Evaluate(req *Request, ps *Policies, trace *Trace) Result {
	var r Result
	var buf, back [128]byte
	var nobody Principal
	e := evaluation{req: req, who: req.Principal, bounded: ps.Boundary != nil, trace: trace, result: &r}
	if e.who == nil {
		e.who = &nobody
	}
	e.account = req.account(e.who)
	e.action = lower(req.Action, buf[:0])
	e.noitca = reverse(e.action, back[:0])

	denied := e.denies(ps)
	if denied && trace == nil {
		return r
	}
	var allowed Result
	if denied {
		e.result = &allowed // the trace goes on, the decision stands
	}
	e.decide(ps, e.result)
	return r
}

// lower is s in lower case (ASCII, as action names are), in buf if it fits.
func lower(s string, buf []byte) string {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf = append(buf, c)
	}
	return view(buf)
}

// denies looks for an explicit deny in every layer and records the first.
func (e *evaluation) denies(ps *Policies) bool {
	found := false
	note := func(m Match, ok bool) bool {
		if ok && !found {
			found = true
			e.result.Decision, e.result.Layer = ExplicitDeny, e.layer
			e.result.decide(m)
		}
		return found && e.trace == nil
	}
	if e.bound(ps) {
		e.layer = LayerSCP
		for e.level = range ps.SCP {
			for _, p := range ps.SCP[e.level] {
				if note(e.find(p, EffectDeny)) {
					return true
				}
			}
		}
	}
	if e.controlled(ps) {
		e.layer = LayerRCP
		for e.level = range ps.RCP {
			for _, p := range ps.RCP[e.level] {
				if note(e.find(p, EffectDeny)) {
					return true
				}
			}
		}
	}
	e.level = 0
	if p := ps.VPCEndpoint; p != nil {
		e.layer = LayerVPCEndpoint
		if note(e.find(p, EffectDeny)) {
			return true
		}
	}
	e.layer = resourceLayer(ps)
	for _, p := range ps.Resource {
		if note(e.find(p, EffectDeny)) {
			return true
		}
	}
	if !e.who.identity() {
		return found
	}
	e.layer = LayerIdentity
	for _, p := range ps.Identity {
		if note(e.find(p, EffectDeny)) {
			return true
		}
	}
	if p := ps.Boundary; p != nil {
		e.layer = LayerBoundary
		if note(e.find(p, EffectDeny)) {
			return true
		}
	}
	e.layer = LayerSession
	for _, p := range ps.Session {
		if note(e.find(p, EffectDeny)) {
			return true
		}
	}
	return found
}

// bound reports whether SCPs bind the caller: principals of member accounts, service-
// linked roles excepted.
func (e *evaluation) bound(ps *Policies) bool {
	return len(ps.SCP) > 0 && e.who.identity() && !e.who.ServiceLinked && e.who.Account != ps.ManagementAccount
}

// controlled reports whether RCPs bind the request: all callers of resources in member
// accounts, service-linked roles excepted.
func (e *evaluation) controlled(ps *Policies) bool {
	return len(ps.RCP) > 0 && !e.who.ServiceLinked && e.account != ps.ManagementAccount
}

func resourceLayer(ps *Policies) Layer {
	if ps.ResourceMode == ResourceTrust {
		return LayerTrust
	}
	return LayerResource
}

// find gives the first statement with an effect that applies, in the order of the
// index. A nil policy says nothing.
func (e *evaluation) find(p *Policy, effect Effect) (Match, bool) {
	if p == nil {
		return Match{}, false
	}
	if e.trace != nil {
		e.record(p, effect)
	}
	w := walk{node: p.allow}
	if effect == EffectDeny {
		w.node = p.deny
	}
	for list := w.next(e.action, e.noitca); list != nil; list = w.next(e.action, e.noitca) {
		for _, en := range list {
			if e.try(p, en) {
				return Match{p, int(en.statement)}, true
			}
		}
	}
	return Match{}, false
}

// findBest gives the Allow statement that names the caller most closely.
func (e *evaluation) findBest(p *Policy) (best Match, how grantee) {
	if p == nil {
		return Match{}, notNamed
	}
	if e.trace != nil {
		e.record(p, EffectAllow)
	}
	w := walk{node: p.allow}
	for list := w.next(e.action, e.noitca); list != nil && how != directly; list = w.next(e.action, e.noitca) {
		for _, en := range list {
			if e.try(p, en) && e.named > how {
				best, how = Match{p, int(en.statement)}, e.named
			}
		}
	}
	return best, how
}

// try finishes what the index began.
func (e *evaluation) try(p *Policy, en entry) bool {
	s := &p.statements[en.statement]
	switch {
	case en.pattern >= 0:
		if !matchGlob(s.actions[en.pattern].text, e.action) {
			return false
		}
	case en.pattern == unlisted:
		if e.listed(s) {
			return false
		}
	}
	return e.statement(s) == Applied
}

// record examines all statements of one effect and puts each in the trace. It decides
// nothing: the walk of the index does.
func (e *evaluation) record(p *Policy, effect Effect) {
	e.recording = true
	for i := range p.statements {
		s := &p.statements[i]
		if s.doc.Effect != effect {
			continue
		}
		e.failed = nil
		outcome := OtherAction
		if e.listed(s) != s.doc.NotAction {
			outcome = e.statement(s)
		}
		step := Step{Layer: e.layer, Level: e.level, Match: Match{p, i}, Outcome: outcome}
		if outcome == ConditionFailed {
			step.Condition = e.failed.doc
		}
		e.trace.Steps = append(e.trace.Steps, step)
	}
	e.recording = false
}

package waf

import "fastness/internal/engine/waf/request"

// Oversize are the parts of a request that rules have looked at and that are larger than what is inspected of
// them.
type Oversize struct{ Body, JSONBody, Headers, Cookies bool }

// Oversize tells which parts of the request were looked at and are too large. It is valid as long as the verdict is.
func (v *Verdict) Oversize() (o Oversize) {
	s := v.scratch
	if s == nil || s.p == nil {
		return v.oversize
	}
	truncated := s.inspection.Request().BodyTruncated
	for id := range s.p.parts {
		ps := &s.parts[id]
		if ps.epoch != s.epoch || !ps.outcome.Oversize && !truncated {
			continue
		}
		switch s.p.parts[id].selector.Component().Kind {
		case request.Body:
			o.Body = o.Body || ps.outcome.Oversize
		case request.JSONBody:
			o.JSONBody = o.JSONBody || ps.outcome.Oversize
		case request.Headers, request.HeaderOrder:
			o.Headers = o.Headers || ps.outcome.Oversize
		case request.Cookies:
			o.Cookies = o.Cookies || ps.outcome.Oversize
		case request.Arguments, request.ArgumentNames, request.BodyArguments, request.BodyArgumentNames, request.FileNames, request.OtherBody, request.OpaqueBody:
			o.Body = o.Body || truncated // of which they see more than AWS's components
		}
	}
	return o
}

// LooksAtHeld tells whether a rule or a group's observer may look at more of a body than AWS's components do, at what is held of it (request.Request.Held).
func (p *Program) LooksAtHeld() bool {
	if len(p.programs) > 0 || len(p.observers) > 0 {
		return true
	}
	for i := range p.parts {
		switch p.parts[i].selector.Component().Kind {
		case request.Arguments, request.ArgumentNames, request.BodyArguments, request.BodyArgumentNames, request.FileNames, request.FileTexts, request.OtherBody, request.OpaqueBody:
			return true
		}
	}
	return false
}

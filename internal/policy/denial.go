package policy

// Denial is AWS's sentence for a request that was not allowed, with the type of
// policy that decided. The caller is named by its ARN, a service by its name and an
// unsigned request as anonymous.
func (r *Result) Denial(req *Request) string {
	return DenialSentence(req.Principal.displayName(), req.Action, req.Resource, r.Decision, r.Layer)
}

// DenialSentence builds the sentence from its parts. The resource may be empty, for
// actions whose services leave it out; the layer may be LayerNone, for services that
// give no reason.
func DenialSentence(principal, action, resource string, d Decision, layer Layer) string {
	s := "User: " + principal + " is not authorized to perform: " + action
	if resource != "" {
		s += " on resource: " + resource
	}
	switch {
	case layer == LayerNone:
		return s
	case d == ExplicitDeny && layer == LayerTrust:
		return s + " with an explicit deny in the role trust policy"
	case d == ExplicitDeny && layer == LayerIdentity:
		return s + " with an explicit deny in an identity-based policy"
	case d == ExplicitDeny:
		return s + " with an explicit deny in a " + layer.String()
	}
	return s + " because no " + layer.String() + " allows the " + action + " action"
}

func (p *Principal) displayName() string {
	switch {
	case p == nil:
	case p.ARN != "":
		return p.ARN
	case len(p.Services) > 0:
		return p.Services[0]
	case p.Provider != "":
		return p.Provider
	}
	return "anonymous"
}

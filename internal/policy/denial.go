package policy

// Denial is AWS's sentence for a request that was not allowed, with the type of
// policy that decided. The caller is named by its ARN, a service by its name and an
// unsigned request as anonymous.
func (r *Result) Denial(req *Request) string {
	who, resource := req.Principal.displayName(), req.Resource
	if req.Named != "" {
		resource = req.Named
	}
	if req.Unexplained {
		return DenialSentence(who, req.Action, resource, ImplicitDeny, LayerNone)
	}
	if req.Hidden == "" {
		return DenialSentence(who, req.Action, resource, r.Decision, r.Layer)
	}
	s := DenialSentence(who, req.Action, "", ImplicitDeny, LayerNone) + " on " + req.Hidden
	if r.Layer == LayerResource {
		return s + " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
	}
	return s + reason(req.Action, r.Decision, r.Layer)
}

// DenialSentence builds the sentence from its parts. The resource may be empty, for
// actions whose services leave it out; the layer may be LayerNone, for services that
// give no reason.
func DenialSentence(principal, action, resource string, d Decision, layer Layer) string {
	s := "User: " + principal + " is not authorized to perform: " + action
	if resource != "" {
		s += " on resource: " + resource
	}
	return s + reason(action, d, layer)
}

// reason is the end of a denial.
func reason(action string, d Decision, layer Layer) string {
	switch {
	case layer == LayerNone:
		return ""
	case d == ExplicitDeny && layer == LayerTrust:
		return " with an explicit deny in the role trust policy"
	case d == ExplicitDeny && layer == LayerIdentity:
		return " with an explicit deny in an identity-based policy"
	case d == ExplicitDeny:
		return " with an explicit deny in a " + layer.String()
	}
	return " because no " + layer.String() + " allows the " + action + " action"
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

package policy

import "strings"

// Request is one question: may this principal do this action on this resource?
// Evaluate keeps nothing of it, so it can live on the caller's stack.
type Request struct {
	// Principal is the caller; nil means Anonymous.
	Principal *Principal
	// Action is the IAM action, "kms:Decrypt". Case does not matter.
	Action string
	// Resource is the ARN, or "*" for actions without resources.
	Resource string
	// ResourceAccount owns the resource. When it is empty the account in the ARN
	// counts, and when that is empty too (or Resource is "*") the caller's own: set it
	// for resources whose ARN has no account, such as buckets.
	ResourceAccount string
	// Context gives the condition keys. It is asked first; keys it does not have are
	// asked of the Principal. It may be nil.
	Context Context
	// Named is what a denial calls the resource, if that is not Resource: "user alice".
	Named string
	// Hidden is the phrase by which a denial means the resource, "this resource", without
	// telling whether there is one. The resource's own policy is then one of three reasons.
	Hidden string
	// Unexplained: the service does not say which policies denied.
	Unexplained bool
}

// account is the owner of the resource.
func (r *Request) account(who *Principal) string {
	if r.ResourceAccount != "" {
		return r.ResourceAccount
	}
	rest := r.Resource
	for range 4 {
		_, after, ok := strings.Cut(rest, ":")
		if !ok {
			return who.Account
		}
		rest = after
	}
	if account, _, ok := strings.Cut(rest, ":"); ok && account != "" {
		return account
	}
	return who.Account
}

// ResourceMode says what the resource policy of a resource is worth.
type ResourceMode uint8

// The modes.
const (
	// ResourceOptional: within the account, an allow in an identity policy is enough.
	// Most resources.
	ResourceOptional ResourceMode = iota
	// ResourceDelegating: the resource policy must allow the caller, or must name the
	// account (arn:aws:iam::ACCOUNT:root or its id) and so delegate to identity
	// policies. KMS keys.
	ResourceDelegating
	// ResourceTrust: the same, for the trust policy of a role, which denials call by
	// that name.
	ResourceTrust
)

// ExtraAllow is a further source of permission, outside policies: the grants of a KMS
// key. It is asked once per decision, after explicit denies, and only when the
// policies are not enough. A permission it gives needs no identity policy. It counts like
// a resource policy that names the user, or the role of a session: a user's boundary
// does not limit it, a role's boundary and session policies do.
type ExtraAllow interface {
	// Allow reports whether there is permission, and the id of what gives it.
	Allow() (id string, ok bool)
}

// Policies are all policies around a request. Nil entries mean that no such policy
// exists; an SCP or RCP level that exists but is empty allows nothing.
type Policies struct {
	// Identity policies: of the user and its groups, of the role of a session, or of
	// the user behind a federated user.
	Identity []*Policy
	// Boundary is the permissions boundary of the user or role. Its presence also makes a
	// Deny with NotPrincipal apply whatever that element lists, as AWS documents.
	Boundary *Policy
	// Session policies passed when the session was made. One allow among them is
	// enough. A federated user without any has no permissions of its own.
	Session []*Policy
	// Resource policies of the resource; nearly always at most one.
	Resource     []*Policy
	ResourceMode ResourceMode
	// SCP holds the service control policies above the caller's account, RCP the
	// resource control policies above the resource's account: one entry for each level
	// from the root to the account.
	SCP [][]*Policy
	RCP [][]*Policy
	// ManagementAccount is the organization's management account, which SCPs and RCPs
	// do not bind.
	ManagementAccount string
	// VPCEndpoint is the policy of the endpoint through which the request came.
	VPCEndpoint *Policy
	// Extra is asked in addition. It may be nil.
	Extra ExtraAllow
}

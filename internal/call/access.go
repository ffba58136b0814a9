package call

import "fastness/internal/policy"

// Access is one thing a call does to one resource, for which policies must allow. A
// service's Resolve makes it; the front door evaluates it.
type Access struct {
	// Action as IAM spells it: "kms:Decrypt".
	Action string
	// Resource is the ARN, or "*" for actions without a resource.
	Resource string
	// ResourceType is CloudTrail's name for it: "AWS::KMS::Key".
	ResourceType string
	// Account owns the resource; empty means the caller's.
	Account string
	// Policy is the resource policy and Mode what it is worth; nil when there is none.
	Policy *policy.Policy
	Mode   policy.ResourceMode
	// ResourceTags are the tags the resource has (aws:ResourceTag/…), RequestTags the
	// ones the call sets (aws:RequestTag/…, aws:TagKeys); TagKeys those it removes.
	ResourceTags, RequestTags map[string]string
	TagKeys                   []string
	// Context answers the service's own condition keys ("kms:…"). May be nil.
	Context policy.Context
	// Extra is permission outside policies: the grants of a KMS key. May be nil.
	Extra policy.ExtraAllow
	// Named is what a refusal calls the resource, where the service does not call it by its
	// ARN there: "user alice". Hidden is for resources of which a caller may not learn whether
	// they exist; see policy.Request for both.
	Named, Hidden string
	// Unexplained: the service's refusals do not say why.
	Unexplained bool
	// Unlogged accesses are checked but do not appear among the resources of the
	// audit record.
	Unlogged bool
}

package call

// Access is one thing a call does to one resource, for which policies must allow.
type Access struct {
	// Action as IAM spells it: "kms:Decrypt".
	Action string
	// Resource is the ARN, or "*" for actions without a resource.
	Resource string
	// ResourceType is CloudTrail's name for it: "AWS::KMS::Key".
	ResourceType string
	// Account owns the resource; empty means the caller's.
	Account string
}

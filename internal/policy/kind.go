package policy

// Kind says what a policy is attached to. It decides which elements the document
// may have, which words AWS uses for its errors, and the name of the policy type
// in a denial.
type Kind uint8

// The kinds of policy.
const (
	IdentityManaged Kind = iota + 1 // managed policy of a user, group or role
	IdentityInline                  // inline policy of a user, group or role
	Boundary                        // permissions boundary (a managed policy by another use)
	Session                         // policy passed to AssumeRole or GetFederationToken
	Resource                        // policy of a bucket, queue, topic, secret …
	KMSKey                          // key policy
	RoleTrust                       // trust policy of a role
	ServiceControl                  // service control policy (SCP)
	ResourceControl                 // resource control policy (RCP)
	VPCEndpoint                     // VPC endpoint policy
)

// String names the policy type as AWS does in a denial.
func (k Kind) String() string { return k.layer().String() }

func (k Kind) layer() Layer {
	switch k {
	case IdentityManaged, IdentityInline:
		return LayerIdentity
	case Boundary:
		return LayerBoundary
	case Session:
		return LayerSession
	case RoleTrust:
		return LayerTrust
	case ServiceControl:
		return LayerSCP
	case ResourceControl:
		return LayerRCP
	case VPCEndpoint:
		return LayerVPCEndpoint
	default:
		return LayerResource
	}
}

// need says whether an element must, may or must not be present.
type need uint8

const (
	optional need = iota
	required
	prohibited
)

// grammar is what one kind of policy may contain. AWS has two generations of
// validators: the older one (managed and inline identity policies) answers with
// general sentences, the newer one names the field or the position.
type grammar struct {
	older         bool // speak like the validator of identity policies
	principal     need
	notPrincipal  bool // NotPrincipal is accepted (with Effect Deny only)
	resource      need
	id            bool // the Id element is accepted
	version2012   bool // Version must be 2012-10-17
	plainSid      bool // Sid is [0-9A-Za-z]*
	stsOnly       bool // only sts: actions
	everybodyOnly bool // Principal must be "*"
	inert         bool // a statement without Action or Resource is accepted and has no effect
}

func (k Kind) grammar() grammar {
	switch k {
	case IdentityManaged, Boundary:
		return grammar{older: true, principal: prohibited, resource: required, version2012: true, plainSid: true}
	case IdentityInline:
		return grammar{older: true, principal: prohibited, resource: required, plainSid: true}
	case Session:
		return grammar{principal: prohibited, resource: required, plainSid: true}
	case RoleTrust:
		return grammar{principal: required, resource: prohibited, id: true, plainSid: true, stsOnly: true}
	case ServiceControl:
		return grammar{principal: prohibited, resource: required, id: true, plainSid: true}
	case ResourceControl:
		return grammar{principal: required, resource: required, id: true, plainSid: true, everybodyOnly: true}
	case KMSKey: // AWS KMS API reference, PutKeyPolicy, Policy: such statements have no effect
		return grammar{principal: required, notPrincipal: true, resource: required, id: true, inert: true}
	case Resource: // without Resource, a statement means the resource it is attached to
		return grammar{principal: required, notPrincipal: true, id: true}
	default:
		return grammar{principal: required, notPrincipal: true, resource: required, id: true}
	}
}

package policy

// Layer is a type of policy in a decision, as a denial names it.
type Layer uint8

// The layers. Their order is the order in which a decision looks for explicit denies.
const (
	LayerNone Layer = iota
	LayerSCP
	LayerRCP
	LayerVPCEndpoint
	LayerResource
	LayerTrust
	LayerIdentity
	LayerBoundary
	LayerSession
)

// String is AWS's name of the policy type in "Troubleshoot access denied error
// messages".
func (l Layer) String() string {
	switch l {
	case LayerSCP:
		return "service control policy"
	case LayerRCP:
		return "resource control policy"
	case LayerVPCEndpoint:
		return "VPC endpoint policy"
	case LayerResource:
		return "resource-based policy"
	case LayerTrust:
		return "role trust policy"
	case LayerIdentity:
		return "identity-based policy"
	case LayerBoundary:
		return "permissions boundary"
	case LayerSession:
		return "session policy"
	}
	return ""
}

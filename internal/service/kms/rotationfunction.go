package kms

import (
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// Rotation functions under a customer managed key.
//
// On AWS a function that rotates a secret has a role of the secret's account, and the
// account's IAM policies let that role use the secret's key as far as the key policy gives
// the key to the account (AWS Secrets Manager user guide, "Lambda rotation function
// execution role permissions": kms:Decrypt and kms:GenerateDataKey). The functions that are
// built in have no role: Secrets Manager calls for them as itself, for the account. So what
// the key policy gives to the account counts for these calls: reading and writing the values
// of the very secret that is being rotated, or of its replicas, through Secrets Manager. What the policy denies
// stays denied, and a key whose policy gives nothing to the account must name
// secretsmanager.amazonaws.com.

const secretsManager = "secretsmanager.amazonaws.com"

// rotationCheck is the permission of a built-in rotation function; see above.
type rotationCheck struct {
	request  policy.Request
	policies policy.Policies
	next     policy.ExtraAllow // grants; may be nil
}

// newRotationCheck puts the permission of a rotation function before others, if the call is
// one of its.
func newRotationCheck(c *call.Call, a *call.Access, encryptionContext map[string]string) policy.ExtraAllow {
	if c.Principal.Kind != call.Service || c.Principal.Service != secretsManager || a.Account != c.Principal.Account ||
		len(c.Via) == 0 || c.Via[len(c.Via)-1] != secretsManager || !sameSecret(encryptionContext["SecretARN"], c.SourceARN) ||
		a.Action != "kms:Decrypt" && a.Action != "kms:GenerateDataKey" {
		return a.Extra
	}
	account := policy.Principal{Type: policy.RootUser, ARN: "arn:" + call.Partition + ":iam::" + a.Account + ":root", Account: a.Account}
	return &rotationCheck{
		request: policy.Request{
			Principal: &account, Action: a.Action, Resource: a.Resource, ResourceAccount: a.Account, Context: a.Context,
		},
		policies: policy.Policies{Resource: []*policy.Policy{a.Policy}, ResourceMode: a.Mode},
		next:     a.Extra,
	}
}

// sameSecret tells whether two ARNs are those of one secret, in whatever Regions.
func sameSecret(a, b string) bool {
	one, err := arn.Parse(a)
	if err != nil {
		return false
	}
	other, err := arn.Parse(b)
	return err == nil && one.Account == other.Account && one.Service == "secretsmanager" && other.Service == one.Service && one.Resource == other.Resource
}

// Allow implements policy.ExtraAllow.
func (r *rotationCheck) Allow() (id string, ok bool) {
	result := policy.Evaluate(&r.request, &r.policies, nil)
	if result.Allowed() || r.next == nil {
		return "", result.Allowed()
	}
	return r.next.Allow()
}

package kms

import (
	"context"
	"slices"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// maxPolicyBytes is KMS's quota for a key policy document (32 KB).
const maxPolicyBytes = 32 << 10

// policyName is the only name a key policy can have.
const policyName = "default"

// GetKeyPolicy implements the operation of that name.
func (s *Service) GetKeyPolicy(ctx context.Context, in *kmsapi.GetKeyPolicyRequest) (*kmsapi.GetKeyPolicyResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, notFound("No such policy exists")
	}
	shown, err := s.shownPolicy(k.record.Policy)
	if err != nil {
		return nil, err
	}
	return &kmsapi.GetKeyPolicyResponse{Policy: &shown, PolicyName: new(policyName)}, nil
}

// ListKeyPolicies implements the operation of that name.
func (s *Service) ListKeyPolicies(ctx context.Context, _ *kmsapi.ListKeyPoliciesRequest) (*kmsapi.ListKeyPoliciesResponse, error) {
	if _, _, err := target(ctx); err != nil {
		return nil, err
	}
	return &kmsapi.ListKeyPoliciesResponse{PolicyNames: []string{policyName}, Truncated: new(false)}, nil
}

// PutKeyPolicy implements the operation of that name.
func (s *Service) PutKeyPolicy(ctx context.Context, in *kmsapi.PutKeyPolicyRequest) (*kmsapi.PutKeyPolicyOutput, error) {
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, notFound("No such policy exists")
	}
	return &kmsapi.PutKeyPolicyOutput{}, s.change(ctx, func(k *keyRecord) (err error) {
		k.Policy, err = s.newPolicy(call.From(ctx), text(in.Policy), wire.Value(in.BypassPolicyLockoutSafetyCheck))
		return err
	})
}

// newPolicy returns a key policy as it is stored. It refuses one that is malformed or too
// large, that names principals who do not exist and, unless the caller insists, one that
// would not let the caller change it again (AWS KMS API reference,
// BypassPolicyLockoutSafetyCheck).
func (s *Service) newPolicy(c *call.Call, document string, bypass bool) (stored string, err error) {
	if len(document) > maxPolicyBytes {
		return "", &kmsapi.LimitExceededException{Message: new("Policy document exceeds the maximum size of " + itoa(maxPolicyBytes) + " bytes.")}
	}
	if stored, err = s.storedPolicy(document); err != nil {
		return "", err
	}
	p, err := policy.New(policy.KMSKey, "", []byte(stored))
	if err != nil {
		return "", malformedPolicy(err)
	}
	if bypass {
		return stored, nil
	}
	result := policy.Evaluate(&policy.Request{
		Principal: c.Principal.Subject(), Action: "kms:PutKeyPolicy",
		Resource: keyARN(c.Account, c.Region, "*"), ResourceAccount: c.Account,
		Context: &conditions{call: c},
	}, &policy.Policies{
		// The caller passes if the key policy lets it, or lets the account decide: IAM
		// policies that allow it may come later.
		Identity: []*policy.Policy{allowAll}, Resource: []*policy.Policy{p}, ResourceMode: policy.ResourceDelegating,
	}, nil)
	if !result.Allowed() {
		return "", &kmsapi.MalformedPolicyDocumentException{Message: new("The new key policy will not allow you to update the key policy in the future.")}
	}
	return stored, nil
}

// allowAll stands for identity policies that allow everything.
var allowAll = func() *policy.Policy {
	p, err := policy.New(policy.IdentityInline, "", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err) // a constant document
	}
	return p
}()

// Tag limits (AWS KMS developer guide, "Resource quotas").
const maxTags = 50

// newTags adds tags to old ones and checks the result.
func newTags(old []tag, add []kmsapi.Tag) ([]tag, error) {
	out := slices.Clone(old)
	seen := make(map[string]bool, len(add))
	for _, t := range add {
		k, v := text(t.TagKey), text(t.TagValue)
		if seen[k] {
			return nil, &kmsapi.TagException{Message: new("Duplicate tag keys")}
		}
		seen[k] = true
		if err := checkTagKey(k); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(out, func(t tag) bool { return t.Key == k }); i >= 0 {
			out[i].Value = v
		} else {
			out = append(out, tag{k, v})
		}
	}
	if len(out) > maxTags {
		return nil, &kmsapi.TagException{Message: new("Too many tags")}
	}
	return out, nil
}

func checkTagKey(k string) error {
	if len(k) >= 4 && (k[0]|0x20) == 'a' && (k[1]|0x20) == 'w' && (k[2]|0x20) == 's' && k[3] == ':' {
		return &kmsapi.TagException{Message: new("aws: prefixed tag key names are not allowed for external use.")}
	}
	return nil
}

package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// CloudTrail's names for what KMS touches.
const (
	typeKey   = "AWS::KMS::Key"
	typeAlias = "AWS::KMS::Alias"
)

// Resolve implements the door's resolver: it says which keys and aliases a call
// touches, with their policies and grants.
func (s *Service) Resolve(ctx context.Context, c *call.Call) ([]call.Access, error) {
	showDefaults(c.Input)
	switch in := c.Input.(type) {
	case *kmsapi.CreateKeyRequest:
		return s.resolveCreateKey(c, in), nil
	case *kmsapi.ReEncryptRequest:
		return s.resolveReEncrypt(ctx, c, in)
	case *kmsapi.CreateAliasRequest:
		return s.resolveAlias(ctx, c, text(in.AliasName), text(in.TargetKeyId))
	case *kmsapi.UpdateAliasRequest:
		return s.resolveAlias(ctx, c, text(in.AliasName), text(in.TargetKeyId))
	case *kmsapi.DeleteAliasRequest:
		return s.resolveAlias(ctx, c, text(in.AliasName), "")
	case *kmsapi.RetireGrantRequest:
		return s.resolveRetireGrant(ctx, c, in)
	case *kmsapi.ReplicateKeyRequest:
		return s.resolveReplicateKey(ctx, c, in)
	case *kmsapi.UpdatePrimaryRegionRequest:
		return s.resolveUpdatePrimaryRegion(ctx, c, in)
	}
	if in, ok := c.Input.(*kmsapi.ListRetirableGrantsRequest); ok {
		return s.resolveListRetirableGrants(c, in), nil
	}
	req := readRequest(c.Input)
	if req.key == "" && req.blob == nil && !req.ignoreBlob {
		r := &resolved{req: req}
		c.Resolved = r
		cond, err := s.conditionsFor(ctx, c, r)
		if err != nil {
			return nil, err
		}
		return r.only(call.Access{Action: actionOf(c), Resource: "*", Context: cond}), nil
	}
	r, err := s.locateRequest(ctx, c, req)
	if err != nil {
		return nil, err
	}
	c.Resolved = r
	a, err := s.keyAccess(ctx, c, r, actionOf(c))
	if err != nil {
		return nil, err
	}
	return r.only(a), nil
}

// actions are the IAM actions by operation: most operations have one, of their own name.
var actions = func() map[string]string {
	m := make(map[string]string)
	for i := range kmsapi.API.Operations {
		name := kmsapi.API.Operations[i].Name
		m[name] = "kms:" + name
	}
	return m
}()

func actionOf(c *call.Call) string { return actions[c.Operation.Name] }

// locateRequest finds the key that a request names, or that its ciphertext names.
func (s *Service) locateRequest(ctx context.Context, c *call.Call, req request) (*resolved, error) {
	if err := s.checkGrantTokens(req.tokens); err != nil {
		return nil, err
	}
	if req.key != "" {
		if err := checkNamedByID(c, req.key); err != nil {
			return nil, err
		}
		r, err := s.locate(ctx, c, req.key)
		if err != nil {
			return nil, err
		}
		r.req = req
		return r, nil
	}
	ref, err := blobKeyRef(req.blob)
	if err != nil {
		return nil, s.unreadableBlob(req)
	}
	k, err := s.directory.byRef(ctx, c.Region, ref)
	if err != nil {
		return nil, err
	}
	if k != nil {
		return &resolved{req: req, key: k, account: k.record.Account, region: k.record.Region, id: k.record.ID}, nil
	}
	away, err := s.directory.elsewhere(ctx, s.regions, ref)
	if err != nil {
		return nil, err
	}
	if away == (keyName{}) {
		return nil, &kmsapi.InvalidCiphertextException{}
	}
	// A ciphertext of another Region is refused like one of another account's key.
	return &resolved{req: req, account: away.account, region: away.region, id: away.id, away: true}, nil
}

// aliasTakers lists the operations that take an alias for a key; all others want a key
// id or key ARN (the parameter KeyId in the AWS KMS API reference).
var aliasTakers = map[string]bool{
	"Decrypt": true, "DeriveSharedSecret": true, "DescribeKey": true, "Encrypt": true, "GenerateDataKey": true,
	"GenerateDataKeyPair": true, "GenerateDataKeyPairWithoutPlaintext": true, "GenerateDataKeyWithoutPlaintext": true,
	"GenerateMac": true, "GetPublicKey": true, "ReEncrypt": true, "Sign": true, "Verify": true, "VerifyMac": true,
}

// checkNamedByID refuses an alias where the operation takes none.
func checkNamedByID(c *call.Call, name string) error {
	if aliasTakers[c.Operation.Name] {
		return nil
	}
	ref, err := parseReference(c, name)
	switch {
	case err != nil || ref.alias == "":
		return err
	case grantOperation(c.Operation.Name):
		return &kmsapi.InvalidArnException{Message: new("Key Aliases are not supported for this operation.")}
	}
	return notFound("Invalid keyId '" + name + "'")
}

func grantOperation(name string) bool {
	switch name {
	case "CreateGrant", "ListGrants", "RevokeGrant", "RetireGrant":
		return true
	}
	return false
}

// unreadableBlob is the refusal of a ciphertext that names no key. Asymmetric
// ciphertexts never do: their callers must say which key it is.
func (s *Service) unreadableBlob(req request) error {
	if req.encryptionAlgorithm != symmetricDefault {
		return invalid("The KeyId parameter is required when the ciphertext was encrypted under an asymmetric KMS key.")
	}
	return &kmsapi.InvalidCiphertextException{}
}

func invalid(message string) error {
	return &wire.CommonError{Kind: wire.Validation, Message: message}
}

// crossAccount lists the operations that may name a key of another account (the
// "Cross-account use" lines of the AWS KMS API reference).
var crossAccount = map[string]bool{
	"CreateGrant": true, "Decrypt": true, "DeriveSharedSecret": true, "DescribeKey": true, "Encrypt": true,
	"GenerateDataKey": true, "GenerateDataKeyPair": true, "GenerateDataKeyPairWithoutPlaintext": true,
	"GenerateDataKeyWithoutPlaintext": true, "GenerateMac": true, "GetKeyRotationStatus": true,
	"GetPublicKey": true, "ListGrants": true, "ReEncrypt": true, "RetireGrant": true, "RevokeGrant": true,
	"Sign": true, "Verify": true, "VerifyMac": true,
}

// keyAccess is the access of one action to one key.
func (s *Service) keyAccess(ctx context.Context, c *call.Call, r *resolved, action string) (call.Access, error) {
	cond, err := s.conditionsFor(ctx, c, r)
	if err != nil {
		return call.Access{}, err
	}
	a := call.Access{
		Action: action, Resource: r.arn(), ResourceType: typeKey, Account: r.account,
		Mode: policy.ResourceDelegating, Context: cond,
	}
	if r.id == "" { // an alias that stands for no key
		a.Resource, a.ResourceType = aliasARN(r.account, r.region, r.alias), typeAlias
	}
	if r.away || r.account != c.Account {
		// Whether the key of another account exists is not the caller's to know (the refusal
		// of Encrypt, GenerateDataKey, CreateGrant and others with a key of another account,
		// as users quote it; Decrypt: https://github.com/metaps/genova/issues/375).
		if a.Hidden = "this resource"; r.req.key == "" {
			a.Hidden = "the resource associated with this ciphertext"
		}
	}
	switch {
	case r.away:
		a.Unlogged = true
	case r.account != c.Account && !crossAccount[c.Operation.Name]:
		// No policy can allow it: the access stays without one.
	case r.key != nil:
		a.Policy, a.ResourceTags = r.key.policy, r.key.tags
		if op, grantable := grantOperations[action]; grantable {
			if a.Extra, err = s.newGrantCheck(ctx, c, r, op); err != nil {
				return call.Access{}, err
			}
			a.Extra = newRotationCheck(c, &a, r.req.context)
		}
	case r.account == c.Account:
		// There is no key. Who may use any key of the account learns that; nobody else.
		a.Policy = s.delegatingPolicy(c.Account)
	}
	setTags(&a, c.Input)
	return a, nil
}

// conditionsFor prepares the condition keys of one access. An attestation document is
// verified here, because policies may ask for what it says.
func (s *Service) conditionsFor(ctx context.Context, c *call.Call, r *resolved) (*conditions, error) {
	cond := &r.conditions
	*cond = conditions{call: c, req: &r.req, key: r.key, alias: r.alias}
	if r.req.recipient != nil {
		doc, err := s.attest(ctx, r.req.recipient)
		if err != nil {
			return nil, err
		}
		r.attested, cond.attested = doc, doc
	}
	return cond, nil
}

// setTags fills in the tags that a call sets or removes.
func setTags(a *call.Access, in any) {
	switch in := in.(type) {
	case *kmsapi.TagResourceRequest:
		a.RequestTags = requestTags(in.Tags)
	case *kmsapi.UntagResourceRequest:
		a.TagKeys = in.TagKeys
	}
}

func requestTags(tags []kmsapi.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[text(t.TagKey)] = text(t.TagValue)
	}
	return m
}

func (s *Service) resolveCreateKey(c *call.Call, in *kmsapi.CreateKeyRequest) []call.Access {
	c.Resolved = &resolved{account: c.Account, region: c.Region}
	cond := &conditions{call: c}
	accesses := []call.Access{{Action: "kms:CreateKey", Resource: "*", RequestTags: requestTags(in.Tags), Context: cond}}
	if len(in.Tags) > 0 {
		accesses = append(accesses, call.Access{Action: "kms:TagResource", Resource: "*", RequestTags: requestTags(in.Tags), Context: cond})
	}
	if wire.Value(in.MultiRegion) {
		accesses = append(accesses, call.Access{
			Action: "iam:CreateServiceLinkedRole", Context: cond, Unlogged: true,
			Resource: "arn:" + call.Partition + ":iam::" + c.Account + ":role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
		})
	}
	return accesses
}

// resolveReEncrypt: kms:ReEncryptFrom on the source, kms:ReEncryptTo on the
// destination.
func (s *Service) resolveReEncrypt(ctx context.Context, c *call.Call, in *kmsapi.ReEncryptRequest) ([]call.Access, error) {
	from := readRequest(in)
	source, err := s.locateRequest(ctx, c, from)
	if err != nil {
		return nil, err
	}
	to := request{
		key: text(in.DestinationKeyId), tokens: in.GrantTokens, context: in.DestinationEncryptionContext, dryRun: from.dryRun,
		encryptionAlgorithm: orDefault(in.DestinationEncryptionAlgorithm, symmetricDefault),
	}
	destination, err := s.locateRequest(ctx, c, to)
	if err != nil {
		return nil, err
	}
	source.other = destination
	c.Resolved = source
	same := source.key != nil && destination.key != nil && source.arn() == destination.arn()
	var accesses []call.Access
	for _, side := range []struct {
		r      *resolved
		action string
	}{{source, "kms:ReEncryptFrom"}, {destination, "kms:ReEncryptTo"}} {
		a, err := s.keyAccess(ctx, c, side.r, side.action)
		if err != nil {
			return nil, err
		}
		if cond, ok := a.Context.(*conditions); ok {
			cond.sameKey = &same
		}
		accesses = append(accesses, a)
	}
	return accesses, nil
}

// resolveAlias: the action must be allowed on the alias (by IAM policies) and on
// every key concerned (by key policies).
func (s *Service) resolveAlias(ctx context.Context, c *call.Call, name, targetKey string) ([]call.Access, error) {
	if err := checkAliasName(name); err != nil {
		return nil, err
	}
	action := actionOf(c)
	r := &resolved{account: c.Account, region: c.Region, alias: name}
	c.Resolved = r
	cond := &conditions{call: c}
	accesses := []call.Access{{
		Action: action, Resource: aliasARN(c.Account, c.Region, name), ResourceType: typeAlias, Account: c.Account, Context: cond,
	}}
	add := func(k *resolved) error {
		a, err := s.keyAccess(ctx, c, k, action)
		if err == nil {
			accesses = append(accesses, a)
		}
		return err
	}
	if c.Operation.Name != "CreateAlias" {
		old, err := s.locate(ctx, c, name)
		if err != nil {
			return nil, err
		}
		r.other = old
		if old.key != nil {
			if err := add(old); err != nil {
				return nil, err
			}
		}
	}
	if targetKey == "" {
		return accesses, nil
	}
	ref, err := parseReference(c, targetKey)
	if err != nil {
		return nil, err
	}
	if ref.alias != "" {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	named, err := s.locate(ctx, c, targetKey)
	if err != nil {
		return nil, err
	}
	r.key, r.missing, r.id, r.account = named.key, named.missing, named.id, named.account
	if err := add(named); err != nil {
		return nil, err
	}
	return accesses, nil
}

// delegatingPolicy is AWS's default key policy: everything to the account, which
// decides by IAM policies.
func (s *Service) delegatingPolicy(account string) *policy.Policy {
	if !arn.IsAccountID(account) {
		return nil
	}
	p, err := policy.New(policy.KMSKey, "", []byte(defaultPolicy(account)))
	if err != nil {
		return nil
	}
	return p
}

// defaultPolicy is the key policy of a key that is created without one (AWS KMS
// developer guide, "Default key policy").
func defaultPolicy(account string) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:` + call.Partition + `:iam::` + account + `:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
}

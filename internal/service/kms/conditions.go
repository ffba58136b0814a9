package kms

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/engine/attestation"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// conditions answers the kms: condition keys for one access of a call (AWS KMS
// developer guide, "Condition keys for AWS KMS"). Names are in lower case, as package
// policy asks for them.
type conditions struct {
	call *call.Call
	req  *request // nil where a call says nothing that the keys are about
	key  *key     // nil when there is no key, or it does not exist
	// alias is the alias name the caller used, if any.
	alias string
	// sameKey is set for ReEncrypt, where both sides may be one key.
	sameKey *bool
	// attested is a verified attestation document, if the call has one.
	attested *attestation.Document
}

const (
	contextPrefix = "kms:encryptioncontext:"
	pcrPrefix     = "kms:recipientattestation:pcr"         // of an enclave
	tpmPrefix     = "kms:recipientattestation:nitrotpmpcr" // of an instance with NitroTPM
)

// Lookup implements policy.Context.
func (c *conditions) Lookup(name string) (policy.Values, bool) {
	if !strings.HasPrefix(name, "kms:") {
		return policy.Values{}, false
	}
	if c.req == nil {
		c.req = new(request)
	}
	if k, ok := strings.CutPrefix(name, contextPrefix); ok {
		return c.encryptionContext(k)
	}
	if n, ok := strings.CutPrefix(name, pcrPrefix); ok {
		return c.pcr(attestation.Enclave, n)
	}
	if n, ok := strings.CutPrefix(name, tpmPrefix); ok {
		return c.pcr(attestation.NitroTPM, n)
	}
	switch name {
	case "kms:calleraccount":
		return some(c.call.Account)
	case "kms:viaservice":
		return some(c.call.ViaService())
	case "kms:encryptionalgorithm":
		return some(c.req.encryptionAlgorithm)
	case "kms:signingalgorithm":
		return some(c.req.signingAlgorithm)
	case "kms:macalgorithm":
		return some(c.req.macAlgorithm)
	case "kms:keyagreementalgorithm":
		return some(c.req.agreementAlgorithm)
	case "kms:messagetype":
		return some(c.req.messageType)
	case "kms:requestalias":
		return some(c.alias)
	case "kms:encryptioncontextkeys":
		keys := make([]string, 0, len(c.req.context))
		for k := range c.req.context {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		return policy.Many(keys), len(keys) > 0
	case "kms:reencryptonsamekey":
		if c.sameKey == nil {
			return policy.Values{}, false
		}
		return policy.Flag(*c.sameKey), true
	case "kms:recipientattestation:imagesha384":
		return c.pcr(attestation.Enclave, "0")
	}
	if v, ok := c.fromInput(name); ok {
		return v, true
	}
	return c.fromKey(name)
}

func some(s string) (policy.Values, bool) { return policy.One(s), s != "" }

// encryptionContext finds a pair: the name of a condition key is compared without
// regard to case, the key of the pair within it as well. Pairs that differ in no more
// than case count all, in the order of their values.
func (c *conditions) encryptionContext(lower string) (policy.Values, bool) {
	var first string
	var all []string
	n := 0
	for k, v := range c.req.context {
		if !strings.EqualFold(k, lower) {
			continue
		}
		switch n++; n {
		case 1:
			first = v
		case 2:
			all = []string{first, v}
		default:
			all = append(all, v)
		}
	}
	if n > 1 {
		slices.Sort(all)
		return policy.Many(all), true
	}
	return policy.One(first), n == 1
}

// pcr is a register of the attested platform, in lower-case hexadecimal. The registers
// of an enclave and of a NitroTPM mean different measurements: a document of the one
// never satisfies a condition on the other.
func (c *conditions) pcr(source attestation.Source, index string) (policy.Values, bool) {
	n, err := strconv.Atoi(index)
	if err != nil || strconv.Itoa(n) != index || c.attested == nil || c.attested.Source != source {
		return policy.Values{}, false
	}
	v, ok := c.attested.PCRs[n]
	if !ok {
		return policy.Values{}, false
	}
	return policy.One(hex.EncodeToString(v)), true
}

// fromInput answers the keys that describe one operation's own parameters.
func (c *conditions) fromInput(name string) (policy.Values, bool) {
	switch in := c.call.Input.(type) {
	case *kmsapi.CreateKeyRequest:
		return fromCreateKey(in, name)
	case *kmsapi.PutKeyPolicyRequest:
		if name == "kms:bypasspolicylockoutsafetycheck" {
			return policy.Flag(wire.Value(in.BypassPolicyLockoutSafetyCheck)), true
		}
	case *kmsapi.CreateGrantRequest:
		return c.fromCreateGrant(in, name)
	case *kmsapi.ReplicateKeyRequest:
		switch name {
		case "kms:replicaregion":
			return some(text(in.ReplicaRegion))
		case "kms:bypasspolicylockoutsafetycheck":
			return policy.Flag(wire.Value(in.BypassPolicyLockoutSafetyCheck)), true
		}
	case *kmsapi.UpdatePrimaryRegionRequest:
		if name == "kms:primaryregion" {
			return some(text(in.PrimaryRegion))
		}
	case *kmsapi.ScheduleKeyDeletionRequest:
		if name == "kms:schedulekeydeletionpendingwindowindays" {
			return policy.Int(int64(pendingWindow(in.PendingWindowInDays))), true
		}
	case *kmsapi.EnableKeyRotationRequest:
		if name == "kms:rotationperiodindays" {
			days := int64(defaultRotationDays)
			if in.RotationPeriodInDays != nil {
				days = int64(*in.RotationPeriodInDays)
			}
			return policy.Int(days), true
		}
	case *kmsapi.GetParametersForImportRequest:
		switch name {
		case "kms:wrappingalgorithm":
			return some(text(in.WrappingAlgorithm))
		case "kms:wrappingkeyspec":
			return some(text(in.WrappingKeySpec))
		}
	case *kmsapi.ImportKeyMaterialRequest:
		switch name {
		case "kms:expirationmodel":
			return some(orDefault(in.ExpirationModel, string(kmsapi.ExpirationModelTypeKeyMaterialExpires)))
		case "kms:validto":
			if in.ValidTo != nil {
				return policy.Time(*in.ValidTo), true
			}
		}
	case *kmsapi.GenerateDataKeyPairRequest:
		if name == "kms:datakeypairspec" {
			return some(text(in.KeyPairSpec))
		}
	case *kmsapi.GenerateDataKeyPairWithoutPlaintextRequest:
		if name == "kms:datakeypairspec" {
			return some(text(in.KeyPairSpec))
		}
	case *kmsapi.RetireGrantRequest, *kmsapi.RevokeGrantRequest:
		if name == "kms:grantisforawsresource" {
			return policy.Flag(c.forAWSResource()), true
		}
	case *kmsapi.ListGrantsRequest:
		if name == "kms:grantisforawsresource" {
			return policy.Flag(c.forAWSResource()), true
		}
	}
	return policy.Values{}, false
}

// forAWSResource tells whether an AWS service makes the call on somebody's behalf.
func (c *conditions) forAWSResource() bool {
	return len(c.call.Via) > 0 || c.call.Principal.Kind == call.Service
}

func fromCreateKey(in *kmsapi.CreateKeyRequest, name string) (policy.Values, bool) {
	switch name {
	case "kms:bypasspolicylockoutsafetycheck":
		return policy.Flag(wire.Value(in.BypassPolicyLockoutSafetyCheck)), true
	case "kms:keyspec", "kms:customermasterkeyspec":
		return some(requestedSpec(in))
	case "kms:keyusage", "kms:customermasterkeyusage":
		return some(orDefault(in.KeyUsage, string(kmsapi.KeyUsageTypeEncryptDecrypt)))
	case "kms:keyorigin":
		return some(orDefault(in.Origin, string(kmsapi.OriginTypeAWSKMS)))
	case "kms:multiregion":
		return policy.Flag(wire.Value(in.MultiRegion)), true
	case "kms:multiregionkeytype":
		if wire.Value(in.MultiRegion) {
			return policy.One(string(kmsapi.MultiRegionKeyTypePrimary)), true
		}
	}
	return policy.Values{}, false
}

func (c *conditions) fromCreateGrant(in *kmsapi.CreateGrantRequest, name string) (policy.Values, bool) {
	switch name {
	case "kms:granteeprincipal":
		return some(text(in.GranteePrincipal))
	case "kms:retiringprincipal":
		return some(text(in.RetiringPrincipal))
	case "kms:grantisforawsresource":
		return policy.Flag(c.forAWSResource()), true
	case "kms:grantoperations":
		ops := make([]string, len(in.Operations))
		for i, o := range in.Operations {
			ops[i] = string(o)
		}
		return policy.Many(ops), true
	case "kms:grantconstrainttype":
		switch {
		case in.Constraints == nil:
		case in.Constraints.EncryptionContextEquals != nil:
			return policy.One("EncryptionContextEquals"), true
		case in.Constraints.EncryptionContextSubset != nil:
			return policy.One("EncryptionContextSubset"), true
		}
	}
	return policy.Values{}, false
}

// fromKey answers the keys that describe the key.
func (c *conditions) fromKey(name string) (policy.Values, bool) {
	if c.key == nil {
		return policy.Values{}, false
	}
	r := &c.key.record
	switch name {
	case "kms:keyspec", "kms:customermasterkeyspec":
		return some(r.Spec)
	case "kms:keyusage", "kms:customermasterkeyusage":
		return some(r.Usage)
	case "kms:keyorigin":
		return some(r.Origin)
	case "kms:multiregion":
		return policy.Flag(r.MultiRegion != nil), true
	case "kms:multiregionkeytype":
		if r.MultiRegion != nil {
			return policy.One(string(r.MultiRegion.Type)), true
		}
	case "kms:primaryregion":
		if r.MultiRegion != nil {
			return some(r.MultiRegion.Primary)
		}
	case "kms:resourcealiases":
		return policy.Many(c.key.aliases), len(c.key.aliases) > 0
	}
	return policy.Values{}, false
}

// requestedSpec is the key spec of CreateKey: KeySpec, or the older
// CustomerMasterKeySpec, or the default.
func requestedSpec(in *kmsapi.CreateKeyRequest) string {
	if in.KeySpec != nil {
		return string(*in.KeySpec)
	}
	return orDefault(in.CustomerMasterKeySpec, symmetricDefault)
}

// pendingWindow is the waiting period in days; AWS's default is 30.
func pendingWindow(days *int32) int {
	if days == nil {
		return 30
	}
	return int(*days)
}

var _ policy.Context = (*conditions)(nil)

// String helps in explanations.
func (c *conditions) String() string { return fmt.Sprintf("conditions of %s", c.call.Operation.Name) }

package secretsmanager

import (
	"strings"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// conditions answers the secretsmanager: condition keys of one access (service
// authorization reference, "Condition keys for AWS Secrets Manager"). Names are in lower
// case, as package policy asks for them.
type conditions struct {
	call   *call.Call
	secret *secret // nil when there is none, or it does not exist
}

const resourceTagPrefix = "secretsmanager:resourcetag/"

// Lookup implements policy.Context.
func (c *conditions) Lookup(name string) (policy.Values, bool) {
	rest, ok := strings.CutPrefix(name, actionPrefix)
	if !ok {
		return policy.Values{}, false
	}
	if v, ok := c.fromRequest(rest); ok {
		return v, true
	}
	if c.secret == nil {
		return policy.Values{}, false
	}
	rec := &c.secret.record
	if key, ok := strings.CutPrefix(name, resourceTagPrefix); ok {
		for k, v := range c.secret.tags {
			if strings.EqualFold(k, key) {
				return policy.One(v), true
			}
		}
		return policy.Values{}, false
	}
	switch rest {
	case "secretid":
		return policy.One(c.secret.arn), true
	case "secretprimaryregion":
		return some(rec.PrimaryRegion)
	case "resource/allowrotationlambdaarn":
		if rec.Rotation != nil {
			return some(rec.Rotation.Function)
		}
	case "resource/type":
		return some(rec.Type)
	}
	return policy.Values{}, false
}

func some(s string) (policy.Values, bool) { return policy.One(s), s != "" }

func text[S ~string](p *S) (policy.Values, bool) { return some(string(wire.Value(p))) }

func flag(p *bool) (policy.Values, bool) { return policy.Flag(wire.Value(p)), true }

func regions(add []secretsmanagerapi.ReplicaRegionType) (policy.Values, bool) {
	var names []string
	for _, r := range add {
		names = append(names, wire.Value(r.Region))
	}
	return policy.Many(names), len(names) > 0
}

// kmsKeyID answers KmsKeyId and KmsKeyArn: the key as the request names it, the second
// only if that is an ARN.
func kmsKeyID(key string, p *string) (policy.Values, bool) {
	if key == "kmskeyarn" && !strings.HasPrefix(wire.Value(p), "arn:") {
		return policy.Values{}, false
	}
	return text(p)
}

// fromRequest answers the keys that describe an operation's own parameters.
func (c *conditions) fromRequest(key string) (v policy.Values, ok bool) {
	switch in := c.call.Input.(type) {
	case *secretsmanagerapi.CreateSecretRequest:
		switch key {
		case "name":
			return text(in.Name)
		case "description":
			return text(in.Description)
		case "kmskeyid", "kmskeyarn":
			return kmsKeyID(key, in.KmsKeyId)
		case "addreplicaregions":
			return regions(in.AddReplicaRegions)
		case "forceoverwritereplicasecret":
			return flag(in.ForceOverwriteReplicaSecret)
		case "type":
			return text(in.Type)
		}
	case *secretsmanagerapi.UpdateSecretRequest:
		switch key {
		case "description":
			return text(in.Description)
		case "kmskeyid", "kmskeyarn":
			return kmsKeyID(key, in.KmsKeyId)
		case "type":
			return text(in.Type)
		}
	case *secretsmanagerapi.GetSecretValueRequest:
		switch key {
		case "versionid":
			return text(in.VersionId)
		case "versionstage":
			if in.VersionStage == nil && in.VersionId == nil {
				return policy.Many([]string{stageCurrent}), true
			}
			return policy.Many([]string{string(wire.Value(in.VersionStage))}), in.VersionStage != nil
		}
	case *secretsmanagerapi.UpdateSecretVersionStageRequest:
		if key == "versionstage" {
			return policy.Many([]string{wire.Value(in.VersionStage)}), true
		}
	case *secretsmanagerapi.DeleteSecretRequest:
		switch key {
		case "forcedeletewithoutrecovery":
			return flag(in.ForceDeleteWithoutRecovery)
		case "recoverywindowindays":
			if in.RecoveryWindowInDays != nil {
				return policy.Int(*in.RecoveryWindowInDays), true
			}
		}
	case *secretsmanagerapi.PutResourcePolicyRequest:
		if key == "blockpublicpolicy" {
			return flag(in.BlockPublicPolicy)
		}
	case *secretsmanagerapi.ReplicateSecretToRegionsRequest:
		switch key {
		case "addreplicaregions":
			return regions(in.AddReplicaRegions)
		case "forceoverwritereplicasecret":
			return flag(in.ForceOverwriteReplicaSecret)
		}
	case *secretsmanagerapi.RotateSecretRequest:
		switch key {
		case "rotationlambdaarn":
			return text(in.RotationLambdaARN)
		case "rotateimmediately":
			return policy.Flag(in.RotateImmediately == nil || *in.RotateImmediately), true
		case "modifyrotationrules":
			return policy.Flag(in.RotationRules != nil), true
		case "externalsecretrotationrolearn":
			return text(in.ExternalSecretRotationRoleArn)
		}
	}
	return policy.Values{}, false
}

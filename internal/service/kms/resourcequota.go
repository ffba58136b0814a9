package kms

import (
	"fmt"
	"maps"
	"slices"
)

// Names of resource quotas: how much there may be of a thing.
const (
	QuotaKeys            = "Keys"            // of an account in a Region, whatever their state
	QuotaKeyStores       = "CustomKeyStores" // of an account in a Region
	QuotaAliasesPerKey   = "AliasesPerKey"
	QuotaGrantsPerKey    = "GrantsPerKey"
	QuotaRotationsPerKey = "OnDemandRotationsPerKey" // in the life of the key
)

// AWSResourceQuotas are AWS's resource quotas (AWS KMS developer guide, "Resource
// quotas"; AWS KMS API reference, RotateKeyOnDemand).
func AWSResourceQuotas() map[string]int {
	return map[string]int{
		QuotaKeys: 100_000, QuotaKeyStores: 10, QuotaAliasesPerKey: 50, QuotaGrantsPerKey: 50_000, QuotaRotationsPerKey: 25,
	}
}

// resourceQuotas are the resource quotas in force.
type resourceQuotas struct{ keys, keyStores, aliases, grants, rotations int }

// newResourceQuotas are AWS's quotas with some replaced. It refuses quotas that do not
// exist and numbers below 1.
func newResourceQuotas(replaced map[string]int) (q resourceQuotas, err error) {
	quotas := AWSResourceQuotas()
	for _, name := range slices.Sorted(maps.Keys(replaced)) {
		if _, ok := quotas[name]; !ok {
			return q, fmt.Errorf("kms: no resource quota is called %q", name)
		}
		if replaced[name] < 1 {
			return q, fmt.Errorf("kms: resource quota %s: %d is less than 1", name, replaced[name])
		}
		quotas[name] = replaced[name]
	}
	return resourceQuotas{
		keys: quotas[QuotaKeys], keyStores: quotas[QuotaKeyStores], aliases: quotas[QuotaAliasesPerKey],
		grants: quotas[QuotaGrantsPerKey], rotations: quotas[QuotaRotationsPerKey],
	}, nil
}

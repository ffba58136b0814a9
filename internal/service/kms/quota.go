package kms

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/engine/keyalg"
	"fastness/internal/wire"
)

// Groups of operations that share a request quota. Every other operation has a quota of
// its own, under its name; the two that make data key pairs share one for each spec,
// "GenerateDataKeyPair/RSA_2048" and so on.
const (
	QuotaSymmetric = "SymmetricCryptographicOperations" // HMAC keys and GenerateRandom too
	QuotaRSA       = "RSACryptographicOperations"
	QuotaECC       = "ECCCryptographicOperations"
	QuotaMLDSA     = "MLDSACryptographicOperations"
	QuotaSM2       = "SM2CryptographicOperations"
	QuotaKeyStore  = "CustomKeyStoreCryptographicOperations"
)

const pairQuota = "GenerateDataKeyPair/"

// AWSRequestQuotas are AWS's request quotas, per second, for one account in one Region
// (AWS KMS developer guide, "Request quotas"; those of the large Regions, before any
// increase).
func AWSRequestQuotas() map[string]float64 {
	return map[string]float64{
		QuotaSymmetric: 100_000, QuotaRSA: 1000, QuotaECC: 1000, QuotaMLDSA: 1000, QuotaSM2: 300, QuotaKeyStore: 1800,
		pairQuota + "RSA_2048": 1, pairQuota + "RSA_3072": 0.5, pairQuota + "RSA_4096": 0.1,
		pairQuota + "ECC_NIST_P256": 100, pairQuota + "ECC_NIST_P384": 100, pairQuota + "ECC_NIST_P521": 100,
		pairQuota + "ECC_NIST_EDWARDS25519": 100, pairQuota + "ECC_SECG_P256K1": 100, pairQuota + "SM2": 25,
		"CancelKeyDeletion": 5, "ConnectCustomKeyStore": 5, "CreateAlias": 5, "CreateCustomKeyStore": 5, "CreateGrant": 50,
		"CreateKey": 5, "DeleteAlias": 15, "DeleteCustomKeyStore": 5, "DeleteImportedKeyMaterial": 15,
		"DescribeCustomKeyStores": 5, "DescribeKey": 2000, "DisableKey": 5, "DisableKeyRotation": 5,
		"DisconnectCustomKeyStore": 5, "EnableKey": 5, "EnableKeyRotation": 15, "GetKeyLastUsage": 100, "GetKeyPolicy": 1000,
		"GetKeyRotationStatus": 1000, "GetParametersForImport": 0.25, "GetPublicKey": 2000, "ImportKeyMaterial": 15,
		"ListAliases": 500, "ListGrants": 100, "ListKeyPolicies": 100, "ListKeyRotations": 100, "ListKeys": 500,
		"ListResourceTags": 2000, "ListRetirableGrants": 100, "PutKeyPolicy": 15, "ReplicateKey": 5, "RetireGrant": 30,
		"RevokeGrant": 30, "RotateKeyOnDemand": 5, "ScheduleKeyDeletion": 15, "TagResource": 10, "UntagResource": 5,
		"UpdateAlias": 5, "UpdateCustomKeyStore": 5, "UpdateKeyDescription": 5, "UpdatePrimaryRegion": 5,
	}
}

// Quotas throttles calls: a token bucket for each account, Region and group of
// operations, which holds what one second gives (at least one call). Calls that services
// make on an account's behalf count as the account's own; calls of services for
// themselves are free. It is safe for concurrent use.
type Quotas struct {
	service *Service
	clock   clock.Clock
	rates   map[string]float64

	mu      sync.Mutex
	buckets map[bucketName]*bucket
}

type bucketName struct{ account, region, group string }

type bucket struct {
	level float64
	at    time.Time
}

// maxBuckets bounds the memory; beyond it, buckets that are full again are dropped.
const maxBuckets = 1 << 16

// NewQuotas makes the quotas with the rates given, in calls per second by group. A group
// without a rate is not limited. It refuses groups that do not exist and rates that are
// not positive numbers.
func (s *Service) NewQuotas(rates map[string]float64) (*Quotas, error) {
	known := AWSRequestQuotas()
	for _, group := range slices.Sorted(maps.Keys(rates)) {
		if _, ok := known[group]; !ok {
			return nil, fmt.Errorf("kms: no request quota is called %q", group)
		}
		if r := rates[group]; !(r > 0) || math.IsInf(r, 0) {
			return nil, fmt.Errorf("kms: request quota %s: %v is not a rate", group, r)
		}
	}
	return &Quotas{service: s, clock: s.clock, rates: maps.Clone(rates), buckets: make(map[bucketName]*bucket)}, nil
}

// Admit takes one call from the quota of its account, or refuses it with
// ThrottlingException (front.Quota).
func (q *Quotas) Admit(c *call.Call) error {
	if c.Account == "" || c.Principal.Kind == call.Service {
		return nil
	}
	group := q.service.quotaGroup(c)
	rate, limited := q.rates[group]
	if !limited || q.take(bucketName{c.Account, c.Region, group}, rate, cost(c, group)) {
		return nil
	}
	return &wire.CommonError{Kind: wire.Throttling, Message: "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."}
}

func (q *Quotas) take(name bucketName, rate, cost float64) bool {
	size := max(rate, 1)
	now := q.clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.buckets[name]
	if b == nil {
		if len(q.buckets) >= maxBuckets {
			q.dropFull(now)
		}
		b = &bucket{level: size, at: now}
		q.buckets[name] = b
	}
	if d := now.Sub(b.at); d > 0 {
		b.level = min(size, b.level+rate*d.Seconds())
		b.at = now
	}
	if cost = min(cost, size); b.level < cost {
		return false
	}
	b.level -= cost
	return true
}

// dropFull forgets the buckets that are full by now: a new one is the same. The caller
// holds q.mu.
func (q *Quotas) dropFull(now time.Time) {
	for name, b := range q.buckets {
		rate := q.rates[name.group]
		if b.level+rate*now.Sub(b.at).Seconds() >= max(rate, 1) {
			delete(q.buckets, name)
		}
	}
}

// cost is what a call takes from its bucket. In a custom key store, making a key or
// random bytes costs three times what encryption does.
func cost(c *call.Call, group string) float64 {
	if group == QuotaKeyStore {
		switch c.Operation.Name {
		case "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateRandom":
			return 3
		}
	}
	return 1
}

// quotaGroup is the group that a call counts in: for cryptographic operations that of
// the kind of key. A key that is not in memory yet counts as a symmetric one.
func (s *Service) quotaGroup(c *call.Call) string {
	switch in := c.Input.(type) {
	case *kmsapi.GenerateDataKeyPairRequest:
		return pairQuota + text(in.KeyPairSpec)
	case *kmsapi.GenerateDataKeyPairWithoutPlaintextRequest:
		return pairQuota + text(in.KeyPairSpec)
	case *kmsapi.GenerateRandomRequest:
		if in.CustomKeyStoreId != nil {
			return QuotaKeyStore
		}
		return QuotaSymmetric
	}
	switch c.Operation.Name {
	case "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Sign", "Verify",
		"GenerateMac", "VerifyMac", "DeriveSharedSecret":
		return s.quotaOfKey(c)
	}
	return c.Operation.Name
}

func (s *Service) quotaOfKey(c *call.Call) string {
	req := readRequest(c.Input)
	if req.key == "" {
		return QuotaSymmetric // only their ciphertexts name their key
	}
	ref, err := parseReference(c, req.key)
	if err != nil {
		return QuotaSymmetric
	}
	k := s.directory.cached(ref)
	if k == nil {
		return QuotaSymmetric
	}
	switch spec := k.record.Spec; {
	case k.record.KeyStore != "":
		return QuotaKeyStore
	case !keyalg.Spec(spec).Asymmetric():
		return QuotaSymmetric
	case strings.HasPrefix(spec, "RSA"):
		return QuotaRSA
	case strings.HasPrefix(spec, "ML_DSA"):
		return QuotaMLDSA
	case spec == "SM2":
		return QuotaSM2
	}
	return QuotaECC
}

// cached returns the snapshot that a reference means, if it is in memory.
func (d *directory) cached(ref reference) *key {
	d.mu.RLock()
	defer d.mu.RUnlock()
	id := cmp.Or(ref.id, d.aliases[aliasName{ref.account, ref.region, ref.alias}])
	return d.keys[keyName{ref.account, ref.region, id}]
}

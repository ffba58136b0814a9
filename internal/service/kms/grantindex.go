package kms

import (
	"maps"
	"slices"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// grantOperations maps an IAM action to the grant operation that permits it.
var grantOperations = func() map[string]kmsapi.GrantOperation {
	m := make(map[string]kmsapi.GrantOperation)
	for _, op := range kmsapi.GrantOperation("").Values() {
		m["kms:"+string(op)] = op
	}
	return m
}()

// grantIndex finds the grants of a key by who may use them, so that the cost of a call
// does not depend on how many grants the key has. It is immutable.
type grantIndex struct {
	all       []grantRecord // in order of creation
	byGrantee map[string][]*grantRecord
}

func indexGrants(grants []grantRecord) *grantIndex {
	slices.SortStableFunc(grants, func(a, b grantRecord) int { return a.Created.Compare(b.Created) })
	x := &grantIndex{all: grants, byGrantee: make(map[string][]*grantRecord, len(grants))}
	for i := range grants {
		g := &grants[i]
		x.byGrantee[g.Grantee] = append(x.byGrantee[g.Grantee], g)
	}
	return x
}

// grantCheck asks the grants of a key whether they permit a call (policy.ExtraAllow).
type grantCheck struct {
	principal *call.Principal
	key       *key
	operation kmsapi.GrantOperation
	context   map[string]string
}

var _ policy.ExtraAllow = (*grantCheck)(nil)

func (s *Service) newGrantCheck(c *call.Call, r *resolved, op kmsapi.GrantOperation) policy.ExtraAllow {
	if len(r.key.grants.all) == 0 {
		return nil
	}
	return &grantCheck{principal: c.Principal, key: r.key, operation: op, context: r.req.context}
}

// Allow implements policy.ExtraAllow.
func (g *grantCheck) Allow() (id string, ok bool) {
	for _, name := range granteeNames(g.principal) {
		if name == "" {
			continue
		}
		for _, grant := range g.key.grants.byGrantee[name] {
			if grant.permits(g.operation, g.context) {
				return grant.ID, true
			}
		}
	}
	return "", false
}

// granteeNames are the principals a grant may name to mean p: the session or user
// itself, the role of the session, or the service.
func granteeNames(p *call.Principal) [3]string {
	switch p.Kind {
	case call.Service:
		return [3]string{p.Service}
	case call.AssumedRole:
		return [3]string{p.ARN, p.PolicyARN()}
	case call.Root:
		return [3]string{p.ARN, p.Account}
	}
	return [3]string{p.ARN}
}

// permits tells whether the grant holds the operation and its constraints are met.
func (g *grantRecord) permits(op kmsapi.GrantOperation, context map[string]string) bool {
	if !slices.Contains(g.Operations, op) {
		return false
	}
	if !constrained(op) {
		return true
	}
	if g.Equals != nil && !maps.Equal(g.Equals, context) {
		return false
	}
	for k, v := range g.Subset {
		if got, ok := context[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// constrained tells whether encryption context constraints apply to an operation:
// those that take an encryption context. Others are permitted whatever the
// constraint (AWS KMS API reference, GrantConstraints).
func constrained(op kmsapi.GrantOperation) bool {
	switch op {
	case kmsapi.GrantOperationDescribeKey, kmsapi.GrantOperationRetireGrant, kmsapi.GrantOperationCreateGrant,
		kmsapi.GrantOperationGetPublicKey, kmsapi.GrantOperationSign, kmsapi.GrantOperationVerify,
		kmsapi.GrantOperationGenerateMac, kmsapi.GrantOperationVerifyMac, kmsapi.GrantOperationDeriveSharedSecret:
		return false
	}
	return true
}

package kms

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/engine/keyalg"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/wire"
)

const (
	// Pages of ListGrants and ListRetirableGrants.
	grantsPage    = 50
	maxGrantsPage = 100
	// maxConstraintPairs and maxConstraintRunes bound one constraint of a grant.
	maxConstraintPairs = 8
	maxConstraintRunes = 384
)

// CreateGrant implements the operation of that name.
func (s *Service) CreateGrant(ctx context.Context, in *kmsapi.CreateGrantRequest) (*kmsapi.CreateGrantResponse, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	g := requestedGrant(in)
	g.Account, g.Region, g.KeyID = k.Account, k.Region, k.ID
	g.Issuing = "arn:" + call.Partition + ":iam::" + c.Account + ":root"
	if err := checkGrant(k, g); err != nil {
		return nil, err
	}
	if err := s.storePrincipals(g); err != nil {
		return nil, err
	}
	if g.Name != "" {
		if g.ID, err = s.tables.grantRequested(c.Txn(), g); err != nil {
			return nil, err
		}
	}
	known := g.ID != ""
	if !known {
		if err := s.checkGrantCount(ctx, g); err != nil {
			return nil, err
		}
		g.ID, g.Created = newGrantID(), s.clock.Now().UTC().Truncate(time.Second)
	}
	if wire.Value(in.DryRun) {
		return nil, dryRun()
	}
	if !known {
		if err := s.tables.grants.Insert(c.Txn(), g); err != nil {
			return nil, err
		}
		s.grantAfterCommit(c, g, 1)
	}
	token, err := s.grantToken(g)
	if err != nil {
		return nil, err
	}
	c.Notes.Response["grantToken"] = nil // the record is for others than the token
	return &kmsapi.CreateGrantResponse{GrantId: &g.ID, GrantToken: &token}, nil
}

// requestedGrant is the grant that a request describes.
func requestedGrant(in *kmsapi.CreateGrantRequest) *grantRecord {
	g := &grantRecord{Name: text(in.Name), Grantee: text(in.GranteePrincipal), Retiring: text(in.RetiringPrincipal)}
	for _, op := range in.Operations {
		if !slices.Contains(g.Operations, op) {
			g.Operations = append(g.Operations, op)
		}
	}
	if in.Constraints != nil {
		g.Equals, g.Subset = in.Constraints.EncryptionContextEquals, in.Constraints.EncryptionContextSubset
	}
	return g
}

// newGrantID is 64 random hexadecimal digits.
func newGrantID() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return hexOf(b)
}

// checkGrantID refuses what does not have the form of a grant id: hexadecimal digits. One
// of another length is well formed and names no grant.
func checkGrantID(id string) error {
	if !isHex(id) {
		return &kmsapi.InvalidGrantIdException{Message: new("Invalid grant ID '" + id + "'")}
	}
	return nil
}

// checkGrant applies the rules for the parameters of CreateGrant.
func checkGrant(k *keyRecord, g *grantRecord) error {
	for _, principal := range []string{g.Grantee, g.Retiring} {
		if principal != "" && !isPrincipalARN(principal) {
			return invalidPrincipal(principal)
		}
	}
	allowed := grantable(k)
	for _, op := range g.Operations {
		if !slices.Contains(allowed, op) {
			return invalid("Grant operation " + string(op) + " is not valid for KMS key " + k.arn() +
				" with key usage " + k.Usage + " and key spec " + k.Spec + ".")
		}
	}
	if g.Equals == nil && g.Subset == nil {
		return nil
	}
	if k.Spec != symmetricDefault {
		return invalid("Encryption context constraints are not supported for grants on asymmetric or HMAC KMS keys.")
	}
	for _, constraint := range []map[string]string{g.Equals, g.Subset} {
		if len(constraint) > maxConstraintPairs {
			return invalid("A grant constraint can have at most " + itoa(maxConstraintPairs) + " encryption context pairs.")
		}
		size := 0
		for key, value := range constraint {
			size += len([]rune(key)) + len([]rune(value))
		}
		if size > maxConstraintRunes {
			return invalid("The encryption context of a grant constraint cannot exceed " + itoa(maxConstraintRunes) + " characters.")
		}
	}
	return nil
}

// grantable are the operations that a grant on k may hold (AWS KMS developer guide,
// "Grant operations").
func grantable(k *keyRecord) []kmsapi.GrantOperation {
	common := []kmsapi.GrantOperation{
		kmsapi.GrantOperationCreateGrant, kmsapi.GrantOperationDescribeKey, kmsapi.GrantOperationRetireGrant,
	}
	if keyalg.Spec(k.Spec).Asymmetric() {
		common = append(common, kmsapi.GrantOperationGetPublicKey)
	}
	switch keyalg.Usage(k.Usage) {
	case keyalg.EncryptDecrypt:
		common = append(common, kmsapi.GrantOperationEncrypt, kmsapi.GrantOperationDecrypt,
			kmsapi.GrantOperationReEncryptFrom, kmsapi.GrantOperationReEncryptTo)
		if k.Spec == symmetricDefault {
			common = append(common, kmsapi.GrantOperationGenerateDataKey, kmsapi.GrantOperationGenerateDataKeyWithoutPlaintext,
				kmsapi.GrantOperationGenerateDataKeyPair, kmsapi.GrantOperationGenerateDataKeyPairWithoutPlaintext)
		}
	case keyalg.SignVerify:
		common = append(common, kmsapi.GrantOperationSign, kmsapi.GrantOperationVerify)
	case keyalg.GenerateVerifyMAC:
		common = append(common, kmsapi.GrantOperationGenerateMac, kmsapi.GrantOperationVerifyMac)
	case keyalg.KeyAgreement:
		common = append(common, kmsapi.GrantOperationDeriveSharedSecret)
	}
	return common
}

// isPrincipalARN tells whether s names an account, a user, a role, a role session or a
// federated user. A grant cannot name a service, a group or everybody.
func isPrincipalARN(s string) bool {
	a, err := arn.Parse(s)
	if err != nil || a.Region != "" || !arn.IsAccountID(a.Account) {
		return false
	}
	kind, name, _ := strings.Cut(a.Resource, "/")
	switch a.Service {
	case "iam":
		return a.Resource == "root" || (kind == "user" || kind == "role") && name != "" && !strings.HasSuffix(name, "/")
	case "sts":
		role, session, ok := strings.Cut(name, "/")
		return kind == "assumed-role" && ok && role != "" && session != "" || kind == "federated-user" && name != ""
	}
	return false
}

// checkGrantCount keeps to the quota of grants. The count is that of the last commit
// here: grants made at the same moment may go over it by their number.
func (s *Service) checkGrantCount(ctx context.Context, g *grantRecord) error {
	n, err := s.directory.grantCount(ctx, g.key())
	if err != nil {
		return err
	}
	if n >= s.quotas.grants {
		return &kmsapi.LimitExceededException{Message: new("Grant limit exceeded for key " + keyARN(g.Account, g.Region, g.KeyID) + ".")}
	}
	return nil
}

// grantAfterCommit lets calls see a grant that came (1) or went (-1) as soon as that is
// durable.
func (s *Service) grantAfterCommit(c *call.Call, g *grantRecord, change int) {
	name, grantee := g.key(), g.Grantee
	s.memory.OnCommit(c.Txn(), func(store.Revision) {
		s.directory.grantCounted(name, change)
		s.directory.grantChanged(name, grantee)
	})
}

// ListGrants implements the operation of that name.
func (s *Service) ListGrants(ctx context.Context, in *kmsapi.ListGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	c := call.From(ctx)
	if in.GrantId != nil {
		if err := checkGrantID(*in.GrantId); err != nil {
			return nil, err
		}
	}
	grantee := s.searchedPrincipal(text(in.GranteePrincipal))
	filter := k.record.arn() + " " + text(in.GrantId) + " " + grantee
	p, err := s.grantPage(c, filter, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	var found []grantRecord
	var next string
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		if in.GrantId == nil {
			found, next, err = s.tables.pageOfGrants(r, k.record.name(), grantee, p)
			return err
		}
		g, err := s.tables.grant(r, k.record.name(), *in.GrantId)
		if err == nil && (grantee == "" || g.Grantee == grantee) {
			found = []grantRecord{*g}
		}
		return absent(err)
	})
	if err != nil {
		return nil, err
	}
	return s.grantList(c, filter, found, next)
}

// ListRetirableGrants implements the operation of that name: the grants of all keys in
// the caller's Region that a principal may retire.
func (s *Service) ListRetirableGrants(ctx context.Context, in *kmsapi.ListRetirableGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	c := call.From(ctx)
	principal := text(in.RetiringPrincipal)
	a, err := arn.Parse(principal)
	if err != nil || !isPrincipalARN(principal) {
		return nil, invalidPrincipal(principal)
	}
	if a.Account != c.Account {
		return nil, invalid("The retiring principal must be in the account of the caller.")
	}
	stored := s.searchedPrincipal(principal)
	p, err := s.grantPage(c, stored, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	var found []grantRecord
	var next string
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		found, next, err = s.tables.retirable(r, c.Region, stored, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.grantList(c, stored, found, next)
}

func (s *Service) grantPage(c *call.Call, filter string, limit *int32, marker *string) (position, error) {
	if limit != nil && *limit > maxGrantsPage {
		return position{}, invalid("1 validation error detected: Value '" + itoa(int(*limit)) +
			"' at 'limit' failed to satisfy constraint: Member must have value less than or equal to " + itoa(maxGrantsPage))
	}
	p, err := s.page(c, filter, limit, marker)
	if limit == nil {
		p.limit = grantsPage
	}
	return p, err
}

// grantList is the answer with the grants found; there are more if next is set.
func (s *Service) grantList(c *call.Call, filter string, found []grantRecord, next string) (*kmsapi.ListGrantsResponse, error) {
	out := &kmsapi.ListGrantsResponse{Grants: []kmsapi.GrantListEntry{}, Truncated: new(next != "")}
	var err error
	if out.NextMarker, err = s.nextMarker(c, filter, next); err != nil {
		return nil, err
	}
	for i := range found {
		out.Grants = append(out.Grants, s.grantEntry(&found[i]))
	}
	return out, nil
}

// grantEntry is a grant as the API shows it.
func (s *Service) grantEntry(g *grantRecord) kmsapi.GrantListEntry {
	e := kmsapi.GrantListEntry{
		KeyId: new(keyARN(g.Account, g.Region, g.KeyID)), GrantId: new(g.ID), CreationDate: new(g.Created),
		GranteePrincipal: new(s.shownPrincipal(g.Grantee)), IssuingAccount: new(g.Issuing), Operations: slices.Clone(g.Operations),
		Name: new(g.Name), // AWS lists grants without a name with an empty one
	}
	if g.Retiring != "" {
		e.RetiringPrincipal = new(s.shownPrincipal(g.Retiring))
	}
	if g.Equals != nil || g.Subset != nil {
		e.Constraints = &kmsapi.GrantConstraints{EncryptionContextEquals: g.Equals, EncryptionContextSubset: g.Subset}
	}
	return e
}

// RevokeGrant implements the operation of that name.
func (s *Service) RevokeGrant(ctx context.Context, in *kmsapi.RevokeGrantRequest) (*kmsapi.RevokeGrantOutput, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return &kmsapi.RevokeGrantOutput{}, s.removeGrant(c, k, text(in.GrantId), wire.Value(in.DryRun))
}

// RetireGrant implements the operation of that name.
func (s *Service) RetireGrant(ctx context.Context, in *kmsapi.RetireGrantRequest) (*kmsapi.RetireGrantOutput, error) {
	r, err := resolvedCall(ctx)
	if err != nil {
		return nil, err
	}
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if in.GrantToken != nil {
		c.Notes.Request = map[string]any{"grantToken": nil}
	}
	if !slices.ContainsFunc(c.Notes.Additional, func(n call.Note) bool { return n.Name == "grantId" }) {
		c.Note("grantId", r.grant)
	}
	return &kmsapi.RetireGrantOutput{}, s.removeGrant(c, k, r.grant, wire.Value(in.DryRun))
}

func (s *Service) removeGrant(c *call.Call, k *keyRecord, id string, dry bool) error {
	if err := checkGrantID(id); err != nil {
		return err
	}
	g, err := s.tables.grant(c.Txn(), k.name(), id)
	if isNotFound(err) {
		return notFound("Grant ID " + id + " not found")
	}
	if err != nil {
		return err
	}
	if dry {
		return dryRun()
	}
	if err := s.tables.deleteGrant(c.Txn(), g); err != nil {
		return err
	}
	s.grantAfterCommit(c, g, -1)
	return nil
}

// resolveRetireGrant finds the grant by its token, or by key and id. The grant itself
// says who may retire it; besides, the key policy may let others.
func (s *Service) resolveRetireGrant(ctx context.Context, c *call.Call, in *kmsapi.RetireGrantRequest) ([]call.Access, error) {
	byID := in.KeyId != nil || in.GrantId != nil
	if (in.GrantToken != nil) == byID || byID && (in.KeyId == nil || in.GrantId == nil) {
		return nil, invalid("Specify either the grant token, or both the key ID and the grant ID.")
	}
	req := readRequest(in)
	id := text(in.GrantId)
	if in.GrantToken != nil {
		name, grant, err := s.openGrantToken(*in.GrantToken)
		if err != nil {
			return nil, err
		}
		if name.region != c.Region {
			return nil, invalidGrantToken()
		}
		req.key, id = keyARN(name.account, name.region, name.id), grant
	}
	r, err := s.locateRequest(ctx, c, req)
	if err != nil {
		return nil, err
	}
	r.grant = id
	c.Resolved = r
	a, err := s.keyAccess(ctx, c, r, "kms:RetireGrant")
	if err != nil || r.key == nil {
		return []call.Access{a}, err
	}
	var g *grantRecord
	err = s.store.View(ctx, func(v store.Reader) (err error) {
		g, err = s.tables.grant(v, keyName{r.account, r.region, r.id}, id)
		return err
	})
	switch {
	case isNotFound(err):
		a.Extra = nil // nobody may retire a grant that is not there, but the key's managers learn so
	case err != nil:
		return nil, err
	default:
		a.Extra = &retirement{c.Principal, s.granteeNames(c.Principal), g}
	}
	return []call.Access{a}, nil
}

// retirement asks a grant who may retire it: the retiring principal, the grantee if the
// grant holds RetireGrant, and the root users of the key's and of the issuing account
// (AWS KMS developer guide, "Retiring and revoking grants").
type retirement struct {
	principal *call.Principal
	names     [2]string // of the principal, see granteeNames
	grant     *grantRecord
}

var _ policy.ExtraAllow = (*retirement)(nil)

// Allow implements policy.ExtraAllow.
func (r *retirement) Allow() (id string, ok bool) {
	for _, name := range r.names {
		if name == "" {
			continue
		}
		if name == r.grant.Retiring || name == r.grant.Grantee && slices.Contains(r.grant.Operations, kmsapi.GrantOperationRetireGrant) {
			return r.grant.ID, true
		}
	}
	if r.principal.IsRootOf(r.grant.Account) || r.principal.Kind == call.Root && r.principal.ARN == r.grant.Issuing {
		return r.grant.ID, true
	}
	return "", false
}

// resolveListRetirableGrants: the resource is the retiring principal itself.
func (s *Service) resolveListRetirableGrants(c *call.Call, in *kmsapi.ListRetirableGrantsRequest) []call.Access {
	c.Resolved = &resolved{account: c.Account, region: c.Region}
	return []call.Access{{
		Action: "kms:ListRetirableGrants", Resource: text(in.RetiringPrincipal), Account: c.Account,
		Context: &conditions{call: c}, Unlogged: true,
	}}
}

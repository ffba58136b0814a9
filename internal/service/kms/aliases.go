package kms

import (
	"context"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// CreateAlias implements the operation of that name.
func (s *Service) CreateAlias(ctx context.Context, in *kmsapi.CreateAliasRequest) (*kmsapi.CreateAliasOutput, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	name := text(in.AliasName)
	_, err = s.tables.alias(c.Txn(), c.Account, c.Region, name)
	if err == nil {
		return nil, &kmsapi.AlreadyExistsException{Message: new("An alias with the name " + aliasARN(c.Account, c.Region, name) + " already exists")}
	}
	if !isNotFound(err) {
		return nil, err
	}
	if err := s.checkAliasCount(c.Txn(), k); err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	a := &aliasRecord{Account: c.Account, Region: c.Region, Name: name, KeyID: k.ID, Created: now, Updated: now}
	if err := s.tables.aliases.Insert(c.Txn(), a); err != nil {
		return nil, err
	}
	s.aliasAfterCommit(c, name, k.ID)
	return &kmsapi.CreateAliasOutput{}, nil
}

func (s *Service) checkAliasCount(tx store.Txn, k *keyRecord) error {
	aliases, err := s.tables.aliasesOf(tx, k.name())
	if err != nil {
		return err
	}
	if len(aliases) >= s.quotas.aliases {
		return &kmsapi.LimitExceededException{Message: new("Aliases per key quota for this account in this region is " + itoa(s.quotas.aliases) + ", current usage is " + itoa(len(aliases)) + ".")}
	}
	return nil
}

// UpdateAlias implements the operation of that name: the alias stands for another key
// of the same type and usage.
func (s *Service) UpdateAlias(ctx context.Context, in *kmsapi.UpdateAliasRequest) (*kmsapi.UpdateAliasOutput, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	name := text(in.AliasName)
	a, err := s.tables.alias(c.Txn(), c.Account, c.Region, name)
	if isNotFound(err) {
		return nil, noSuchAlias(c, name)
	}
	if err != nil {
		return nil, err
	}
	if a.KeyID == k.ID {
		return &kmsapi.UpdateAliasOutput{}, nil
	}
	old, err := s.tables.key(c.Txn(), keyName{c.Account, c.Region, a.KeyID})
	if err != nil {
		return nil, err
	}
	if kindOf(old.Spec) != kindOf(k.Spec) || old.Usage != k.Usage {
		return nil, invalid("The current and new KMS keys must be the same type (both symmetric or both asymmetric or both HMAC), and they must have the same key usage.")
	}
	if err := s.checkAliasCount(c.Txn(), k); err != nil {
		return nil, err
	}
	a.KeyID, a.Updated = k.ID, s.clock.Now().UTC()
	if err := s.tables.aliases.Replace(c.Txn(), a); err != nil {
		return nil, err
	}
	s.aliasAfterCommit(c, name, k.ID)
	s.aliasAfterCommit(c, name, old.ID)
	return &kmsapi.UpdateAliasOutput{}, nil
}

// DeleteAlias implements the operation of that name.
func (s *Service) DeleteAlias(ctx context.Context, in *kmsapi.DeleteAliasRequest) (*kmsapi.DeleteAliasOutput, error) {
	c := call.From(ctx)
	name := text(in.AliasName)
	a, err := s.tables.alias(c.Txn(), c.Account, c.Region, name)
	if isNotFound(err) {
		return nil, noSuchAlias(c, name)
	}
	if err != nil {
		return nil, err
	}
	if err := s.tables.deleteAlias(c.Txn(), a); err != nil {
		return nil, err
	}
	s.aliasAfterCommit(c, name, a.KeyID)
	showKey(c, keyARN(a.Account, a.Region, a.KeyID))
	return &kmsapi.DeleteAliasOutput{}, nil
}

func noSuchAlias(c *call.Call, name string) error {
	return notFound("Alias " + aliasARN(c.Account, c.Region, name) + " is not found.")
}

// kindOf sorts key specs as UpdateAlias does.
func kindOf(spec string) string {
	switch {
	case spec == symmetricDefault:
		return "symmetric"
	case strings.HasPrefix(spec, "HMAC_"):
		return "hmac"
	}
	return "asymmetric"
}

// ListAliases implements the operation of that name. A KeyId narrows the list to the
// aliases of that key.
func (s *Service) ListAliases(ctx context.Context, in *kmsapi.ListAliasesRequest) (*kmsapi.ListAliasesResponse, error) {
	c := call.From(ctx)
	keyID := ""
	if in.KeyId != nil {
		r, err := s.locate(ctx, c, *in.KeyId)
		if err != nil {
			return nil, err
		}
		if r.key == nil || r.account != c.Account {
			return nil, orNotFound(r)
		}
		keyID = r.id
	}
	p, err := s.page(c, keyID, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	if in.Limit == nil {
		p.limit = 50
	}
	var found []aliasRecord
	var predefined []string
	var next string
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		scope := table.Scope{Account: c.Account, Region: c.Region}
		if keyID != "" {
			rows := s.tables.aliases.ScanIndex(r, scope, aliasesByKey, p.page(parts(keyID)...))
			found, next, err = listing(rows, p.limit, nil)
			return err
		}
		after, behind := strings.CutPrefix(p.after, predefinedMark)
		if !behind {
			found, next, err = listing(s.tables.aliases.Scan(r, scope, p.page()), p.limit, nil)
		}
		if err == nil && next == "" {
			predefined, next, err = s.predefined(r, c, after, p.limit-len(found), behind)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &kmsapi.ListAliasesResponse{Aliases: []kmsapi.AliasListEntry{}, Truncated: new(next != "")}
	if out.NextMarker, err = s.nextMarker(c, keyID, next); err != nil {
		return nil, err
	}
	for _, a := range found {
		out.Aliases = append(out.Aliases, kmsapi.AliasListEntry{
			AliasName: new(a.Name), AliasArn: new(aliasARN(a.Account, a.Region, a.Name)), TargetKeyId: new(a.KeyID),
			CreationDate: new(a.Created), LastUpdatedDate: new(a.Updated),
		})
	}
	for _, name := range predefined {
		out.Aliases = append(out.Aliases, kmsapi.AliasListEntry{AliasName: &name, AliasArn: new(aliasARN(c.Account, c.Region, name))})
	}
	return out, nil
}

func orNotFound(r *resolved) error {
	if r.missing != nil {
		return r.missing
	}
	return notFound("Key '" + r.arn() + "' does not exist")
}

package iam

import (
	"context"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/store/table"
)

// CreateAccountAlias gives the account an alias, in place of the one it had. An alias is one
// account's of the whole installation, as it is of all of AWS.
func (s *Service) CreateAccountAlias(ctx context.Context, in *iamapi.CreateAccountAliasRequest) (*iamapi.CreateAccountAliasOutput, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	for _, err := range t.dir.tables.accounts.ScanIndex(t, global, indexAlias, table.Page{Prefix: parts(*in.AccountAlias), Limit: 1}) {
		if err != nil {
			return nil, err
		}
		return nil, alreadyExists("The account alias %s already exists.", *in.AccountAlias)
	}
	a, err := t.accountRecord()
	if err != nil {
		return nil, err
	}
	a.Alias = *in.AccountAlias
	return &iamapi.CreateAccountAliasOutput{}, t.saveAccount(a)
}

// DeleteAccountAlias takes the alias from the account that has it.
func (s *Service) DeleteAccountAlias(ctx context.Context, in *iamapi.DeleteAccountAliasRequest) (*iamapi.DeleteAccountAliasOutput, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	a, err := t.accountRecord()
	if err != nil {
		return nil, err
	}
	if a.Alias != *in.AccountAlias {
		return nil, noSuch("The account alias %s cannot be found.", *in.AccountAlias)
	}
	a.Alias = ""
	return &iamapi.DeleteAccountAliasOutput{}, t.saveAccount(a)
}

// ListAccountAliases lists the account's alias, if it has one.
func (s *Service) ListAccountAliases(ctx context.Context, _ *iamapi.ListAccountAliasesRequest) (*iamapi.ListAccountAliasesResponse, error) {
	out := &iamapi.ListAccountAliasesResponse{AccountAliases: []string{}, IsTruncated: new(false)}
	return out, s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		if a.record != nil && a.record.Alias != "" {
			out.AccountAliases = append(out.AccountAliases, a.record.Alias)
		}
		return nil
	})
}

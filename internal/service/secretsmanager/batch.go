package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// batchMarkedText says of a secret in a batch that it is marked for deletion: in the words of
// the API reference for InvalidRequestException. No page shows such an entry.
const batchMarkedText = "You tried to perform the operation on a secret that's currently marked deleted."

// batchPage is the most values that one BatchGetSecretValue returns.
const batchPage = 20

// BatchGetSecretValue implements the operation of that name. Each secret is read by a
// GetSecretValue of its own through the front door: with the permissions and the record
// that it needs. One that cannot be read is among the Errors.
func (s *Service) BatchGetSecretValue(ctx context.Context, in *secretsmanagerapi.BatchGetSecretValueRequest) (*secretsmanagerapi.BatchGetSecretValueResponse, error) {
	c := call.From(ctx)
	switch {
	case len(in.SecretIdList) > 0 && len(in.Filters) > 0:
		return nil, invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	case len(in.SecretIdList) == 0 && in.MaxResults != nil && len(in.Filters) == 0, len(in.SecretIdList) > 0 && in.MaxResults != nil:
		return nil, invalidParameter("'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.")
	case len(in.SecretIdList) == 0 && len(in.Filters) == 0:
		return nil, invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	}
	ids, next := in.SecretIdList, []byte(nil)
	filters, err := newFilters(in.Filters)
	if err != nil {
		return nil, err
	}
	binding, err := json.Marshal([]any{in.Filters, in.SecretIdList})
	if err != nil {
		return nil, err
	}
	if len(filters) > 0 {
		after, err := s.position(c, string(binding), in.NextToken)
		if err != nil {
			return nil, err
		}
		limit := batchPage
		if in.MaxResults != nil {
			limit = int(*in.MaxResults)
		}
		if ids, next, err = s.matching(ctx, filters, after, limit); err != nil {
			return nil, err
		}
	}
	out := &secretsmanagerapi.BatchGetSecretValueResponse{
		SecretValues: []secretsmanagerapi.SecretValueEntry{}, Errors: []secretsmanagerapi.APIErrorType{},
	}
	// The caller's own call, not one that Secrets Manager makes: nothing is added to the
	// services that forwarded it.
	own := *c
	own.Operation = nil
	ctx = call.With(ctx, &own)
	for _, id := range ids {
		v, err := s.self.GetSecretValue(ctx, &secretsmanagerapi.GetSecretValueRequest{SecretId: &id})
		if err == nil {
			out.SecretValues = append(out.SecretValues, secretsmanagerapi.SecretValueEntry(*v))
			continue
		}
		var api wire.APIError
		if !errors.As(err, &api) {
			return nil, err
		}
		message := api.ErrorMessage()
		if message == markedText {
			message = batchMarkedText
		}
		out.Errors = append(out.Errors, secretsmanagerapi.APIErrorType{SecretId: &id, ErrorCode: new(api.ErrorCode()), Message: &message})
	}
	out.NextToken, err = s.nextToken(c, string(binding), next)
	return out, err
}

// matching are the ARNs of a page of the secrets that filters select.
func (s *Service) matching(ctx context.Context, filters []filter, after []byte, limit int) (ids []string, next []byte, err error) {
	c := call.From(ctx)
	var found []secretRecord
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		rows := s.tables.secrets.ScanIndex(r, table.Scope{Account: c.Account, Region: c.Region}, secretsByCreated, table.Page{After: after})
		found, next, err = listing(rows, limit, func(rec *secretRecord) bool { return !rec.doomed() && matches(filters, rec) })
		return err
	})
	for i := range found {
		ids = append(ids, found[i].arn())
	}
	return ids, next, err
}

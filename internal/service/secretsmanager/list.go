package secretsmanager

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// defaultListPage is the page of ListSecrets where none is asked for.
const defaultListPage = 100

// ListSecrets implements the operation of that name. Sorted by name or by date of creation
// it reads the secrets of a page; by another date it has to look at all of the account.
func (s *Service) ListSecrets(ctx context.Context, in *secretsmanagerapi.ListSecretsRequest) (*secretsmanagerapi.ListSecretsResponse, error) {
	c := call.From(ctx)
	filters, err := newFilters(in.Filters)
	if err != nil {
		return nil, err
	}
	by := secretsmanagerapi.SortByTypeCreatedDate
	if in.SortBy != nil {
		by = *in.SortBy
	}
	descending := in.SortOrder != nil && *in.SortOrder == secretsmanagerapi.SortOrderTypeDesc
	binding, err := json.Marshal([]any{in.Filters, by, descending, in.IncludePlannedDeletion})
	if err != nil {
		return nil, err
	}
	after, err := s.position(c, string(binding), in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := defaultListPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	keep := func(rec *secretRecord) bool {
		return (!rec.doomed() || wire.Value(in.IncludePlannedDeletion)) && matches(filters, rec)
	}
	at := table.Scope{Account: c.Account, Region: c.Region}
	out := &secretsmanagerapi.ListSecretsResponse{SecretList: []secretsmanagerapi.SecretListEntry{}}
	var next []byte
	err = s.store.View(ctx, func(r store.Reader) error {
		var found []secretRecord
		var err error
		page := table.Page{After: after, Reverse: descending}
		switch by {
		case secretsmanagerapi.SortByTypeName:
			found, next, err = listing(s.tables.secrets.Scan(r, at, page), limit, keep)
		case secretsmanagerapi.SortByTypeCreatedDate:
			found, next, err = listing(s.tables.secrets.ScanIndex(r, at, secretsByCreated, page), limit, keep)
		default:
			found, next, err = s.listByDate(r, at, by, descending, after, limit, keep)
		}
		if err != nil {
			return err
		}
		for i := range found {
			read, err := s.tables.access(r, &found[i])
			if absent(err) != nil {
				return err
			}
			out.SecretList = append(out.SecretList, s.entry(&found[i], read))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.NextToken, err = s.nextToken(c, string(binding), next)
	return out, err
}

// dated is a secret in the order of one of its dates.
type dated struct {
	record secretRecord
	date   time.Time
}

// place is where a secret lies in a list by date.
func (d *dated) place() []byte { return table.Key(table.Time(d.date), table.String(d.record.Name)) }

// listByDate sorts all secrets of an account by the date of their last change or reading,
// those without one first.
func (s *Service) listByDate(r store.Reader, at table.Scope, by secretsmanagerapi.SortByType, descending bool, after []byte, limit int, keep func(*secretRecord) bool) (found []secretRecord, next []byte, err error) {
	var all []dated
	for row, err := range s.tables.secrets.Scan(r, at, table.Page{}) {
		if err != nil {
			return nil, nil, err
		}
		if !keep(row.Record) {
			continue
		}
		d := dated{record: *row.Record, date: row.Record.Changed}
		if by == secretsmanagerapi.SortByTypeLastAccessedDate {
			read, err := s.tables.access(r, row.Record)
			if absent(err) != nil {
				return nil, nil, err
			}
			d.date = wire.Value(s.lastRead(row.Record, read, ""))
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b dated) int {
		order := cmp.Or(a.date.Compare(b.date), cmp.Compare(a.record.Name, b.record.Name))
		if descending {
			return -order
		}
		return order
	})
	for i := range all {
		place := all[i].place()
		if order := strings.Compare(string(place), string(after)); after != nil && (order <= 0 && !descending || order >= 0 && descending) {
			continue
		}
		if len(found) == limit {
			return found, next, nil
		}
		found, next = append(found, all[i].record), place
	}
	return found, nil, nil
}

package acm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// defaultPage is the size of a page of ListCertificates, and the largest.
const defaultPage = 1000

// maxNamesShown is how many names a summary has.
const maxNamesShown = 100

// listPosition is the last certificate of a page.
type listPosition struct {
	Created time.Time `json:"c"`
	ID      string    `json:"i"`
}

// ListCertificates implements the operation of that name. Without a filter of key types those with
// RSA keys of 1024 and 2048 bits are listed alone (API reference, Filters).
func (s *Service) ListCertificates(ctx context.Context, in *acmapi.ListCertificatesRequest) (*acmapi.ListCertificatesResponse, error) {
	c := call.From(ctx)
	if in.SortOrder != nil && in.SortBy == nil || in.SortBy != nil && in.SortOrder == nil {
		return nil, &acmapi.InvalidArgsException{Message: new("SortBy and SortOrder must be specified together.")}
	}
	query, err := json.Marshal([]any{in.CertificateStatuses, in.Includes, in.SortBy, in.SortOrder})
	if err != nil {
		return nil, fmt.Errorf("acm: query: %w", err)
	}
	var after *listPosition
	if value(in.NextToken) != "" {
		b, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, string(query), *in.NextToken)
		if err == nil {
			after = new(listPosition)
			err = json.Unmarshal(b, after)
		}
		if err != nil {
			return nil, &acmapi.InvalidArgsException{Message: new("The next token is not valid.")}
		}
	}
	var all []*certificateRecord
	users := make(map[string]bool)
	now := s.clock.Now()
	err = s.store.View(ctx, func(r store.Reader) error {
		for row, err := range s.tables.certificates.Scan(r, table.Scope{Account: c.Account, Region: c.Region}, table.Page{}) {
			if err != nil {
				return err
			}
			if x := row.Record; matches(x, in, now) {
				all = append(all, x)
				used, err := s.users.CertificateUsers(r, x.Account, x.Region, x.arn())
				if err != nil {
					return err
				}
				users[x.ID] = len(used) > 0
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	order := func(a, b listPosition) int {
		byTime := cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
		if value(in.SortOrder) == acmapi.SortOrderAscending {
			return byTime
		}
		return -byTime
	}
	at := func(r *certificateRecord) listPosition { return listPosition{r.Created, r.ID} }
	slices.SortFunc(all, func(a, b *certificateRecord) int { return order(at(a), at(b)) })
	if after != nil {
		first := slices.IndexFunc(all, func(r *certificateRecord) bool { return order(at(r), *after) > 0 })
		if first < 0 {
			first = len(all)
		}
		all = all[first:]
	}
	out := &acmapi.ListCertificatesResponse{CertificateSummaryList: []acmapi.CertificateSummary{}}
	limit := defaultPage
	if in.MaxItems != nil {
		limit = int(*in.MaxItems)
	}
	if len(all) > limit {
		all = all[:limit]
		b, err := json.Marshal(at(all[limit-1]))
		if err != nil {
			return nil, fmt.Errorf("acm: token: %w", err)
		}
		token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, string(query), b)
		if err != nil {
			return nil, fmt.Errorf("acm: token: %w", err)
		}
		out.NextToken = &token
	}
	for _, r := range all {
		summary, err := r.summary(now, users[r.ID])
		if err != nil {
			return nil, err
		}
		out.CertificateSummaryList = append(out.CertificateSummaryList, summary)
	}
	return out, nil
}

// matches tells whether a certificate passes the filters of a request.
func matches(r *certificateRecord, in *acmapi.ListCertificatesRequest, now time.Time) bool {
	f := in.Includes
	if f == nil {
		f = &acmapi.Filters{}
	}
	types := f.KeyTypes
	if len(types) == 0 {
		types = []acmapi.KeyAlgorithm{acmapi.KeyAlgorithmRSA1024, acmapi.KeyAlgorithmRSA2048}
	}
	switch {
	case len(in.CertificateStatuses) > 0 && !slices.Contains(in.CertificateStatuses, r.status(now)),
		!slices.Contains(types, r.Algorithm),
		f.ExportOption != nil && *f.ExportOption != cmp.Or(r.Export, acmapi.CertificateExportDisabled),
		f.ManagedBy != nil && *f.ManagedBy != r.ManagedBy:
		return false
	}
	if len(f.KeyUsage)+len(f.ExtendedKeyUsage) == 0 {
		return true
	}
	leaf, err := r.leaf()
	if err != nil {
		return false
	}
	has := keyUsagesOf(leaf)
	for _, u := range f.KeyUsage {
		if !slices.Contains(has, u) {
			return false
		}
	}
	for _, u := range f.ExtendedKeyUsage {
		found := false
		for _, x := range leaf.ExtKeyUsage {
			found = found || extended[x].name == u
		}
		if !found {
			return false
		}
	}
	return true
}

func (r *certificateRecord) summary(now time.Time, used bool) (sum acmapi.CertificateSummary, err error) {
	leaf, err := r.leaf()
	if err != nil {
		return sum, err
	}
	sum = acmapi.CertificateSummary{
		CertificateArn: new(r.arn()), DomainName: &r.Domain, SubjectAlternativeNameSummaries: r.Names[:min(len(r.Names), maxNamesShown)],
		HasAdditionalSubjectAlternativeNames: new(len(r.Names) > maxNamesShown), Status: new(r.status(now)), Type: &r.Type, KeyAlgorithm: &r.Algorithm,
		KeyUsages: keyUsagesOf(leaf), InUse: &used, Exported: &r.Exported, NotBefore: &r.NotBefore, NotAfter: &r.NotAfter, CreatedAt: &r.Created,
		ExportOption: some(r.Export), ManagedBy: some(r.ManagedBy), RenewalEligibility: new(acmapi.RenewalEligibilityEligible),
	}
	for _, u := range leaf.ExtKeyUsage {
		if e, ok := extended[u]; ok {
			sum.ExtendedKeyUsages = append(sum.ExtendedKeyUsages, e.name)
		}
	}
	if r.Type == acmapi.CertificateTypeImported {
		sum.ImportedAt, sum.RenewalEligibility = &r.Issued, new(acmapi.RenewalEligibilityIneligible)
	} else {
		sum.IssuedAt = &r.Issued
	}
	return sum, nil
}

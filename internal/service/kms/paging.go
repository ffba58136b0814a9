package kms

import (
	"encoding/hex"
	"iter"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/store/table"
)

// Page sizes (AWS KMS API reference: Limit).
const (
	defaultPage = 100
	tagsPage    = 50
)

// position is where a listing goes on.
type position struct {
	after string // a row's cursor, or what else the listing goes by
	limit int
}

// page reads Limit and Marker. filter is whatever else the listing depends on.
func (s *Service) page(c *call.Call, filter string, limit *int32, marker *string) (position, error) {
	p := position{limit: defaultPage}
	if limit != nil {
		p.limit = int(*limit)
	}
	if marker == nil {
		return p, nil
	}
	after, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, filter, *marker)
	if err != nil {
		return p, &kmsapi.InvalidMarkerException{Message: new("Could not deserialize marker '" + *marker + "'")}
	}
	p.after = string(after)
	return p, nil
}

// page selects the rows below prefix from the position on; listing stops at the limit.
func (p position) page(prefix ...table.Part) table.Page {
	selected := table.Page{Prefix: prefix}
	if p.after != "" {
		selected.After = []byte(p.after)
	}
	return selected
}

// listing takes at most limit records that keep (nil: all) wants out of a scan. If
// there are more, next is the position behind the last one.
func listing[T any](rows iter.Seq2[table.Row[T], error], limit int, keep func(*T) bool) (found []T, next string, err error) {
	var last []byte
	for row, err := range rows {
		switch {
		case err != nil:
			return nil, "", err
		case keep != nil && !keep(row.Record):
			continue
		case len(found) == limit:
			return found, string(last), nil
		}
		found, last = append(found, *row.Record), row.Cursor
	}
	return found, "", nil
}

// nextMarker is the marker for what comes behind last; nil if that is empty.
func (s *Service) nextMarker(c *call.Call, filter, last string) (*string, error) {
	if last == "" {
		return nil, nil
	}
	token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, filter, []byte(last))
	if err != nil {
		return nil, err
	}
	return &token, nil
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

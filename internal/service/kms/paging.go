package kms

import (
	"encoding/hex"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

// Page sizes (AWS KMS API reference: Limit).
const (
	defaultPage = 100
	tagsPage    = 50
)

// position is where a listing goes on.
type position struct {
	after string
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

func (s *Service) nextMarker(c *call.Call, filter, last string) (*string, error) {
	token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, filter, []byte(last))
	if err != nil {
		return nil, err
	}
	return &token, nil
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

package wafv2

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/store"
)

// defaultPage is the size of a page of a listing for which no limit is asked.
const defaultPage = 100

func limitOf(asked *int32) int {
	if asked == nil {
		return defaultPage
	}
	return int(*asked)
}

// nextMarker is the token for what comes behind a position, nil for "". query is whatever else
// the listing depends on. Names are at most 128 characters, and tokens 256: that fits.
func (s *Service) nextMarker(c *call.Call, query, position string) (*string, error) {
	if position == "" {
		return nil, nil
	}
	token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, digest(query), []byte(position))
	if err != nil {
		return nil, fmt.Errorf("wafv2: token: %w", err)
	}
	return &token, nil
}

// position reads a token; "" is the beginning.
func (s *Service) position(c *call.Call, query string, token *string) (string, error) {
	if value(token) == "" {
		return "", nil
	}
	b, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, digest(query), *token)
	if err != nil {
		return "", invalidOperation("The NextMarker is not valid.")
	}
	return string(b), nil
}

func digest(query string) string {
	sum := sha256.Sum256([]byte(query))
	return base64.RawStdEncoding.EncodeToString(sum[:12])
}

// pageOf is a page of sorted rows: those after the position, at most limit, and the position of
// the next page.
func pageOf[T any](all []T, key func(*T) string, after string, limit int) (page []T, next string) {
	for i := range all {
		if after != "" && key(&all[i]) <= after {
			continue
		}
		if len(page) == limit {
			return page, key(&page[limit-1])
		}
		page = append(page, all[i])
	}
	return page, ""
}

// listing is a page of the entities of a kind.
type listing struct {
	entities []*entity
	next     *string
}

// list lists the entities of the caller's account in a scope.
func (s *Service) list(c *call.Call, r store.Reader, k kind, sc *wafv2api.Scope, marker *string, limit *int32) (l listing, err error) {
	after, err := s.position(c, string(value(sc)), marker)
	if err != nil {
		return l, err
	}
	var next string
	if l.entities, next, err = s.tables.list(r, c.Account, c.Region, value(sc), k, after, limitOf(limit)); err != nil {
		return l, err
	}
	l.next, err = s.nextMarker(c, string(value(sc)), next)
	return l, err
}

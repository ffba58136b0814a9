package iam

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"fastness/internal/call"
)

// defaultItems is the length of a page when MaxItems does not say.
const defaultItems = 100

// maxMarkerBytes bounds a marker before it is decoded.
const maxMarkerBytes = 4096

// paging is what all listing operations take.
type paging struct {
	marker *string
	max    *int32
	// filter is the rest of the request: a marker belongs to one listing.
	filter []string
}

// page is the part of items that the request asks for. It orders items by their
// unique keys; the marker is the last key of a page, sealed, so that entities made or
// deleted between two pages do not disturb.
func page[T any](ctx context.Context, s *Service, p paging, items []T, key func(T) string) (part []T, truncated *bool, marker *string, err error) {
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	c := call.From(ctx)
	aad := []byte(strings.Join(append([]string{"marker", c.Operation.Name, c.Account}, p.filter...), "\x00"))
	if p.marker != nil && *p.marker != "" {
		after, err := s.openMarker(*p.marker, aad)
		if err != nil {
			return nil, nil, nil, err
		}
		i, found := slices.BinarySearchFunc(items, after, func(item T, k string) int { return strings.Compare(key(item), k) })
		if found {
			i++
		}
		items = items[i:]
	}
	n := defaultItems
	if p.max != nil {
		n = int(*p.max)
	}
	if len(items) <= n {
		return items, new(false), nil, nil
	}
	sealed, err := s.markers.Seal(nil, []byte(key(items[n-1])), aad)
	if err != nil {
		return nil, nil, nil, err
	}
	return items[:n], new(true), new(base64.RawURLEncoding.EncodeToString(sealed)), nil
}

func (s *Service) openMarker(marker string, aad []byte) (string, error) {
	if len(marker) > maxMarkerBytes {
		return "", invalid("Invalid Marker.")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil {
		return "", invalid("Invalid Marker.")
	}
	after, err := s.markers.Open(nil, sealed, aad)
	if err != nil {
		return "", invalid("Invalid Marker.")
	}
	return string(after), nil
}

// collect is what show makes of every item that keep accepts.
func collect[K comparable, E, T any](items map[K]E, keep func(E) bool, show func(E) T) []T {
	out := make([]T, 0, len(items))
	for _, e := range items {
		if keep == nil || keep(e) {
			out = append(out, show(e))
		}
	}
	return out
}

// under keeps the entities whose path begins with a prefix.
func under[E entity](prefix *string) func(E) bool {
	if prefix == nil {
		return nil
	}
	return func(e E) bool { return strings.HasPrefix(e.base().Path, *prefix) }
}

// text is a string member, empty when it is absent.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

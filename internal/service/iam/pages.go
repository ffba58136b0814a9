package iam

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/call"
)

// defaultItems is the length of a page when MaxItems does not say.
const defaultItems = 100

// paging is what all listing operations take.
type paging struct {
	marker *string
	max    *int32
	// filter is the rest of the request: a marker belongs to one listing.
	filter []string
}

// pageOf is the part of items that the request asks for. It orders items by their
// unique keys; the marker is the last key of a page, sealed, so that entities made or
// deleted between two pages do not disturb. An empty part is not nil: AWS answers with the
// empty list, and clients ask for its member.
func pageOf[T any](ctx context.Context, s *Service, p paging, items []T, key func(T) string) (part []T, truncated *bool, marker *string, err error) {
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	c, filter := call.From(ctx), strings.Join(p.filter, "\x00")
	if p.marker != nil && *p.marker != "" {
		after, err := s.markers.Open(c.Operation.Name, c.Account, filter, *p.marker)
		if err != nil {
			return nil, nil, nil, invalid("Invalid Marker.")
		}
		i, found := slices.BinarySearchFunc(items, string(after), func(item T, k string) int { return strings.Compare(key(item), k) })
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
		if items == nil {
			items = []T{} // an empty list is an empty element, not an absent one
		}
		return items, new(false), nil, nil
	}
	next, err := s.markers.Seal(c.Operation.Name, c.Account, filter, []byte(key(items[n-1])))
	if err != nil {
		return nil, nil, nil, err
	}
	return items[:n], new(true), &next, nil
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

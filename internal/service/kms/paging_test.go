package kms

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
)

// paged is one operation that answers in pages.
type paged struct {
	name string
	// page returns what is on a page and the marker of the next one.
	page func(limit *int32, marker *string) (items []string, next *string, err error)
	// insert adds something to what is listed, and returns it.
	insert func(n int) string
}

func listings(h *harness) []paged {
	ctx, r := h.Context(), h.in(testRegion)
	key := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	tagged := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	rotated := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	alias := func(n int) string {
		name := fmt.Sprintf("alias/%c-%d", 'a'+n*7%26, n)
		h.must(errorOf(r.CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: &name, TargetKeyId: key})))
		return name
	}
	aliases := func(of *string) func(*int32, *string) ([]string, *string, error) {
		return func(limit *int32, marker *string) (names []string, next *string, err error) {
			out, err := r.ListAliases(ctx, &kmsapi.ListAliasesRequest{KeyId: of, Limit: limit, Marker: marker})
			if err != nil {
				return nil, nil, err
			}
			for _, a := range out.Aliases {
				names = append(names, *a.AliasName)
			}
			return names, out.NextMarker, truncated(out.Truncated, out.NextMarker)
		}
	}
	return []paged{
		{"ListKeys", func(limit *int32, marker *string) (ids []string, next *string, err error) {
			out, err := r.ListKeys(ctx, &kmsapi.ListKeysRequest{Limit: limit, Marker: marker})
			if err != nil {
				return nil, nil, err
			}
			for _, k := range out.Keys {
				ids = append(ids, *k.KeyId)
			}
			return ids, out.NextMarker, truncated(out.Truncated, out.NextMarker)
		}, func(int) string { return *r.create(&kmsapi.CreateKeyRequest{}).KeyId }},
		{"ListAliases", aliases(nil), alias},
		{"ListAliases of a key", aliases(key), func(n int) string { return alias(100 + n) }},
		{"ListResourceTags", func(limit *int32, marker *string) (names []string, next *string, err error) {
			out, err := r.ListResourceTags(ctx, &kmsapi.ListResourceTagsRequest{KeyId: tagged, Limit: limit, Marker: marker})
			if err != nil {
				return nil, nil, err
			}
			for _, tag := range out.Tags {
				names = append(names, *tag.TagKey)
			}
			return names, out.NextMarker, truncated(out.Truncated, out.NextMarker)
		}, func(n int) string {
			name := fmt.Sprintf("%c-%d", 'a'+n*7%26, n)
			h.must(errorOf(r.TagResource(ctx, &kmsapi.TagResourceRequest{KeyId: tagged, Tags: []kmsapi.Tag{{TagKey: &name, TagValue: new("v")}}})))
			return name
		}},
		{"ListKeyRotations", func(limit *int32, marker *string) (ids []string, next *string, err error) {
			out, err := r.ListKeyRotations(ctx, &kmsapi.ListKeyRotationsRequest{KeyId: rotated, Limit: limit, Marker: marker})
			if err != nil {
				return nil, nil, err
			}
			for _, m := range out.Rotations {
				ids = append(ids, *m.KeyMaterialId)
			}
			return ids, out.NextMarker, truncated(out.Truncated, out.NextMarker)
		}, func(int) string {
			h.clock.Advance(time.Minute)
			h.must(errorOf(r.RotateKeyOnDemand(ctx, &kmsapi.RotateKeyOnDemandRequest{KeyId: rotated})))
			return *r.describe(rotated).CurrentKeyMaterialId
		}},
	}
}

// truncated is an error unless the two members that say whether there is more agree.
func truncated(more *bool, next *string) error {
	if more == nil || *more != (next != nil) {
		return fmt.Errorf("Truncated does not agree with NextMarker")
	}
	return nil
}

// TestPagesAreStableWhileSomethingIsAdded: what was there when a listing began is on
// exactly one page, whatever is added between two pages; nothing is there twice.
func TestPagesAreStableWhileSomethingIsAdded(t *testing.T) {
	h := newHarness(t)
	for _, l := range listings(h) {
		t.Run(l.name, func(t *testing.T) {
			var before []string
			for n := range 7 {
				before = append(before, l.insert(n))
			}
			var seen []string
			var marker *string
			added := 7
			for {
				items, next, err := l.page(new(int32(2)), marker)
				h.must(err)
				if len(items) > 2 || next != nil && len(items) != 2 {
					t.Errorf("a page of %d", len(items))
				}
				seen = append(seen, items...)
				if marker = next; marker == nil {
					break
				}
				if added < 12 {
					l.insert(added)
					added++
				}
			}
			for _, item := range before {
				if n := len(slices.DeleteFunc(slices.Clone(seen), func(s string) bool { return s != item })); n != 1 {
					t.Errorf("%s is listed %d times", item, n)
				}
			}
			if all := slices.Compact(slices.Sorted(slices.Values(seen))); len(all) != len(seen) {
				t.Errorf("listed twice: %v", seen)
			}
			again, next, err := l.page(nil, nil)
			h.must(err)
			if next != nil || len(again) < added {
				t.Errorf("%d of %d on a page of the default size", len(again), added)
			}
		})
	}
}

// TestMarkersAreForTheirListingOnly refuses garbage, and markers of another operation, of
// another account or of other parameters.
func TestMarkersAreForTheirListingOnly(t *testing.T) {
	h := newHarness(t)
	all := listings(h)
	markers := map[string]string{}
	for _, l := range all {
		for n := range 3 {
			l.insert(200 + n)
		}
		_, next, err := l.page(new(int32(1)), nil)
		h.must(err)
		if next == nil {
			t.Fatalf("%s: no second page", l.name)
		}
		markers[l.name] = *next
	}
	for _, l := range all {
		for of, marker := range markers {
			if _, _, err := l.page(nil, &marker); of != l.name {
				wants(t, err, "InvalidMarkerException", "Could not deserialize marker '"+marker+"'")
			} else if err != nil {
				t.Errorf("%s: its own marker: %v", l.name, err)
			}
		}
		for _, garbage := range []string{"x", "AAAA", markers[l.name] + "A", markers[l.name][1:]} {
			if _, _, err := l.page(nil, &garbage); codeOf(err) != "InvalidMarkerException" {
				t.Errorf("%s: marker %q: %v", l.name, garbage, err)
			}
		}
	}
	_, err := h.as(root(otherAccount), testRegion).kms().ListKeys(t.Context(), &kmsapi.ListKeysRequest{Marker: new(markers["ListKeys"])})
	wantsCode(t, err, "InvalidMarkerException")
	_, err = h.in("us-west-2").ListKeys(t.Context(), &kmsapi.ListKeysRequest{Marker: new(markers["ListKeys"])})
	wantsCode(t, err, "InvalidMarkerException")
}

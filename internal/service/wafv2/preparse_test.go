package wafv2

import (
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/wafv2api"
	"fastness/internal/engine/waf/request"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
)

// before has a statement decode the query string before it is split, in the order of the priorities.
func before(f wafv2api.FieldToMatch, kinds ...wafv2api.PreParseTextTransformationType) *wafv2api.Statement {
	m := &wafv2api.ByteMatchStatement{
		SearchString: []byte("evil"), FieldToMatch: &f, TextTransformations: transforms(wafv2api.TextTransformationTypeNone),
		PositionalConstraint: new(wafv2api.PositionalConstraintExactly),
	}
	for i, kind := range kinds {
		m.PreParseTextTransformations = append(m.PreParseTextTransformations, wafv2api.PreParseTextTransformation{Priority: new(int32(len(kinds) - i)), Type: new(kind)})
	}
	return &wafv2api.Statement{ByteMatchStatement: m}
}

func TestTransformationsBeforeTheQueryIsSplit(t *testing.T) {
	const (
		decode = wafv2api.PreParseTextTransformationTypeURLDecode
		semi   = wafv2api.PreParseTextTransformationTypeReplaceSemicolonsWithAmpersands
		none   = wafv2api.PreParseTextTransformationTypeNone
	)
	h := newHarness(t)
	all := wafv2api.FieldToMatch{AllQueryArguments: &wafv2api.AllQueryArguments{}}
	one := wafv2api.FieldToMatch{SingleQueryArgument: &wafv2api.SingleQueryArgument{Name: new("a")}}
	check := func(s *wafv2api.Statement) (int64, error) {
		out, err := h.admin().CheckCapacity(t.Context(), &wafv2api.CheckCapacityRequest{Scope: regional(), Rules: []wafv2api.Rule{rule(1, s)}})
		if err != nil {
			return 0, err
		}
		return *out.Capacity, nil
	}
	for name, c := range map[string]struct {
		s    *wafv2api.Statement
		want int64
	}{"none": {before(one, none), 2}, "one": {before(one, decode), 12}, "two": {before(one, decode, semi), 22}, "of all arguments": {before(all, decode), 22}} {
		if got, err := check(c.s); err != nil || got != c.want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		s    *wafv2api.Statement
		want string
	}{
		"of a path":   {before(wafv2api.FieldToMatch{UriPath: &wafv2api.UriPath{}}, decode), "The combination"},
		"eleven":      {before(one, slices.Repeat([]wafv2api.PreParseTextTransformationType{decode}, 11)...), "You exceeded a maximum"},
		"one unknown": {before(one, "LOWERCASE"), "ValidationException"},
	} {
		if _, err := check(c.s); err == nil || !strings.Contains(fronttest.Text(err), c.want) {
			t.Errorf("%s: %v", name, fronttest.Text(err))
		}
	}
	sum := h.webACL("shop", rule(1, before(one, decode, semi)))
	err := h.store.View(t.Context(), func(r store.Reader) error {
		spec, err := h.service.Specification(r, *sum.ARN)
		if err != nil {
			return err
		}
		if got := spec.ACL.Rules[0].Statement.Byte.Component.PreParse; !slices.Equal(got, []request.PreParse{request.PreParseSemicolons, request.PreParseURLDecode}) {
			t.Errorf("the engine gets %v", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

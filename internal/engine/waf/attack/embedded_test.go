package attack

import "testing"

// What is in a document of JSON or GraphQL is looked at by itself, so that nothing but its strings counts for a script or a
// statement. What only begins and ends like one is none.
func TestBracketsDoNotMakeADocument(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	s := NewScratch(nil)
	for _, v := range []string{
		"[x]: javascript:alert(1)\n[x]",
		"[1] or 1=1 union select a from b where [a]=[b]",
		"[alert(document.cookie)]",
		"[1] union select a,b from [c]",
		"{a{b}} ,alert(1),{c}",
	} {
		if d.Inspect([]byte(v), Body, s, nil) == 0 {
			t.Errorf("%q", v)
		}
	}
	for _, v := range []string{
		`[{"a":"union"},{"b":"select"},[1,2.5,-3e+7,true,null]]`,
		"[{\"a\":\"or 1\"}]\n[{\"a\":\"= 1\"}]",
		`{shop(id: 1, order: [{by: "select"}]) { name ... on Order { union } }}`,
		`query A($x: Int!) { union(all: $x) @include(if: $x) { select } }`,
	} {
		if found := d.Inspect([]byte(v), Body, s, nil); found != 0 {
			t.Errorf("%q: %v", v, found)
		}
	}
}

package binding

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"fastness/internal/wire"
)

// bound has a member for each place outside the body.
type bound struct {
	Label   *string
	Tail    *string
	Query   *int32
	Queries []string
	All     map[string][]string
	Rest    map[string]string
	Header  *string
	Numbers []float64
	Dates   []time.Time
	Strings []string
	JSON    *string
	Host    *string
	Prefix  map[string]string
	When    *time.Time
	Status  *int32
}

const (
	refString wire.ShapeRef = iota
	refInteger
	refDouble
	refTime
	refStrings
	refDoubles
	refTimes
	refMap
	refListMap
	refBound
)

func testOperation() *wire.Operation {
	elem := func(ref wire.ShapeRef) wire.Member { return wire.Member{Name: "member", WireName: "member", Ref: ref} }
	key := wire.Member{Name: "key", WireName: "key", Ref: refString}
	m := func(name, wireName string, ref wire.ShapeRef, l wire.Location, offset uintptr) wire.Member {
		return wire.Member{Name: name, WireName: wireName, Ref: ref, Location: l, Offset: offset}
	}
	json := m("JSON", "X-Json", refString, wire.InHeader, unsafe.Offsetof(bound{}.JSON))
	json.JSONValue = true
	return wire.Link(&wire.API{
		Operations: []wire.Operation{{
			Name: "Put", Method: "PUT", Path: "/{Label}/x/{Tail+}", InputRef: refBound, OutputRef: refBound,
			NewInput: func() any { return new(bound) },
		}},
		Shapes: []wire.Shape{
			refString:  {Name: "String", Kind: wire.String},
			refInteger: {Name: "Integer", Kind: wire.Integer},
			refDouble:  {Name: "Double", Kind: wire.Double},
			refTime:    {Name: "Time", Kind: wire.Timestamp},
			refStrings: {Name: "Strings", Kind: wire.List, Elem: elem(refString), ListOps: wire.ListOf[string]{}},
			refDoubles: {Name: "Doubles", Kind: wire.List, Elem: elem(refDouble), ListOps: wire.ListOf[float64]{}},
			refTimes:   {Name: "Times", Kind: wire.List, Elem: elem(refTime), ListOps: wire.ListOf[time.Time]{}},
			refMap:     {Name: "Map", Kind: wire.Map, Key: key, Elem: elem(refString), MapOps: wire.MapOf[string, string]{}},
			refListMap: {Name: "ListMap", Kind: wire.Map, Key: key, Elem: elem(refStrings), MapOps: wire.MapOf[string, []string]{}},
			refBound: {
				Name: "Bound", Kind: wire.Structure, Payload: -1, Size: unsafe.Sizeof(bound{}), New: wire.Allocate[bound],
				Members: []wire.Member{
					m("Label", "Label", refString, wire.InPath, unsafe.Offsetof(bound{}.Label)),
					m("Tail", "Tail", refString, wire.InPathTail, unsafe.Offsetof(bound{}.Tail)),
					m("Query", "q", refInteger, wire.InQuery, unsafe.Offsetof(bound{}.Query)),
					m("Queries", "qs", refStrings, wire.InQuery, unsafe.Offsetof(bound{}.Queries)),
					m("All", "", refListMap, wire.InQueryMap, unsafe.Offsetof(bound{}.All)),
					m("Rest", "", refMap, wire.InQueryMap, unsafe.Offsetof(bound{}.Rest)),
					m("Header", "X-Header", refString, wire.InHeader, unsafe.Offsetof(bound{}.Header)),
					m("Numbers", "X-Numbers", refDoubles, wire.InHeader, unsafe.Offsetof(bound{}.Numbers)),
					m("Dates", "X-Dates", refTimes, wire.InHeader, unsafe.Offsetof(bound{}.Dates)),
					m("Strings", "X-Strings", refStrings, wire.InHeader, unsafe.Offsetof(bound{}.Strings)),
					json,
					m("Host", "Host", refString, wire.InHeader, unsafe.Offsetof(bound{}.Host)),
					m("Prefix", "x-amz-meta-", refMap, wire.InHeaders, unsafe.Offsetof(bound{}.Prefix)),
					m("When", "X-When", refTime, wire.InHeader, unsafe.Offsetof(bound{}.When)),
					m("Status", "Status", refInteger, wire.InStatus, unsafe.Offsetof(bound{}.Status)),
				},
			},
		},
	}).Operation("Put")
}

func TestDecode(t *testing.T) {
	h := http.Header{}
	h.Set("x-header", "v")
	h.Set("x-numbers", "1.5, NaN,-2")
	h["X-Dates"] = []string{"Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 23:48:18 GMT", "Wed, 18 Dec 2019 23:48:18 GMT"}
	h.Set("x-strings", `a, "b,c", "\"d\"" ,e`)
	h.Set("x-json", "eyJhIjoxfQ==")
	h.Set("x-amz-meta-Color", "red")
	h.Set("x-when", "Mon, 16 Dec 2019 23:48:18 GMT")
	req := &wire.Request{Header: h, Host: "b.s3.example", Labels: []string{"l", "a/b"}, Query: "q=5&qs=a+b&qs=c%2B&other=o"}
	got := new(bound)
	if err := Decode(testOperation(), req, unsafe.Pointer(got)); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2019, 12, 16, 23, 48, 18, 0, time.UTC)
	if len(got.Numbers) != 3 || !math.IsNaN(got.Numbers[1]) || got.Numbers[2] != -2 {
		t.Errorf("numbers %v", got.Numbers)
	}
	got.Numbers = nil
	want := &bound{
		Label: new("l"), Tail: new("a/b"), Query: new(int32(5)), Queries: []string{"a b", "c+"},
		All:    map[string][]string{"q": {"5"}, "qs": {"a b", "c+"}, "other": {"o"}},
		Rest:   map[string]string{"other": "o"},
		Header: new("v"), Dates: []time.Time{at, at.AddDate(0, 0, 1), at.AddDate(0, 0, 2)}, Strings: []string{"a", "b,c", `"d"`, "e"},
		JSON: new(`{"a":1}`), Host: new("b.s3.example"), Prefix: map[string]string{"color": "red"}, When: &at,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, req := range map[string]*wire.Request{
		"two values of one header":    {Header: http.Header{"X-Header": {"a", "b"}}},
		"two values of one parameter": {Query: "q=1&q=2"},
		"a bad number":                {Query: "q=x"},
		"a bad escape":                {Query: "q=%"},
		"an open quote":               {Header: http.Header{"X-Strings": {`"a`}}},
		"text after a quote":          {Header: http.Header{"X-Strings": {`"a"b`}}},
		"bad base64":                  {Header: http.Header{"X-Json": {"***"}}},
		"a bad date":                  {Header: http.Header{"X-When": {"yesterday"}}},
	} {
		if req.Header == nil {
			req.Header = http.Header{}
		}
		err := Decode(testOperation(), req, unsafe.Pointer(new(bound)))
		var e *wire.CommonError
		if !errors.As(err, &e) || e.Kind != wire.Serialization {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncode(t *testing.T) {
	at := time.Date(2019, 12, 16, 23, 48, 18, 0, time.UTC)
	res := &wire.Response{Header: http.Header{}, Status: 200}
	out := &bound{
		Header: new("a\r\nSet-Cookie: b"), Numbers: []float64{1, math.Inf(1)}, Dates: []time.Time{at, at}, Strings: []string{"a", "b,c", `"d"`, "", " e"},
		JSON: new("true"), Prefix: map[string]string{"color": "red"}, When: &at, Status: new(int32(201)), Queries: []string{"ignored"},
	}
	op := testOperation()
	if err := Encode(op.Output(), unsafe.Pointer(out), res); err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"X-Header": {"a  Set-Cookie: b"}, "X-Numbers": {"1, Infinity"},
		"X-Dates":   {"Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:18 GMT"},
		"X-Strings": {`a, "b,c", "\"d\"", "", " e"`}, "X-Json": {"dHJ1ZQ=="}, "x-amz-meta-color": {"red"}, "X-When": {"Mon, 16 Dec 2019 23:48:18 GMT"},
	}
	if diff := cmp.Diff(want, res.Header); diff != "" || res.Status != 201 {
		t.Errorf("status %d, %s", res.Status, diff)
	}
	back := new(bound)
	if err := Decode(op, &wire.Request{Header: res.Header}, unsafe.Pointer(back)); err != nil || !slices.Equal(back.Strings, out.Strings) {
		t.Errorf("%q, %v", back.Strings, err)
	}
}

func FuzzHeaderList(f *testing.F) {
	for _, s := range []string{`a, b`, `"a,b", c`, `"\"", ""`, `,`, `"a`, `a,`, " \t, "} {
		f.Add(s)
	}
	elem := &testOperation().Input().Member("X-Strings").Shape().Elem
	f.Fuzz(func(t *testing.T, s string) {
		list, err := splitHeader(s, elem)
		if err != nil {
			return
		}
		var again []byte
		for i, e := range list {
			if i > 0 {
				again = append(again, ", "...)
			}
			again = appendListElement(again, e)
		}
		back, err := splitHeader(string(again), elem)
		if err != nil || !slices.Equal(list, back) {
			t.Fatalf("%q: %q became %q: %v", s, list, back, err)
		}
	})
}

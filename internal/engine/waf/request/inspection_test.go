package request

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// everything is a component of every kind, some of them in several ways.
func everything(t testing.TB) []*Selector {
	var list []*Selector
	add := func(c Component) {
		s, err := Compile(c)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	for k := range appenders {
		c := Component{Kind: k}
		if k == SingleHeader || k == SingleQueryArgument {
			c.Name = "user-agent"
		}
		add(c)
	}
	add(Component{Kind: Headers, Excluded: []string{"cookie", "host"}})
	add(Component{Kind: Cookies, Included: []string{"session"}})
	add(Component{Kind: JSONBody, Included: []string{"/items/*/name", "/total"}})
	add(Component{Kind: AllQueryArguments, PreParse: []PreParse{PreParseURLDecode, PreParseSemicolons, PreParseCombineDuplicates}})
	return list
}

func typicalRequests() []*Request {
	fields := []Field{
		{"Host", "shop.example.com"}, {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
		{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, {"Accept-Language", "en-US,en;q=0.5"}, {"Accept-Encoding", "gzip, deflate, br"},
		{"Referer", "https://shop.example.com/list?page=2"}, {"Cookie", "session=4f1c2a9be0; theme=dark; _ga=GA1.2.1234567.89; lang=en"},
		{"X-Forwarded-For", "203.0.113.7, 10.0.0.1"}, {"Connection", "keep-alive"},
	}
	with := func(contentType, body string) *Request {
		return &Request{Method: "POST", Target: "/cart/add?ref=home&utm_source=news+letter&x=%C3%A9", Proto: "HTTP/1.1", Host: "shop.example.com",
			Fields: append(fields[:len(fields):len(fields)], Field{"Content-Type", contentType}), Body: []byte(body)}
	}
	var items strings.Builder
	for i := range 40 {
		fmt.Fprintf(&items, `{"id":%d,"name":"Item \"%d\"","tags":["a","b"],"price":{"value":12.5,"currency":"EUR"}},`, i, i)
	}
	return []*Request{
		{Method: "GET", Target: "/list?page=2&sort=price&q=rock+%26+roll&category=music&in_stock=1&min=10&max=200", Proto: "HTTP/1.1", Host: "shop.example.com", Fields: fields},
		with("application/x-www-form-urlencoded", "name=J%C3%B6rg&street=Hauptstr.+1&city=K%C3%B6ln&note=please+ring+twice&agree=on"),
		with("application/json", `{"items":[`+strings.TrimSuffix(items.String(), ",")+`],"total":500}`),
		with("multipart/form-data; boundary=----WebKitFormBoundaryABC", "------WebKitFormBoundaryABC\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n"+
			"------WebKitFormBoundaryABC\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n------WebKitFormBoundaryABC--\r\n"),
		with("text/xml", `<?xml version="1.0"?><order id="7"><item n="1">Book &amp; pen</item><item n="2">Cup</item></order>`),
	}
}

func TestInspectingAllocatesNothingAtSteadyState(t *testing.T) {
	selectors := everything(t)
	requests := typicalRequests()
	in := NewInspection(DefaultLimits())
	var values []Value
	var addresses []netip.Addr
	run := func() {
		for _, r := range requests {
			in.Reset(r)
			for _, s := range selectors {
				values, _ = s.Append(values[:0], in)
			}
			addresses, _ = r.ForwardedAddresses(addresses[:0], "x-forwarded-for", AnyAddress)
		}
	}
	if n := testing.AllocsPerRun(50, run); n > 0 {
		t.Errorf("%v allocations for %d requests", n, len(requests))
	}
}

// A request leaves nothing behind for the next one.
func TestResetForgets(t *testing.T) {
	selectors := everything(t)
	requests := typicalRequests()
	used := NewInspection(DefaultLimits())
	for round := range 2 {
		for i := range requests {
			r := requests[(i*3+round)%len(requests)]
			used.Reset(r)
			fresh := NewInspection(DefaultLimits())
			fresh.Reset(r)
			for _, s := range selectors {
				got, o1 := s.Append(nil, used)
				want, o2 := s.Append(nil, fresh)
				if fmt.Sprintf("%v %v", got, o1) != fmt.Sprintf("%v %v", want, o2) {
					t.Fatalf("%+v: %v %v after other requests, %v %v alone", s.Component(), got, o1, want, o2)
				}
			}
		}
	}
}

// FuzzInspection looks at everything in any request: nothing panics, nothing writes to the
// request, what has a bound keeps it, and what is selected from the head is part of it.
func FuzzInspection(f *testing.F) {
	for _, r := range typicalRequests() {
		contentType, _ := r.Field("Content-Type")
		f.Add(r.Target, "Cookie", "a=b; c", contentType, r.Body, uint8(20))
	}
	f.Add("http://x#y?z", "X-Forwarded-For", "[::1]:8, 1.2.3.4:5,", "multipart/x; boundary=\"a\\\"", []byte("--a\"\n"), uint8(2))
	selectors := everything(f)
	f.Fuzz(func(t *testing.T, target, name, value, contentType string, body []byte, limit uint8) {
		n := int(limit)
		l := Limits{Fields: n, FieldBytes: 10 * n, Cookies: n, CookieBytes: 10 * n, Arguments: n, JSONValues: n, Depth: n, Parts: n}
		r := &Request{Method: "POST", Target: target, Proto: "HTTP/1.1", Body: body,
			Fields: []Field{{"Host", "h"}, {name, value}, {"Content-Type", contentType}, {"Cookie", value}}}
		before := bytes.Clone(body)
		in := NewInspection(l)
		for range 2 {
			in.Reset(r)
			for _, s := range selectors {
				values, o := s.Append(nil, in)
				switch k := s.Component().Kind; k {
				case Arguments, BodyArguments, AllQueryArguments:
					// A part, a tag or a key may bring one value more than the bound, the rest
					// another, and malformed text a third.
					if len(values) > 2*(n+4) {
						t.Fatalf("%s: %d values within a limit of %d", k, len(values), n)
					}
				case JSONBody:
					if len(values) > n+1 {
						t.Fatalf("%s: %d values within a limit of %d", k, len(values), n)
					}
				case URIPath, QueryString:
					for _, v := range values {
						if !strings.Contains(target, string(v.Bytes)) && target != "" && string(v.Bytes) != "/" {
							t.Fatalf("%s of %q is %q", k, target, v.Bytes)
						}
					}
				}
				if o.Decision != Inspect && len(values) > 0 {
					t.Fatalf("%+v: values with the decision %v", s.Component(), o)
				}
			}
			for _, p := range []Position{FirstAddress, LastAddress, AnyAddress} {
				list, found := r.ForwardedAddresses(nil, "X-Forwarded-For", p)
				if len(list) > anyAddresses || (found == Forwarded) != (len(list) > 0) {
					t.Fatalf("%v, %v", list, found)
				}
			}
		}
		if !bytes.Equal(body, before) {
			t.Fatal("the body was written to")
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	names := []string{"GET", "form", "JSON", "multipart", "XML"}
	kinds := []Component{
		{Kind: URIPath}, {Kind: QueryString}, {Kind: AllQueryArguments}, {Kind: Headers}, {Kind: Cookies}, {Kind: SingleHeader, Name: "user-agent"},
		{Kind: Body}, {Kind: JSONBody}, {Kind: Arguments}, {Kind: ArgumentNames},
	}
	var selectors []*Selector
	for _, c := range kinds {
		s, err := Compile(c)
		if err != nil {
			b.Fatal(err)
		}
		selectors = append(selectors, s)
	}
	for i, r := range typicalRequests() {
		b.Run(names[i], func(b *testing.B) {
			in := NewInspection(DefaultLimits())
			var values []Value
			b.SetBytes(int64(len(r.Target) + len(r.Body)))
			b.ReportAllocs()
			for b.Loop() {
				in.Reset(r)
				for _, s := range selectors {
					values, _ = s.Append(values[:0], in)
				}
			}
		})
	}
}

// BenchmarkHostile takes apart what is made to be expensive, a megabyte each.
func BenchmarkHostile(b *testing.B) {
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for _, c := range []struct{ name, contentType, body string }{
		{"form", "application/x-www-form-urlencoded", fill("a&")},
		{"form escapes", "application/x-www-form-urlencoded", fill("%41=%42&")},
		{"JSON numbers", "application/json", "[" + fill("1,")},
		{"JSON depth", "application/json", fill("[")},
		{"JSON escapes", "application/json", `["` + fill(`\u0041`)},
		{"JSON backslashes", "application/json", `["` + fill(`\\`)},
		{"JSON keys", "application/json", "{" + fill(`"a":{"b":1},`)},
		{"JSON long key", "application/json", `{"` + fill("k")[:size/2] + `":[` + fill("1,")[:size/2]},
		{"JSON strings", "application/json", "[" + fill(`"",`)},
		{"multipart parts", "multipart/form-data; boundary=b", fill("--b\r\n\r\n\r\n")},
		{"multipart almost", "multipart/form-data; boundary=" + strings.Repeat("-", 70), fill("\n-----------------------------------")},
		{"multipart header", "multipart/form-data; boundary=b", "--b\r\n" + fill("a:b\r\n")},
		{"multipart parameters", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data" + fill(";a=b")},
		{"XML tags", "text/xml", fill("<a>")},
		{"XML attributes", "text/xml", "<a " + fill(`b="" `)},
		{"XML open", "text/xml", fill("<")},
		{"XML entities", "text/xml", "<a>" + fill("&#60;")},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := &Request{Fields: []Field{{"Content-Type", c.contentType}}, Body: []byte(c.body)}
			in := NewInspection(DefaultLimits())
			args, err := Compile(Component{Kind: Arguments})
			if err != nil {
				b.Fatal(err)
			}
			json, err := Compile(Component{Kind: JSONBody, Included: []string{"/*/*/a"}})
			if err != nil {
				b.Fatal(err)
			}
			var values []Value
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				in.Reset(r)
				values, _ = args.Append(values[:0], in)
				values, _ = json.Append(values[:0], in)
			}
		})
	}
}

package xmlbody_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"fastness/internal/wire/wiretest"
	"fastness/internal/wire/xmlbody"
)

var echo = wiretest.API().Operation("Echo")

func decode(body string) (*wiretest.Everything, error) {
	v := new(wiretest.Everything)
	return v, xmlbody.DecodeStruct([]byte(body), echo.Input(), unsafe.Pointer(v), false)
}

func TestDecodeReadsEveryKind(t *testing.T) {
	got, err := decode(`<?xml version="1.0" encoding="UTF-8"?><!-- c --><a:Echo xmlns:a="urn:x">
		<String>a &lt;b&gt; &#233;<![CDATA[<c>]]> </String><Boolean> true </Boolean><Integer>-5</Integer><Double>-Infinity</Double>
		<Time>2019-12-16T23:48:18Z</Time><HTTPTime>Mon, 16 Dec 2019 23:48:18 GMT</HTTPTime><Blob>aGk=</Blob>
		<Strings><member>a</member><other/><member></member></Strings><Flat>1</Flat><Unknown><x><y/></x></Unknown><Flat>2</Flat>
		<Lists><member><member>x</member></member><member/></Lists><Children><member><Integer>1</Integer></member></Children>
		<Map><entry><value>v</value><key>k</key></entry></Map><FlatMap><key>a</key><value>b</value></FlatMap><FlatMap><key>c</key></FlatMap>
		<Child/><Union><Text>t</Text></Union></a:Echo><!-- end -->`)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2019, 12, 16, 23, 48, 18, 0, time.UTC)
	want := &wiretest.Everything{
		String: new("a <b> é<c> "), Boolean: new(true), Integer: new(int32(-5)), Double: new(math.Inf(-1)), Time: &at, HTTPTime: &at, Blob: []byte("hi"),
		Strings: []string{"a", ""}, Flat: []int32{1, 2}, Lists: [][]string{{"x"}, {}}, Children: []wiretest.Everything{{Integer: new(int32(1))}},
		Map: map[string]string{"k": "v"}, FlatMap: map[string]string{"a": "b", "c": ""}, Child: &wiretest.Everything{}, Union: &wiretest.Union{Text: new("t")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, body := range []string{
		``, ` `, `x`, `<a>`, `<a></b>`, `<a/><b/>`, `<a/>x`, `x<a/>`, `<a><Integer>x</Integer></a>`, `<a><Integer/></a>`,
		`<!DOCTYPE a [<!ENTITY e "x">]><a><String>&e;</String></a>`, `<!DOCTYPE a><a/>`, `<a><String>&e;</String></a>`,
		`<a><String><b/></String></a>`, `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "<a><String>\xff</String></a>",
		"<a><String>\x01</String></a>", `<a><Map><entry><value>v</value></entry></Map></a>`,
		`<a><Union><Text>a</Text><Number>1</Number></Union></a>`, `<a><Blob>***</Blob></a>`,
		strings.Repeat("<Child>", 101) + strings.Repeat("</Child>", 101),
		strings.Repeat("<x>", 101) + strings.Repeat("</x>", 101),
		`<a><Children>` + strings.Repeat(`<member/>`, 1<<16) + `</Children></a>`,
	} {
		if _, err := decode(body); err == nil {
			t.Errorf("%.60q is accepted", body)
		}
	}
}

func TestDecodeNamesMistypedValues(t *testing.T) {
	_, err := decode(`<a><Integer>x</Integer></a>`)
	var e *xmlbody.Error
	if !errors.As(err, &e) || e.Message != "STRING_VALUE can not be converted to an Integer" {
		t.Error(err)
	}
}

func TestAppendTextSurvivesAParser(t *testing.T) {
	const in = "a<b>&\"'\r\n\té\u2028"
	for _, attribute := range []bool{false, true} {
		doc := string(xmlbody.AppendTextElement(nil, "a", in))
		if attribute {
			doc = string(xmlbody.AppendStart(nil, "a", in)) + "</a>"
		}
		d := xml.NewDecoder(strings.NewReader(doc))
		var text string
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", doc, err)
			}
			switch tok := tok.(type) {
			case xml.CharData:
				text += string(tok)
			case xml.StartElement:
				if attribute {
					text = tok.Attr[0].Value
				}
			}
		}
		if text != in {
			t.Errorf("%q, want %q", text, in)
		}
	}
	if got := string(xmlbody.AppendText(nil, "a\x00\x1f\xff\uffff")); got != "a\uFFFD\uFFFD\uFFFD\uFFFD" {
		t.Errorf("%q", got)
	}
}

func TestRoundTrip(t *testing.T) {
	at := time.Date(2019, 12, 16, 23, 48, 18, 5000000, time.UTC)
	sec := at.Truncate(time.Second)
	in := &wiretest.Everything{
		String: new(" <&> "), Boolean: new(false), Long: new(int64(-1)), Float: new(float32(0.1)), Time: &at, HTTPTime: &sec, Blob: []byte{},
		Strings: []string{}, Flat: []int32{3, 1}, Times: []time.Time{sec}, Lists: [][]string{{}, {"x"}}, Children: []wiretest.Everything{{}},
		Map: map[string]string{"": "", "b": "c"}, FlatMap: map[string]string{"x": "y"}, StructMap: map[string]wiretest.Everything{"k": {String: new("")}},
		Child: &wiretest.Everything{},
	}
	body := xmlbody.AppendStart(nil, "Echo", "urn:x")
	body, err := xmlbody.AppendMembers(body, echo.Output(), unsafe.Pointer(in), false)
	if err != nil {
		t.Fatal(err)
	}
	out, err := decode(string(xmlbody.AppendEnd(body, "Echo")))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`<a><String>x</String><Flat>1</Flat><Flat>2</Flat></a>`, `<a><Map><entry><key>a</key><value>b</value></entry></Map></a>`,
		`<!DOCTYPE a><a/>`, `<a><Children><member><Child/></member></Children></a>`, `<a b="c"><![CDATA[x]]></a>`, `<a><Lists><member><member/></member></Lists></a>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := decode(string(body))
		if err != nil {
			return
		}
		if bytes.Contains(body, []byte("<!DOCTYPE")) && !bytes.Contains(body, []byte("<!--")) && !bytes.Contains(body, []byte("<![CDATA[")) && !bytes.Contains(body, []byte("<?")) {
			t.Fatalf("accepted a document type declaration: %q", body)
		}
		out, err := xmlbody.AppendMembers(xmlbody.AppendStart(nil, "a", ""), echo.Output(), unsafe.Pointer(v), false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(string(xmlbody.AppendEnd(out, "a"))); err != nil {
			t.Fatalf("%q became %q: %v", body, out, err)
		}
	})
}

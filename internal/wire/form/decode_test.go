package form_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"fastness/internal/wire"
	"fastness/internal/wire/form"
	"fastness/internal/wire/wiretest"
)

func decode(body string, dialect form.Dialect) (*wiretest.Everything, error) {
	values, err := form.Parse(nil, body)
	if err != nil {
		return nil, err
	}
	v := new(wiretest.Everything)
	return v, values.DecodeStruct(wiretest.API().Operation("Echo").Input(), unsafe.Pointer(v), dialect)
}

func TestDecodeReadsEveryKind(t *testing.T) {
	got, err := decode(strings.Join([]string{
		"Action=Echo", "Version=2020-01-08", "String=a+b%2Bc%C3%A9", "Boolean=true", "Integer=-5", "Long=9007199254740993", "Float=1.5",
		"Double=-Infinity", "Time=2019-12-16T22:48:18-01:00", "HTTPTime=Mon%2C+16+Dec+2019+23%3A48%3A18+GMT", "Blob=aGk%3D",
		"Strings.member.2=b", "Strings.member.10=c", "Strings.member.1=a", "Flat.1=7", "Flat.3=9", "Times.member.1=1576540098",
		"Lists.member.1.member.1=x", "Lists.member.2=", "Children.member.1.Integer=1", "Children.member.1.Child.String=deep",
		"Map.entry.1.key=k", "Map.entry.1.value=v", "Map.entry.2.key=", "Map.entry.2.value=", "FlatMap.1.key=k", "FlatMap.1.value=v",
		"StructMap.entry.1.key=x", "StructMap.entry.1.value.String=y", "Union.Text=u", "Unknown.1.x=1", "String.x=ignored",
	}, "&"), form.AWSQuery)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2019, 12, 16, 23, 48, 18, 0, time.UTC)
	want := &wiretest.Everything{
		String: new("a b+cé"), Boolean: new(true), Integer: new(int32(-5)), Long: new(int64(9007199254740993)), Float: new(float32(1.5)),
		Double: new(math.Inf(-1)), Time: &at, HTTPTime: &at, Blob: []byte("hi"), Strings: []string{"a", "b", "c"}, Flat: []int32{7, 9},
		Times: []time.Time{at}, Lists: [][]string{{"x"}, {}},
		Children: []wiretest.Everything{{Integer: new(int32(1)), Child: &wiretest.Everything{String: new("deep")}}},
		Map:      map[string]string{"k": "v", "": ""}, FlatMap: map[string]string{"k": "v"},
		StructMap: map[string]wiretest.Everything{"x": {String: new("y")}}, Union: &wiretest.Union{Text: new("u")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeTellsEmptyFromAbsent(t *testing.T) {
	got, err := decode("Strings=&Map=&Flat=&String=", form.AWSQuery)
	if err != nil {
		t.Fatal(err)
	}
	want := &wiretest.Everything{Strings: []string{}, Map: map[string]string{}, Flat: []int32{}, String: new("")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEC2DialectFlattensAndCapitalises(t *testing.T) {
	got, err := decode("Strings.1=a&Strings.2=b&Children.1.Strings.1=c", form.EC2Query)
	if err != nil {
		t.Fatal(err)
	}
	want := &wiretest.Everything{Strings: []string{"a", "b"}, Children: []wiretest.Everything{{Strings: []string{"c"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseAndDecodeRefuse(t *testing.T) {
	for body, want := range map[string]error{
		"a=1&a=2":                      form.ErrDuplicate,
		"a=1&%61=2":                    form.ErrDuplicate,
		"a=%":                          form.ErrEscape,
		"a=%4":                         form.ErrEscape,
		"a=%zz":                        form.ErrEscape,
		"%ff=1":                        form.ErrUTF8,
		"a=\xff":                       form.ErrUTF8,
		strings.Repeat("&", 10000):     form.ErrTooMany,
		"Integer=abc":                  nil,
		"Integer=+1":                   nil,
		"Integer=":                     nil,
		"Integer=2147483648":           nil,
		"Float=0x1p4":                  nil,
		"Boolean=yes":                  nil,
		"Time=soon":                    nil,
		"Blob=***":                     nil,
		"Strings.member.0=a":           nil,
		"Strings.member.01=a":          nil,
		"Strings.member.1x=a":          nil,
		"Strings.member.99999999999=a": nil,
		"Map.entry.1.value=a":          nil,
		"Union.Text=a&Union.Number=1":  nil,
		strings.Repeat("Child.", 101) + "String=a":            nil,
		strings.Repeat("Children.member.1.", 60) + "String=a": nil,
	} {
		_, err := decode(body, form.AWSQuery)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", body, err, want)
		}
	}
}

func TestElementsWithoutAValueAreNotMadeUp(t *testing.T) {
	got, err := decode("Strings.member.1.x=a&Strings.member.2=b", form.AWSQuery)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b"}, got.Strings); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeBoundsMemory(t *testing.T) {
	// Every parameter asks for as many structures as it has dots.
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "&Children.member.%d.%sString=", i+1, strings.Repeat("Child.", 40))
	}
	if _, err := decode(b.String(), form.AWSQuery); err == nil {
		t.Error("a document of nested structures is accepted")
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"Action=Echo&Version=2020-01-08&String=a+b%2B", "Strings.member.1=a&Strings.member.2=b", "Flat.1=1&Flat=",
		"Map.entry.1.key=a&Map.entry.1.value=b", "StructMap.entry.1.value.Child.Child.Integer=1&StructMap.entry.1.key=", "a=1&a=2", "%", "Lists.member.1.member.1=x",
	} {
		f.Add(s)
	}
	s := wiretest.API().Operation("Echo").Input()
	f.Fuzz(func(t *testing.T, body string) {
		values, err := form.Parse(nil, body)
		if err != nil {
			return
		}
		for _, d := range []form.Dialect{form.AWSQuery, form.EC2Query} {
			_ = values.DecodeStruct(s, unsafe.Pointer(new(wiretest.Everything)), d)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	op := wiretest.API().Operation("Encrypt")
	const body = "Action=Encrypt&Version=2020-01-08&KeyId=1234abcd-12ab-34cd-56ef-1234567890ab&Plaintext=aGVsbG8gd29ybGQ%3D&EncryptionContext.entry.1.key=a&EncryptionContext.entry.1.value=b"
	b.ReportAllocs()
	for b.Loop() {
		values, err := form.Parse(nil, body)
		if err != nil {
			b.Fatal(err)
		}
		if err := values.DecodeStruct(op.Input(), wire.PointerOf(new(wiretest.EncryptInput)), form.AWSQuery); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParseCountsParametersOfBothDocuments(t *testing.T) {
	all := strings.Repeat("a=&", form.MaxParameters-1) + "b="
	if _, err := form.Parse(nil, "", all); errors.Is(err, form.ErrTooMany) {
		t.Errorf("%d parameters: %v", form.MaxParameters, err)
	}
	if _, err := form.Parse(nil, "c=", all); !errors.Is(err, form.ErrTooMany) {
		t.Errorf("%d parameters: %v", form.MaxParameters+1, err)
	}
}

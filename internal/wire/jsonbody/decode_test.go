package jsonbody_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"fastness/internal/wire"
	"fastness/internal/wire/jsonbody"
	"fastness/internal/wire/wiretest"
)

func decode(body string) (*wiretest.Everything, error) {
	v := new(wiretest.Everything)
	err := jsonbody.DecodeStruct([]byte(body), wiretest.API().Operation("Echo").Input(), unsafe.Pointer(v), false)
	return v, err
}

func TestDecodeReadsEveryKind(t *testing.T) {
	got, err := decode(`{"String":"a\u00e9\ud83d\ude00\n\/","Boolean":true,"Integer":-5,"Long":9007199254740993,
		"Float":1.5,"Double":"-Infinity","Time":1523383384.123,"ISOTime":"2019-12-16T23:48:18Z",
		"HTTPTime":"Mon, 16 Dec 2019 23:48:18 GMT","Blob":"aGk\/","Document":{"a":[1,null,"x",1.50]},
		"Strings":["a","b"],"Flat":[1,2],"Sparse":["a",null],"Times":[1,"2019-12-16T23:48:18Z"],
		"Lists":[["a"],[]],"Children":[{"Integer":1},{}],"Map":{"k":"v"},"SparseMap":{"a":1,"b":null},
		"FlatMap":{},"StructMap":{"x":{"String":"y"}},"Child":{"Child":{}},"Union":{"__type":"x","Number":3},
		"X-Header":"h","Unknown":[{"a":[1.5e3,true,false,null,"\u0041"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2019, 12, 16, 23, 48, 18, 0, time.UTC)
	want := &wiretest.Everything{
		String: new("aé😀\n/"), Boolean: new(true), Integer: new(int32(-5)), Long: new(int64(9007199254740993)),
		Float: new(float32(1.5)), Double: new(math.Inf(-1)), Time: new(time.Unix(1523383384, 123000000).UTC()),
		ISOTime: &at, HTTPTime: &at, Blob: []byte("hi?"),
		Document: map[string]any{"a": []any{json.Number("1"), nil, "x", json.Number("1.50")}},
		Strings:  []string{"a", "b"}, Flat: []int32{1, 2}, Sparse: []*string{new("a"), nil},
		Times: []time.Time{time.Unix(1, 0).UTC(), at}, Lists: [][]string{{"a"}, {}},
		Children: []wiretest.Everything{{Integer: new(int32(1))}, {}}, Map: map[string]string{"k": "v"},
		SparseMap: map[string]*int32{"a": new(int32(1)), "b": nil}, FlatMap: map[string]string{},
		StructMap: map[string]wiretest.Everything{"x": {String: new("y")}},
		Child:     &wiretest.Everything{Child: &wiretest.Everything{}}, Union: &wiretest.Union{Number: new(int32(3))},
		Header: new("h"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeTreatsNullAsAbsentAndLastDuplicateWins(t *testing.T) {
	got, err := decode(`{"String":"a","String":null,"Integer":1,"Integer":2,"Strings":["a"],"Strings":["b"],
		"Map":{"k":"1","k":"2","j":"1","j":null},"Child":{"Integer":1},"Child":{"Boolean":true},"Blob":null,
		"Children":[null,{"Integer":1}],"Document":null,"Time":null}`)
	if err != nil {
		t.Fatal(err)
	}
	want := &wiretest.Everything{Integer: new(int32(2)), Strings: []string{"b"}, Map: map[string]string{"k": "2"},
		Child: &wiretest.Everything{Boolean: new(true)}, Children: []wiretest.Everything{{Integer: new(int32(1))}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeNamesTypeMismatchesAsAWSDoes(t *testing.T) {
	const list, object = "Start of list found where not expected", "Start of structure or map found where not expected."
	for body, want := range map[string]string{
		`{"String":1}`:           "NUMBER_VALUE can not be converted to a String",
		`{"String":true}`:        "TRUE_VALUE can not be converted to a String",
		`{"String":["x"]}`:       list,
		`{"String":{}}`:          object,
		`{"Integer":"1"}`:        "STRING_VALUE can not be converted to an Integer",
		`{"Integer":false}`:      "FALSE_VALUE can not be converted to an Integer",
		`{"Integer":1.5}`:        "NUMBER_VALUE can not be converted to an Integer",
		`{"Integer":1e2}`:        "NUMBER_VALUE can not be converted to an Integer",
		`{"Integer":2147483648}`: "NUMBER_VALUE can not be converted to an Integer",
		`{"Long":1e400}`:         "NUMBER_VALUE can not be converted to a Long",
		`{"Double":1e400}`:       "NUMBER_VALUE can not be converted to a Double",
		`{"Float":"nan"}`:        "STRING_VALUE can not be converted to a Float",
		`{"Boolean":"true"}`:     "STRING_VALUE can not be converted to a Boolean",
		`{"Boolean":1}`:          "NUMBER_VALUE can not be converted to a Boolean",
		`{"Blob":1}`:             "NUMBER_VALUE can not be converted to a Blob",
		`{"Time":true}`:          "TRUE_VALUE can not be converted to milliseconds since epoch",
		`{"Time":"yesterday"}`:   "STRING_VALUE can not be converted to milliseconds since epoch",
		`{"Strings":"x"}`:        "Expected list or null",
		`{"Strings":{}}`:         object,
		`{"Strings":[["a"]]}`:    list,
		`{"Strings":[1]}`:        "NUMBER_VALUE can not be converted to a String",
		`{"Map":1}`:              "Expected map or null",
		`{"Map":[]}`:             list,
		`{"Child":"x"}`:          "Expected null",
		`{"Child":[]}`:           list,
		`[]`:                     list,
	} {
		_, err := decode(body)
		var e *jsonbody.Error
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestDecodeRefusesMalformedBodies(t *testing.T) {
	for _, body := range []string{
		``, ` `, `null`, `"x"`, `1`, `true`, `{`, `{"`, `{"String`, `{"String"`, `{"String":`, `{"String":"a`, `{"String":"a"`,
		`{"String":"a",}`, `{,}`, `{"String" "a"}`, `{"String":"a"} {}`, `{"String":"a"}x`, `{'String':'a'}`, `{String:"a"}`,
		`{"String":"` + "\xff" + `"}`, `{"` + "\xc3\x28" + `":1}`, `{"String":"\ud800"}`, `{"String":"\udc00\ud800"}`,
		`{"String":"\ud800\u0041"}`, `{"String":"\u12g4"}`, `{"String":"\x41"}`, "{\"String\":\"a\nb\"}", "{\"String\":\"a\x00b\"}",
		`{"Integer":01}`, `{"Integer":+1}`, `{"Integer":-}`, `{"Integer":1.}`, `{"Double":.5}`, `{"Double":1e}`, `{"Double":NaN}`,
		`{"Integer":0x10}`, `{"Boolean":tru}`, `{"String":nul}`, `{"Strings":["a",]}`, `{"Strings":["a"}`, `{"Strings":[,]}`,
		`{"Blob":"a"}`, `{"Blob":"aGk"}`, `{"Blob":"aGk_"}`, `{"Blob":"aG k="}`, `{"Blob":"aGl="}`, `{"Blob":"aGk=\n"}`, "{\"Blob\":\"aG\nk=\"}",
		`{"Union":{"Text":"a","Number":1}}`, `{"Unknown":[1,2,}`, `{"Unknown":{"a"}}`, `{"Unknown":"\q"}`, "\ufeff{}", "{}\x00",
		`{"Document":[1,]}`, `{"Document":{"a":tru}}`,
		strings.Repeat(`{"Child":`, 101) + `{}` + strings.Repeat(`}`, 101),
		`{"Unknown":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `}`,
		`{"Document":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `}`,
		`{"Children":[` + strings.Repeat(`{},`, 1<<16) + `{}]}`,
	} {
		if _, err := decode(body); err == nil {
			t.Errorf("%.60q is accepted", body)
		}
	}
}

func TestDecodeAcceptsTheDeepestDocument(t *testing.T) {
	if _, err := decode(strings.Repeat(`{"Child":`, 99) + `{}` + strings.Repeat(`}`, 99)); err != nil {
		t.Error(err)
	}
}

func TestDecodeIgnoresMembersBoundElsewhere(t *testing.T) {
	v := new(wiretest.Everything)
	body := `{"X-Header":"h","Child":{"X-Header":"inner"}}`
	if err := jsonbody.DecodeStruct([]byte(body), wiretest.API().Operation("Echo").Input(), unsafe.Pointer(v), true); err != nil {
		t.Fatal(err)
	}
	if v.Header != nil || wire.Value(v.Child.Header) != "inner" {
		t.Errorf("header %v, inner %v", v.Header, v.Child.Header)
	}
}

func TestRoundTrip(t *testing.T) {
	at := time.Date(2019, 12, 16, 23, 48, 18, 5000000, time.UTC)
	sec := at.Truncate(time.Second)
	in := &wiretest.Everything{
		String: new("<a&\"\\\x01\u2028é>"), Boolean: new(false), Integer: new(int32(math.MinInt32)), Long: new(int64(math.MaxInt64)),
		Float: new(float32(0.1)), Double: new(1e-300), Time: &at, ISOTime: &at, HTTPTime: &sec, Blob: []byte{},
		Document: map[string]any{"a": []any{json.Number("1.50"), nil, true, "s"}}, Strings: []string{}, Flat: []int32{0},
		Sparse: []*string{nil, new("")}, Times: []time.Time{sec}, Lists: [][]string{{}, {"x"}},
		Children: []wiretest.Everything{{Double: new(math.Inf(1))}}, Map: map[string]string{"": "", "b": "c"},
		SparseMap: map[string]*int32{"n": nil}, StructMap: map[string]wiretest.Everything{"k": {}},
		Child: &wiretest.Everything{}, Union: &wiretest.Union{Text: new("")},
	}
	s := wiretest.API().Operation("Echo").Output()
	body, err := jsonbody.AppendStruct(nil, s, unsafe.Pointer(in), false)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(body) {
		t.Fatalf("not JSON: %s", body)
	}
	if !bytes.Contains(body, []byte("<a&")) {
		t.Errorf("HTML is escaped: %s", body)
	}
	out, err := decode(string(body))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
}

// jsonEncrypt is EncryptInput as encoding/json reads it.
type jsonEncrypt struct {
	KeyID             *string           `json:"KeyId"`
	Plaintext         []byte            `json:"Plaintext"`
	EncryptionContext map[string]string `json:"EncryptionContext"`
	GrantTokens       []string          `json:"GrantTokens"`
	Algorithm         *string           `json:"EncryptionAlgorithm"`
	DryRun            *bool             `json:"DryRun"`
}

// onlyOurs are the refusals of JSON that encoding/json reads into the same struct.
var onlyOurs = []string{
	"not valid UTF-8",           // it puts U+FFFD
	"expected a surrogate pair", // it puts U+FFFD
	"nested too deep",
	"invalid base64",     // it skips line breaks and takes set padding bits
	"expected an object", // it takes null for a struct
}

// checkRefusal fails when the decoder refuses what encoding/json reads, for no listed
// reason.
func checkRefusal(t *testing.T, body []byte, err error) {
	t.Helper()
	if json.Unmarshal(body, new(jsonEncrypt)) != nil {
		return
	}
	var e *jsonbody.Error
	if !errors.As(err, &e) || !slices.ContainsFunc(onlyOurs, func(reason string) bool { return strings.Contains(e.Detail, reason) }) {
		t.Fatalf("%q: only we refuse it: %v", body, err)
	}
}

// FuzzAgainstEncodingJSON holds the decoder against encoding/json: what we accept it
// accepts, with the same result; what only it accepts is one of onlyOurs.
func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, s := range []string{
		encryptBody(32), `{"KeyId":"a","KeyId":"b"}`, `{"KeyId":"\u00e9\ud83d\ude00"}`, `{"x":{"y":[1,2,{"z":null}]},"DryRun":true}`,
		`{"KeyId":null}`, "{\"KeyId\":\"\xff\"}", `{"DryRun":false}{}`, `{"EncryptionContext":{"a":"b","a":"c"},"GrantTokens":["x","y"]}`,
		`{"KeyId":"\ud800"}`, `{"Plaintext":"aGk="}`, `{"Plaintext":"aG\u006b="}`, ` {} `, `[[[[[[`, `{"keyid":"a"}`, `{"GrantTokens":[null]}`,
		`{"a":-0.5e+10,"b":1E9}`, `{"KeyId":"\"\\\/\b\f\n\r\t"}`,
	} {
		f.Add([]byte(s))
	}
	op := wiretest.API().Operation("Encrypt")
	f.Fuzz(func(t *testing.T, body []byte) {
		got := new(wiretest.EncryptInput)
		err := jsonbody.DecodeStruct(body, op.Input(), unsafe.Pointer(got), false)
		if err != nil {
			checkRefusal(t, body, err)
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted what is not JSON: %q", body)
		}
		// encoding/json matches names without regard to case, keeps a value when null
		// follows, merges duplicate maps and puts zero values for nulls in lists; a
		// generic tree shows the document without these.
		var tree map[string]json.RawMessage
		if err := json.Unmarshal(body, &tree); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for k := range tree {
			if op.Input().Member(k) == nil {
				delete(tree, k)
			}
		}
		clean, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		var want jsonEncrypt
		if err := json.Unmarshal(clean, &want); err != nil {
			t.Fatalf("%q: encoding/json: %v", body, err)
		}
		if bytes.Contains(clean, []byte("null")) && (strings.Contains(string(tree["GrantTokens"]), "null") || strings.Contains(string(tree["EncryptionContext"]), "null")) {
			return
		}
		if diff := cmp.Diff(want, jsonEncrypt(*got)); diff != "" {
			t.Fatalf("%q: %s", body, diff)
		}
	})
}

func FuzzDecodeEverything(f *testing.F) {
	f.Add([]byte(`{"String":"a","Boolean":true,"Integer":-5,"Long":1,"Float":1.5,"Double":"NaN","Time":1.5e9,"Blob":"aGk=","Document":[{}]}`))
	f.Add([]byte(`{"Sparse":[null],"Lists":[[]],"Children":[{"Child":{}}],"SparseMap":{"a":null},"StructMap":{"a":{}},"Union":{"Text":""}}`))
	s := wiretest.API().Operation("Echo").Input()
	f.Fuzz(func(t *testing.T, body []byte) {
		v := new(wiretest.Everything)
		if err := jsonbody.DecodeStruct(body, s, unsafe.Pointer(v), false); err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted what is not JSON: %q", body)
		}
		out, err := jsonbody.AppendStruct(nil, s, unsafe.Pointer(v), false)
		if err != nil {
			t.Fatal(err)
		}
		if err := jsonbody.DecodeStruct(out, s, unsafe.Pointer(new(wiretest.Everything)), false); err != nil {
			t.Fatalf("%q became %q: %v", body, out, err)
		}
	})
}

// encryptBody is a KMS Encrypt request with a plaintext of n bytes; 32 bytes make it
// the 134 bytes that SDKs send most.
func encryptBody(n int) string {
	plaintext := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xa5, 7, 201}, n)[:n])
	return `{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","Plaintext":"` + plaintext + `","EncryptionContext":{"a":"b"}}`
}

func BenchmarkDecodeEncrypt(b *testing.B) {
	op := wiretest.API().Operation("Encrypt")
	for _, size := range []struct {
		name string
		n    int
	}{{"32B", 32}, {"4KiB", 4096}} {
		body := []byte(encryptBody(size.n))
		b.Run("table/"+size.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				v := new(wiretest.EncryptInput)
				if err := jsonbody.DecodeStruct(body, op.Input(), unsafe.Pointer(v), false); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("encodingjson/"+size.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if err := json.Unmarshal(body, new(jsonEncrypt)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeEncrypt(b *testing.B) {
	op := wiretest.API().Operation("Encrypt")
	out := &wiretest.EncryptOutput{CiphertextBlob: make([]byte, 184), KeyID: new("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"), Algorithm: new("SYMMETRIC_DEFAULT")}
	b.ReportAllocs()
	var body []byte
	for b.Loop() {
		var err error
		if body, err = jsonbody.AppendStruct(body[:0], op.Output(), unsafe.Pointer(out), false); err != nil {
			b.Fatal(err)
		}
	}
}

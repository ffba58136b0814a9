package cborbody_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"fastness/internal/wire"
	"fastness/internal/wire/cborbody"
	"fastness/internal/wire/wiretest"
)

var echo = wiretest.API().Operation("Echo")

func decode(body []byte) (*wiretest.Everything, error) {
	v := new(wiretest.Everything)
	return v, cborbody.DecodeStruct(body, echo.Input(), unsafe.Pointer(v))
}

// field is a document with one member, whose value is given in hexadecimal.
func field(t testing.TB, name, value string) []byte {
	t.Helper()
	b, err := hex.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	key, err := cbor.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	return append(append([]byte{0xa1}, key...), b...)
}

// The encodings of RFC 8949, appendix A.
func TestDecodeReadsTheExamplesOfTheRFC(t *testing.T) {
	for _, c := range []struct {
		member, value string
		get           func(*wiretest.Everything) any
		want          any
	}{
		{"Long", "00", func(v *wiretest.Everything) any { return wire.Value(v.Long) }, int64(0)},
		{"Long", "17", func(v *wiretest.Everything) any { return wire.Value(v.Long) }, int64(23)},
		{"Long", "1818", func(v *wiretest.Everything) any { return wire.Value(v.Long) }, int64(24)},
		{"Long", "1903e8", func(v *wiretest.Everything) any { return wire.Value(v.Long) }, int64(1000)},
		{"Long", "1a000f4240", func(v *wiretest.Everything) any { return wire.Value(v.Long) }, int64(1000000)},
		{"Long", "1b000000e8d4a51000", func(v *wiretest.Everything) any { return wire.Value(v.Long) }, int64(1000000000000)},
		{"Long", "3903e7", func(v *wiretest.Everything) any { return wire.Value(v.Long) }, int64(-1000)},
		{"Double", "f90000", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 0.0},
		{"Double", "f93c00", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 1.0},
		{"Double", "fb3ff199999999999a", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 1.1},
		{"Double", "f93e00", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 1.5},
		{"Double", "f97bff", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 65504.0},
		{"Double", "fa47c35000", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 100000.0},
		{"Double", "f90001", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 5.960464477539063e-8},
		{"Double", "f90400", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, 0.00006103515625},
		{"Double", "f9c400", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, -4.0},
		{"Double", "f9fc00", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, math.Inf(-1)},
		{"Double", "fa7f800000", func(v *wiretest.Everything) any { return wire.Value(v.Double) }, math.Inf(1)},
		{"Boolean", "f4", func(v *wiretest.Everything) any { return *v.Boolean }, false},
		{"Boolean", "f5", func(v *wiretest.Everything) any { return *v.Boolean }, true},
		{"Boolean", "f6", func(v *wiretest.Everything) any { return v.Boolean == nil }, true},
		{"Boolean", "f7", func(v *wiretest.Everything) any { return v.Boolean == nil }, true},
		{"Time", "c11a514b67b0", func(v *wiretest.Everything) any { return v.Time.Unix() }, int64(1363896240)},
		{"Time", "c1fb41d452d9ec200000", func(v *wiretest.Everything) any { return v.Time.UnixMilli() }, int64(1363896240500)},
		{"Blob", "4401020304", func(v *wiretest.Everything) any { return string(v.Blob) }, "\x01\x02\x03\x04"},
		{"Blob", "5f42010243030405ff", func(v *wiretest.Everything) any { return string(v.Blob) }, "\x01\x02\x03\x04\x05"},
		{"Blob", "40", func(v *wiretest.Everything) any { return v.Blob != nil && len(v.Blob) == 0 }, true},
		{"String", "62c3bc", func(v *wiretest.Everything) any { return *v.String }, "ü"},
		{"String", "7f657374726561646d696e67ff", func(v *wiretest.Everything) any { return *v.String }, "streaming"},
		{"Flat", "9f0102ff", func(v *wiretest.Everything) any { return len(v.Flat) }, 2},
		{"Map", "bf61616162ff", func(v *wiretest.Everything) any { return v.Map["a"] }, "b"},
		{"Sparse", "82f6f6", func(v *wiretest.Everything) any { return len(v.Sparse) }, 2},
		{"Strings", "82f66161", func(v *wiretest.Everything) any { return len(v.Strings) }, 1},
	} {
		v, err := decode(field(t, c.member, c.value))
		if err != nil {
			t.Errorf("%s %s: %v", c.member, c.value, err)
			continue
		}
		if got := c.get(v); got != c.want {
			t.Errorf("%s %s: %v, want %v", c.member, c.value, got, c.want)
		}
	}
}

func TestDecodeSkipsUnknownMembers(t *testing.T) {
	body, err := cbor.Marshal(map[string]any{"x": []any{1, map[string]any{"y": cbor.Tag{Number: 99, Content: "z"}}, 1.5, nil}, "Integer": 5})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := decode(body); err != nil || wire.Value(v.Integer) != 5 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string][]byte{
		"nothing":                   {},
		"a break":                   {0xff},
		"an array":                  {0x80},
		"reserved information":      {0xbc},
		"trailing data":             {0xa0, 0xa0},
		"a map that ends early":     {0xa1, 0x61, 0x61},
		"a huge map":                {0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"no break":                  {0xbf},
		"a number as key":           {0xa1, 0x01, 0x01},
		"a huge string":             field(t, "String", "7b7fffffffffffffff"),
		"a huge array":              field(t, "Strings", "9b7fffffffffffffff"),
		"text that is not UTF-8":    field(t, "String", "61ff"),
		"bytes as text":             field(t, "String", "4161"),
		"text as bytes":             field(t, "Blob", "6161"),
		"a mixed indefinite string": field(t, "String", "7f4161ff"),
		"a nested indefinite":       field(t, "String", "7f7f6161ffff"),
		"a float as integer":        field(t, "Integer", "f93c00"),
		"an integer out of range":   field(t, "Integer", "1a80000000"),
		"a long out of range":       field(t, "Long", "1b8000000000000000"),
		"a float out of range":      field(t, "Float", "fb7e37e43c8800759c"),
		"a number as boolean":       field(t, "Boolean", "01"),
		"text as time":              field(t, "Time", "c16161"),
		"a time with tag 0":         field(t, "Time", "c001"),
		"a time out of range":       field(t, "Time", "c11b00ffffffffffffff"),
		"a NaN as time":             field(t, "Time", "c1f97e00"),
		"a long simple value":       field(t, "Unknown", "f801"),
		"two members of a union":    field(t, "Union", "a2645465787461616"+"64e756d62657201"),
		"too deep":                  field(t, "Unknown", strings.Repeat("81", 101)+"01"),
		"too deep in tags":          field(t, "Unknown", strings.Repeat("c6", 101)+"01"),
		"too many structures":       field(t, "Children", "9a00010000"+strings.Repeat("a0", 1<<16)),
	} {
		if _, err := decode(body); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestEncodeIsWhatAnotherLibraryReads(t *testing.T) {
	at := time.UnixMilli(1363896240500).UTC()
	in := &wiretest.Everything{
		String: new("é"), Boolean: new(true), Integer: new(int32(-70000)), Long: new(int64(math.MinInt64)), Float: new(float32(1.5)),
		Double: new(math.Inf(1)), Time: &at, Blob: []byte{1, 2}, Strings: []string{}, Sparse: []*string{nil, new("a")},
		Map: map[string]string{"k": "v"}, Children: []wiretest.Everything{{Integer: new(int32(1))}}, SparseMap: map[string]*int32{"n": nil},
	}
	body, err := cborbody.AppendStruct(nil, echo.Output(), unsafe.Pointer(in))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	mode, err := cbor.DecOptions{DefaultMapType: nil, TimeTag: cbor.DecTagOptional}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	if err := mode.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if tm, ok := got["Time"].(time.Time); !ok || !tm.Equal(at) {
		t.Errorf("time %v", got["Time"])
	}
	delete(got, "Time")
	want := map[string]any{
		"String": "é", "Boolean": true, "Integer": int64(-70000), "Long": int64(math.MinInt64), "Float": 1.5, "Double": math.Inf(1),
		"Blob": []byte{1, 2}, "Strings": []any{}, "Sparse": []any{nil, "a"}, "Map": map[any]any{"k": "v"},
		"Children": []any{map[any]any{"Integer": uint64(1)}}, "SparseMap": map[any]any{"n": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out, err := decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
}

// FuzzDecode holds the decoder against another library: what we accept is well-formed.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0xa0})
	f.Add([]byte{0xbf, 0xff})
	f.Add(field(f, "Flat", "9f0102ff"))
	f.Add(field(f, "Time", "c1fb41d452d9ec200000"))
	f.Add(field(f, "Unknown", "c249010000000000000000"))
	f.Add(field(f, "String", "7f657374726561646d696e67ff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := decode(body)
		if err != nil {
			return
		}
		if err := cbor.Wellformed(body); err != nil {
			// That library's limits on nesting and sizes are tighter than ours.
			if strings.Contains(err.Error(), "exceeded") {
				return
			}
			t.Fatalf("%x: %v", body, err)
		}
		out, err := cborbody.AppendStruct(nil, echo.Output(), unsafe.Pointer(v))
		if err != nil {
			// Documents have no CBOR form.
			t.Fatal(err)
		}
		if _, err := decode(out); err != nil {
			t.Fatalf("%x became %x: %v", body, out, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body, err := cbor.Marshal(map[string]any{"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "Plaintext": make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	s := wiretest.API().Operation("Encrypt").Input()
	b.ReportAllocs()
	for b.Loop() {
		if err := cborbody.DecodeStruct(body, s, unsafe.Pointer(new(wiretest.EncryptInput))); err != nil {
			b.Fatal(err)
		}
	}
}

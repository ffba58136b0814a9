package scalar_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/scalar"
	"fastness/internal/wire/wiretest"
)

// member is a member of the sample structure that has one of every kind.
func member(tb testing.TB, name string) *wire.Member {
	tb.Helper()
	shape := wiretest.API().Operation("Echo").Input()
	for i := range shape.Members {
		if shape.Members[i].Name == name {
			return &shape.Members[i]
		}
	}
	tb.Fatalf("no member %s", name)
	return nil
}

// parse reads text as a member of kind T.
func parse[T any](tb testing.TB, name, text string) (v T, err error) {
	tb.Helper()
	return v, scalar.Parse(member(tb, name), wire.ISO8601, text, unsafe.Pointer(&v))
}

func render[T any](tb testing.TB, name string, v T) string {
	tb.Helper()
	text, err := scalar.Append([]byte(">"), member(tb, name), wire.ISO8601, unsafe.Pointer(&v))
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimPrefix(string(text), ">")
}

// both checks that text reads as want and that want is written as canonical.
func both[T comparable](t *testing.T, name, text string, want T, canonical string) {
	t.Helper()
	got, err := parse[T](t, name, text)
	if err != nil || got != want {
		t.Errorf("%s %q: %v, %v, want %v", name, text, got, err, want)
	}
	if out := render(t, name, want); out != canonical {
		t.Errorf("%s %v is written %q, want %q", name, want, out, canonical)
	}
}

// The forms of simple shapes outside JSON are those of the Smithy specification, "Simple
// types" and "timestampFormat", and of XML Schema for what the query and XML protocols
// send.
func TestForms(t *testing.T) {
	both(t, "String", "a & <b>", "a & <b>", "a & <b>")
	both(t, "String", "", "", "")
	both(t, "Boolean", "true", true, "true")
	both(t, "Boolean", "False", false, "false")
	both(t, "Integer", "-2147483648", int32(math.MinInt32), "-2147483648")
	both(t, "Integer", "2147483647", int32(math.MaxInt32), "2147483647")
	both(t, "Integer", "007", int32(7), "7")
	both(t, "Long", "9223372036854775807", int64(math.MaxInt64), "9223372036854775807")
	both(t, "Long", "-9223372036854775808", int64(math.MinInt64), "-9223372036854775808")
	both(t, "Float", "0.1", float32(0.1), "0.1")
	both(t, "Float", "1.5e1", float32(15), "15")
	both(t, "Float", "-Infinity", float32(math.Inf(-1)), "-Infinity")
	both(t, "Double", "0.1", 0.1, "0.1")
	both(t, "Double", "1E+3", 1000.0, "1000")
	both(t, "Double", "Infinity", math.Inf(1), "Infinity")
	both(t, "Double", "0.0000001", 1e-7, "1e-07")
	both(t, "Double", "100000000000000000000", 1e20, "100000000000000000000")
	both(t, "Double", "1e21", 1e21, "1e+21")
	if v, err := parse[float64](t, "Double", "NaN"); err != nil || !math.IsNaN(v) || render(t, "Double", v) != "NaN" {
		t.Errorf("NaN: %v, %v", v, err)
	}
	// RFC 4648, section 10; XML may break lines.
	for text, want := range map[string]string{"": "", "Zg==": "f", "Zm9vYmFy": "foobar", "Zm9v\nYmFy\r\n": "foobar"} {
		v, err := parse[[]byte](t, "Blob", text)
		if err != nil || string(v) != want {
			t.Errorf("blob %q: %q, %v", text, v, err)
		}
		if out := render(t, "Blob", []byte(want)); out != strings.NewReplacer("\n", "", "\r", "").Replace(text) {
			t.Errorf("blob %q is written %q", want, out)
		}
	}
}

func TestTimes(t *testing.T) {
	// The instant of RFC 7231's example of a date in a header.
	at := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for name, canonical := range map[string]string{
		"Time": "1994-11-06T08:49:37Z", "ISOTime": "1994-11-06T08:49:37Z", "HTTPTime": "Sun, 06 Nov 1994 08:49:37 GMT",
	} {
		if out := render(t, name, at); out != canonical {
			t.Errorf("%s is written %q", name, out)
		}
		// Also in another format than the model's: no text is two of them.
		for _, text := range []string{canonical, "1994-11-06T08:49:37Z", "1994-11-06T10:49:37+02:00", "784111777"} {
			if got, err := parse[time.Time](t, name, text); err != nil || !got.Equal(at) {
				t.Errorf("%s %q: %v, %v", name, text, got, err)
			}
		}
	}
	m := member(t, "Time")
	for format, want := range map[wire.TimeFormat]string{wire.EpochSeconds: "784111777", wire.HTTPDate: "Sun, 06 Nov 1994 08:49:37 GMT"} {
		if out, err := scalar.Append(nil, m, format, unsafe.Pointer(&at)); err != nil || string(out) != want {
			t.Errorf("by default as %v: %q, %v", format, out, err)
		}
	}
	if _, err := scalar.ParseTime(m, wire.EpochSeconds, "Sun, 06 Nov 1994 08:49:37 GMT"); err == nil {
		t.Error("a date of a header is taken where the model has none")
	}
}

// What is refused is not quoted: it may be a secret.
func TestRefusals(t *testing.T) {
	const secret = "5e55-secret"
	for name, texts := range map[string][]string{
		"Boolean": {"", "1", "0", "yes", " true", "tru", secret},
		"Integer": {"", "+1", "2147483648", "-2147483649", "1.0", "1e3", "0x10", "1_000", " 1", "1 ", "-", secret},
		"Long":    {"", "+1", "9223372036854775808", "1.0", "0b1", secret},
		"Float":   {"", "inf", "nan", "+1", "0x1p3", "1_0", "1e39", "1.2.3", ".", "e", "-", "Infinityy", secret},
		"Double":  {"", "Inf", "+Infinity", "1e309", "1,5", "١", secret},
		"Blob":    {"Zg", "Zg=", "Zh==", "Z g=", "Zm9v!", "-_-_", "é", secret},
		"Time":    {"", "yesterday", "1994-11-06", "1994-13-06T08:49:37Z", "NaN", secret},
	} {
		for _, text := range texts {
			var room [32]byte // larger than any of them
			err := scalar.Parse(member(t, name), wire.ISO8601, text, unsafe.Pointer(&room))
			if err == nil {
				t.Errorf("%s %q is accepted", name, text)
				continue
			}
			if !strings.HasPrefix(err.Error(), "STRING_VALUE can not be converted to ") || strings.Contains(err.Error(), secret) {
				t.Errorf("%s %q: %v", name, text, err)
			}
			if room != [32]byte{} {
				t.Errorf("%s %q: refused, and yet stored", name, text)
			}
		}
	}
	for _, name := range []string{"Strings", "Map", "Child", "Document"} {
		var p unsafe.Pointer
		if err := scalar.Parse(member(t, name), wire.ISO8601, "x", unsafe.Pointer(&p)); err == nil {
			t.Errorf("%s has a text form", name)
		}
		if _, err := scalar.Append(nil, member(t, name), wire.ISO8601, unsafe.Pointer(&p)); err == nil {
			t.Errorf("%s is written as text", name)
		}
	}
}

// FuzzParse: what is read is written in a form that reads as the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"true", "-12", "0.1e-3", "NaN", "Zm9v", "1994-11-06T08:49:37.123Z", "Sun, 06 Nov 1994 08:49:37 GMT", "784111777.5", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		again(t, "Boolean", text, func(a, b bool) bool { return a == b })
		again(t, "Integer", text, func(a, b int32) bool { return a == b })
		again(t, "Long", text, func(a, b int64) bool { return a == b })
		again(t, "Float", text, func(a, b float32) bool { return a == b || a != a && b != b })
		again(t, "Double", text, func(a, b float64) bool { return a == b || a != a && b != b })
		again(t, "Blob", text, bytes.Equal)
		millis := func(a, b time.Time) bool { return a.Truncate(time.Millisecond).Equal(b.Truncate(time.Millisecond)) }
		again(t, "ISOTime", text, millis)
	})
}

func again[T any](t *testing.T, name, text string, same func(a, b T) bool) {
	t.Helper()
	v, err := parse[T](t, name, text)
	if err != nil {
		return
	}
	out := render(t, name, v)
	w, err := parse[T](t, name, out)
	if err != nil || !same(v, w) {
		t.Errorf("%s %q reads as %v, is written %q and reads as %v, %v", name, text, v, out, w, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	at, n := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), int64(1<<40)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = scalar.Append(buf[:0], member(b, "Time"), wire.ISO8601, unsafe.Pointer(&at))
		buf, _ = scalar.Append(buf, member(b, "Long"), wire.ISO8601, unsafe.Pointer(&n))
	}
}

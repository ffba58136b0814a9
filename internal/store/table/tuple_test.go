package table

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawPart(t *rapid.T) Part {
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return String(string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 'b', 0xfe, 0xff}), 0, 5).Draw(t, "string")))
	case 1:
		return Uint(rapid.Uint64().Draw(t, "number"))
	}
	return Time(time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")))
}

func compareParts(a, b Part) int {
	if a.tag != b.tag {
		return cmp.Compare(a.tag, b.tag)
	}
	switch a.tag {
	case tagString:
		return strings.Compare(a.s, b.s)
	case tagUint:
		return cmp.Compare(a.n, b.n)
	}
	x, _ := a.Instant()
	y, _ := b.Instant()
	return x.Compare(y)
}

func TestKeysSortLikeTheirTuples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.Custom(drawPart), 0, 4).Draw(t, "a")
		b := rapid.SliceOfN(rapid.Custom(drawPart), 0, 4).Draw(t, "b")
		if rapid.Bool().Draw(t, "same beginning") {
			b = append(slices.Clone(a), b...)
		}
		ka, kb := Key(a...), Key(b...)
		if got, want := bytes.Compare(ka, kb), slices.CompareFunc(a, b, compareParts); got != want {
			t.Fatalf("%v and %v compare as %d, their keys as %d", a, b, want, got)
		}
		isPrefix := len(a) <= len(b) && slices.EqualFunc(a, b[:min(len(a), len(b))], func(x, y Part) bool { return compareParts(x, y) == 0 })
		if bytes.HasPrefix(kb, ka) != isPrefix {
			t.Fatalf("key of %v prefix of key of %v: %v", a, b, !isPrefix)
		}
		back, err := ParseKey(ka)
		if err != nil || slices.CompareFunc(a, back, compareParts) != 0 {
			t.Fatalf("%v came back as %v, %v", a, back, err)
		}
	})
}

func TestPartsTellTheirValue(t *testing.T) {
	when := time.Date(1969, 7, 20, 20, 17, 40, 5, time.FixedZone("x", 3600))
	if s, ok := String("a\x00b").Str(); s != "a\x00b" || !ok {
		t.Error(s, ok)
	}
	if n, ok := Uint(7).Num(); n != 7 || !ok {
		t.Error(n, ok)
	}
	if at, ok := Time(when).Instant(); !at.Equal(when) || !ok {
		t.Error(at, ok)
	}
	if _, ok := Uint(7).Str(); ok {
		t.Error("a number is a string")
	}
	if _, ok := String("7").Num(); ok {
		t.Error("a string is a number")
	}
	if _, ok := String("7").Instant(); ok {
		t.Error("a string is a time")
	}
}

// Whoever chooses a name with zero bytes in it must not end up in the range of another.
func TestRangeOfAStringHoldsNoLongerString(t *testing.T) {
	for _, longer := range []string{"a\x00", "a\x00\x01", "a\x00\xff", "a\x00b", "aa"} {
		if bytes.HasPrefix(Key(String(longer), Uint(1)), Key(String("a"))) {
			t.Errorf("%q lies in the range of \"a\"", longer)
		}
	}
}

// Keys are stored: their bytes never change.
func TestKeyBytes(t *testing.T) {
	got := Key(String("a\x00b"), Uint(258), Time(time.Unix(1, 2)), String(""))
	want := "\x02a\x00\xffb\x00\x01" + "\x15\x00\x00\x00\x00\x00\x00\x01\x02" + "\x33\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02" + "\x02\x00\x01"
	if string(got) != want {
		t.Errorf("%x, want %x", got, want)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(Key(String("a\x00b"), Uint(258), Time(time.Unix(1, 2)), String("")))
	f.Add([]byte("\x02a\x00\xff"))
	f.Add([]byte("\x33\x80\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, key []byte) {
		parts, err := ParseKey(key)
		if err == nil && !bytes.Equal(Key(parts...), key) {
			t.Errorf("%x parses as %v, which is %x", key, parts, Key(parts...))
		}
	})
}

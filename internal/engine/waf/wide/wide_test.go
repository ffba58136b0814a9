package wide

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"
)

func wide(s string, order binary.AppendByteOrder, unit int, mark bool) (b []byte) {
	add := func(r rune) {
		if unit == 4 {
			b = order.AppendUint32(b, uint32(r))
			return
		}
		for _, u := range utf16.Encode([]rune{r}) {
			b = order.AppendUint16(b, u)
		}
	}
	if mark {
		add(0xfeff)
	}
	for _, r := range s {
		add(r)
	}
	return b
}

func TestTextIsReadInTheEncodingsThatItsFirstBytesTell(t *testing.T) {
	const text = "<?xml version=\"1.0\"?><note>größer 😀</note>"
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, unit := range []int{2, 4} {
			for _, mark := range []bool{false, true} {
				b := wide(text, order, unit, mark)
				got, ok := Append(nil, b)
				if !ok || string(got) != text {
					t.Errorf("%v, %d bytes a unit, mark %v: %q, %v", order, unit, mark, got, ok)
				}
				if len(got)*2 > len(b)*3 {
					t.Errorf("%v, %d bytes a unit: %d bytes of %d", order, unit, len(got), len(b))
				}
			}
		}
	}
}

// What Python's codecs cp037 and cp500 make of the text.
func TestXMLIsReadInEBCDIC(t *testing.T) {
	const text = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'x'>]>"
	for name, b := range map[string]string{
		"cp037": "\x4c\x6f\xa7\x94\x93\x40\xa5\x85\x99\xa2\x89\x96\x95\x7e\x7d\xf1\x4b\xf0\x7d\x6f\x6e\x4c\x5a\xc4\xd6\xc3\xe3\xe8\xd7\xc5\x40\x81\x40\xba\x4c\x5a\xc5\xd5\xe3\xc9\xe3\xe8\x40\x82\x40\xe2\xe8\xe2\xe3\xc5\xd4\x40\x7d\xa7\x7d\x6e\xbb\x6e",
		"cp500": "\x4c\x6f\xa7\x94\x93\x40\xa5\x85\x99\xa2\x89\x96\x95\x7e\x7d\xf1\x4b\xf0\x7d\x6f\x6e\x4c\x4f\xc4\xd6\xc3\xe3\xe8\xd7\xc5\x40\x81\x40\x4a\x4c\x4f\xc5\xd5\xe3\xc9\xe3\xe8\x40\x82\x40\xe2\xe8\xe2\xe3\xc5\xd4\x40\x7d\xa7\x7d\x6e\x5a\x6e",
	} {
		if got, ok := Append(nil, []byte(b)); !ok || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

func TestOrdinaryBytesAreInNone(t *testing.T) {
	for _, s := range []string{"", "<?xml version=\"1.0\"?>", "a\x00b", "\x00\x00\x00\x05hello", "größer als zwei", "\x89PNG\r\n\x1a\n", "Lo and behold"} {
		if got, ok := Append(nil, []byte(s)); ok {
			t.Errorf("%q: %q", s, got)
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte("\xff\xfe<\x00a\x00>\x00"))
	f.Add([]byte("\x4c\x6f\xa7\x94\x93\x40\xa5\x85"))
	f.Add([]byte("\x00\x00\x00<\x00\x00\x00a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := Append(nil, b)
		if !ok && got != nil || len(got)*2 > len(b)*3 {
			t.Errorf("%d bytes of %d, %v", len(got), len(b), ok)
		}
	})
}

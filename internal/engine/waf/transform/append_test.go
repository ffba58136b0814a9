package transform

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func FuzzAppend(f *testing.F) {
	for _, s := range []string{
		"", "%u0041%41+%", `\u0041\x41\101\`, "&#x41;&lt;&", "a/../b//./c", `C:\a\..\b`, "/* a */ -- #", "ZgA=", "4142", "0x4142",
		" a\t\xa0 ", "\xc3\xa9\xe2\x82\xac", "c^a't /x", allBytes,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for k := range kinds {
			before := bytes.Clone(src)
			out, changed := Append([]byte("dst"), k, src)
			if !bytes.Equal(src, before) {
				t.Fatalf("%s wrote to its input", k)
			}
			if string(out[:3]) != "dst" || !changed && len(out) != 3 {
				t.Fatalf("%s damaged dst: %q", k, out)
			}
			value := src
			if changed {
				value = out[3:]
			}
			if changed && bytes.Equal(value, src) {
				t.Fatalf("%s says that it changed what it did not", k)
			}
			if limit := max(3*len(src), 32); len(value) > limit {
				t.Fatalf("%s made %d bytes of %d", k, len(value), len(src))
			}
			if want, ok := plainly(k, src); ok && !bytes.Equal(value, want) {
				t.Fatalf("%s(%q) = %q, want %q", k, src, value, want)
			}
			switch k { // what is settled stays
			case Lowercase, Uppercase, CmdLine, CmdLineUnix, CompressWhitespace, RemoveWhitespace, RemoveNulls, ReplaceNulls,
				NormalizePath, NormalizePathWin, Trim, TrimLeft, TrimRight, ReplaceComments:
				if twice, changed := Append(nil, k, value); changed {
					t.Fatalf("%s(%q) = %q, and once more %q", k, src, value, twice)
				}
			}
		}
	})
}

// plainly does by the standard library what some of the kinds do.
func plainly(k Kind, src []byte) ([]byte, bool) {
	letters := func(from, to byte) []byte {
		out := bytes.Clone(src)
		for i, c := range out {
			if c >= from && c < from+26 {
				out[i] = c - from + to
			}
		}
		return out
	}
	const spaces = " \t\n\v\f\r"
	switch k {
	case Lowercase:
		return letters('A', 'a'), true
	case Uppercase:
		return letters('a', 'A'), true
	case RemoveNulls:
		return bytes.ReplaceAll(src, []byte{0}, nil), true
	case ReplaceNulls:
		return bytes.ReplaceAll(src, []byte{0}, []byte{' '}), true
	case Trim:
		return bytes.Trim(src, spaces), true
	case TrimLeft:
		return bytes.TrimLeft(src, spaces), true
	case TrimRight:
		return bytes.TrimRight(src, spaces), true
	case HexEncode:
		return []byte(hex.EncodeToString(src)), true
	case HexDecode:
		if out, err := hex.DecodeString(string(src)); err == nil {
			return out, true
		}
		return src, true
	case Base64Decode:
		out, err := base64.StdEncoding.DecodeString(string(src))
		return out, err == nil && len(out) > 0
	case Base64Encode:
		return []byte(base64.StdEncoding.EncodeToString(src)), true
	}
	return nil, false
}

func TestAppendAllocatesNothingButRoomInDst(t *testing.T) {
	src := []byte(`%41+%u0041 \u0041\x41&lt;&#65; /a/../b /* c */ 0x4142 A é "x" ` + "\x00\xa0")
	dst := make([]byte, 0, 4*len(src))
	for k := range kinds {
		if n := testing.AllocsPerRun(100, func() { Append(dst, k, src) }); n > 0 {
			t.Errorf("%s allocates %v times", k, n)
		}
	}
}

// Values as they are in requests: what is not encoded, and what is.
var benchValues = []struct{ name, value string }{
	{"token", "session-4f1c2a9be0"},
	{"agent", "mozilla/5.0 (x11; linux x86_64) applewebkit/537.36 (khtml, like gecko) chrome/126.0.0.0 safari/537.36"},
	{"encoded", "q%3Dcaf%C3%A9+au+lait%26page%3D2&lang=fr%2DFR"},
	{"8k", strings.Repeat("The quick brown fox jumps over the lazy dog. ", 182)},
}

func BenchmarkAppend(b *testing.B) {
	for _, k := range []Kind{Lowercase, URLDecode, URLDecodeUni, HTMLEntityDecode, JSDecode, CmdLine, NormalizePath, CompressWhitespace, RemoveNulls, UTF8ToUnicode, Base64DecodeExt} {
		for _, v := range benchValues {
			b.Run(fmt.Sprintf("%s/%s", k, v.name), func(b *testing.B) {
				src := []byte(v.value)
				dst := make([]byte, 0, 3*len(src)+32)
				b.SetBytes(int64(len(src)))
				b.ReportAllocs()
				for b.Loop() {
					Append(dst, k, src)
				}
			})
		}
	}
}

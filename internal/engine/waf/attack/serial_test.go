package attack

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// objects are what Python's pickle (protocols 0, 1, 2 and 4), Ruby's Marshal, PHP's serialize and Java's ObjectOutputStream have
// written, each of which the same have read again.
var objects = map[string]Family{
	"cposix\nsystem\np0\n(Vtrue\np1\ntp2\nRp3\n.":                                                                           Java,
	"cposix\nsystem\nq\x00(X\x04\x00\x00\x00trueq\x01tq\x02Rq\x03.":                                                         Java,
	"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.":                                               Java,
	"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.": Java,
	"\x04\x08o:\x08Foo\x06:\x07@ai\x06":                                                                                     Java,
	"\x04\x08{\x06I\"\x06a\x06:\x06ET[\x06o:\x08Foo\x06:\x07@ai\x06":                                                        Java,
	"O:3:\"Foo\":3:{s:1:\"a\";i:1;s:6:\"\x00Foo\x00b\";i:2;s:4:\"\x00*\x00c\";i:3;}":                                        PHP,
	"a:1:{s:1:\"x\";O:8:\"stdClass\":0:{}}":                                                                                 PHP,
	"\xac\xed\x00\x05sr\x00\x0ejava.util.Datehj\x81\x01KYt\x19\x03\x00\x00xpw\x08\x00\x00\x00\x00\x00\x00\x00\x00x":         Java,
}

func packed(t *testing.T, s string, gz bool) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	if gz {
		w := gzip.NewWriter(&b)
		_, err = w.Write([]byte(s))
		w.Close()
	} else {
		w := zlib.NewWriter(&b)
		_, err = w.Write([]byte(s))
		w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSerializedObjectsAreKnownInEveryCoding(t *testing.T) {
	var s Scratch
	code := base64.StdEncoding.EncodeToString
	for o, want := range objects {
		for name, v := range map[string]string{
			"raw": o, "gzip": code([]byte(packed(t, o, true))), "zlib": code([]byte(packed(t, o, false))), "zlib behind a point": "." + base64.RawURLEncoding.EncodeToString([]byte(packed(t, o, false))),
		} {
			if got, steps := s.serialized([]byte(v)); got != want || steps <= 0 {
				t.Errorf("%s of %q: %v", name, o, got)
			}
		}
		if o[0] < ' ' || o[0] >= 0x7f {
			for name, v := range map[string]string{"base64": code([]byte(o)), "signed": code([]byte(o)) + "--0123456789abcdef", "hexadecimal": hex.EncodeToString([]byte(o)), "JSON": `{"o":"` + code([]byte(o)) + `"}`} {
				if o[0] == 0xac {
					continue // a rule knows these
				}
				if got, _ := s.serialized([]byte(v)); got != want {
					t.Errorf("%s of %q: %v", name, o, got)
				}
			}
		}
	}
}

func TestSerializedDataWithoutObjectsIsNone(t *testing.T) {
	var s Scratch
	code := base64.StdEncoding.EncodeToString
	for _, d := range []string{
		"\x80\x04\x95\x11\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x04user\x94\x8c\x03ann\x94s.", "\x04\x08{\x06I\"\x09name\x06:\x06ETI\"\x08Ann\x06;\x00T", "a:1:{s:4:\"name\";s:3:\"Ann\";}", `{"cart":[5,7],"user":"ann"}`,
		"color\nname\nx\n.", "(see below)\n.",
	} {
		for _, v := range []string{d, code([]byte(d)), code([]byte(packed(t, d, true))), code([]byte(packed(t, d, false))), hex.EncodeToString([]byte(d))} {
			if got, _ := s.serialized([]byte(v)); got != Families {
				t.Errorf("%q in %q: %v", d, v, got)
			}
		}
	}
}

func FuzzSerialized(f *testing.F) {
	for o := range objects {
		f.Add([]byte(o))
		f.Add([]byte(base64.StdEncoding.EncodeToString([]byte(o))))
	}
	f.Add([]byte("H4sIAAAAAAAA/0vOzy0oSi0uTk1RyMxLSy0qVkjLL1JIzi9KBQBxNEmBGAAAAA=="))
	var s Scratch
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, steps := s.serialized(b); steps > (maxSerials+1)*(inflateSteps+serialSteps*(maxSerial+8)) {
			t.Errorf("%d steps", steps)
		}
	})
}

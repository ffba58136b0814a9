package jsonbody

import (
	"encoding/json"
	"strings"
	"testing"
)

// AppendString looks at eight bytes at a time: every byte must be seen at every place of
// the eight and behind them.
func TestAppendStringEscapesAtEveryPlace(t *testing.T) {
	for c := range 256 {
		for n := range 20 {
			for at := range n {
				s := strings.Repeat("~", at) + string([]byte{byte(c)}) + strings.Repeat(" ", n-at-1)
				got := AppendString(nil, s)
				var back string
				if err := json.Unmarshal(got, &back); err != nil {
					t.Fatalf("%q became %s: %v", s, got, err)
				}
				if want := strings.ToValidUTF8(s, "\uFFFD"); back != want {
					t.Fatalf("%q reads as %q", s, back)
				}
				if plain := c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; plain != (string(got) == `"`+s+`"`) {
					t.Fatalf("%q became %s", s, got)
				}
			}
		}
	}
}

func BenchmarkAppendString(b *testing.B) {
	b.ReportAllocs()
	s := "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	dst := make([]byte, 0, 128)
	for b.Loop() {
		AppendString(dst, s)
	}
}

package encryptionsdk_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"fastness/encryptionsdk"
)

// The form of the specification (framework/structures.md), written out by hand. The keys
// are those that tell the orders of UTF-8 and UTF-16 apart.
func TestContextBytes(t *testing.T) {
	for _, c := range []struct {
		context encryptionsdk.EncryptionContext
		want    string
	}{
		{nil, ""},
		{encryptionsdk.EncryptionContext{}, ""},
		{encryptionsdk.EncryptionContext{"b": "", "a": "xyz", "": "e"}, "\x00\x03" + "\x00\x00\x00\x01e" + "\x00\x01a\x00\x03xyz" + "\x00\x01b\x00\x00"},
		{encryptionsdk.EncryptionContext{"\U00010000": "2", "\uffee": "1"}, "\x00\x02" + "\x00\x03\xef\xbf\xae\x00\x011" + "\x00\x04\xf0\x90\x80\x80\x00\x012"},
	} {
		got, err := c.context.AppendBinary([]byte("> "))
		if err != nil || string(got) != "> "+c.want {
			t.Errorf("%v: %x, %v", c.context, got, err)
		}
	}
}

func TestContextBytesBounds(t *testing.T) {
	fits := encryptionsdk.EncryptionContext{"k": strings.Repeat("v", 65535-2-4-1)}
	if b, err := fits.AppendBinary(nil); err != nil || len(b) != 65535 || !bytes.HasPrefix(b, []byte{0, 1, 0, 1, 'k'}) {
		t.Error(err)
	}
	for name, c := range map[string]encryptionsdk.EncryptionContext{
		"too long":     {"k": fits["k"] + "v"},
		"key, UTF-8":   {"\xff": ""},
		"value, UTF-8": {"k": "\xc0\x80"},
	} {
		if _, err := c.AppendBinary(nil); !errors.Is(err, encryptionsdk.ErrEncryptionContext) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

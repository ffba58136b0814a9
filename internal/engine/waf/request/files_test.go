package request

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// bytesOf is n bytes that are no text.
func bytesOf(n int) []byte {
	b := bytes.Repeat([]byte{0x89, 'P', 'N', 'G', 0, 1, 0xfe, 0x1b}, n/8+1)
	return b[:n]
}

// Bodies that are longer than what is held are not looked at whole, which only matters where something is taken out
// of them.
func TestLongFilesAreNotTakenForUnseenArguments(t *testing.T) {
	text := []byte(strings.Repeat("a=b&", 16384))
	for _, c := range []struct {
		kind   string
		body   []byte
		opaque bool
	}{
		{"image/png", bytesOf(65536), false}, {"application/octet-stream", bytesOf(65536), false}, {"application/x-git-receive-pack-request", bytesOf(65536), false},
		{"image/png", text, true}, {"application/octet-stream", text, true}, {"image/svg+xml", bytesOf(65536), true},
		{"application/json", bytesOf(65536), true}, {"application/x-www-form-urlencoded", bytesOf(65536), true}, {"multipart/form-data; boundary=b", bytesOf(65536), true}, {"", bytesOf(65536), true},
	} {
		r := &Request{Method: "PUT", Target: "/", Fields: []Field{{Name: "Content-Type", Value: c.kind}}, Body: c.body[:8192], BodyTruncated: true, Held: c.body, HeldTruncated: true}
		values, o := selected(t, Component{Kind: OpaqueBody}, r)
		if got := len(values) > 0 || o.Oversize; got != c.opaque {
			t.Errorf("%q: opaque: %v", c.kind, got)
		}
	}
}

func TestLongMessagesInBase64AreText(t *testing.T) {
	message := strings.Repeat("<saml:Attribute Name=\"mail\">anne@example.com</saml:Attribute>\n", 150)
	for value, opaque := range map[string]bool{
		base64.StdEncoding.EncodeToString([]byte(message)):                           false,
		base64.StdEncoding.EncodeToString([]byte(strings.Repeat("A", 9000))):         true,
		strings.Repeat("a", 9000):                                                    true,
		strings.Repeat("A", 9000):                                                    true,
		base64.StdEncoding.EncodeToString([]byte("a b")) + strings.Repeat("A", 9000): true,
	} {
		body := []byte("SAMLResponse=" + url.QueryEscape(value))
		r := &Request{Method: "POST", Target: "/", Fields: []Field{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}, Body: body[:8192], BodyTruncated: true, Held: body}
		values, o := selected(t, Component{Kind: OpaqueBody}, r)
		if got := len(values) > 0 || o.Oversize; got != opaque {
			t.Errorf("%.40q: opaque: %v", value, got)
		}
	}
}

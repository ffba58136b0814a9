package request

import (
	"slices"
	"strings"
	"testing"
)

func TestFilesAreReadByWhatTheirNamesSay(t *testing.T) {
	const content = "<script>alert(1)</script>"
	for name, read := range map[string]bool{
		"notes.txt": true, "a": true, ".css": true, "page.html": true, "shell.php": true, "x.PHTML": true, "picture.svg": true, "run.sh": true,
		// A server may go by another part of the name than the last one.
		"shell.php.css": true, "shell.pHp5.js": true, "shell.asp;.css": true, "shell.jsp\x00.css": true, "shell.p%68p.css": true, "style.css ": true, "style.css::$DATA": true,
		"style.css": false, "STYLE.min.CSS": false, "main.go": false, "Main.java": false, "query.sql": false, "README.md": false, "index.test.tsx": false,
	} {
		body := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"" + name + "\"\r\n\r\n" + content + "\r\n--b--\r\n"
		got, _ := selected(t, Component{Kind: FileTexts}, &Request{Method: "POST", Target: "/", Fields: []Field{{Name: "Content-Type", Value: "multipart/form-data; boundary=b"}}, Body: []byte(body)})
		if slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, content) }) != read {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestNoiseIsToldFromMessages(t *testing.T) {
	var all, latin strings.Builder
	for c := range 256 {
		all.WriteByte(byte(c * 89))
		latin.WriteRune(rune(c * 89 & 0xff))
	}
	for _, c := range []struct {
		body  string
		noise bool
	}{
		{all.String(), true}, {latin.String(), true},
		{"a page with words, and caf\u00e9, \u00fcber, \u4e2d\u6587 \u2026\n", false},
		{"\x00\x00\x00\x00\x0c\x0a\x04name\x12\x04Jane\x1a\x06street\x22\x0212", false},  // a message of gRPC
		{"\x82\xa4name\xa4Jane\xa5items\x92\xa5shoes\xa5boots\xa4city\xa6Berlin", false}, // MessagePack
		{strings.Repeat("\u4e2d\u6587\x0a\x06", 10), false},
	} {
		if got := isNoise([]byte(c.body)); got != c.noise {
			t.Errorf("%q: %v", c.body, got)
		}
	}
	texts := appendLongTexts(nil, []byte(all.String()+"\x00select password from users\x00"+latin.String()+"\x00short\x00"), 100)
	if len(texts) != 1 || string(texts[0].Bytes) != "select password from users" {
		t.Errorf("%q", texts[0].Bytes)
	}
}

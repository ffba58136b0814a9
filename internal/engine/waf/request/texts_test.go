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

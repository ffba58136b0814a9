package attack

import "testing"

func TestRichTextIsWhatCannotRun(t *testing.T) {
	for _, s := range []string{
		`<p>Hello <strong>you</strong> &amp; me</p>`,
		`it's <em>fine</em>, 1 < 2 and 3 <= 4`,
		`<h2 style="text-align: center; font-family: &quot;Times New Roman&quot;, serif;">Heading</h2>`,
		`<table border="1" style="border-collapse: collapse; width: 100%;"><tbody><tr><td colspan=2>a</td></tr></tbody></table>`,
		`<figure class="image"><img src="/img/a.png" alt="An &quot;image&quot;" width="600" /><figcaption>It's</figcaption></figure>`,
		`<a href="https://example.com/a?b=c&amp;d=e#f" target="_blank" rel="noopener noreferrer">x</a><br/>`,
		`<a href="mailto:anne@example.com?subject=Hi%20there">Mail</a>`,
		`<!-- wp:image {"id":5,"sizeSlug":"large"} --><p>x</p><!-- /wp:image -->`,
		`<A HREF='#top' DATA-ID="1">top</A>`,
		`<!-- wp:cover {"url":"https://example.com/a.jpg"} --><div class="wp-block-cover" style="background-image:url(https://example.com/a.jpg)"><p>Text</p></div><!-- /wp:cover -->`,
		`<figure class="wp-block-video"><video controls src="https://example.com/a.mp4"></video></figure>`,
		`<details class="wp-block-details" open><summary>More</summary><p>text</p></details>`,
		`<a name="install"></a><h2>Install</h2>`,
		`<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd"><html><head><title>Hi</title></head><body bgcolor="#fff" text="#000"><p>x</p></body></html>`,
		`<html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"><meta charset='utf-8'/><style type="text/css">p { margin: 0; } @media screen { a:hover { color: red } }</style></head><body><div dir="ltr">x</div></body></html>`,
		`<html><style><!-- p {color:red} /* it */ --></style><body><p>x</p></body></html>`,
		`<!--[if (gte mso 9)|(IE)]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]-->`,
		`<!--[if !mso]><!--><p>x</p><!--<![endif]-->`,
		`<!-- <h2>Old</h2> <p class="a">text</p> --><p>x</p>`,
		`<p>a <svg class="icon" width="16" height="16" viewBox="0 0 16 16" fill="none" xmlns="http://www.w3.org/2000/svg"><path d="M24 14.14c2.11 0-4.02.75,5.52 1.98z" fill="#4285F4" stroke-width='2'/></svg></p>`,
		"What does it do?\n<file name='ruby.rb' mime_type='text/x-ruby'>puts \"hello\"</file>",
		"What is it?\n<file name='a.html' mime_type='text/html'><!DOCTYPE html>\n<html><head><title>Ruby</title></head><body><h1>Ruby</h1></body></html></file>",
		"Convert:\n<file name='a.xml' mime_type='application/xml'><?xml version=\"1.0\"?>\n<catalogue><item id=\"1\"><name>Ruby</name></item></catalogue>\n</file>",
		`<documents><document index="1"><source>a.txt</source><document_content>It's here</document_content></document></documents> <question>Who?</question>`,
		`<svg aria-hidden="true"><defs><linearGradient id="a"><stop offset="5%" stop-color="red"/></linearGradient></defs><rect fill="url(#a)" width="1" height="1"></rect></svg>`,
		"<style>\n.chip { display: inline-block; } @media (prefers-color-scheme: dark) { .chip { color: #fff } }\n</style><div class=\"chips\"><a class=\"chip\" href=\"https://example.com/?q=a\">a</a><a class=\"chip\" href=\"https://example.com/?q=b\">b</a></div>",
	} {
		if !isRichText([]byte(s)) {
			t.Errorf("no rich text: %s", s)
		}
	}
	for _, s := range []string{
		"", "text", "a < b", "<", "<p", "<p ", `<p class="a`, "<p>a<", "<script>x</script>", "<p><script>", "<svg>", "<iframe src=x>", "<style>", "<form>", "<input>", "<!doctype>", "<?php", "<!--x--><!--", "<!-->",
		`<p onclick="x">`, `<p onclick=x>`, `<p class="a"onclick="x">`, `<p/class="a">`, `<p class=a/onclick=x>`, `<p class>`, `<p class=>`, "<p class=`a`>", `</p onclick="x">`, `<p <b>>`,
		`<a href="javascript:x">`, `<a href="JaVaScRiPt:x">`, `<a href=" javascript:x">`, "<a href=\"java\tscript:x\">", `<a href="&#106;avascript:x">`, `<a href="javascript&colon;x">`, `<a href="vbscript:x">`, `<a href="data:text/html,x">`, `<a href="%6a:x">`, `<a href=//evil>`,
		`<p style="background: url(javascript:x)">`, `<p style="background: url(https://x.example/)expression(x)">`, `<video src="javascript:x">`,
		`<p style="width: expression(x)">`, `<p style="background: url(x)">`, `<p style="a\62: c">`, `<p style="a: b/**/c">`, `<p style="behavior: x">`, `<p style="animation: x">`,
		`"><b>x</b>`, `x"><b>x</b>`, `x' ><b>x</b>`, `x="<b>x</b>`, `</textarea><b>`, `--><b>`, `<p title="<b>">`, `<p title="a\">`,
		`<img srcset="x">`, `<!-- <script> -->`, `<!--[if IE]><script>x</script><![endif]-->`, `<!--[if IE]><p>` + "`" + `<img src=x onerror=y>`, `<!DOCTYPE html [<!ENTITY x "y">]>`,
		`<html><head><meta http-equiv="refresh" content="0;url=x"></head><body><p>x</p></body></html>`, `<html><head><meta charset="utf-7"></head><body><p>x</p></body></html>`, `<html><head><meta http-equiv="content-type" content="text/html; charset=utf-7"></head><body><p>x</p></body></html>`, `<html><head><meta content="x" onload="y"></head><body><p>x</p></body></html>`, `<html><head><meta charset=x></head><body><p>x</p></body></html>`, `<html><head><meta http-equiv="set-cookie" content="a"></head><body><p>x</p></body></html>`, `<html><head><style>@import "x";</style></head><body><p>x</p></body></html>`, `<html><head><style>p{background:url(x)}</style></head><body><p>x</p></body></html>`, `<html><head><style>p{width:ex/**/pression(x)}</style></head><body><p>x</p></body></html>`, `<html><head><style>p{a:\65 x}</style></head><body><p>x</p></body></html>`, `<style>a{color:red}</style><p>x</p>`, `<html><style>a</style><script>`, `<html><head><style><p></style></head><body><p>x</p></body></html>`, `<html><head><style>/*</style></head><body><p>x</p></body></html>`, `<html><head><style>a{content:"/*"} @import "x"; b{content:"*/"}</style></head><body><p>x</p></body></html>`, `<html><head><style onload="x">a</style></head><body><p>x</p></body></html>`, `<html><head><style>a</head><body><p>x</p></body></html>`,
		`<!-- <img src="x" onerror="y"> -->`, `<!--<p title="--><b>">`, `<img src="x`, `<p name="cookie">`,
		`<file name="a"><html><head><script>x</script></head><body><p>x</p></body></html></file>`, `<file onclick="x">a</file>`, `<file name="x" onclick="y">a</file>`, `<document><script>x</script></document>`, `<document url="javascript:x">`, `<document title="&#106;avascript:x">`, `<context style="x">`, `</file name="a">`, `<files_ >`, `"><file name="a">`, `<file name="a"><input name="b"></file>`,
		`<svg>`, `<svg></svg>`, `<svg><path onload="x"/></svg>`, `<svg onload="x"><path d="M0"/></svg>`, `<svg><script>x</script></svg>`, `<svg><a xlink:href="javascript:x"><path d="M0"/></a></svg>`, `<svg><a href="javascript:x"><path d="M0"/></a></svg>`,
		`<svg><animate attributeName="href" values="javascript:x"/></svg>`, `<svg><set attributeName="onload" to="x"/></svg>`, `<svg><use href="https://x.example/a.svg#b"/></svg>`, `<svg><image href="https://x.example/a.png"/></svg>`, `<svg><foreignObject><p>x</p></foreignObject></svg>`,
		`<svg><path fill="url(https://x.example/#a)" d="M0"/></svg>`, `<svg><path d="M0" fill="a&#40;"/></svg>`, `<svg><style>a{b:url(x)}</style><path d="M0"/><path d="M0"/></svg>`, `<svg xmlns="http://www.w3.org/1998/Math/MathML"><path d="M0"/></svg>`,
	} {
		if isRichText([]byte(s)) {
			t.Errorf("rich text: %s", s)
		}
	}
}

// What editors make is no attack, and scripts in it are.
func TestEditorsMayBeUsed(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	for text, want := range map[string]bool{
		`<h2 style="text-align: center; font-family: &quot;Times New Roman&quot;, serif;">Heading</h2>`:                                                             false,
		`<p class="intro"><b>Hi</b>, it's <a href="https://example.com/?a=b&amp;c=d" target="_blank">me</a> -- <span style="color: rgb(255, 0, 0);">red</span></p>`: false,
		`<figure class="image"><img src="/img/a.png" alt="An &quot;image&quot;" width="600" height="400"><figcaption>It's a caption</figcaption></figure>`:          false,
		`<p class="intro"><b>Hi</b></p><script>alert(1)</script>`:                                                                                                   true,
		`<p class="intro" onclick="alert(1)"><b>Hi</b></p>`:                                                                                                         true,
		`<p class="intro"><a href="javascript:alert(1)">Hi</a></p>`:                                                                                                 true,
		`<pre class="code"><code>&lt;?php echo "hi"; ?&gt; and &lt;script&gt;</code></pre>`:                                                                         false,
		`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="a1" Version="2.0"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example.com</saml:Issuer></samlp:AuthnRequest>`: false,
		`<a:b xmlns:a="urn:x"><a:script>alert(1)</a:script></a:b>`:           true,
		`<svg:svg xmlns:svg="http://www.w3.org/2000/svg"><svg:a/></svg:svg>`: true,
		`"><p class="intro"><b style="color:red">Hi</b></p>`:                 true,
		`<p style="width: expression(alert(1))"><b>Hi</b></p>`:               true,
		`<p class="intro"><b>Hi</b></p><svg onload=alert(1)>`:                true,
		`<p class="intro"><b>Hi</b></p><iframe src="https://evil">`:          true,
	} {
		if got := d.Inspect([]byte(text), Body, &s, nil)&Of(Script) != 0; got != want {
			t.Errorf("%s: an attack: %v", text, got)
		}
	}
}

func FuzzRichText(f *testing.F) {
	f.Add([]byte(`<p class="a">b</p><!-- c -->`))
	f.Add([]byte(`<a href='/x' style="color: red">`))
	f.Fuzz(func(t *testing.T, b []byte) { isRichText(b) })
}

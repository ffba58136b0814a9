package attack

import (
	"strings"
	"testing"

	"fastness/internal/engine/waf/pattern"
)

// Codes of languages and countries are names of commands, too. Wherever browsers and pages put such codes, none of two
// letters is a command.
func TestCodesOfLanguagesAreNoCommands(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	s := NewScratch(pattern.NewScratch())
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			code := string([]rune{a, b})
			for _, c := range []struct {
				place Place
				text  string
			}{
				{Field, "xx-XX,xx;q=0.9,en-US;q=0.8,en;q=0.7"},
				{Field, "en-US,en;q=0.9,xx;q=0.8"},
				{Field, "en;q=0.9, xx;q=0.8, *;q=0.1"},
				{UserAgent, "Mozilla/5.0 (Windows; U; Windows NT 5.1; xx; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3"},
				{UserAgent, "Mozilla/5.0 (Linux; U; Android 4.0.3; xx-XX; LG-L160L Build/IML74K) AppleWebKit/534.30"},
				{UserAgent, "Opera/9.80 (Windows NT 6.1; U; xx) Presto/2.10.289 Version/12.02"},
				{Cookie, "berlin|XX|10115|DE|EU"},
				{Cookie, "DE|EN|XX|1700000000"},
				{Cookie, "1,2|www.shop.example|xx|3"},
				{Cookie, "lang:xx|region:XX|tz:1"},
				{Query, "/xx/products"},
				{Query, "xx_XX.UTF-8"},
				{Referer, "https://www.shop.example/xx/?lang=xx&gl=XX&hl=xx-XX"},
				{Path, "/xx/xx-xx/search"},
				{Name, "amp;xx"},
			} {
				v := strings.NewReplacer("xx", code, "XX", strings.ToUpper(code)).Replace(c.text)
				if got := d.Inspect([]byte(v), c.place, s, nil); got != 0 {
					t.Errorf("%q: %v", v, got)
				}
			}
		}
	}
}

// What has the form of a list, of sealed data or of a header field's value is read as such, and what is hidden in it is found.
func TestWhatBrowsersSendIsReadByItsForm(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	const sealed = `dTM7k!M40mgN>u2ghqdmU(3#sPU-.a#[2P$N:uQzRc]N%#l7vV16YK0p]z79M_D[wHH:io7MYHU$vD^2)mM=@j<?=<1d`
	for _, c := range []struct {
		place  Place
		text   string
		family Family
		attack bool
	}{
		{Field, `"Not;A=Brand";v="8", "Chromium";v="138"`, SQL, false},
		{Field, `"\\Not\"A;Brand";v="99", "Chromium";v="86"`, SQL, false},
		{Field, `sig1=("@authority" "signature-agent");created=1735689600;keyid="poqk";alg="ed25519"`, SQL, false},
		{Field, `"Chromium";v="138", "x' or 1=1--";v="8"`, SQL, true},
		{Field, `"Chromium";v="138' union select password from users--"`, SQL, true},
		{Field, `"a" or "b"="b"`, SQL, true},
		{Field, `" or ""="`, SQL, true},
		{Field, `a="<script>alert(1)</script>"`, Script, true},
		{Cookie, `"/Vc7Ehlhoqk7y51wlYWFB4w1xap0tmWe6xJqf1Y3zcDWnXg+D2rzhbHx5JhliekA="`, Script, false},
		{Cookie, `"><script>alert(1)</script>"`, Script, true},
		{Cookie, `"-alert(1)-"`, Script, true},
		{Query, `"=""or"`, SQL, true},
		{Cookie, sealed, Script, false},
		{Cookie, sealed, PHP, false},
		{Cookie, sealed + "<script>alert(1)</script>", Script, true},
		{Cookie, sealed + "' or '1'='1", SQL, true},
		{Cookie, "plovdiv|16|4000|BG|EU", Shell, false},
		{Cookie, "x|id", Shell, true},
		{Cookie, "127.0.0.1|id|x", Shell, true},
		{Cookie, "a|cat /etc/passwd|b", Shell, true},
		{Query, "1|whoami|2", Shell, true},
		{Query, "id;name;date", Shell, false},
		{Query, "1;id;2", Shell, true},
		{Query, "id;ls", Shell, true},
		{Query, "0::0::0", SQL, false},
		{Query, "1::text=1 or 1=1", SQL, true},
		{Cookie, "8381376144065104875~~1", SQL, false},
		{Cookie, "111872281.|1=member=yes=1^2=plan=(not set)=1", SQL, false},
		{Query, "/html/body/div[1]/main/div[2]/a", Directory, false},
		{Query, `//*[@id="app"]/div[3]/button[1]`, Directory, false},
		{Query, `//*[@id="app"]/div[3] | //user[1]`, Directory, true},
		{Query, "'] | //user/*[contains(*,'", Directory, true},
		{Query, "https://example.com/x?api-version=1.0", Template, false},
		{Query, "${x?api.class}", Template, true},
		{Query, "%{merchantId}", Java, false},
		{Query, "%{1+1}", Java, true},
		{Body, "SyntaxError: Unexpected token '<'\n  at t.value (https://cdn.example/app.js:1:234)\n  at new t @ https://cdn.example/x.js:2:345", SQL, false},
		{Body, "x\n  at t.value (https://cdn.example/app.js:1:234)\n' union select password from users--", SQL, true},
		{Body, "x\n  at <script>alert(1)</script> (https://cdn.example/app.js:1:234)", Script, true},
		{Body, `select * from x where a = '{"bp":{"_pl":"1"},"r":[{"t":"pv"}]}'`, SQL, false},
		{Body, `select * from x where a = '{"bp":1}' union select password from users where b = '{}'`, SQL, true},
		{Body, `select * from x where a = '1'`, SQL, true},
	} {
		s := NewScratch(pattern.NewScratch())
		if got := d.Inspect([]byte(c.text), c.place, s, nil).Has(c.family); got != c.attack {
			t.Errorf("%q: %v: %v", c.text, c.family, got)
		}
	}
}

func FuzzFieldStrings(f *testing.F) {
	for _, v := range []string{`"Not;A=Brand";v="8", "Chromium";v="138"`, `a=("b" "c");d="e"`, `"a\"b"`, `"`, `a="b`, `("a"`, `"a";`, `"a";b=`, `"a"|b="c"`} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewScratch(pattern.NewScratch())
		s.expand(b, Field)
		if len(s.variants) > maxVariants+maxStrings {
			t.Errorf("%d readings", len(s.variants))
		}
		p := fieldParser{b: b}
		for n := 0; p.list() && p.inside != nil; n++ {
			if n > len(b) {
				t.Fatal("does not end")
			}
		}
	})
}

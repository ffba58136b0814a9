package inject

import (
	"math/rand/v2"
	"strings"
	"testing"

	libinjection "github.com/corazawaf/libinjection-go"
)

// pieces are what injections and what looks like them are made of.
var pieces = []string{
	"'", `"`, "`", "1", "0", "a", "or", "and", "union", "select", " ", "\t", "\n", "\x00", "\xa0", "--", "#", "/*", "*/", "/*!", "=", "<", ">", "(", ")",
	",", ";", "@", "@@", "\\", "{", "}", "[", "]", "$", "$$", ".", "-", "+", "*", "/", "%", "^", "|", "||", "&&", "!", "~", ":", "::", "e'", "x'", "n'", "q'[", "u&'",
	"0x1", "1e1", "sleep", "like", "in", "not", "is", "null", "from", "into", "having", "sp_password", "é", "\xff",
	"<script", "<svg", "<xsl", "<!", "<!--", "-->", "<?", "<%", "</", "<a", "<iframe", "onclick", "on", "onload=", "href", "src", "style", "xmlns", "xlink:href", "javascript:",
	"data:", "&#106;", "&#x6a", "\x0b", "\x0c", "\r", "<![CDATA[", "]]>", "attributename", "to", "by", "from", "action", "x", "S", "V", "G", "<\x00", "<s\x00cript", "DOCTYPE", "import", "entity",
}

func TestPrefilterIsSoundForRandomPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		var b strings.Builder
		for range 1 + r.IntN(8) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		sound(t, b.String())
	}
}

// What has no alarming byte is settled by its words alone.
func TestPrefilterIsSoundForRandomWords(t *testing.T) {
	plain := []string{
		" ", " ", ",", ";", ".", ":", "=", "<", ">", "!", "+", "*", "%", "^", "~", "?", "-", "/", "1", "0", "2.5", "1e", "1e5", "0x", "0xf", "0b1", "1d", "1f", "7u", "x", "a", "n", "b", "e", "é", "_",
		"or", "and", "select", "union", "in", "is", "like", "not", "null", "from", "by", "order", "group", "table", "user", "if", "div", "mod", "as", "all", "case", "when", "end", "int", "text", "date",
		"into", "having", "where", "limit", "collate", "latin1_bin", "binary", "between", "exists", "sleep", "delay", "waitfor", "begin", "declare", "hello", "world", "page", "id",
	}
	settled := 0
	r := rand.New(rand.NewPCG(5, 6))
	for range 80_000 {
		var b strings.Builder
		for range 1 + r.IntN(10) {
			b.WriteString(plain[r.IntN(len(plain))])
		}
		sound(t, b.String())
		if !maybeSQL([]byte(b.String())) {
			settled++
		}
	}
	if settled < 5_000 {
		t.Errorf("only %d values were settled", settled)
	}
}

func FuzzPrefilterIsSound(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.input)
	}
	for _, p := range pieces {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 4096 {
			return
		}
		sound(t, s)
		low, high := DefaultBudget, DefaultBudget
		if SQL([]byte(s), Low, &low) == Found && SQL([]byte(s), High, &high) != Found {
			t.Errorf("%q is found at LOW and not at HIGH", s)
		}
	})
}

func TestSQL(t *testing.T) {
	for _, c := range []struct {
		value     string
		low, high Verdict
	}{
		{"", Clean, Clean},
		{"session-4f1c2a9be0", Clean, Clean},
		{"rock & roll", Clean, Clean}, // what the issue wants to pass
		{"1' or 1=1--", Found, Found}, // and to be blocked
		{"' or ''='", Found, Found},
		{"1 union select 1,2,3", Found, Found},
		{"admin'--", Found, Found},
		{"1; drop table users", Found, Found},
		{"O'Brien", Clean, Clean},
		{"it's a trade union; select one", Clean, Clean},
		{"I'd like to order by phone", Clean, Clean},
		{"hello world, how are you? - fine", Clean, Clean},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)", Clean, Clean},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Clean, Clean},
		{"a sleep of eight hours", Clean, Clean},
		{"drop the table off, union rules", Clean, Clean},
		// What HIGH adds.
		{"please see: union all select password", Clean, Found},
		{"the note, and then UNION/**/DISTINCT/**/SELECT x", Clean, Found},
		{"a b c d e f union(select 1)", Clean, Found},
		{"one two three sleep (5)", Clean, Found},
		{"look into outfile", Clean, Found},
		{"x y z information_schema.tables", Clean, Found},
		{"one two three; select 1", Clean, Found},
		{"one two three; exec x", Clean, Found},
		{"name @@version", Clean, Found},
		{"sqlite_master", Clean, Found},
		{"a b c pg_shadow", Clean, Found},
	} {
		for s, want := range map[Sensitivity]Verdict{Low: c.low, High: c.high} {
			b := DefaultBudget
			if got := SQL([]byte(c.value), s, &b); got != want {
				t.Errorf("sensitivity %d: %q is %v, want %v", s, c.value, got, want)
			}
		}
	}
}

func TestXSS(t *testing.T) {
	for _, c := range []struct {
		value string
		want  Verdict
	}{
		{"", Clean}, {"a < b", Clean}, {"1 <3 2", Clean}, {"a=b&c=d", Clean}, {"<b>bold</b>", Clean}, {`<a href="https://example.com/d">x</a>`, Clean},
		{"text/html;q=0.9, */*;q=0.8", Clean}, {"session=4f1c; theme=dark", Clean}, {"online = true", Clean}, {"x > y", Clean},
		{"<script>alert(1)</script>", Found}, {"<ScRiPt>", Found}, {"<s\x00cript>", Found}, {"<svg/onload=alert(1)>", Found}, {"<img src=x onerror=alert(1)>", Found},
		{`" onmouseover="alert(1)`, Found}, {"onclick=alert(1)", Found}, {"' style='x", Found}, {`<a href="javascript:alert(1)">`, Found}, {"<a href=&#106;avascript:x>", Found},
		{`<a href=" jAvAsCrIpT:x">`, Found}, {"<!doctype html>", Found}, {"<!-- `x -->", Found}, {"<?xml version=1?>", Found}, {"<iframe", Found}, {"<xss>", Found}, {"</script >", Found},
		{"<x xmlns=y>", Found}, {"<set attributename=onclick>", Found},
	} {
		b := DefaultBudget
		if got := XSS([]byte(c.value), &b); got != c.want {
			t.Errorf("%q is %v, want %v", c.value, got, c.want)
		}
	}
}

func TestBudget(t *testing.T) {
	attack, first := []byte("' or 1=1--"), []byte("a/**/b c")
	before := Budget(sqlPrice(attack))
	b := before
	if got := SQL([]byte("0123456789a"), Low, &b); got != Clean || b != before {
		t.Errorf("what the prefilter settles costs %d: %v", before-b, got)
	}
	if got := SQL(attack, Low, &b); got != Found || b != 0 {
		t.Errorf("%v, %d left", got, b)
	}
	if got := SQL(attack, Low, &b); got != Exhausted {
		t.Errorf("SQL without a budget is %v", got)
	}
	if got := XSS([]byte("<script>"), &b); got != Exhausted {
		t.Errorf("scripting without a budget is %v", got)
	}
	b = Budget(sqlPrice(first)) // enough for one look, not for the second that HIGH takes
	if got := SQL(first, High, &b); got != Exhausted {
		t.Errorf("%v, %d left", got, b)
	}
}

func TestThePrefilterAllocatesNothing(t *testing.T) {
	b := DefaultBudget
	for _, s := range []string{
		"session4f1c2a9be0", "rock roll", "12345", "Jörg Müller", "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0", "text/html,application/xml;q=0.9",
		"<b class=x>bold</b> text = more",
	} {
		v := []byte(s)
		if maybeMarkup(v) {
			t.Errorf("%q may be markup", s)
		}
	}
	for _, s := range []string{
		"session4f1c2a9be0", "rock roll", "2024-01-31", "2024-01-31T12:30:00Z", "550e8400-e29b-41d4-a716-446655440000", "https://example.com/a/b.html?x=1",
		"Hauptstrasse 12, 50667 Koeln", "en-US,en;q=0.5", "12.50", "+49 221 123456", "GA1.2.1234567.89", "the quick brown fox jumps over the lazy dog",
	} {
		v := []byte(s)
		if maybeSQL(v) {
			t.Errorf("%q may be SQL", s)
		}
		if n := testing.AllocsPerRun(100, func() {
			XSS(v, &b)
			maybeSQL(v)
			hasPhrase(v)
		}); n > 0 {
			t.Errorf("%q: %v allocations", s, n)
		}
	}
}

var benchValues = []struct{ name, value string }{
	{"token", "session4f1c2a9be0"},
	{"words", "rock roll"},
	{"date", "2024-01-01"},
	{"uuid", "550e8400-e29b-41d4-a716-446655440000"},
	{"url", "https://example.com/a/b.html?x=1"},
	{"address", "Hauptstrasse 12, 50667 Koeln"},
	{"agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
	{"sentence", "The quick brown fox jumps over the lazy dog and then it runs away, far away."},
	{"attack", "1' or 1=1--"},
}

func BenchmarkSQL(b *testing.B) {
	for _, v := range benchValues {
		for s, name := range map[Sensitivity]string{Low: "low", High: "high"} {
			b.Run(name+"/"+v.name, func(b *testing.B) {
				value := []byte(v.value)
				b.ReportAllocs()
				for b.Loop() {
					budget := DefaultBudget
					SQL(value, s, &budget)
				}
			})
		}
	}
}

func BenchmarkXSS(b *testing.B) {
	for _, v := range benchValues {
		b.Run(v.name, func(b *testing.B) {
			value := []byte(v.value)
			b.ReportAllocs()
			for b.Loop() {
				budget := DefaultBudget
				XSS(value, &budget)
			}
		})
	}
}

// BenchmarkBesideTheLibrary looks at what is in the arguments of a form, here and by the library
// alone.
func BenchmarkBesideTheLibrary(b *testing.B) {
	values := []string{
		"jane.doe", "Jane", "Doe", "Hauptstrasse 12", "50667", "Koeln", "+49 221 123456", "2024-01-31", "12.50", "on", "en-US", "", "1",
		"550e8400-e29b-41d4-a716-446655440000", "https://example.com/a/b.html?x=1", "please ring twice", "a4f1c2a9be0c", "red;blue;green",
	}
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			budget := DefaultBudget
			for _, v := range values {
				SQL([]byte(v), Low, &budget)
				XSS([]byte(v), &budget)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, v := range values {
				libinjection.IsSQLi(v)
				libinjection.IsXSS(v)
			}
		}
	})
}

// BenchmarkHostile looks at 64 KB that are made to be slow.
func BenchmarkHostile(b *testing.B) {
	const size = 64 << 10
	for _, p := range []string{"<a ", "&#", "a,", "1 or ", "// ", "::"} {
		b.Run("SQL/"+p, func(b *testing.B) {
			value := []byte(strings.Repeat(p, size/len(p)))
			b.SetBytes(size)
			for b.Loop() {
				budget := DefaultBudget
				SQL(value, High, &budget)
			}
		})
	}
	for _, p := range []string{"<", "<a ", `="`, "a=b ", " href=d", "<!-->", "=\x00"} {
		b.Run("XSS/"+p, func(b *testing.B) {
			value := []byte(strings.Repeat(p, size/len(p)))
			b.SetBytes(size)
			for b.Loop() {
				budget := DefaultBudget
				XSS(value, &budget)
			}
		})
	}
}

// TestPrefilterIsSoundForRowsOfPieces tries every row of pieces that are not alarming by themselves, with and without
// spaces between them.
func TestPrefilterIsSoundForRowsOfPieces(t *testing.T) {
	pieces := []string{"abc", "1", "(", ")", ",", ";", ".", "?", "@", "&", "|", "=", ":"}
	const most = 5
	row := make([]byte, 0, 64)
	asked := 0
	var try func(n int, glue string)
	try = func(n int, glue string) {
		if len(row) > 0 {
			if !maybeSQL(row) {
				asked++
				if found, _ := libinjection.IsSQLi(string(row)); found {
					t.Fatalf("%q is SQL to the library", row)
				}
			}
		}
		if n == most {
			return
		}
		for _, p := range pieces {
			before := len(row)
			row = append(append(row, p...), glue...)
			try(n+1, glue)
			row = row[:before]
		}
	}
	for _, glue := range []string{"", " "} {
		try(0, glue)
	}
	if asked < 10_000 {
		t.Errorf("only %d rows are settled without the library", asked)
	}
}

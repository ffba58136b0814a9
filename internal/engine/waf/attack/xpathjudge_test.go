package attack

import (
	"strings"
	"testing"
)

func TestWhatGoesOnWithAnExpressionOfXPathIsFound(t *testing.T) {
	// libxml2 has evaluated each of the first ones in the middle of an expression.
	for _, v := range []string{
		`ann' or local-name() != string() or .='`, `')<floor(1.5)<5 mod 2 or (.='`, `0'!= //@id or .='`, `']/name|//x['`, `"	mod //following::shop != "`, `1]/@id|//x[1`, `x' * //shop//@* or not('`,
		`0"
or name()
or .="`, `ann')and //item or (.='`, `ann' and count(/*)=1 or 'a'='b`, `1=last()`, `x or name()='user'`, `' and contains(.,'a`,
	} {
		if found, _ := leavesXPath([]byte(v)); !found {
			t.Errorf("%q is not found", v)
		}
	}
	for _, v := range []string{
		"it's here", "rock 'n' roll", "the '<' sign and the '>' sign", "5' - 6'", "' or 'a'='a", "a/b/@c", "https://shop.example/@ann/5", "1 // comment", "=SUM(A1:A3)", "=sum(a1:a3)", "price < 100",
		"'a', 'b', 'c'", "'+location.href+'", "3 > 2", "x = 1.5", "user@host.example", "", "'", "]", "a]",
		"home|//shop.example/chairs", "news|@ann", "a-..", "v1=@ann", "up|..|/",
	} {
		if found, _ := leavesXPath([]byte(v)); found {
			t.Errorf("%q is found", v)
		}
	}
}

func FuzzLeavesXPath(f *testing.F) {
	for _, s := range []string{`' or count(//a[b='c'])=1 or '`, `']|//x['`, `1]/@a[`, strings.Repeat("'or(", 30)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, read := leavesXPath(b); read > 3*len(b)+3 {
			t.Errorf("%d of %d bytes", read, len(b))
		}
	})
}

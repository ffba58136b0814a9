package attack

import (
	"bytes"
	"strings"
	"testing"
)

func TestCodeBehindAQuotationMarkIsTold(t *testing.T) {
	for _, s := range []string{
		`';foo(1)//`, `"-foo(1)-"`, `x'+foo(1)+'`, "`+foo`1`+`", `');foo(1)//`, `'}});foo(1);//`, `',x=1,'`, `'||foo?.(1)||'`, `';x.y=1;'`, `"/foo(1)/"`, `'**[1].map(foo)**'`,
		`';for(x of[1])foo(x)//`, `';if(1)foo(1)//`, `';try{foo(1)}catch{}//`, `';class x{static{foo(1)}}//`, `";let{a}={get a(){foo(1)}};"`, `';(()=>{foo(1)})()//`, `'-new class{x=foo(1)}-'`, `'+{[Symbol.toPrimitive]:foo}+'`,
		`'+{valueOf:foo}+'`, `';throw foo//`, `' instanceof foo(1)/*`, `';switch(1){case 1:foo(1)}//`, `'?foo(1):'`, "'\nfoo(1)//", "';x=foo\nx`1`//", `';f\u006fo(1)//`, `';a:b:foo(1)<!--`, `'.constructor.constructor(x)()//`,
		"${foo(1)}", "a ${new foo} b", "${`${foo(1)}`}", "${x.y=1}", `'>>>new Proxy({},{get:foo}).x>'`, `';x/y/foo(1)//`, `';/'/.test(foo(1))//`,
	} {
		if found, _ := leavesString([]byte(s)); !found {
			t.Errorf("no code: %s", s)
		}
	}
	for _, s := range []string{
		"", "'", "it's fine", "it's (really) 'good'", `O'Reilly (Dublin)`, `say "hello", then go()`, "rock 'n' roll (live)", `5' - 6' (approx.)`, `50" x 20"`, `12" + 7" (vinyl)`, `""`, `'' = ''`, `f'(x) + g'(x)`, "`code`", "```\ncode()\n```", `"A","B(1)","C"`,
		`{"a":"f(1)"}`, `print("a", b("c"))`, `'; rm -rf /`, `"quoted" (and more)`, `the '90s (and '80s)`, `"-" "-"`, `<p class="">f(x)</p>`, `${name}`, `${VAR:-x}`, `${}`, `"/wiki/Mercury_(planet)"`, `x', 'y`, `";`, `')`, `'//`, `' + b + '`, `"];`, `' and (1)`, "Jan '05 - f(x)", `'\`, `${'`, `${/`, "$ {x}", "'\u2028", "'\\u", "'..", "'?.",
	} {
		if found, _ := leavesString([]byte(s)); found {
			t.Errorf("code: %s", s)
		}
	}
}

func TestScriptsAreToldFromText(t *testing.T) {
	for _, s := range []string{
		`Array.from([1],alert)`, `x=window.alert;x(1)`, `[3,2].sort(confirm)`, `({valueOf:alert})+1`, `1;[{toString:prompt}]+''`, `new Function('x')()`, `Reflect.apply(x,null,[1])`, `self['x'+'y'](1)`, "a\nx=alert\nx`1`", "a*/with(window)alert(1)//",
		`javascript:foo(1)`, `javascript:0||foo(1)`, "\x01java\tscript:\nclass x{static{foo(1)}}", `JavaScript://x` + "\n" + `foo(1)`, `javascript:try{foo(1)}catch{}`,
	} {
		if found, _ := isCode([]byte(s)); !found {
			t.Errorf("no script: %s", s)
		}
	}
	for _, s := range []string{
		"", "alert", "on the alert (always)", "Delivery (prompt)", "[alert] disk full", "{prompt}", "f(x)", "x=1", "SUM(A1,B2)", "prompt: yes", "window.title", "this[0]", "JavaScript: the good parts (2008)", "javascript: parseInt() explained", "java", "javascript:", "type=alert;x=2", "self-confirm (later)", "a\nb(c)\nd",
	} {
		if found, _ := isCode([]byte(s)); found {
			t.Errorf("script: %s", s)
		}
	}
}

// However a value is made, no byte of it is read as code more than a few times.
func TestCodeIsReadAFewTimesAtMost(t *testing.T) {
	for _, piece := range []string{"${", "${'", "${\"\\", "${/", "${x(`", "'+(", "';{", "'/*", "\n//", "*/", "'+x=>", "${[", "$", "\\u{6", "a=>"} {
		b := bytes.Repeat([]byte(piece), 1<<14)
		_, a := leavesString(b)
		_, c := isCode(b)
		if most := (3 + maxExpressions + maxLines) * maxCode; a+c > most {
			t.Errorf("%q: %d bytes are read", piece, a+c)
		}
	}
}

func FuzzCode(f *testing.F) {
	for _, s := range []string{`';foo(1)//`, "${foo`1`}", `javascript:x=1`, `"-[...{[Symbol.iterator]:foo}]-"`, "a\n/x[/]/.test(alert)", "'\\u{61}(1)//"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		leavesString(b)
		isCode(b)
		// Letters behind a quotation mark are no code, whatever follows.
		if found, _ := leavesString([]byte("it's " + strings.Map(func(r rune) rune {
			if r == '"' || r == '`' || r == '$' {
				return ' '
			}
			return r
		}, string(b)))); found {
			t.Errorf("%q", b)
		}
	})
}

package transform

import (
	"fmt"
	"strings"
	"testing"
)

func TestHTMLEntityDecode(t *testing.T) {
	check(t, HTMLEntityDecode, []vector{
		{"", ""},
		{"TestCase", "TestCase"},
		{"Test\x00Case", "Test\x00Case"},
		{"&quot;&amp;&lt;&gt;&nbsp;", "\"&<>\xa0"},
		{"&QuOt;&LT;", "\"<"},
		{"&quot&amp&lt&gt&nbsp", "\"&<>\xa0"},
		{"&ltscript&gt", "<script>"},
		{"&ltscript;", "<script;"},
		{"&#x0;&#X20;&#x41;", "\x00 A"},
		{"&#60;&#062;&#0000000000000000000000000000000000000000000000000000123;", "<>{"},
		{"&#x0000000000000000000000000000000000000000000000000003c;", "<"},
		{"&#60script&#62", "<script>"},
		{"&#x3cscript", "<script"},
		{"&#3a&#a00&#10a", "\x03a&#a00\na"},
		{"&#xg;&#xg0;&#X2g;", "&#xg;&#xg0;\x02g;"},
		{"&#;&#x;&;&", "&#;&#x;&;&"},
		{"&foo;&foo", "&foo;&foo"},
		{"&#", "&#"},
		{"&#x", "&#x"},
		{"&amp;lt;", "&lt;"}, // once
		{"&&lt;", "&<"},
		{"&#106;&#97;&#118;&#97;", "java"},
		{"java&Tab;script&colon;alert&lpar;1&rpar;", "java\tscript:alert(1)"},
		{"&NewLine;&NonBreakingSpace;", "\n\xa0"},
		{"&lcub;&lbrace;&rcub;&rbrace;&verbar;&vert;&VerticalLine;", "{{}}|||"},
		{"&excl;&num;&dollar;&percent;&percnt;&apos;&ast;&midast;&plus;", "!#$%%'**+"},
		{"&comma;&period;&sol;&semi;&equals;&quest;&tilde;&DiacriticalTilde;&minus;", ",./;=?~~-"},
		{"&lsqb;&lbrack;&bsol;&rsqb;&rbrack;&hat;&lowbar;&underbar;&grave;&DiacriticalGrave;", `[[\]]^__` + "``"},
		{"&colon", "&colon"},                           // needs its semicolon
		{"&NonBreakingSpaces;", "&NonBreakingSpaces;"}, // longer than any
		{"&#233;", "\xe9"},
		{"&#x20ac;&#8364;", "€€"}, // above 255: UTF-8
		{"&#x110000;&#99999999999999999999;", "\ufffd\ufffd"},
		{"&#xff1cscript", "\uff1cscript"},
		{"a & b", "a & b"},
		{allBytes, allBytes},
	})
}

func TestJSDecode(t *testing.T) {
	var hex, octal strings.Builder
	for i := range 256 {
		fmt.Fprintf(&hex, `\x%02x`, i)
		fmt.Fprintf(&octal, `\%03o`, i)
	}
	both := []vector{
		{"", ""},
		{"TestCase", "TestCase"},
		{"Test\x00Case", "Test\x00Case"},
		{hex.String(), allBytes},
		{strings.ToUpper(replaced(hex.String(), `\x`, "!")), strings.ToUpper(replaced(hex.String(), `\x`, "!"))},
		{octal.String(), allBytes},
		{`\a\b\f\n\r\t\v`, "\a\b\f\n\r\t\v"},
		{`\\a\'\"`, `\a'"`},
		{`\0\12\123`, "\x00\nS"},
		{`\377\400`, "\xff 0"}, // more than 0377: two digits
		{`\18`, "\x018"},
		{`\u0041\u007a`, "Az"},
		{`\uff1cscript\uFF1E`, "<script>"},
		{`\uff01\uff5e`, "!~"},
		{`\u00e9`, "\xe9"},
		{`ale\x72t`, "alert"},
		{`ale\162t\u0028`, "alert("},
		{`\u003c\x3C\74`, "<<<"},
		{`\`, `\`},
		{`abc\`, `abc\`},
		{`\\`, `\`},
		{`\\\`, `\\`},
		{`\\0`, `\0`},
		{replaced(allBytes, `\`, ""), replaced(allBytes, `\`, "")},
	}
	check(t, JSDecode, append(both,
		vector{`\x`, "x"},
		vector{`\x\x0`, "xx0"},
		vector{`\xag`, "xag"},
		vector{`\u`, "u"},
		vector{`\u\u0\u01\u012`, "uu0u01u012"},
		vector{`\u00g1`, "u00g1"},
		vector{`\8\9\z`, "89z"},
		vector{`ja\vascript`, "ja\vascript"},
		vector{`j\s`, "js"},
		vector{`\u1141`, "A"},     // the lower byte
		vector{`\u{41}`, "u{41}"}, // too new
		vector{allBytes, replaced(allBytes, `\`, "")},
	))
	check(t, JSDecodeExt, append(both,
		vector{`\x`, `\x`},
		vector{`\x\x0`, `\x\x0`},
		vector{`\xag`, `\xag`},
		vector{`\u`, `\u`},
		vector{`\u\u0\u01\u012`, `\u\u0\u01\u012`},
		vector{`\8\9\z`, `\8\9\z`},
		vector{`\default`, `\default`},
		vector{`\u{41}\u{0003c}`, "A<"},
		vector{`\u{1f600}`, "😀"},
		vector{`\u{ff1c}`, "<"},
		vector{`\u{}`, `\u{}`},
		vector{`\u{110000}`, `\u{110000}`},
		vector{`\u{41`, `\u{41`},
		vector{`\u{4g}`, `\u{4g}`},
		vector{`\u{000000041}`, `\u{000000041}`}, // nine digits
		vector{`\u20ac`, "€"},
		vector{allBytes, allBytes}, // \] is unknown
	))
}

func TestCSSDecode(t *testing.T) {
	check(t, CSSDecode, []vector{
		{"", ""},
		{"TestCase", "TestCase"},
		{"Test\x00Case", "Test\x00Case"},
		{`ja\vascript`, "javascript"},
		{`test\a\b\f\n\r\t\v\?\'\"`, "test\n\x0b\x0fnrtv?'\""},
		{`\0\12\123\1234\12345\123456`, "\x00\x12#4EV"},
		{`\ff01\ff5e`, "!~"},
		{`\00ff1c`, "<"},
		{`\0ff1c`, "<"},
		{`\1A\1 A\1234567\123456 7\1x\1 x`, "\x1a\x01AV7V7\x01x\x01x"},
		{`test\`, "test"},
		{`\`, ""},
		{"a\\\nb", "ab"},
		{"\\41\nb\\41\tb\\41\rb\\41\fb\\41\vb", "AbAbAbAbAb"},
		{`\41  b`, "A b"}, // one whitespace only
		{`\41`, "A"},
		{`\000041z`, "Az"},
		{`\0000411`, "A1"},
		{`\e9`, "\xe9"},
		{`\\`, `\`},
		{`\\41`, `\41`},
		{`exp\72 ession`, "expression"},
		{`\65xpression\28`, "expression("},
		{`expre/**/ssion`, "expre/**/ssion"},
		{`\ff00\ff5f`, "\x00\x5f"},
		{`\3c\3C`, "<<"},
		{"\\\xff", "\xff"},
		{allBytes, replaced(allBytes, `\`, "")},
	})
}

func TestEscapeSeqDecode(t *testing.T) {
	var hex, octal strings.Builder
	for i := range 256 {
		fmt.Fprintf(&hex, `\x%02x`, i)
		fmt.Fprintf(&octal, `\%03o`, i)
	}
	both := []vector{
		{"", ""},
		{"TestCase", "TestCase"},
		{"Test\x00Case", "Test\x00Case"},
		{`\a\b\f\n\r\t\v\?\'\"\0\12\123\x00\xff`, "\a\b\f\n\r\t\v?'\"\x00\nS\x00\xff"},
		{hex.String(), allBytes},
		{octal.String(), allBytes},
		{`\X41`, "A"},
		{`\x4142`, "A42"},
		{`\666`, "\xb6"}, // the lower byte
		{`\0123`, "\n3"},
		{`\1234`, "S4"},
		{`\08`, "\x008"},
		{`\\`, `\`},
		{`\\n`, `\n`},
		{`\\\n`, "\\\n"},
		{`\`, `\`},
		{`abc\`, `abc\`},
		{`\012`, "\n"},
		{`\01`, "\x01"},
		{`c\141t /etc/pass\x77d`, "cat /etc/passwd"},
		{`\0`, "\x00"},
	}
	check(t, EscapeSeqDecode, append(both, // "Encodings that aren't valid remain in the output"
		vector{`\8\9`, `\8\9`},
		vector{`\xag\xga`, `\xag\xga`},
		vector{`\x`, `\x`},
		vector{`\x\x0`, `\x\x0`},
		vector{`\u0041`, `\u0041`},
		vector{`\/\z`, `\/\z`},
		vector{allBytes, allBytes},
	))
	check(t, EscapeSeqDecodeSecLang, append(both,
		vector{`\8\9`, "89"},
		vector{`\x`, "x"},
		vector{`\x\x0`, "xx0"},
		vector{"\\x\\x0\x00", "xx0\x00"},
		vector{"\\\x00", "\x00"},
		vector{`\/\z`, "/z"},
		vector{allBytes, replaced(allBytes, `\`, "")},
	))
}

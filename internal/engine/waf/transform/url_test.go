package transform

import (
	"fmt"
	"strings"
	"testing"
)

// urlVectors hold for every URL decoding.
var urlVectors = []vector{
	{"", ""},
	{"TestCase", "TestCase"},
	{"Test\x00Case", "Test\x00Case"},
	{"Test+Case", "Test Case"},
	{"a%20b", "a b"},
	{"%3Cscript%3e", "<script>"},
	{"%2525", "%25"}, // once, not to the end
	{"%253Cscript", "%3Cscript"},
	{"%+", "% "},
	{"%%20", "% "},
	{"%%", "%%"},
	{"%", "%"},
	{"%0", "%0"},
	{"abc%4", "abc%4"},
	{"%0g%20", "%0g "},
	{"%0%20", "%0 "},
	{"%g0%20", "%g0 "},
	{"%gg", "%gg"},
	{"%g%20", "%g "},
	{"%00%ff%FF", "\x00\xff\xff"},
	{"%c0%af", "\xc0\xaf"}, // bytes, not characters
	{"%e2%82%ac", "€"},
	{"100%", "100%"},
	{"%0%1%2%a%b%f", "%0%1%2%a%b%f"},
	{allBytes, replaced(allBytes, "+", " ")},
}

func TestURLDecode(t *testing.T) {
	var escaped strings.Builder
	for i := range 256 {
		fmt.Fprintf(&escaped, "%%%02x", i)
	}
	check(t, URLDecode, append(urlVectors,
		vector{escaped.String(), allBytes},
		vector{strings.ToUpper(escaped.String()), allBytes},
		vector{"%u0041", "%u0041"},
		vector{"%u00%41", "%u00A"},
	))
}

// uniVectors hold for both readings of %uHHHH.
var uniVectors = append(urlVectors,
	vector{"%u0041%U0042", "AB"},
	vector{"%u003cscript%u003E", "<script>"},
	vector{"%uff1cscript%uFF1e", "<script>"}, // full-width forms
	vector{"%uff01%uff5e", "!~"},
	vector{"%uff00%uff5f%uff7f", "\x00\x5f\x7f"}, // no longer full-width forms of ASCII
	vector{"%u1127", "'"},                        // the lower byte
	vector{"%u0000", "\x00"},
	vector{"%u004", "%u004"},
	vector{"%u", "%u"},
	vector{"%u%u0020", "%u "},
	vector{"%u0%u0020", "%u0 "},
	vector{"%u000%u0020", "%u000 "},
	vector{"%u000g%u0020", "%u000g "},
	vector{"%%u0020", "% "},
	vector{"%0g%u0020", "%0g "},
	vector{"%u%41%41", "%uAA"},
)

func TestURLDecodeUni(t *testing.T) {
	check(t, URLDecodeUni, append(uniVectors,
		vector{"%u2039%u203a", "9:"},
		vector{"%u00e9", "\xe9"},
		vector{"%u02b9", "\xb9"},
	))
}

// The expected characters are those of Microsoft's best-fit table of code page 20127.
func TestURLDecodeUniSecLang(t *testing.T) {
	check(t, URLDecodeUniSecLang, append(uniVectors,
		vector{"%u2039script%u203a", "<script>"},
		vector{"%u00e9", "e"},
		vector{"%u00a0", " "},
		vector{"%u02b9%u2018", "''"},
		vector{"%u2122", "T"},
		vector{"%u0100%u0161", "As"},
	))
}

func TestURLEncode(t *testing.T) {
	var encoded strings.Builder
	for i := range 256 {
		switch c := byte(i); {
		case c == ' ':
			encoded.WriteByte('+')
		case c == '*' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z':
			encoded.WriteByte(c)
		default:
			fmt.Fprintf(&encoded, "%%%02x", i)
		}
	}
	check(t, URLEncode, []vector{
		{"", ""}, {"TestCase", "TestCase"}, {"Test Case", "Test+Case"}, {"Test+Case", "Test%2bCase"},
		{"a/b", "a%2fb"}, {"a.b", "a%2eb"}, {"a-b_c", "a%2db%5fc"}, {"%", "%25"}, {"%41", "%2541"}, {"*", "*"},
		{"\x00", "%00"}, {"\xff", "%ff"}, {"é", "%c3%a9"}, {"a\nb", "a%0ab"}, {"~", "%7e"}, {"'", "%27"}, {`"`, "%22"},
		{"<>", "%3c%3e"}, {"a=b&c", "a%3db%26c"}, {"0189", "0189"}, {"  ", "++"},
		{allBytes, encoded.String()},
	})
}

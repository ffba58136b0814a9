package transform

import (
	"bytes"
	"strings"
	"testing"
)

func TestLettersAndNone(t *testing.T) {
	checkSettled(t, Lowercase, []vector{
		{"", ""}, {"testcase", "testcase"}, {"TestCase", "testcase"}, {"TEST", "test"}, {"Test\x00Case", "test\x00case"},
		{"A", "a"}, {"Z", "z"}, {"@[", "@["}, {"`{", "`{"}, {"0123456789", "0123456789"}, {"ÄÖÜ", "ÄÖÜ"}, {"\xc4", "\xc4"},
		{"\u212a", "\u212a"}, {"\u017f", "\u017f"}, // ASCII only: no folding of the Kelvin sign
		{"aaaaaaaaaaaaaaaA", "aaaaaaaaaaaaaaaa"}, {"Aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa"}, {"\xc1\xda", "\xc1\xda"},
		{"a\xffB", "a\xffb"}, {"UNION SELECT", "union select"}, {" ", " "}, {"\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{allBytes, mapped(allBytes, func(c byte) int {
			if c >= 'A' && c <= 'Z' {
				return int(c) + 32
			}
			return int(c)
		})},
	})
	checkSettled(t, Uppercase, []vector{
		{"", ""}, {"TESTCASE", "TESTCASE"}, {"TestCase", "TESTCASE"}, {"test", "TEST"}, {"Test\x00Case", "TEST\x00CASE"},
		{"a", "A"}, {"z", "Z"}, {"@[", "@["}, {"`{", "`{"}, {"0123456789", "0123456789"}, {"äöü", "äöü"}, {"\xe4", "\xe4"},
		{"ß", "ß"}, {"ı", "ı"}, {"AAAAAAAAAAAAAAAa", "AAAAAAAAAAAAAAAA"}, {"aAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAA"}, {"\xe1\xfa", "\xe1\xfa"},
		{"a\xffB", "A\xffB"}, {"union select", "UNION SELECT"}, {" ", " "},
		{allBytes, mapped(allBytes, func(c byte) int {
			if c >= 'a' && c <= 'z' {
				return int(c) - 32
			}
			return int(c)
		})},
	})
	var same []vector
	for _, s := range []string{"", "a", "A", " ", "\x00", "%41", "+", "&lt;", `\n`, "0x41", "é", "\xff", "/..//", "/* */", "a  b", " a ", "Zg==", "41", "#", allBytes} {
		same = append(same, vector{s, s})
	}
	checkSettled(t, None, same)
}

func TestWhitespace(t *testing.T) {
	const spaces = " \t\n\v\f\r"
	checkSettled(t, CompressWhitespace, []vector{
		{"", ""}, {"TestCase", "TestCase"}, {"Test\x00Case", "Test\x00Case"}, {"a b", "a b"}, {"a  b", "a b"}, {" ", " "}, {"  ", " "},
		{"a\tb", "a b"}, {"a\nb", "a b"}, {"a\vb", "a b"}, {"a\fb", "a b"}, {"a\rb", "a b"}, {"a\xa0b", "a b"},
		{"a \t\r\n\v\f\xa0b", "a b"}, {"  a", " a"}, {"a  ", "a "}, {"\t", " "}, {"\xa0", " "}, {"a\x85b", "a\x85b"},
		{"a \x00 b", "a \x00 b"}, {"union\n\n\nselect", "union select"},
		{allBytes, replaced(allBytes, "\t\n\v\f\r", " ", "\xa0", " ")},
	})
	checkSettled(t, RemoveWhitespace, []vector{
		{"", ""}, {"TestCase", "TestCase"}, {"Test\x00Case", "Test\x00Case"}, {"a b", "ab"}, {"a  b", "ab"}, {" ", ""}, {"  ", ""},
		{"a\tb", "ab"}, {"a\nb", "ab"}, {"a\vb", "ab"}, {"a\fb", "ab"}, {"a\rb", "ab"}, {"a\xa0b", "ab"},
		{"a \t\r\n\v\f\xa0b", "ab"}, {"  a", "a"}, {"a  ", "a"}, {"\t", ""}, {"a\x85b", "a\x85b"}, {"  Test  \t   Case  ", "TestCase"},
		{"java\nscript:", "javascript:"}, {allBytes, without(allBytes, spaces+"\xa0")},
	})
	trims := []vector{
		{"", ""}, {"TestCase", "TestCase"}, {"Test\x00Case", "Test\x00Case"}, {"a b", "a b"}, {"  ", ""}, {"\n", ""}, {spaces, ""},
		{"a  b", "a  b"}, {"\xa0a\xa0", "\xa0a\xa0"}, {"\x00 a \x00", "\x00 a \x00"}, {allBytes, allBytes},
	}
	checkSettled(t, Trim, append(trims,
		vector{" a", "a"}, vector{"a ", "a"}, vector{" a ", "a"}, vector{"\t\na\r\n", "a"}, vector{"  a b  ", "a b"}, vector{"\va\f", "a"},
		vector{" \x00 ", "\x00"}, vector{" \xa0 ", "\xa0"}, vector{"  Test  Case  ", "Test  Case"}, vector{spaces + "x" + spaces, "x"},
	))
	checkSettled(t, TrimLeft, append(trims,
		vector{" a", "a"}, vector{"a ", "a "}, vector{" a ", "a "}, vector{"\t\na\r\n", "a\r\n"}, vector{"  a b  ", "a b  "}, vector{"\va\f", "a\f"},
		vector{" \x00 ", "\x00 "}, vector{" \xa0 ", "\xa0 "}, vector{"  Test  Case  ", "Test  Case  "}, vector{spaces + "x" + spaces, "x" + spaces},
	))
	checkSettled(t, TrimRight, append(trims,
		vector{" a", " a"}, vector{"a ", "a"}, vector{" a ", " a"}, vector{"\t\na\r\n", "\t\na"}, vector{"  a b  ", "  a b"}, vector{"\va\f", "\va"},
		vector{" \x00 ", " \x00"}, vector{" \xa0 ", " \xa0"}, vector{"  Test  Case  ", "  Test  Case"}, vector{spaces + "x" + spaces, spaces + "x"},
	))
}

func TestNulls(t *testing.T) {
	var remove, replace []vector
	for _, s := range []string{
		"", "TestCase", "\x00", "\x00\x00", "Test\x00Case", "\x00TestCase", "TestCase\x00", "Te\x00st\x00Ca\x00se", "a\x00\x00b", " \x00 ",
		"<scr\x00ipt>", "\x01", "%00", `\0`, "0", "é\x00é", "\xff\x00\xff", "\x00a\x00", "a\nb\x00c", strings.Repeat("\x00", 100), allBytes,
	} {
		remove = append(remove, vector{s, strings.ReplaceAll(s, "\x00", "")})
		replace = append(replace, vector{s, strings.ReplaceAll(s, "\x00", " ")})
	}
	checkSettled(t, RemoveNulls, remove)
	checkSettled(t, ReplaceNulls, replace)
}

func TestComments(t *testing.T) {
	checkSettled(t, ReplaceComments, []vector{
		{"", ""}, {"TestCase", "TestCase"}, {"Test\x00Case", "Test\x00Case"}, {"/* TestCase */", " "}, {"/*TestCase*/", " "},
		{"Before/* TestCase */After", "Before After"}, {"Before /* TestCase */ After", "Before   After"}, {"/* Test\r\nCase */", " "},
		{"Before/* Test\r\nCase ", "Before "}, {"Before /* Test\nCase ", "Before  "}, {"Test\r\nCase */After", "Test\r\nCase */After"},
		{"*/", "*/"}, {"/*", " "}, {"/**/", " "}, {"/*/", " "}, {"/**", " "}, {"a/**/b/**/c", "a b c"}, {"/**//**/", "  "},
		{"/*a/*b*/c*/", " c*/"}, {"UN/**/ION SEL/*x*/ECT", "UN ION SEL ECT"}, {"/ * */", "/ * */"}, {"--x #y <!--z-->", "--x #y <!--z-->"},
		{allBytes, allBytes},
	})
	check(t, RemoveComments, []vector{
		{"", ""}, {"TestCase", "TestCase"}, {"Test\x00Case", "Test\x00Case"}, {"/* TestCase */", ""}, {"/*TestCase*/", ""},
		{"Before/* TestCase */After", "BeforeAfter"}, {"Before TestCase */ After", "Before TestCase */ After"},
		{"/*Before/* Test\r\nCase ", " "}, {"Before /* Test\nCase ", "Before  "}, {"Before/* T*/ /* e */ /* s */ /* t */\r\nCase ", "Before   \r\nCase "},
		{"Before /* */ ops */ Test\nCase ", "Before  ops */ Test\nCase "}, {"/*Test\r\nCase */After", "After"}, {"Test\nCase /**/ After", "Test\nCase  After"},
		{"UN/**/ION", "UNION"}, {"a<!-- b -->c", "ac"}, {"a<!-- b", "a "}, {"a--b", "a "}, {"a#b", "a "}, {"a-b", "a-b"}, {"a<b", "a<b"}, {"/*", " "},
		{"*/", "*/"}, {allBytes, allBytes[:'#'] + " "},
	})
	check(t, RemoveCommentsChar, []vector{
		{"", ""}, {"TestCase", "TestCase"}, {"Test\x00Case", "Test\x00Case"}, {"/* TestCase */", " TestCase "}, {"/*TestCase*/", "TestCase"},
		{"Before/* TestCase */After", "Before TestCase After"}, {"Before /* Test\nCase ", "Before  Test\nCase "}, {"Test\r\nCase */After", "Test\r\nCase After"},
		{"<!-- a -->", " a "}, {"a--b", "ab"}, {"a#b", "ab"}, {"; DROP TABLE bobby--", "; DROP TABLE bobby"}, {"a-b", "a-b"}, {"a/b*c", "a/b*c"},
		{"UN/**/ION", "UNION"}, {"---", "-"}, {"##", ""}, {"/**/", ""}, {"/*/", "/"}, {"<!", "<!"}, {"<!-", "<!-"}, {"-->", ""}, {"a/*b*/c--d#e", "abcde"},
		{allBytes, without(allBytes, "#")},
	})
}

func TestNormalizePath(t *testing.T) {
	paths := []vector{
		{"", ""}, {"/foo/bar/baz", "/foo/bar/baz"}, {"/foo/bar\x00/baz", "/foo/bar\x00/baz"}, {"x", "x"}, {".", ""}, {"./", ""}, {"./..", ".."},
		{"./../", "../"}, {"..", ".."}, {"../", "../"}, {"../.", ".."}, {".././", "../"}, {"../..", "../.."}, {"../../", "../../"},
		{"/dir/foo//bar", "/dir/foo/bar"}, {"dir/foo//bar/", "dir/foo/bar/"}, {"dir/../foo", "foo"}, {"dir/../../foo", "../foo"},
		{"dir/./.././../../foo/bar", "../../foo/bar"}, {"dir/./.././../../foo/bar/..", "../../foo"}, {"dir/./.././../../foo/bar/../", "../../foo/"},
		{"dir//.//..//.//..//..//foo//bar//", "../../foo/bar/"}, {"dir/subdir/subsubdir/subsubsubdir/../../..", "dir"},
		{"/dir/./subdir/../subsubdir/../subsubsubdir/../", "/dir/"}, {"/./.././../../../../../../../\x00/../etc/./passwd", "/etc/passwd"},
		{"/../../etc/passwd", "/etc/passwd"}, {"/", "/"}, {"//", "/"}, {"/..", "/"}, {"/a/..", "/"}, {"a/..", ""}, {"/...", "/..."}, {"/.htaccess", "/.htaccess"},
		{"a../b", "a../b"}, {"a/..b/c", "a/..b/c"}, {"/%2e%2e/", "/%2e%2e/"},
	}
	checkSettled(t, NormalizePath, append(paths,
		vector{`..\..\a`, `..\..\a`},
		vector{allBytes, allBytes},
	))
	checkSettled(t, NormalizePathWin, append(paths,
		vector{`\foo\bar\baz`, "/foo/bar/baz"}, vector{`.\`, ""}, vector{`.\..`, ".."}, vector{`..\`, "../"}, vector{`..\.`, ".."},
		vector{`..\..\`, "../../"}, vector{`\dir\foo\\bar`, "/dir/foo/bar"}, vector{`dir\..\..\foo`, "../foo"},
		vector{`dir\./..\.\../..\foo\bar\..\`, "../../foo/"}, vector{`\.\..\.\..\\0\..\etc\.\passwd`, "/etc/passwd"},
		vector{`C:\windows\system32\..\win.ini`, "C:/windows/win.ini"},
		vector{allBytes, replaced(allBytes, `\`, "/")},
	))
}

func TestCmdLine(t *testing.T) {
	checkSettled(t, CmdLine, []vector{
		{"", ""}, {"test", "test"}, {"Test\x00Case", "test\x00case"}, {"C^OMMAND /C DIR", "command/c dir"}, {"cmd,/c DiR", "cmd/c dir"},
		{`"command" /c DiR`, "command/c dir"}, {`c\a't`, "cat"}, {`/e"t"c/pa's'swd`, "/etc/passwd"}, {"a  b", "a b"}, {"a,b;c", "a b c"}, {"a ;, b", "a b"},
		{"a\tb\r\nc", "a b c"}, {"echo (x)", "echo(x)"}, {" /", "/"}, {" (", "("}, {"  ", " "}, {`\`, ""}, {`""''^^\\`, ""}, {"a /b", "a/b"},
		{"a ^/b", "a/b"}, {"ls -la", "ls -la"}, {"a\vb\fc", "a\vb\fc"},
		{allBytes, func() string {
			s := replaced(without(allBytes, `"'\^`), "\t\n", " ", "\r", " ", ",", " ", ";", " ")
			return mapped(s, func(c byte) int {
				if c >= 'A' && c <= 'Z' {
					return int(c) + 32
				}
				return int(c)
			})
		}()},
	})
	checkSettled(t, CmdLineUnix, []vector{
		{"", ""}, {"test", "test"}, {"Test\x00Case", "test\x00case"}, {`c\a't`, "cat"}, {`/e"t"c/pa's'swd`, "/etc/passwd"}, {"a  b", "a b"},
		{"a,b;c", "a,b;c"}, {"a\tb\r\nc", "a b c"}, {"a\vb\fc", "a b c"}, {"  a  ", "a"}, {"a /b", "a /b"}, {"a^b", "a^b"}, {`\`, ""}, {" ", ""},
		{"LS -LA", "ls -la"}, {`w"h"o'a'm\i`, "whoami"}, {"cat ; id", "cat ; id"}, {"echo (x)", "echo (x)"}, {"a\\\nb", "a b"}, {"$(ID)", "$(id)"},
		{`"" a`, "a"},
	})
	checkSettled(t, CmdLineWin, []vector{
		{"", ""}, {"test", "test"}, {"Test\x00Case", "test\x00case"}, {"C^OMMAND /C DIR", "command /c dir"}, {`"cmd" /c 'dir'`, "cmd /c dir"},
		{`C:\\Windows\\System32`, `c:\windows\system32`}, {`C:\Windows`, `c:\windows`}, {`\\\\server\share`, `\server\share`}, {"p^o^w^e^rshell", "powershell"},
		{"a^\r\nb", "ab"}, {"a^\nb", "ab"}, {"a  b", "a b"}, {"a\tb\r\nc", "a b c"}, {"  a  ", "a"}, {"a,b;c", "a,b;c"}, {" ", ""}, {"^", ""},
		{`a\ \b`, `a\ \b`}, {`a\"\b`, `a\b`}, {"DIR&&TYPE", "dir&&type"}, {"echo (x)", "echo (x)"},
	})
}

func TestDigests(t *testing.T) {
	// Values of RFC 1321 §A.5, FIPS 180 and md5sum(1), sha1sum(1), sha256sum(1).
	raw := func(k Kind, hexes map[string]string) {
		t.Helper()
		for in, want := range hexes {
			sum, changed := Append(nil, k, []byte(in))
			got, _ := Append(nil, HexEncode, sum)
			if !changed || string(got) != want {
				t.Errorf("%s(%q) = %s, want %s", k, in, got, want)
			}
		}
	}
	raw(MD5, map[string]string{
		"": "d41d8cd98f00b204e9800998ecf8427e", "a": "0cc175b9c0f1b6a831c399e269772661", "abc": "900150983cd24fb0d6963f7d28e17f72",
		"message digest":             "f96b697d7cb7938d525a2f31aaf161d0",
		"abcdefghijklmnopqrstuvwxyz": "c3fcd3d76192e4007dfb496cca67e13b",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "d174ab98d277d9f5a5611c2c9f419d9f",
		strings.Repeat("1234567890", 8):                                  "57edf4a22be3c955ac49da2e2107b67a",
	})
	raw(SHA1, map[string]string{
		"": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "abc": "a9993e364706816aba3e25717850c26c9cd0d89d",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
	})
	raw(SHA256, map[string]string{
		"":    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	})
	check(t, Length, []vector{
		{"", "0"}, {"a", "1"}, {"ab", "2"}, {"TestCase", "8"}, {"\x00", "1"}, {"é", "2"}, {"€", "3"}, {"😀", "4"}, {"\xff", "1"}, {"a b", "3"},
		{"0", "1"}, {"10", "2"}, {"%41", "3"}, {"\r\n", "2"}, {strings.Repeat("a", 9), "9"}, {strings.Repeat("a", 10), "10"}, {strings.Repeat("a", 99), "99"},
		{strings.Repeat("a", 100), "100"}, {strings.Repeat("a", 65536), "65536"}, {allBytes, "256"},
	})
}

func TestChainAppliesEachStepToTheLast(t *testing.T) {
	for _, c := range []struct {
		chain    Chain
		in, want string
	}{
		{nil, "A", "A"},
		{Chain{None}, "A", "A"},
		{Chain{URLDecode, Lowercase}, "%41B", "ab"},
		{Chain{Lowercase, URLDecode}, "%41B", "Ab"},
		{Chain{URLDecode, URLDecode}, "%2541", "A"},
		{Chain{UTF8ToUnicode, URLDecodeUni, HTMLEntityDecode, JSDecode, CSSDecode, RemoveNulls}, "\uff1cscr\x00ipt&#62;", "<script>"},
		{Chain{MD5, HexEncode}, "", "d41d8cd98f00b204e9800998ecf8427e"},
	} {
		buffer := []byte("kept")
		buffer, got := c.chain.Append(buffer, []byte(c.in))
		if string(got) != c.want || !bytes.HasPrefix(buffer, []byte("kept")) {
			t.Errorf("%v of %q = %q, want %q (%q)", c.chain, c.in, got, c.want, buffer)
		}
	}
}

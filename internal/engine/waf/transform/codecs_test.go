package transform

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestBase64Decode(t *testing.T) {
	whole := []vector{
		{"", ""},
		{"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, // RFC 4648 §10
		{"Zm9vYg==", "foob"}, {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"},
		{"VGVzdENhc2U=", "TestCase"},
		{"VGVzdENhc2Ux", "TestCase1"},
		{"VGVzdENhc2UxMg==", "TestCase12"},
		{"VGVzdABDYXNl", "Test\x00Case"},
		{"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "<script>alert(1)</script>"},
		{"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg", "<script>alert(1)</script>"}, // without padding
		{"VGVz\r\ndENh\nc2U=", "TestCase"},                                  // lines (RFC 2045)
		{base64.StdEncoding.EncodeToString([]byte(allBytes)), allBytes},
		{"/+8=", "\xff\xef"},
	}
	check(t, Base64Decode, append(whole,
		vector{"not base64!", "not base64!"},
		vector{"VGVzdENhc2U=VGVz", "VGVzdENhc2U=VGVz"},
		vector{"VGVzd", "VGVzd"}, // no length of base64
		vector{"Zg=", "Zg="},
		vector{"Zg===", "Zg==="},
		vector{"=", "="},
		vector{"====", "===="},
		vector{"P.HNj", "P.HNj"},
		vector{"PHNj cmlw", "PHNj cmlw"},
		vector{"_-8=", "_-8="},
		vector{"\r\n", "\r\n"},
		vector{allBytes, allBytes},
	))
	check(t, Base64DecodeSecLang, append(whole,
		vector{"VGVzdENhc2U=\x00VGVzdENhc2U=", "TestCase"},
		vector{"VGVzdENhc2U=VGVzdENhc2U=", "TestCase"},
		vector{"P.HNj", ""},
		vector{"PHNj.cmlw", "<sc"},
		vector{"PHNj cmlw", "<sc"},
		vector{"VGVzd", "Tes"},
		vector{allBytes, ""},
	))
	ext, err := base64.RawStdEncoding.DecodeString("++/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz")
	if err != nil {
		t.Fatal(err)
	}
	check(t, Base64DecodeExt, append(whole,
		vector{"P.HNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "<script>alert(1)</script>"},
		vector{"P H\tN\x00j", "<sc"},
		vector{"PH=Nj", "<sc"}, // decoders that forgive go on behind padding
		vector{"PHN\xffj", "<sc"},
		vector{"_-8=", "\xff\xef"}, // RFC 4648 §5
		vector{"!", ""},
		vector{"VGVzd", "Tes"},
		vector{allBytes, string(ext)},
	))
}

func TestBase64Encode(t *testing.T) {
	check(t, Base64Encode, []vector{
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"TestCase", "VGVzdENhc2U="}, {"TestCase1", "VGVzdENhc2Ux"}, {"TestCase12", "VGVzdENhc2UxMg=="},
		{"Test\x00Case", "VGVzdABDYXNl"}, {"\x00", "AA=="}, {"\xff", "/w=="}, {"\xff\xef", "/+8="}, {"\xfb\xff", "+/8="},
		{"<script>", "PHNjcmlwdD4="}, {" ", "IA=="}, {"\n", "Cg=="}, {"é", "w6k="}, {"=", "PQ=="}, {"Zg==", "Wmc9PQ=="},
		{"\x00\x10\x83\x10\x51\x87\x20\x92\x8b", "ABCDEFGHIJKL"},
	})
}

func TestHexDecode(t *testing.T) {
	whole := []vector{
		{"", ""}, {"41", "A"}, {"414243", "ABC"}, {"5465737443617365", "TestCase"}, {"546573740043617365", "Test\x00Case"},
		{"3c7363726970743e", "<script>"}, {"3C7363726970743E", "<script>"}, {"00", "\x00"}, {"ff", "\xff"}, {"FF", "\xff"}, {"0a0D", "\n\r"},
		{"2f6574632f706173737764", "/etc/passwd"}, {"c3a9", "é"}, {"aBcD", "\xab\xcd"}, {"0123456789", "\x01\x23\x45\x67\x89"},
		{hex.EncodeToString([]byte(allBytes)), allBytes},
		{strings.ToUpper(hex.EncodeToString([]byte(allBytes))), allBytes},
	}
	check(t, HexDecode, append(whole,
		vector{"4", "4"}, vector{"414", "414"}, vector{"0x41", "0x41"}, vector{"41 42", "41 42"}, vector{"zz", "zz"},
		vector{"hello!", "hello!"}, vector{"%41%42", "%41%42"}, vector{allBytes, allBytes},
	))
	check(t, HexDecodeSecLang, append(whole,
		vector{"4", ""}, vector{"414", "A"}, vector{"01234567890a0", "\x01\x23\x45\x67\x89\x0a"},
		vector{"01234567890a0z01234567890a", "\x01#Eg\x89\x0a#\x01#Eg\x89\x0a"}, // z counts as 35
		vector{"01234567890az", "\x01#Eg\x89\x0a"},
	))
}

func TestHexEncode(t *testing.T) {
	check(t, HexEncode, []vector{
		{"", ""}, {"A", "41"}, {"ABC", "414243"}, {"TestCase", "5465737443617365"}, {"Test\x00Case", "546573740043617365"},
		{"<script>", "3c7363726970743e"}, {"\x00", "00"}, {"\xff", "ff"}, {"\n\r", "0a0d"}, {"/etc/passwd", "2f6574632f706173737764"},
		{"é", "c3a9"}, {"\xab\xcd", "abcd"}, {"41", "3431"}, {" ", "20"}, {"~", "7e"}, {"0", "30"}, {"\x01\x23", "0123"},
		{"\x0f\xf0", "0ff0"}, {"xyz", "78797a"}, {"%", "25"}, {allBytes, hex.EncodeToString([]byte(allBytes))},
	})
}

func TestSQLHexDecode(t *testing.T) {
	check(t, SQLHexDecode, []vector{
		{"", ""},
		{"0x414243", "ABC"}, // AWS's example
		{"(0x414243)", "(ABC)"},
		{"0X41", "A"},
		{"0x3c", "<"}, {"0x3C", "<"},
		{"load_file(0x2f6574632f706173737764)", "load_file(/etc/passwd)"},
		{"0x41,0x42", "A,B"},
		{"0x410x42", "AB"},
		{"0x41zz", "Azz"},
		{"0x414", "A4"},
		{"0x4", "0x4"}, {"0x", "0x"}, {"0xg1", "0xg1"}, {"0", "0"},
		{"00x41", "0A"},
		{"x41", "x41"},
		{"TestCase", "TestCase"},
		{"Test\x00Case", "Test\x00Case"},
		{"max 10", "max 10"},
		{"0x00ff", "\x00\xff"},
		{"a0x61b", "aa" + "b"},
		{"0x" + hex.EncodeToString([]byte(allBytes)), allBytes},
		{allBytes, allBytes},
	})
}

func TestUTF8ToUnicode(t *testing.T) {
	high := allBytes[:0x80]
	checkSettled(t, UTF8ToUnicode, []vector{
		{"", ""},
		{"TestCase", "TestCase"},
		{"Test\x00Case", "Test\x00Case"},
		{"é", "%u00e9"},
		{"\u0080\u07ff", "%u0080%u07ff"},
		{"\u0800\uffff", "%u0800%uffff"},
		{"€uro", "%u20acuro"},
		{"\uff1cscript\uff1e", "%uff1cscript%uff1e"},
		{"\U00010000", "%u10000"},
		{"😀", "%u1f600"},
		{"\U0010ffff", "%u10ffff"},
		{"\xc0\xaf", "%u002f"}, // overlong
		{"\xe0\x80\xaf", "%u002f"},
		{"\xed\xa0\x80", "%ud800"}, // half of a pair
		{"\xc3", "\xc3"},           // truncated
		{"\xe2\x82", "\xe2\x82"},
		{"\xf0\x9f\x98", "\xf0\x9f\x98"},
		{"\xc3(", "\xc3("},
		{"\x80\xbf", "\x80\xbf"}, // no beginning
		{"\xff\xfe", "\xff\xfe"},
		{"a\xffé", "a\xff%u00e9"},
		{"\xc3\xc3\xa9", "\xc3%u00e9"},
		{"Ѐ Ё", "%u0400 %u0401"},
		{"%u00e9", "%u00e9"},
		{high, high},
		{allBytes[0x80:], allBytes[0x80:]},
	})
}

package transform

import (
	"encoding/json"
	"testing"
)

func TestEveryKindHasOneNameAndComesBackFromIt(t *testing.T) {
	seen := map[string]Kind{}
	for k := range kinds {
		name := k.String()
		if other, ok := seen[name]; ok {
			t.Errorf("%d and %d are both called %s", other, k, name)
		}
		seen[name] = k
		text, err := json.Marshal([]Kind{k})
		if err != nil {
			t.Fatal(err)
		}
		var back []Kind
		if err := json.Unmarshal(text, &back); err != nil || back[0] != k {
			t.Errorf("%s came back as %v: %v", text, back, err)
		}
	}
	if _, err := kinds.MarshalText(); err == nil {
		t.Error("a kind that does not exist has a name")
	}
	var k Kind
	if err := k.UnmarshalText([]byte("ROT13")); err == nil {
		t.Error("ROT13 is a kind")
	}
}

// The names are those of TextTransformationType in AWS's API reference, and those after
// "t:" in the Core Rule Set 4 and ModSecurity's reference manual.
func TestAllNamesAreKnown(t *testing.T) {
	for _, name := range []string{
		"NONE", "COMPRESS_WHITE_SPACE", "HTML_ENTITY_DECODE", "LOWERCASE", "CMD_LINE", "URL_DECODE", "BASE64_DECODE", "HEX_DECODE", "MD5",
		"REPLACE_COMMENTS", "ESCAPE_SEQ_DECODE", "SQL_HEX_DECODE", "CSS_DECODE", "JS_DECODE", "NORMALIZE_PATH", "NORMALIZE_PATH_WIN",
		"REMOVE_NULLS", "REPLACE_NULLS", "BASE64_DECODE_EXT", "URL_DECODE_UNI", "UTF8_TO_UNICODE", "REMOVE_WHITESPACE", "TRIM", "TRIM_LEFT",
		"TRIM_RIGHT", "REMOVE_COMMENTS_CHAR", "UPPERCASE", "CMD_LINE_WIN", "CMD_LINE_UNIX", "JS_DECODE_EXT", "SHA256",
	} {
		if k, ok := ByAWSName(name); !ok || k.String() != name {
			t.Errorf("%s is %v, %v", name, k, ok)
		}
	}
	for _, name := range []string{
		"none", "urlDecodeUni", "lowercase", "jsDecode", "htmlEntityDecode", "utf8toUnicode", "removeNulls", "cssDecode", "cmdLine",
		"removeWhitespace", "replaceComments", "normalizePath", "normalisePath", "escapeSeqDecode", "compressWhitespace", "normalizePathWin",
		"normalisePathWin", "length", "base64Decode", "base64DecodeExt", "base64Encode", "sha1", "md5", "hexEncode", "hexDecode", "removeCommentsChar",
		"removeComments", "replaceNulls", "sqlHexDecode", "trim", "trimLeft", "trimRight", "uppercase", "urlDecode", "urlEncode", "URLDECODE",
	} {
		if _, ok := BySecLangName(name); !ok {
			t.Errorf("t:%s is unknown", name)
		}
	}
	for _, name := range []string{"", "url_decode", "URL_DECODE ", "ROT13"} {
		if k, ok := ByAWSName(name); ok {
			t.Errorf("%q is %v", name, k)
		}
	}
	if k, ok := BySecLangName("rot13"); ok {
		t.Errorf("t:rot13 is %v", k)
	}
	if out, changed := Append(nil, kinds, []byte("A")); changed || len(out) > 0 {
		t.Errorf("a kind that does not exist made %q", out)
	}
}

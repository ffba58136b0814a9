package transform

import (
	"fmt"
	"strings"
)

// Kind is one transformation.
type Kind uint8

// The kinds. A name ending in SecLang is ModSecurity's reading of a transformation that
// AWS documents differently; see the package's documentation.
const (
	None Kind = iota
	Base64Decode
	Base64DecodeExt
	CmdLine
	CmdLineUnix
	CmdLineWin
	CompressWhitespace
	CSSDecode
	EscapeSeqDecode
	HexDecode
	HTMLEntityDecode
	JSDecode
	JSDecodeExt
	Lowercase
	MD5
	NormalizePath
	NormalizePathWin
	RemoveCommentsChar
	RemoveNulls
	RemoveWhitespace
	ReplaceComments
	ReplaceNulls
	SHA256
	SQLHexDecode
	Trim
	TrimLeft
	TrimRight
	Uppercase
	URLDecode
	URLDecodeUni
	UTF8ToUnicode

	Base64DecodeSecLang
	Base64Encode
	EscapeSeqDecodeSecLang
	HexDecodeSecLang
	HexEncode
	Length
	RemoveComments
	SHA1
	URLDecodeUniSecLang
	URLEncode

	kinds // how many there are
)

// awsNames are the values of TextTransformationType.
var awsNames = [...]struct {
	name string
	kind Kind
}{
	{"NONE", None},
	{"COMPRESS_WHITE_SPACE", CompressWhitespace},
	{"HTML_ENTITY_DECODE", HTMLEntityDecode},
	{"LOWERCASE", Lowercase},
	{"CMD_LINE", CmdLine},
	{"URL_DECODE", URLDecode},
	{"BASE64_DECODE", Base64Decode},
	{"HEX_DECODE", HexDecode},
	{"MD5", MD5},
	{"REPLACE_COMMENTS", ReplaceComments},
	{"ESCAPE_SEQ_DECODE", EscapeSeqDecode},
	{"SQL_HEX_DECODE", SQLHexDecode},
	{"CSS_DECODE", CSSDecode},
	{"JS_DECODE", JSDecode},
	{"NORMALIZE_PATH", NormalizePath},
	{"NORMALIZE_PATH_WIN", NormalizePathWin},
	{"REMOVE_NULLS", RemoveNulls},
	{"REPLACE_NULLS", ReplaceNulls},
	{"BASE64_DECODE_EXT", Base64DecodeExt},
	{"URL_DECODE_UNI", URLDecodeUni},
	{"UTF8_TO_UNICODE", UTF8ToUnicode},
	{"REMOVE_WHITESPACE", RemoveWhitespace},
	{"TRIM", Trim},
	{"TRIM_LEFT", TrimLeft},
	{"TRIM_RIGHT", TrimRight},
	{"REMOVE_COMMENTS_CHAR", RemoveCommentsChar},
	{"UPPERCASE", Uppercase},
	{"CMD_LINE_WIN", CmdLineWin},
	{"CMD_LINE_UNIX", CmdLineUnix},
	{"JS_DECODE_EXT", JSDecodeExt},
	{"SHA256", SHA256},
}

// secLangNames are the names after "t:". Of two names for one kind, the first is the one
// that String gives.
var secLangNames = [...]struct {
	name string
	kind Kind
}{
	{"none", None},
	{"base64Decode", Base64DecodeSecLang},
	{"base64DecodeExt", Base64DecodeExt},
	{"base64Encode", Base64Encode},
	{"cmdLine", CmdLine},
	{"compressWhitespace", CompressWhitespace},
	{"cssDecode", CSSDecode},
	{"escapeSeqDecode", EscapeSeqDecodeSecLang},
	{"hexDecode", HexDecodeSecLang},
	{"hexEncode", HexEncode},
	{"htmlEntityDecode", HTMLEntityDecode},
	{"jsDecode", JSDecode},
	{"length", Length},
	{"lowercase", Lowercase},
	{"md5", MD5},
	{"normalizePath", NormalizePath},
	{"normalisePath", NormalizePath},
	{"normalizePathWin", NormalizePathWin},
	{"normalisePathWin", NormalizePathWin},
	{"removeComments", RemoveComments},
	{"removeCommentsChar", RemoveCommentsChar},
	{"removeNulls", RemoveNulls},
	{"removeWhitespace", RemoveWhitespace},
	{"replaceComments", ReplaceComments},
	{"replaceNulls", ReplaceNulls},
	{"sha1", SHA1},
	{"sqlHexDecode", SQLHexDecode},
	{"trim", Trim},
	{"trimLeft", TrimLeft},
	{"trimRight", TrimRight},
	{"uppercase", Uppercase},
	{"urlDecode", URLDecode},
	{"urlDecodeUni", URLDecodeUniSecLang},
	{"urlEncode", URLEncode},
	{"utf8toUnicode", UTF8ToUnicode},
}

// ByAWSName returns the transformation of a TextTransformationType, for example
// "URL_DECODE". Case matters, as it does to AWS.
func ByAWSName(name string) (Kind, bool) {
	for _, n := range awsNames {
		if n.name == name {
			return n.kind, true
		}
	}
	return None, false
}

// BySecLangName returns the transformation of a SecLang name, for example "urlDecodeUni",
// without the "t:". Case does not matter. "none" is no transformation but the order to
// forget those before it, which is the caller's to obey.
func BySecLangName(name string) (Kind, bool) {
	for _, n := range secLangNames {
		if strings.EqualFold(n.name, name) {
			return n.kind, true
		}
	}
	return None, false
}

// String gives AWS's name of the kind, or SecLang's if AWS has none. No two kinds have
// the same.
func (k Kind) String() string {
	for _, n := range awsNames {
		if n.kind == k {
			return n.name
		}
	}
	for _, n := range secLangNames {
		if n.kind == k {
			return n.name
		}
	}
	return "unknown transformation"
}

// MarshalText gives String, so that a kind is its name in JSON.
func (k Kind) MarshalText() ([]byte, error) {
	if k >= kinds {
		return nil, fmt.Errorf("transform: no kind has the number %d", k)
	}
	return []byte(k.String()), nil
}

// UnmarshalText accepts what MarshalText gives.
func (k *Kind) UnmarshalText(text []byte) error {
	for c := range kinds {
		if c.String() == string(text) {
			*k = c
			return nil
		}
	}
	return fmt.Errorf("transform: no kind is called %q", text)
}

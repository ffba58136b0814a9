package transform

import "bytes"

// Append appends the transformed src to dst and tells whether the transformation changed
// anything. If it did not, dst is returned as it was and the caller uses src.
//
// src may lie in dst[:len(dst)], so a chain can write each step behind the one before. It
// must not reach beyond len(dst). An unknown kind changes nothing.
//
// No transformation but the digests, Length, Base64Encode, HexEncode, URLEncode and
// UTF8ToUnicode makes a value longer, and none makes it longer than 3 times src, or 32 bytes
// if that is more.
func Append(dst []byte, k Kind, src []byte) ([]byte, bool) {
	n := len(dst)
	out, touched := appendKind(dst, k, src)
	if !touched {
		return dst, false
	}
	if len(out)-n == len(src) && bytes.Equal(out[n:], src) {
		return out[:n], false
	}
	return out, true
}

// Chain is a list of transformations, each applied to what the one before it made.
type Chain []Kind

// Append applies the chain to src. It returns dst, longer by what the steps wrote, and the
// transformed value, which is src itself if no step changed anything and lies in dst
// otherwise.
func (c Chain) Append(dst, src []byte) (buffer, value []byte) {
	for _, k := range c {
		n := len(dst)
		out, changed := Append(dst, k, src)
		if changed {
			dst, src = out, out[n:len(out):len(out)]
		}
	}
	return dst, src
}

// appendKind is Append, except that it may say "changed" and append a copy of src.
func appendKind(dst []byte, k Kind, src []byte) ([]byte, bool) {
	switch k {
	case Base64Decode:
		return base64Decode(dst, src)
	case Base64DecodeExt:
		return base64DecodeExt(dst, src)
	case Base64DecodeSecLang:
		return base64DecodePrefix(dst, src)
	case Base64Encode:
		return base64Encode(dst, src)
	case CmdLine:
		return cmdLine(dst, src)
	case CmdLineUnix:
		return cmdLineUnix(dst, src)
	case CmdLineWin:
		return cmdLineWin(dst, src)
	case CompressWhitespace:
		return compressWhitespace(dst, src)
	case CSSDecode:
		return cssDecode(dst, src)
	case EscapeSeqDecode:
		return escapeSeqDecode(dst, src, true)
	case EscapeSeqDecodeSecLang:
		return escapeSeqDecode(dst, src, false)
	case HexDecode:
		return hexDecode(dst, src)
	case HexDecodeSecLang:
		return hexDecodeAny(dst, src)
	case HexEncode:
		return hexEncode(dst, src)
	case HTMLEntityDecode:
		return htmlEntityDecode(dst, src)
	case JSDecode:
		return jsDecode(dst, src, false)
	case JSDecodeExt:
		return jsDecode(dst, src, true)
	case Length:
		return length(dst, src)
	case Lowercase:
		return lowercase(dst, src)
	case MD5:
		return md5Sum(dst, src)
	case NormalizePath:
		return normalizePath(dst, src, false)
	case NormalizePathWin:
		return normalizePath(dst, src, true)
	case RemoveComments:
		return removeComments(dst, src)
	case RemoveCommentsChar:
		return removeCommentsChar(dst, src)
	case RemoveNulls:
		return removeNulls(dst, src)
	case RemoveWhitespace:
		return removeWhitespace(dst, src)
	case ReplaceComments:
		return replaceComments(dst, src)
	case ReplaceNulls:
		return replaceNulls(dst, src)
	case SHA1:
		return sha1Sum(dst, src)
	case SHA256:
		return sha256Sum(dst, src)
	case SQLHexDecode:
		return sqlHexDecode(dst, src)
	case Trim:
		return trim(dst, src, true, true)
	case TrimLeft:
		return trim(dst, src, true, false)
	case TrimRight:
		return trim(dst, src, false, true)
	case Uppercase:
		return uppercase(dst, src)
	case URLDecode:
		return urlDecode(dst, src)
	case URLDecodeUni:
		return urlDecodeUni(dst, src, false)
	case URLDecodeUniSecLang:
		return urlDecodeUni(dst, src, true)
	case URLEncode:
		return urlEncode(dst, src)
	case UTF8ToUnicode:
		return utf8ToUnicode(dst, src)
	}
	return dst, false
}

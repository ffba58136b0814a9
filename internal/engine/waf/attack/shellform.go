package attack

import "bytes"

// The form in which a shell takes a line once it has expanded it: POSIX's chapter "Shell Command Language", sections 2.2 and 2.6, and
// what Bash has beyond it.

func appendShell(dst, src, lower []byte) []byte {
	for i := 0; i < len(src); i++ {
		if n := ownRun(ShellText, src[i:]); n > 0 {
			dst = append(dst, lower[i:i+n]...)
			if i += n; i == len(src) {
				break
			}
		}
		c := src[i]
		switch {
		case c == '\'' || c == '"' || c == '^' || c == 0:
		case c == '\\':
			if i+1 < len(src) && (src[i+1] == '\\' || src[i+1] == 'n' || src[i+1] == 'r' || src[i+1] == 't') && !escapesEach(src, i) {
				dst = append(dst, c) // a path of Windows, or an escape: not of the shell
			}
		case c == '$' && i+1 < len(src):
			var n int
			if dst, n = appendExpansion(dst, src, i); n > 0 {
				i += n - 1
				continue
			}
			dst = append(dst, c)
		case c == '`' && i+1 < len(src) && src[i+1] == '`':
			i++
		case c == '`' && i > 0 && i+3 < len(src) && word(src[i-1]) && word(src[i+1]) && src[i+2] == '`' && word(src[i+3]):
			i += 2 // what a command that is not there says
		case c == '\t' || c == '\v' || c == '\f':
			dst = append(dst, ' ')
		default:
			dst = append(dst, lowerASCII(c))
		}
	}
	return dst
}

// escapesEach tells whether the backslash at i is one of several that each have one letter behind them, of which some
// are of no escape: a shell takes the letters.
func escapesEach(src []byte, i int) bool {
	for _, j := range [...]int{i - 2, i + 2} {
		if j >= 0 && j+1 < len(src) && src[j] == '\\' && word(src[j+1]) && src[j+1] != 'n' && src[j+1] != 'r' && src[j+1] != 't' {
			return (j < i || j+2 == len(src) || !word(src[j+2]) || src[j+1] != 'x' && src[j+1] != 'u')
		}
	}
	return false
}

// appendExpansion appends what a shell makes of the expansion that the dollar sign at i begins, and tells how many bytes
// of src that was: of the field separator a space, of variables that are nothing nothing, and of a string with escapes what they
// stand for. Of others it tells nothing.
func appendExpansion(dst, src []byte, i int) (_ []byte, n int) {
	rest := src[i+1:]
	inWord := i > 0 && word(src[i-1])
	switch c := rest[0]; {
	case hasFold(rest, "{ifs") && len(rest) > 4 && !word(rest[4]):
		end := bytes.IndexByte(rest[:min(len(rest), 32)], '}')
		if end < 0 {
			return dst, 0
		}
		return append(dst, ' '), end + 2 + argument(rest[end+1:])
	case hasFold(rest, "ifs"):
		return append(dst, ' '), 4 + argument(rest[3:])
	case c == '@' || c == '*' || c >= '1' && c <= '9' && inWord: // by itself it is an amount of money
		return dst, 2
	case c == '(' && len(rest) > 1 && rest[1] == ')':
		return dst, 3
	case c == '(' && inWord && len(rest) > 3 && word(rest[1]) && rest[2] == ')' && word(rest[3]):
		return dst, 4
	case c == '{' && len(rest) > 2 && (rest[1] == '@' || rest[1] == '*' || rest[1] == '!') && rest[2] == '}':
		return dst, 4
	case c == '{' && inWord:
		end := 1
		for end < len(rest) && end < 12 && (word(rest[end]) || rest[end] == '_') {
			end++
		}
		if end+1 < len(rest) && rest[end] == '}' && word(rest[end+1]) {
			return dst, end + 2
		}
	case c == '\'':
		return appendANSI(dst, src, i)
	case c == '"':
		return dst, 1
	}
	return dst, 0
}

// appendANSI appends the string of ANSI C that begins at i, $'...', and tells its length, 0 if it does not end.
func appendANSI(dst, src []byte, i int) (_ []byte, n int) {
	start := len(dst)
	for j := i + 2; j < len(src); j++ {
		switch c := src[j]; {
		case c == '\'':
			return dst, j + 1 - i
		case c != '\\' || j+1 == len(src):
			dst = append(dst, lowerASCII(c))
		case src[j+1]|0x20 == 'x' && j+2 < len(src) && isHex(src[j+2]):
			v := unhex(src[j+2])
			if j += 2; j+1 < len(src) && isHex(src[j+1]) {
				v = v<<4 | unhex(src[j+1])
				j++
			}
			dst = append(dst, lowerASCII(v))
		case src[j+1] >= '0' && src[j+1] <= '7':
			v := byte(0)
			for k := 0; k < 3 && j+1 < len(src) && src[j+1] >= '0' && src[j+1] <= '7'; k++ {
				v = v<<3 | (src[j+1] - '0')
				j++
			}
			dst = append(dst, lowerASCII(v))
		case src[j+1]|0x20 == 'u' && j+5 < len(src) && src[j+2] == '0' && src[j+3] == '0' && isHex(src[j+4]) && isHex(src[j+5]):
			dst = append(dst, lowerASCII(unhex(src[j+4])<<4|unhex(src[j+5])))
			j += 5
		default:
			dst = append(dst, lowerASCII(src[j+1]))
			j++
		}
	}
	return dst[:start], 0
}

// argument is the length of an argument of a script that b begins with: $9, which a command alone has none of.
func argument(b []byte) int {
	if len(b) > 1 && b[0] == '$' && b[1] >= '0' && b[1] <= '9' {
		return 2
	}
	return 0
}

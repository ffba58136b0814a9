package transform

// cmdLine brings a command line into one form, as ModSecurity's t:cmdLine: it deletes
// \ " ' ^, makes one space of any run of spaces, tabs, line ends, commas and semicolons,
// deletes a space before / and (, and lower-cases letters.
func cmdLine(dst, src []byte) ([]byte, bool) {
	if !hasLetter(src, 'A') && firstOf(src, commandByte) < 0 {
		return dst, false
	}
	n := len(dst)
	dst = room(dst, len(src))
	space := false
	for _, c := range src {
		switch {
		case classes[c]&(commandByte|upperByte) == 0:
		case c == '"' || c == '\'' || c == '\\' || c == '^':
			continue
		case c == '/' || c == '(':
			if space {
				n--
			}
		case classes[c]&upperByte != 0:
			c |= 0x20
		case space:
			continue
		default:
			dst[n] = ' '
			n++
			space = true
			continue
		}
		space = false
		dst[n] = c
		n++
	}
	return dst[:n], true
}

// cmdLineUnix is the form for POSIX shells: it deletes \ " ', makes one space of any run of
// whitespace, none at either end, and lower-cases letters. Commas, semicolons and carets
// mean something there and stay.
func cmdLineUnix(dst, src []byte) ([]byte, bool) {
	return shellLine(dst, src, false)
}

// cmdLineWin is the form for cmd.exe and PowerShell: it deletes " ' ^ and with a caret the
// line end that it continues, makes one backslash of any run of them and one space of any
// run of whitespace, none at either end, and lower-cases letters.
func cmdLineWin(dst, src []byte) ([]byte, bool) {
	return shellLine(dst, src, true)
}

func shellLine(dst, src []byte, win bool) ([]byte, bool) {
	if !hasLetter(src, 'A') && firstOf(src, commandByte|spaceByte) < 0 {
		return dst, false
	}
	base := len(dst)
	n := base
	dst = room(dst, len(src))
	space := false
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case c == '"' || c == '\'':
			continue
		case c == '\\' && !win:
			continue
		case c == '\\' && n > base && !space && dst[n-1] == '\\':
			continue
		case c == '^' && win:
			if i+1 < len(src) && src[i+1] == '\r' {
				i++
			}
			if i+1 < len(src) && src[i+1] == '\n' {
				i++
			}
			continue
		case classes[c]&spaceByte != 0:
			space = true
			continue
		case classes[c]&upperByte != 0:
			c |= 0x20
		}
		if space && n > base {
			dst[n] = ' '
			n++
		}
		space = false
		dst[n] = c
		n++
	}
	return dst[:n], true
}

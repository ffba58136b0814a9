package transform

// lowercase turns A-Z into a-z and leaves all other bytes, as AWS documents.
func lowercase(dst, src []byte) ([]byte, bool) { return turnCase(dst, src, 'A') }

// uppercase turns a-z into A-Z and leaves all other bytes.
func uppercase(dst, src []byte) ([]byte, bool) { return turnCase(dst, src, 'a') }

func turnCase(dst, src []byte, first byte) ([]byte, bool) {
	if !hasLetter(src, first) {
		return dst, false
	}
	n := len(dst)
	dst = append(dst, src...)
	flipLetters(dst[n:], first)
	return dst, true
}

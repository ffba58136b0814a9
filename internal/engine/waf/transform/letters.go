package transform

// lowercase turns A-Z into a-z and leaves all other bytes, as AWS documents.
func lowercase(dst, src []byte) ([]byte, bool) {
	if !mayHaveLetter(src, 'A') {
		return dst, false
	}
	n := len(dst)
	dst = append(dst, src...)
	for i, c := range dst[n:] {
		if c-'A' < 26 {
			dst[n+i] = c | 0x20
		}
	}
	return dst, true
}

// uppercase turns a-z into A-Z and leaves all other bytes.
func uppercase(dst, src []byte) ([]byte, bool) {
	if !mayHaveLetter(src, 'a') {
		return dst, false
	}
	n := len(dst)
	dst = append(dst, src...)
	for i, c := range dst[n:] {
		if c-'a' < 26 {
			dst[n+i] = c &^ 0x20
		}
	}
	return dst, true
}

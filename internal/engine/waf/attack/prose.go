package attack

// isProse tells whether b reads like sentences that people write: at least six words, hardly any
// byte that is not of words, and words of ordinary length. What looks like a statement inside
// of prose is more often about statements than one.
func isProse(b []byte) bool {
	if len(b) < 24 {
		return false
	}
	letters, spaces, odd, run, longest, words := 0, 0, 0, 0, 0, 0
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
			letters++
			if run == 0 {
				words++
			}
			run++
			longest = max(longest, run)
			continue
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			spaces++
		case c == '.' || c == ',' || c == '\'' || c == '-' || c == '!' || c == '?' || c == ':' || c == '"' || c == ';' || c >= '0' && c <= '9':
			if c == '\'' || c == '-' {
				continue
			}
		default:
			odd++
		}
		run = 0
	}
	return words >= 6 && spaces >= 5 && letters*100 >= len(b)*65 && odd*100 <= len(b)*6 && spaces*9 >= words*5
}

// isLines tells whether b is text of several lines with words in them, as pages, tickets, logs and programs are: at least
// two ends of lines between at least twelve words with space around them.
func isLines(b []byte) bool {
	ends, words, run := 0, 0, 0
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
			run++
			continue
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			if c == '\n' {
				ends++
			}
			if run > 1 {
				words++
			}
		}
		run = 0
	}
	return ends >= 2 && words >= 12
}

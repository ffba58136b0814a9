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

// layout is what is known of a text by its words and the ends of its lines.
type layout struct {
	// told: so many words with space around them as a sentence has, or a line of a log.
	told bool
	// lines: text of several lines, as tickets, logs and programs are.
	lines bool
	// page: text of many lines. Rules count in it what they count in prose: what is quoted, named and called in a page on
	// programs, in a program or in a file of settings is hardly ever an attack.
	page bool
}

// What makes a layout: words of two letters and more, and ends of lines.
const (
	toldWords             = 6
	linesWords, linesEnds = 12, 2
	pageWords, pageEnds   = 30, 4
)

// layoutOf looks at b.
func layoutOf(b []byte) layout {
	ends, words, run := 0, 0, 0
	pieces, named := 0, false // pieces between spaces that have letters in them
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
			run++
			named = named || run > 1
			continue
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			if c == '\n' {
				ends++
			}
			if run > 1 {
				words++
			}
			if named {
				pieces++
			}
			named = false
		}
		run = 0
	}
	if named {
		pieces++
	}
	return layout{
		told:  pieces >= toldWords,
		lines: words >= linesWords && ends >= linesEnds,
		page:  words >= pageWords && ends >= pageEnds,
	}
}

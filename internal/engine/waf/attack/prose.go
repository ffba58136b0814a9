package attack

// isProse tells whether b reads like sentences that people write: at least six words, hardly any
// byte that is not of words, and words of ordinary length. What looks like a statement inside
// of prose is more often about statements than one.
func isProse(b []byte) bool {
	if len(b) < 24 {
		return false
	}
	letters, spaces, odd, words := 0, 0, 0, 0
	for rest, inside := b, uint8(0); len(rest) > 0; {
		n := min(len(rest), proseBlock)
		var sum uint64
		for _, c := range rest[:n] {
			p := &proseOf[c]
			sum += p.count[inside]
			inside = p.inside[inside]
		}
		letters += int(sum & proseBlock)
		spaces += int(sum >> 16 & proseBlock)
		odd += int(sum >> 32 & proseBlock)
		words += int(sum >> 48)
		rest = rest[n:]
	}
	return words >= 6 && spaces >= 5 && letters*100 >= len(b)*65 && odd*100 <= len(b)*6 && spaces*9 >= words*5
}

// proseBlock is of how many bytes counts of 16 bits can be.
const proseBlock = 1<<16 - 1

// prose is what a byte counts outside and inside of a word, as letter, space, odd sign and beginning of a word, by 16 bits from the lowest on,
// and whether a word goes on behind it.
type prose struct {
	count  [2]uint64
	inside [2]uint8
}

var proseOf = func() (t [256]prose) {
	for c := range t {
		p := &t[c]
		switch {
		case isLetter(byte(c)):
			p.count, p.inside = [2]uint64{1 | 1<<48, 1}, [2]uint8{1, 1}
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			p.count = [2]uint64{1 << 16, 1 << 16}
		case c == '\'' || c == '-':
			p.inside = [2]uint8{0, 1}
		case c == '.' || c == ',' || c == '!' || c == '?' || c == ':' || c == '"' || c == ';' || c >= '0' && c <= '9':
		default:
			p.count = [2]uint64{1 << 32, 1 << 32}
		}
	}
	return
}()

// isLetter tells whether a byte is of a word: a letter, or of a character beyond ASCII.
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 }

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
		case isLetter(c):
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

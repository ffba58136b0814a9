package attack

import "bytes"

// Much of what pages send to those who measure and advertise is no text, and looks like a piece of some language by
// chance: lists with bars between their items, keys that a cipher made, places in a document. What is told here is the
// form of it; signs that could stand in it by chance count for nothing there.

// isBarList tells whether b is a list of items with bars between them, as cookies have them: berlin|BE|10115|DE|EU. A
// pipe of commands has spaces, or commands alone in it, which are written in small letters.
func isBarList(b []byte) bool {
	items, other := 0, false // other: an item that no command is written like
	all := 1 + bytes.Count(b, []byte{'|'}) - bytes.Count(b, []byte("||"))
	for len(b) > 0 {
		item, rest, more := bytes.Cut(b, []byte{'|'})
		if len(item) > 0 {
			items++
		}
		small := len(item) > 0
		for _, c := range item {
			if !word(c) && c != '_' && c != '.' && c != ':' && c != '-' && c != '+' && c != ',' && c != '~' {
				return false
			}
			small = small && c >= 'a' && c <= 'z'
		}
		if small && isShort(item) && items > 1 && all < 4 {
			return false
		}
		other = other || len(item) > 0 && !small
		b = rest
		if !more {
			break
		}
	}
	return items >= 3 && other
}

// isShort tells whether an item has no more letters than names of commands have.
func isShort(item []byte) bool { return len(item) <= 8 }

// isRandom tells whether b is what a cipher makes, written with all signs that there are: long, without space, of
// letters, digits and many different signs in no order. Words of a language have more small letters one behind
// another.
func isRandom(b []byte) bool {
	const least, signs, longest = 48, 12, 5
	if len(b) < least {
		return false
	}
	var seen [128]bool
	different, run, kinds, all := 0, 0, 0, 0
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
		switch {
		case c >= 'a' && c <= 'z':
			if run++; run > longest {
				return false
			}
			kinds |= 1
			continue
		case c >= 'A' && c <= 'Z':
			kinds |= 2
		case c >= '0' && c <= '9':
			kinds |= 4
		default:
			if all++; !seen[c] {
				seen[c] = true
				different++
			}
		}
		run = 0
	}
	return kinds == 7 && different >= signs && all*10 >= len(b) && all*2 <= len(b)
}

// isElementPath tells whether b is the place of an element in a page, as those who measure clicks write it in XPath:
// /html/body/div[1]/a, //*[@id="app"]/div[2].
func isElementPath(b []byte) bool {
	rest, html := bytes.CutPrefix(b, []byte("/html"))
	if !html {
		var found bool
		if rest, found = bytes.CutPrefix(b, []byte("//*[@id=")); found && len(rest) > 2 && (rest[0] == '"' || rest[0] == '\'') {
			id, after, ended := bytes.Cut(rest[1:], rest[:1])
			if !ended || len(after) == 0 || after[0] != ']' {
				return false
			}
			for _, c := range id {
				if !wordByte(c) && c != '-' && c != ':' && c != '.' {
					return false
				}
			}
			rest = after[1:]
		} else {
			return false
		}
	}
	for len(rest) > 0 {
		switch c := rest[0]; {
		case c == '/':
			rest = rest[1:]
			n := 0
			for n < len(rest) && (wordByte(rest[n]) || rest[n] == '-' || rest[n] == ':') {
				n++
			}
			if n == 0 {
				return false
			}
			rest = rest[n:]
			if bytes.HasPrefix(rest, []byte("()")) { // text()
				rest = rest[2:]
			}
		case c == '[':
			end := bytes.IndexByte(rest, ']')
			if end < 2 {
				return false
			}
			for _, d := range rest[1:end] {
				if d < '0' || d > '9' {
					return false
				}
			}
			rest = rest[end+1:]
		default:
			return false
		}
	}
	return true
}

// quotesSign tells whether all that stands in quotation marks in b is one sign, behind words: unexpected token '<'.
func quotesSign(b []byte) bool {
	at := bytes.IndexAny(b, `'"`)
	if at < 8 || b[at-1] != ' ' {
		return false
	}
	end := bytes.IndexByte(b[at+1:], b[at])
	if end < 1 || end > 3 {
		return false
	}
	for _, c := range b[at+1 : at+1+end] {
		if word(c) || c == ' ' {
			return false
		}
	}
	words, letters := 0, 0
	for _, c := range b[:at] {
		if c|0x20 >= 'a' && c|0x20 <= 'z' {
			letters++
			continue
		}
		if c != ' ' && c != ':' && c != '.' && c != ',' && c != '(' && c != ')' {
			return false
		}
		if letters > 2 {
			words++
		}
		letters = 0
	}
	return words >= 2 && !bytes.ContainsAny(b[at+1+end+1:], `'"=;#`)
}

// isPlainName tells whether b is an argument's name behind a separator that was written as a character reference:
// /a?b=1&amp;id=2.
func isPlainName(b []byte) bool {
	rest, found := bytes.CutPrefix(b, []byte("amp;"))
	if !found {
		return false
	}
	for _, c := range rest {
		if !wordByte(c) && c != '-' && c != '.' {
			return false
		}
	}
	return len(rest) > 0
}

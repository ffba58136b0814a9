package binding

import (
	"errors"
	"strings"

	"fastness/internal/wire"
)

var (
	errQuote = errors.New("a quoted value in a header is not closed")
	errAfter = errors.New("text follows a quoted value in a header")
)

// splitHeader splits the value of a header at its commas. A value in double quotes may
// contain commas; a backslash in it quotes the next character. HTTP dates contain one
// comma each, which does not separate.
func splitHeader(text string, elem *wire.Member) ([]string, error) {
	out := []string{}
	date := elem.Shape().Kind == wire.Timestamp && (elem.TimeFormat() == wire.DefaultTime || elem.TimeFormat() == wire.HTTPDate)
	for text = trim(text); text != ""; text = trim(text) {
		if len(out) >= MaxListElements {
			return nil, errTooMany
		}
		if text[0] == '"' {
			value, rest, err := quoted(text)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
			text = rest
		} else {
			i := strings.IndexByte(text, ',')
			if date && i >= 0 && i == strings.IndexAny(text, ", ") {
				// "Mon, 16 Dec …": the comma after the name of the day.
				if j := strings.IndexByte(text[i+1:], ','); j >= 0 {
					i += 1 + j
				} else {
					i = -1
				}
			}
			if i < 0 {
				i = len(text)
			}
			out = append(out, trim(text[:i]))
			text = text[i:]
		}
		if text = trim(text); text == "" {
			break
		}
		if text[0] != ',' {
			return nil, errAfter
		}
		text = trim(text[1:])
		if text == "" {
			out = append(out, "")
		}
	}
	return out, nil
}

func trim(s string) string { return strings.Trim(s, " \t") }

// quoted reads the quoted value that text begins with and returns what follows it.
func quoted(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			i++
			if i == len(text) {
				return "", "", errQuote
			}
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errQuote
}

// appendListElement appends one element of a list header, quoted if it must be.
func appendListElement(dst []byte, text string) []byte {
	if text != "" && !strings.ContainsAny(text, `",`) && trim(text) == text {
		return append(dst, text...)
	}
	if text == "" {
		return append(dst, '"', '"')
	}
	dst = append(dst, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

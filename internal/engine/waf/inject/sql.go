package inject

import (
	"bytes"

	libinjection "github.com/corazawaf/libinjection-go"
)

// Sensitivity is that of SQL (SensitivityLevel).
type Sensitivity uint8

const (
	// Low is what libinjection says.
	Low Sensitivity = iota
	// High detects more and is wrong more often.
	High
)

// SQL tells whether value is an SQL injection.
func SQL(value []byte, s Sensitivity, b *Budget) Verdict {
	if !maybeSQL(value) {
		return Clean
	}
	if !b.spend(len(value)) {
		return Exhausted
	}
	if found, _ := libinjection.IsSQLi(text(value)); found {
		return Found
	}
	if s == Low {
		return Clean
	}
	if hasPhrase(value) {
		return Found
	}
	return plainSQL(value, b)
}

// plainSQL asks the library again about a value whose inline comments are spaces and in which a
// line ends the comment before it, if it has any.
func plainSQL(value []byte, b *Budget) Verdict {
	if !bytes.Contains(value, []byte("/*")) && bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, 0) < 0 {
		return Clean
	}
	if !b.spend(len(value)) {
		return Exhausted
	}
	plain := make([]byte, 0, len(value))
	for i := 0; i < len(value); {
		switch rest := value[i:]; {
		case bytes.HasPrefix(rest, []byte("/*")):
			end := bytes.Index(rest[2:], []byte("*/"))
			if end < 0 {
				end = len(rest) - 4
			}
			// MySQL runs what stands in /*! … */ and in /*!50000 … */.
			if inner := rest[2 : 2+max(end, 0)]; len(inner) > 0 && inner[0] == '!' {
				plain = append(plain, ' ')
				plain = append(plain, bytes.TrimLeft(inner[1:], "0123456789")...)
			}
			plain = append(plain, ' ')
			i += end + 4
		case rest[0] == '#' || bytes.HasPrefix(rest, []byte("--")):
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				plain = append(plain, rest...)
				i = len(value)
				break
			}
			plain = append(plain, ' ')
			i += end + 1
		case rest[0] == 0:
			i++
		default:
			plain = append(plain, rest[0])
			i++
		}
	}
	if found, _ := libinjection.IsSQLi(text(plain)); found {
		return Found
	}
	return Clean
}

// sqlClass says what a byte may do in SQL.
type sqlClass uint8

const (
	sqlOther sqlClass = iota // may be a token by itself, or begin one of any length
	sqlWord                  // letters, underscore, bytes above ASCII
	sqlDigit
	sqlSpace
	sqlAlarm // may begin a comment or a string, or what libinjection calls evil
)

// sqlClasses is a table of constants.
var sqlClasses = func() (t [256]sqlClass) {
	for c := range 256 {
		switch {
		case c >= '0' && c <= '9':
			t[c] = sqlDigit
		case c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80, c == '_', c > 0x80 && c != 0xa0:
			t[c] = sqlWord
		case c == ' ':
			t[c] = sqlSpace
		}
	}
	for _, c := range []byte("'\"`#-/{\\$@\x00") {
		t[c] = sqlAlarm
	}
	return t
}()

// maybeSQL tells whether a value may be an SQL injection to libinjection. Its patterns of one or
// two tokens all have a comment, an unfinished bracket, or UNION as a token that was folded from
// others. So a value that has no byte to begin any of these, and at most two tokens, is clean.
// A run of letters and digits is one token, or two if it begins with a digit; any other byte may be one.
func maybeSQL(value []byte) bool {
	tokens := 0
	inside := false // a run of letters and digits
	for _, c := range value {
		switch sqlClasses[c] {
		case sqlWord:
			if !inside {
				tokens++
			}
			inside = true
		case sqlDigit:
			if !inside {
				tokens += 2
			}
			inside = true
		case sqlSpace:
			inside = false
		case sqlOther:
			tokens++
			inside = false
		default:
			return true
		}
		if tokens > 2 {
			return true
		}
	}
	return false
}

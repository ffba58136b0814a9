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
	if s == High && hasPhrase(value) {
		return Found
	}
	if !maybeSQL(value) {
		return Clean
	}
	if !b.spend(sqlPrice(value)) {
		return Exhausted
	}
	if found, _ := libinjection.IsSQLi(text(value)); found {
		return Found
	}
	if s == Low {
		return Clean
	}
	return plainSQL(value, b)
}

// plainSQL asks the library again about a value whose inline comments are spaces and in
// which a line ends the comment before it, if it has any.
func plainSQL(value []byte, b *Budget) Verdict {
	if !bytes.Contains(value, []byte("/*")) && bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, 0) < 0 {
		return Clean
	}
	if !b.spend(sqlPrice(value)) {
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
	sqlAlarm sqlClass = iota // anything else
	sqlWord                  // letters, underscore, bytes above ASCII
	sqlDigit
	sqlSpace
	sqlPlain // a separator, one token at most
	sqlOperator
	sqlComma
	sqlOpen  // a parenthesis
	sqlClose // likewise
	sqlSemicolon
	sqlAt    // a variable
	sqlTwice // a logical operator if there are two
	sqlMinus // two are a comment
	sqlSlash // a comment with an asterisk behind it
)

// sqlClasses is a table of constants.
var sqlClasses = func() (t [256]sqlClass) {
	for c := range 256 {
		switch {
		case c >= '0' && c <= '9':
			t[c] = sqlDigit
		case c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80, c == '_', c > 0x80 && c != 0xa0:
			t[c] = sqlWord
		}
	}
	for _, c := range []byte(".?") {
		t[c] = sqlPlain
	}
	for _, c := range []byte(":=<>!+*%^~") {
		t[c] = sqlOperator
	}
	t[','], t['('], t[')'], t[';'], t['@'] = sqlComma, sqlOpen, sqlClose, sqlSemicolon, sqlAt
	t['&'], t['|'] = sqlTwice, sqlTwice
	t[' '], t['-'], t['/'] = sqlSpace, sqlMinus, sqlSlash
	return t
}()

// maybeSQL tells whether a value may be an SQL injection to libinjection. The library
// reduces a value to a pattern of at most five tokens and looks that up. All its patterns
// have one of these: a string, a comment, a parenthesis, a variable, a logical operator, or
// a word that it knows by name. Bytes that begin one of the former are alarming; where
// there is none, the words are looked up. A value of two words or less is settled before
// that: patterns of two tokens have a comment, or UNION as a token that was folded from
// more. Parentheses and variables alone are no alarm: the patterns with nothing else of that list
// have an operator besides, or a comma and behind it a parenthesis, or a variable and a semicolon.
func maybeSQL(value []byte) bool {
	tokens := 0
	inside := false // a run of letters and digits
	var open, operator, comma, nested, semicolon, variable bool
	for i, c := range value {
		switch sqlClasses[c] {
		case sqlWord:
			if !inside {
				tokens++
			}
			inside = true
			continue
		case sqlDigit:
			if !inside {
				tokens += 2 // a number, and a word that follows it
			}
			inside = true
			continue
		case sqlSpace:
			inside = false
			continue
		case sqlOpen:
			open = true
			nested = nested || comma
		case sqlClose:
			open = true
		case sqlComma:
			comma = true
		case sqlSemicolon:
			semicolon = true
		case sqlAt:
			variable = true
		case sqlTwice:
			operator = true
			if i+1 < len(value) && value[i+1] == c {
				return true
			}
		case sqlOperator:
			operator = true
		case sqlMinus:
			operator = true
			if i+1 < len(value) && value[i+1] == '-' {
				return true
			}
		case sqlSlash:
			operator = true
			if i+1 < len(value) && value[i+1] == '*' {
				return true
			}
		case sqlAlarm:
			return true
		}
		tokens++
		inside = false
	}
	return open && (operator || nested) || variable && (operator || open || semicolon) ||
		(open || variable || tokens > 2) && hasKeyword(value)
}

// hasKeyword tells whether any word of a value is one that libinjection knows. A number may
// stand before a word without a space, and where it ends is the library's to say: of a run
// that begins with a digit, every end may be a word.
func hasKeyword(value []byte) bool {
	for i := 0; i < len(value); {
		class := sqlClasses[value[i]]
		if class != sqlWord && class != sqlDigit {
			i++
			continue
		}
		from := i
		for i < len(value) && (sqlClasses[value[i]] == sqlWord || sqlClasses[value[i]] == sqlDigit) {
			i++
		}
		if class == sqlWord {
			if isKeyword(value[from:i]) {
				return true
			}
			continue
		}
		for from = max(from+1, i-longestKeyword); from < i-1; from++ {
			if isKeyword(value[from:i]) {
				return true
			}
		}
	}
	return false
}

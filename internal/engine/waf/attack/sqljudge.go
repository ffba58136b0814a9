package attack

import "bytes"

// What somebody sends into the middle of a statement has to go on with it, whatever it is made of. That is looked for
// here: a value is read as a database would read it behind the quotation mark that ends the literal which the application
// has begun, or in the place of a number, and all of it has to be what may follow there: operators between operands,
// clauses, further selections and statements, to a comment or to a literal that the application's own mark ends. Text of
// people does not go on like that: behind its first quotation mark stands a word.

// maxStatement is the longest value that is read.
const maxStatement = 2048

// statementScore is what a value counts that may go on with a statement, and may be text.
const statementScore = 3

// statementSteps is what reading costs a byte at most, in steps of package pattern.
const statementSteps = 12

// sqlFound is what was found in a value that goes on with a statement.
type sqlFound struct {
	operators int  // with an operand behind them
	compares  bool // one of them compares, or matches
	logic     bool // or, and
	special   bool // one that hardly anybody but a database knows, or a function of databases
	solid     bool // an operand is no mere name
	selects   bool // there is a selection of something
	sets      bool // union
	stacked   bool // a further statement
	clauses   int
	listed    bool // a comma
	remark    bool // a comment ends it
	solidHead bool // the value begins with a constant
	named     int  // operands that are mere names
	constant  bool // an operand is TRUE, NULL or the like
}

// signOf tells of each byte which quotation mark it is, or that a call, a comment or a statement may begin with it.
var signOf = func() (t [256]uint8) {
	t['\''], t['"'], t['`'] = 1, 2, 4
	for _, c := range "(#*;" {
		t[c] = callSign
	}
	return
}()

const callSign = 8

var lineComment = []byte("--")

// begins tells whether a value begins with a constant that is a word.
func begins(value []byte) bool {
	l := sqlLexer{b: value}
	return l.next() == sqlWord && sqlWords[string(l.text())] >= classUnary || l.i <= 3 && l.words > 0 && string(l.text()) == "not"
}

// goesOn tells whether a value goes on with a statement: 2 if it certainly does, 1 if it may.
func goesOn(value []byte) int {
	if len(value) < 3 || len(value) > maxStatement {
		return 0
	}
	var has uint8
	for _, c := range value {
		has |= signOf[c]
	}
	best := 0
	for i := range 3 {
		if has>>i&1 == 0 {
			continue
		}
		q := "'\"`"[i]
		at := bytes.IndexByte(value, q)
		// Doubled it is a sign in the literal, and in MySQL behind a backslash, too.
		for at >= 0 && at+1 < len(value) && value[at+1] == q {
			n := bytes.IndexByte(value[at+2:], q)
			if n < 0 {
				at = -1
				break
			}
			at += 2 + n
		}
		if at >= 0 {
			best = max(best, behindQuote(value[:at], value[at+1:], q))
		}
		if at > 0 && value[at-1] == '\\' {
			if n := bytes.IndexByte(value[at+1:], q); n >= 0 {
				best = max(best, behindQuote(value[:at], value[at+1+n+1:], q))
			}
		}
		if best == 2 {
			return 2
		}
	}
	if c := value[0]; has&callSign == 0 && (c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80) && !bytes.Contains(value, lineComment) && !begins(value) {
		return best // words
	}
	return max(best, inPlaceOfNumber(value))
}

// behindQuote judges what follows the quotation mark that has ended a literal, of which head is what it has.
func behindQuote(head, rest []byte, q byte) int {
	p := sqlParser{sqlLexer: sqlLexer{b: rest}, quote: q}
	if len(rest) == 0 || namesOperator(head, rest, q) || !p.parse(true) {
		return 0
	}
	f := &p.found
	switch {
	case f.stacked, f.sets, f.selects:
		return 2
	case f.clauses > 0 && (f.remark || f.solid):
		return 2
	case f.operators > 0 && (f.solid || f.special || q == '`' && f.remark):
		return 2
	case f.operators > 0 && f.named > 0:
		return 1
	}
	return 0
}

// namesOperator tells whether what stands behind a quotation mark is the name of an operator in quotation marks, as in
// texts on languages: the 'like' clause, between '=' and '=='.
func namesOperator(head, rest []byte, q byte) bool {
	n := bytes.IndexByte(rest, q)
	if n <= 0 || n > 8 || bytes.IndexByte(rest[:n], ' ') >= 0 {
		return false
	}
	after := rest[n+1:]
	if len(after) == 0 {
		return bytes.IndexByte(bytes.TrimSpace(head), ' ') > 0
	}
	return bytes.IndexByte([]byte(" ,.;:)?!]}"), after[0]) >= 0
}

// inPlaceOfNumber judges a value that stands in no quotation marks.
func inPlaceOfNumber(value []byte) int {
	p := sqlParser{sqlLexer: sqlLexer{b: value}}
	if !p.parse(false) {
		return 0
	}
	f := &p.found
	switch {
	case f.sets && (f.solidHead || f.solid), f.selects && f.solidHead:
		return 2
	case p.comments > 0 && f.operators > 0 && (f.solid || f.logic), p.comments > 0 && (f.stacked || f.clauses > 0):
		return 2 // nobody but who hides something comments on what is so short
	case !f.solidHead:
		return 0
	case f.stacked, f.special, f.clauses > 0 && f.operators > 1:
		return 2
	case f.logic && f.compares:
		return 2
	case f.clauses > 0, f.logic && (f.constant || f.remark):
		return 1
	}
	return 0
}

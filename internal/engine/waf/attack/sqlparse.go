package attack

// What sqljudge.go judges is read here: the grammar of what may follow in a statement, without a tree. Each token settles
// what may come next, and what was seen is noted in sqlFound.

// maxNesting is how deep parentheses may be.
const maxNesting = 40

// sqlParser reads a value that goes on with a statement.
type sqlParser struct {
	sqlLexer
	quote byte // what the literal before the value stood in; 0 for none
	found sqlFound
	// nested are the parentheses that are open: what may stand in them.
	nested   [maxNesting]nesting
	depth    int
	lists    bool // a comma may follow, outside of parentheses
	selects  bool // in a selection, outside of parentheses
	peeked   bool
	peek     sqlToken
	closed   bool // a parenthesis of the application's is closed
	isText   bool // the last operand is a string
	interval bool // a number and a unit follow
}

// nesting is what an open parenthesis is of.
type nesting uint8

const (
	ofExpression nesting = iota
	ofSelection
	ofCase
	ofBraces
)

func (p *sqlParser) token() sqlToken {
	if p.peeked {
		p.peeked = false
		return p.peek
	}
	return p.next()
}

func (p *sqlParser) back(t sqlToken) { p.peek, p.peeked = t, true }

// inSelection tells whether the innermost parentheses have a selection.
func (p *sqlParser) inSelection() bool {
	if p.depth == 0 {
		return p.selects
	}
	return p.nested[p.depth-1] == ofSelection
}

// push opens a parenthesis.
func (p *sqlParser) push(n nesting) bool {
	if p.depth == maxNesting {
		return false
	}
	p.nested[p.depth] = n
	p.depth++
	return true
}

// parse reads the value; behind tells that an operand is already there.
func (p *sqlParser) parse(behind bool) bool {
	if !behind && !p.operand(true) {
		return false
	}
	for {
		more, ok := p.rest()
		if !ok || !more {
			return ok
		}
		if !p.operand(false) {
			return false
		}
	}
}

// rest reads what may follow an operand, up to where the next one has to be.
func (p *sqlParser) rest() (more, ok bool) {
	f := &p.found
	for {
		switch t := p.token(); t {
		case sqlEnd:
			// The application's own mark follows, so it has to have something to end.
			return false, p.quote == 0 || f.stacked
		case sqlRemark:
			f.remark = true
			return false, true
		case sqlString, sqlOpen:
			// An alias, a part of a call ("leading 'a'"), or a string that goes on.
			if !p.inSelection() && p.depth == 0 && !(p.isText && f.operators > 0) || t == sqlOpen && (p.quote == 0 || p.sign != p.quote) {
				return false, false
			}
			if t == sqlOpen {
				f.remark = true
				return false, true
			}
			continue
		case sqlNumber, sqlVariable, sqlLeft, sqlBad:
			return false, false
		case sqlQuoted:
			if p.sign != '[' && !p.inSelection() {
				return false, false
			}
		case sqlRight:
			if p.depth > 0 {
				p.depth--
			} else {
				p.closed = true
			}
		case sqlComma:
			if p.depth == 0 && !p.lists && !p.selects {
				if p.quote == 0 {
					return false, false
				}
			}
			f.listed = true
			return true, true
		case sqlSemicolon:
			return p.statement()
		case sqlOperator:
			switch p.sign {
			case '}':
				if p.depth == 0 || p.nested[p.depth-1] != ofBraces {
					return false, false
				}
				p.depth--
				continue
			case '{', '?', '.':
				if p.sign == '.' && p.inSelection() {
					return true, true
				}
				return false, false
			case '=', '<', '>', '!', '~':
				if p.sign == '!' && p.size == 1 {
					return false, false
				}
				f.compares = true
				f.special = f.special || p.size == 3 || p.sign == '~' && p.size > 1 || p.sign == '!' && p.size == 2 && p.b[p.i-1] != '='
			case '|', '&':
				f.logic = f.logic || p.size == 2
			case ':':
				if p.size != 2 {
					return false, false
				}
				f.special = true
			}
			f.operators++
			return true, true
		case sqlWord:
			switch sqlWords[string(p.text())] {
			case classBool:
				f.special = f.special || p.words == 3 && p.word[0] == 'x'
				f.logic = true
				f.operators++
				return true, true
			case classOperator:
				f.compares = true
				f.special = f.special || p.words > 4 || p.word[0] == 'g' || p.word[0] == 'd'
				f.operators++
				return true, true
			case classIs:
				f.operators++
				return true, p.is()
			case classNot:
				t := p.token()
				if t != sqlWord {
					return false, false
				}
				switch c := sqlWords[string(p.text())]; {
				case c == classConstant && p.word[0] == 'n':
					f.special, f.solid = true, true
					f.operators++
					continue
				case c == classOperator, c == classIn, c == classBetween, c == classPair:
					f.special = true
					p.back(t)
					continue
				}
				return false, false
			case classIn:
				if t := p.token(); t == sqlWord && p.depth == 0 && string(p.text()) == "boolean" { // a search in boolean mode
					if p.token() != sqlWord {
						return false, false
					}
					continue
				} else if t != sqlLeft && p.depth == 0 {
					return false, false
				} else {
					p.back(t)
				}
				f.operators++
				f.compares, f.special = true, true
				return true, true
			case classBetween:
				f.operators++
				f.compares, f.special = true, true
				return true, true
			case classPair:
				if p.token() != sqlWord {
					return false, false
				}
				switch string(p.text()) {
				case "like", "to", "of":
				case "time":
					if p.token() != sqlWord {
						return false, false
					}
				default:
					return false, false
				}
				f.operators++
				f.compares, f.special = true, true
				return true, true
			case classPostfix:
				if p.words > 4 {
					f.operators++
					f.special, f.solid = true, true
				} else if f.clauses == 0 && !p.inSelection() {
					return false, false
				}
			case classSet:
				return p.set()
			case classClause:
				f.clauses++
				p.lists = true
				f.special = f.special || p.word[0] == 'p' || p.word[0] == 'h'
				return true, true
			case classBy:
				if p.token() != sqlWord || string(p.text()) != "by" {
					return false, false
				}
				f.clauses++
				p.lists = true
				return true, true
			case classTail:
				if p.depth > 0 { // of a call
					return true, true
				}
				f.special = f.special || p.word[0] != 'f' || p.words > 3
				return false, p.tail()
			case classSelect:
				if p.word[0] == 's' && p.inSelection() { // with a as (select 1) select
					return true, true
				}
				if f.clauses == 0 || string(p.text()) != "with" || p.token() != sqlWord { // with rollup
					return false, false
				}
			case classLogic:
				if p.depth == 0 || p.nested[p.depth-1] != ofCase {
					return false, false
				}
				return true, true
			case classEnd:
				if p.depth == 0 || p.nested[p.depth-1] != ofCase {
					return false, false
				}
				p.depth--
			case classPart:
				if p.depth == 0 && !p.selects && !p.closed {
					return false, false
				}
				switch string(p.text()) {
				case "as":
					if t := p.token(); t == sqlLeft {
						p.back(t)
						return true, true
					} else if t != sqlWord && t != sqlQuoted && t != sqlString {
						return false, false
					}
					continue
				case "natural", "left", "right", "inner", "cross", "full", "outer":
					continue
				}
				f.selects = f.selects || p.inSelection() && p.word[0] == 'f'
				return true, true
			default: // a name: an alias, or part of a call ("for", "leading")
				if p.depth == 0 && !p.selects && !(f.clauses > 0 && (string(p.text()) == "rows" || string(p.text()) == "row")) {
					return false, false
				}
			}
		}
	}
}

// is reads what follows IS.
func (p *sqlParser) is() bool {
	p.found.compares = true
	t := p.token()
	if t == sqlWord && string(p.text()) == "not" {
		t = p.token()
	}
	if t == sqlWord && string(p.text()) == "distinct" {
		p.found.special = true
		return p.token() == sqlWord && string(p.text()) == "from"
	}
	if t == sqlWord && (sqlWords[string(p.text())] == classConstant || string(p.text()) == "unknown") {
		p.found.special = true
	}
	p.back(t)
	return true
}

// set reads what follows UNION, and begins the selection.
func (p *sqlParser) set() (more, ok bool) {
	t := p.token()
	if t == sqlWord && (string(p.text()) == "all" || string(p.text()) == "distinct" || string(p.text()) == "distinctrow") {
		t = p.token()
	}
	if t == sqlLeft {
		p.back(t)
		p.found.sets = true
		return true, true
	}
	if t != sqlWord || sqlWords[string(p.text())] != classSelect {
		return false, false
	}
	p.found.sets = true
	if p.depth == 0 {
		p.selects, p.lists = true, true
	}
	return true, true
}

// tail reads clauses that nothing but words are in.
func (p *sqlParser) tail() bool {
	p.found.clauses++
	n := 0
	for {
		switch p.token() {
		case sqlWord, sqlNumber:
			if n++; n > 8 {
				return false
			}
		case sqlLeft, sqlRight:
		case sqlRemark:
			p.found.remark = true
			return n > 0
		case sqlSemicolon:
			if t := p.token(); t == sqlRemark {
				p.found.remark = true
				return n > 0
			}
			return n > 0 && p.quote == 0
		case sqlEnd:
			return n > 0 && p.quote == 0
		default:
			return false
		}
	}
}

// statement reads what follows a semicolon: a statement, of which only the beginning is looked at.
func (p *sqlParser) statement() (more, ok bool) {
	f := &p.found
	switch p.token() {
	case sqlEnd:
		return false, p.quote == 0 || f.operators > 0 || f.clauses > 0 || f.stacked
	case sqlOpen, sqlString:
		return false, p.quote != 0 && f.operators > 0
	case sqlRemark:
		f.remark = true
		return false, true
	case sqlSemicolon:
		return p.statement()
	case sqlWord:
	default:
		return false, false
	}
	switch sqlWords[string(p.text())] {
	case classSelect:
		p.selects, p.lists = true, true
		solid := f.solid
		if !p.operand(false) {
			return false, false
		}
		f.stacked, f.sets = true, f.sets || f.solid
		f.solid = f.solid || solid
		return p.rest()
	case classStatement, classTail:
	case classPostfix: // desc
		if p.word[0] != 'd' {
			return false, false
		}
	default:
		return false, false
	}
	// Two more tokens, or a comment right behind a statement of one word.
	for n := 0; ; n++ {
		switch t := p.token(); {
		case t == sqlRemark:
			f.remark, f.stacked = true, true
			return false, true
		case t == sqlSemicolon && n == 0:
			f.remark = p.token() == sqlRemark
			f.stacked = f.remark
			return false, f.stacked
		case t == sqlEnd || t == sqlSemicolon:
			f.stacked = n > 0 && (n < 6 || p.comments > 0) && (p.quote == 0 || t == sqlSemicolon)
			return false, f.stacked
		case t == sqlBad, t == sqlOpen && n < 3:
			return false, false
		case n >= 5 && t != sqlWord:
			f.stacked = true
			return false, true
		case n >= 12:
			return false, false // a sentence
		}
	}
}

// operand reads one operand; first tells that it is the beginning of the value.
func (p *sqlParser) operand(first bool) bool {
	f := &p.found
	p.isText = false
	for {
		switch t := p.token(); t {
		case sqlNumber, sqlString:
			p.isText = t == sqlString
			f.solid = f.solid || !first
			f.solidHead = f.solidHead || first
			f.special = f.special || p.isText && p.typed && !first
			if p.interval {
				p.interval = false
				if p.token() != sqlWord {
					return false
				}
			}
			return true
		case sqlOpen:
			if p.quote == 0 || p.sign != p.quote {
				return false
			}
			f.solid = true
			return p.openEnd()
		case sqlVariable:
			f.solid, f.special = true, true
			if t := p.token(); t == sqlOperator && p.sign == ':' && p.size == 2 {
				continue
			} else {
				p.back(t)
			}
			return true
		case sqlQuoted:
			f.named++
			return true
		case sqlLeft:
			if !p.push(ofExpression) {
				return false
			}
		case sqlRight: // of a call without arguments, or count(*)
			if p.depth == 0 {
				return false
			}
			p.depth--
			return true
		case sqlOperator:
			switch {
			case p.sign == '{':
				if first || !p.push(ofBraces) {
					return false
				}
				if t := p.token(); t != sqlWord { // {d'2000-01-01'}
					return false
				}
				f.special = true
			case p.size == 1 && (p.sign == '-' || p.sign == '+' || p.sign == '~' || p.sign == '!'):
				f.special = f.special || !first && p.sign == '~'
			case p.size == 1 && p.sign == '*' && p.depth+b2i(p.selects) > 0:
				f.solid = f.solid || p.inSelection()
				return true
			case p.size == 2 && p.sign == '!': // !!1, !~1
			default:
				return false
			}
		case sqlWord:
			switch sqlWords[string(p.text())] {
			case classNot, classUnary:
				if first && p.word[0] != 'n' && p.word[0] != 'e' && p.word[0] != 'b' {
					return false
				}
				p.interval = p.words == 8 && p.word[0] == 'i'
				f.special = f.special || p.word[0] == 'e' || !first && (p.word[0] == 'n' || p.word[0] == 'b')
				continue
			case classConstant:
				f.solid, f.constant = f.solid || !first, f.constant || !first
				f.special = f.special || !first && p.words > 5
				f.solidHead = f.solidHead || first
				return true
			case classCase:
				if !p.push(ofCase) {
					return false
				}
				f.special, f.solid = true, true
				t := p.token()
				if t == sqlWord && string(p.text()) == "when" {
					continue
				}
				p.back(t)
				continue
			case classSelect:
				if p.depth == 0 {
					return false
				}
				p.nested[p.depth-1] = ofSelection
				if first {
					f.solidHead = true
				}
				if !p.operand(false) {
					return false
				}
				f.selects = f.selects || f.solid
				return true
			case classTyped:
				if t := p.token(); t == sqlString {
					f.solid, f.special = true, true
					return true
				} else {
					p.back(t)
				}
			case classBool, classOperator, classIs, classIn, classBetween, classSet, classClause, classBy, classLogic, classEnd:
				if t := p.token(); t != sqlLeft { // some are functions, too
					return false
				} else {
					p.back(t)
				}
			}
			name := p.words > 0 && unnested[string(p.text())]
			t := p.token()
			for t == sqlOperator && p.sign == '.' && p.size == 1 { // a qualified name
				if t = p.token(); t != sqlWord && t != sqlQuoted && !(t == sqlOperator && p.sign == '*') {
					return false
				}
				t = p.token()
			}
			if t != sqlLeft {
				p.back(t)
				f.named++
				return true
			}
			f.solid = f.solid || !first
			f.special = f.special || name && !first
			f.solidHead = f.solidHead || first && name
			if !p.push(ofExpression) {
				return false
			}
			first = false
		default:
			return false
		}
	}
}

// openEnd is where a literal is left open for the mark of the application's.
func (p *sqlParser) openEnd() bool {
	p.back(sqlRemark)
	return true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

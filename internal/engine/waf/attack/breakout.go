package attack

import "bytes"

// An application that writes a value between the quotation marks of a script has its script go on behind the first
// of these marks in the value. Whether it does is not a question of words: what follows has to be what JavaScript has behind
// a string, up to a comment that hides the rest of the application's line, or another mark that makes a string of it.
// Text is next to never like that: behind its quotation marks are letters.

// leavesString tells whether b leaves a string of JavaScript and does something: calls, makes or sets a thing. read is
// how many bytes it had to read as code.
func leavesString(b []byte) (found bool, read int) {
	for _, quote := range [...]byte{'\'', '"', '`'} {
		if i := bytes.IndexByte(b, quote); i >= 0 {
			c := code{b: b[i+1 : min(len(b), i+1+maxCode)], quote: quote, state: afterOperand, last: literal}
			found = c.runs()
			if read += c.i; found {
				return true, read
			}
		}
	}
	rest := b
	for range maxExpressions {
		i := bytes.Index(rest, []byte("${"))
		if i < 0 {
			break
		}
		rest = rest[i+2:]
		c := code{b: rest[:min(len(rest), maxCode)], quote: '}', state: beforeOperand, last: operator}
		found = c.runs()
		if read += c.i; found {
			return true, read
		}
		rest = rest[min(c.i, len(rest)):]
	}
	return false, read
}

// isCode tells whether b, or what stands behind its first line or comment, is a script that does something with
// functions that attacks use, or whether b is the address of any script. read is how many bytes it had to read.
func isCode(b []byte) (found bool, read int) {
	if script, ok := scriptAddress(b); ok {
		c := code{b: script[:min(len(script), maxCode)], state: beforeOperand, last: start}
		return c.runs() || c.i == len(c.b) && c.sets, c.i
	}
	for range maxLines {
		c := code{b: b[:min(len(b), maxCode)], state: beforeOperand, last: start}
		runs := c.runs()
		if read += c.i; runs && c.notorious {
			return true, read
		}
		i := bytes.IndexAny(b, "\r\n\u2028\u2029")
		if j := bytes.Index(b, []byte("*/")); j >= 0 && (i < 0 || j < i) {
			i = j + 1
		}
		if i < 0 {
			break
		}
		if b[i] == 0xe2 {
			i += 2
		}
		b = b[i+1:]
	}
	return false, read
}

// scriptAddress takes the scheme of an address with a script off the beginning of b as browsers do: without control
// characters before it, and line ends and tabs inside of it.
func scriptAddress(b []byte) (script []byte, ok bool) {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	const scheme = "javascript:"
	n := 0
	for i, c := range b {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
		case lowerASCII(c) != scheme[n]:
			return nil, false
		default:
			if n++; n == len(scheme) {
				return b[i+1:], true
			}
		}
	}
	return nil, false
}

// code reads JavaScript from the middle: bracket by bracket and operand after operator, as much of its grammar as it
// takes to tell it from text.
type code struct {
	b     []byte
	i     int
	quote byte // that the application has around the value; '}' in a template's expression, 0 for none
	state codeState
	last  codeToken
	line  bool // a line ended before the next token
	acts  bool
	// notorious tells that it names what attacks use.
	notorious bool
	sets      bool // that it sets something
	hooks     bool // that it names what is called by operators
	depth     int
	open      [maxBrackets]bracket
}

const (
	// maxCode is how much of a value is read behind a quotation mark.
	maxCode = 4096
	// maxExpressions is how many expressions of templates are looked at in a value.
	maxExpressions = 16
	// maxLines is how many lines a script may begin in.
	maxLines = 3
)

// maxBrackets is how deep brackets are followed.
const maxBrackets = 24

// bracket is an open one.
type bracket struct {
	close   byte
	keyword bool // of "if (" and its like, behind which a statement follows
}

type codeState uint8

const (
	afterOperand codeState = iota
	beforeOperand
	afterBlock // either
)

// codeToken is what kind of token came last.
type codeToken uint8

const (
	literal  codeToken = iota
	operator           // or an opening bracket
	callable           // a name, or what ends in a bracket
	keyword            // one that has parentheses and then a statement
	start              // of a statement
)

// runs reads up to where the application's string goes on and tells whether it gets there and something happens on
// the way.
func (c *code) runs() bool {
	first := true
	for {
		c.space()
		if c.i >= len(c.b) {
			return c.quote == 0 && c.acts && c.depth == 0 && (c.state != beforeOperand || c.last == start)
		}
		ch := c.b[c.i]
		switch {
		case c.has("//"), c.has("<!--"), c.has("/*"): // space has read comments that end
			return c.acts && c.quote != '}'
		case first && (ch == '=' && !c.has("==") || ch == '`') && c.quote != '}' && c.quote != 0:
			return false // nothing that a string is followed by in a script that runs
		}
		first = false
		switch {
		case word(ch) || ch == '_' || ch == '$' || ch >= 0x80 || ch == '\\':
			if !c.word() {
				return false
			}
		case ch == '\'' || ch == '"' || ch == '`':
			if c.state == afterOperand && !(ch == '`' && c.last == callable) && !c.line {
				return false
			}
			end := stringIn(c.b[c.i+1:], ch)
			if end < 0 {
				return ch == c.quote && c.acts && c.state != afterOperand
			}
			if ch == '`' && (c.last == callable && c.state == afterOperand || bytes.Contains(c.b[c.i:c.i+end], []byte("${"))) {
				c.acts = true
			}
			c.i += end + 2
			c.operand(literal)
			if ch == '`' {
				c.last = callable
			}
		case ch == '(' || ch == '[' || ch == '{':
			if !c.opens(ch) {
				return false
			}
		case ch == ')' || ch == ']' || ch == '}':
			if c.depth == 0 && ch == '}' && c.quote == '}' {
				return c.acts && c.state != beforeOperand
			}
			if !c.closes(ch) {
				return false
			}
		case !c.operator(ch):
			return false
		}
	}
}

// space skips white space and comments.
func (c *code) space() {
	c.line = false
	for c.i < len(c.b) {
		ch := c.b[c.i]
		switch {
		case ch == '\n' || ch == '\r' || c.has("\u2028") || c.has("\u2029"):
			c.line = true
			c.i++
			if ch == 0xe2 {
				c.i += 2
			}
		case isSpace(ch):
			c.i++
		case c.has("\u00a0"):
			c.i += 2
		case c.has("/*"):
			end := bytes.Index(c.b[c.i+2:], []byte("*/"))
			if end < 0 {
				return
			}
			c.i += end + 4
		case c.has("//"), c.has("<!--"), c.line && c.has("-->"):
			end := bytes.IndexByte(c.b[c.i:], '\n')
			if end < 0 {
				return
			}
			c.i += end
		default:
			return
		}
	}
}

func (c *code) has(s string) bool { return bytes.HasPrefix(c.b[c.i:], []byte(s)) }

func (c *code) operand(t codeToken) { c.state, c.last = afterOperand, t }

// word reads a name, a keyword or a number.
func (c *code) word() bool {
	from := c.i
	for c.i < len(c.b) {
		ch := c.b[c.i]
		if ch == '\\' { // an escape in a name
			if c.i+1 == len(c.b) || c.b[c.i+1] != 'u' {
				return false
			}
			_, n := escaped(c.b[c.i:])
			if n == 0 {
				return false
			}
			c.i += n
			continue
		}
		if !word(ch) && ch != '_' && ch != '$' && ch < 0x80 || c.has("\u2028") || c.has("\u2029") {
			break
		}
		c.i++
	}
	w := c.b[from:c.i]
	if len(w) == 0 {
		return false
	}
	number := w[0] >= '0' && w[0] <= '9'
	if number && c.i+1 < len(c.b) && c.b[c.i] == '.' && c.b[c.i+1] >= '0' && c.b[c.i+1] <= '9' {
		for c.i++; c.i < len(c.b) && word(c.b[c.i]); c.i++ {
		}
	} else if number && c.has("..") && !c.has("...") {
		c.i++ // the number ends in a dot
	}
	switch string(w) {
	case "in", "instanceof", "of":
		if c.state != beforeOperand {
			c.state, c.last = beforeOperand, operator
			return true
		}
		return false
	case "else", "catch", "finally", "extends", "while":
		c.state, c.last = beforeOperand, keyword
		return true
	}
	if c.state == afterOperand && !c.line {
		return false
	}
	if number {
		for _, d := range w {
			if !isHex(d) && d|0x20 != 'x' && d|0x20 != 'o' && d|0x20 != 'n' && d != '_' {
				return false
			}
		}
		c.operand(literal)
		return true
	}
	switch string(w) {
	case "if", "for", "with", "switch":
		c.state, c.last = beforeOperand, keyword
	case "var", "let", "const", "async", "static", "get", "set", "do", "try", "case", "default", "return", "typeof", "void", "delete", "await", "yield", "function", "class":
		c.state, c.last = beforeOperand, start
	case "new", "throw":
		c.state, c.last, c.acts = beforeOperand, operator, true
	default:
		c.operand(callable)
		c.name(w)
	}
	return true
}

// name notes a name that does something where it stands without parentheses: what is called for whoever asks, and what
// attacks call.
func (c *code) name(w []byte) {
	switch string(w) {
	case "toString", "valueOf", "Symbol", "Proxy":
		c.hooks = true
		c.acts = c.acts || c.quote != 0 || c.notorious
		c.notorious = true
	case "alert", "confirm", "prompt", "eval":
		c.acts = c.acts || c.quote != 0 || c.hooks
		c.notorious = true
	case "Function", "Reflect", "window", "self", "top", "parent", "frames", "globalThis", "this", "constructor", "__defineGetter__":
		c.notorious = true
	}
}

// opens reads an opening bracket.
func (c *code) opens(ch byte) bool {
	if c.depth == maxBrackets {
		return false
	}
	k := c.state == beforeOperand && c.last == keyword
	switch ch {
	case '(':
		// Without a string around it, "word (word)" may be text.
		if c.state == afterOperand && c.last == callable && (c.quote != 0 || c.i > 0 && !isSpace(c.b[c.i-1])) {
			c.acts = true
		}
		c.open[c.depth] = bracket{')', k}
	case '[':
		c.open[c.depth] = bracket{']', false}
	case '{':
		if c.state == afterOperand && c.last != callable {
			return false
		}
		c.open[c.depth] = bracket{'}', false}
	}
	c.depth++
	c.i++
	c.state, c.last = beforeOperand, operator
	if ch == '{' {
		c.last = start
	}
	return true
}

// closes reads a closing bracket: one that was opened, or one of the application's.
func (c *code) closes(ch byte) bool {
	c.i++
	if c.depth == 0 {
		if ch == '}' {
			c.state, c.last = afterBlock, start
			return true
		}
		if c.state == beforeOperand {
			return false
		}
		c.operand(callable)
		return true
	}
	c.depth--
	b := c.open[c.depth]
	if b.close != ch {
		return false
	}
	switch {
	case ch == '}':
		c.state, c.last = afterBlock, callable
	case b.keyword:
		c.state, c.last = afterBlock, callable
	default:
		c.operand(callable)
	}
	return true
}

// operator reads any other sign.
func (c *code) operator(ch byte) bool {
	n := 1
	switch {
	case c.has("..."):
		if c.state != beforeOperand {
			return false
		}
		c.i += 3
		return true
	case c.has("++"), c.has("--"):
		n = 2
		if c.state == afterOperand && c.last == literal {
			n = 1 // two operators
		} else if c.state == afterOperand {
			// Behind a name it belongs to it, if no operand follows.
			c.i += n
			c.space()
			if c.i < len(c.b) && (word(c.b[c.i]) || c.b[c.i] == '(' || c.b[c.i] == '_' || c.b[c.i] == '$') {
				c.state = beforeOperand
			}
			return true
		}
	}
	if c.state == beforeOperand {
		switch ch {
		case '+', '-', '!', '~':
			c.i += n
			c.last = operator
			return true
		case ';':
			if c.last != start {
				return false
			}
			c.i++
			return true
		case ',':
			c.i++
			return c.depth > 0 && c.open[c.depth-1].close == ']'
		case ':', '=', '.': // a word that is a keyword elsewhere only
			if c.last != start {
				return false
			}
			c.last = callable
			c.state = afterOperand
			return c.operator(ch)
		case '*':
			c.i++
			return c.last == start
		case '/':
			end := stringIn(c.b[c.i+1:], '/')
			if end < 1 {
				return false
			}
			for c.i += end + 2; c.i < len(c.b) && word(c.b[c.i]); c.i++ {
			}
			c.operand(callable)
			c.last = literal
			return true
		}
		return false
	}
	set := false
	switch ch {
	case '.':
		c.i++
		return c.member()
	case '?':
		if c.has("?.") {
			c.i += 2
			if c.i < len(c.b) && (c.b[c.i] == '(' || c.b[c.i] == '[') {
				return true
			}
			return c.member()
		}
		if c.has("??") {
			n = 2
		}
	case ';':
		c.i++
		c.state, c.last = beforeOperand, start
		return true
	case ':':
		c.i++
		c.state, c.last = beforeOperand, start
		return true
	case ',', '^', '%', '~':
		if ch == '~' {
			return false
		}
	case '+', '-', '/':
	case '*', '&', '|':
		if c.i+1 < len(c.b) && c.b[c.i+1] == ch {
			n = 2
		}
	case '<', '>':
		for c.i+n < len(c.b) && c.b[c.i+n] == ch && n < 3 {
			n++
		}
	case '!':
		if !c.has("!=") {
			return false
		}
	case '=':
		if c.has("=>") {
			c.i += 2
			c.state, c.last = beforeOperand, start
			return true
		}
		if c.has("==") {
			n = 2
		} else {
			set = c.last == callable
		}
	default:
		return false
	}
	if ch != '=' || n == 2 {
		if c.i+n < len(c.b) && c.b[c.i+n] == '=' && ch != ',' { // of two signs or three
			if n++; c.i+n < len(c.b) && c.b[c.i+n] == '=' && (ch == '!' || ch == '=') {
				n++
			}
		}
	}
	c.sets = c.sets || set
	c.acts = c.acts || set && c.quote != 0
	c.i += n
	c.state, c.last = beforeOperand, operator
	return true
}

// member reads a name behind a dot.
func (c *code) member() bool {
	if c.space(); c.i >= len(c.b) || !(word(c.b[c.i]) || c.b[c.i] == '_' || c.b[c.i] == '$' || c.b[c.i] == '#' || c.b[c.i] == '\\' || c.b[c.i] >= 0x80) {
		return false
	}
	if c.b[c.i] == '#' {
		c.i++
	}
	from := c.i
	for c.i < len(c.b) && (word(c.b[c.i]) || c.b[c.i] == '_' || c.b[c.i] == '$' || c.b[c.i] == '\\' || c.b[c.i] == '{' && c.b[c.i-1] == 'u' || c.b[c.i] >= 0x80) {
		c.i++
	}
	c.name(c.b[from:c.i])
	c.operand(callable)
	return true
}

// stringIn is where what b begins in ends at a quotation mark without a backslash before it, -1 if it does not.
func stringIn(b []byte, quote byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case quote:
			return i
		case '\\':
			i++
		case '\n', '\r':
			if quote != '`' {
				return -1
			}
		}
	}
	return -1
}

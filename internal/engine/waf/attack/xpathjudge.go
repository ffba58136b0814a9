package attack

import "bytes"

// A value that leaves a string of an XPath expression goes on with the expression to its end, and nothing but what XPath
// (version 1.0, section 3) allows stands there: an operator and an operand, a predicate, a further step, and at last the
// beginning of a string that the application's own quotation mark ends. What statements of databases have as well is left to
// the reader of those; what is looked for here has something that only XPath has: a step along an axis, an attribute,
// a function of its library, a path.

// maxXPath is the longest value that is read.
const maxXPath = 1024

// xpathSteps is what reading costs a byte, in steps of package pattern.
const xpathSteps = 6

// maxHead is the longest number or name that an expression goes on behind.
const maxHead = 24

// xpathFunctions are those of the library (section 4), and whether they are names that hardly any other language has.
var xpathFunctions = map[string]bool{
	"last": true, "position": true, "count": true, "id": false, "local-name": true, "namespace-uri": true, "name": true, "string": true, "concat": false, "starts-with": true, "contains": true,
	"substring-before": true, "substring-after": true, "substring": true, "string-length": true, "normalize-space": true, "translate": true, "boolean": true, "not": true, "true": true, "false": true, "lang": true,
	"number": true, "sum": true, "floor": false, "ceiling": true, "round": false, "document": true, "doc": true, "doc-available": true, "unparsed-text": true, "system-property": true, "matches": true, "lower-case": true,
	"upper-case": true, "string-join": true, "exists": false, "empty": false, "tokenize": true, "string-to-codepoints": true, "codepoints-to-string": true, "base-uri": true, "node-name": true, "current": true, "key": false,
}

// xpathAxes are the axes (section 2.2).
var xpathAxes = map[string]bool{
	"ancestor": true, "ancestor-or-self": true, "attribute": true, "child": true, "descendant": true, "descendant-or-self": true, "following": true, "following-sibling": true, "namespace": true, "parent": true, "preceding": true,
	"preceding-sibling": true, "self": true,
}

// xpathReader reads an expression.
type xpathReader struct {
	b       []byte
	i       int
	depth   int
	quote   byte // that of the application's string, 0 behind a number
	open    bool // the value ended in a string that the application ends
	special bool // something that only XPath has was read
}

// leavesXPath tells whether b leaves a string or a number of an expression of XPath and goes on with it to the end, and how
// many bytes were read for that.
func leavesXPath(b []byte) (found bool, read int) {
	if len(b) < 4 || len(b) > maxXPath {
		return false, 0
	}
	for _, q := range [...]byte{'\'', '"'} {
		if i := bytes.IndexByte(b[:min(len(b), 64)], q); i >= 0 {
			r := xpathReader{b: b, i: i + 1, quote: q}
			found = r.rest() && r.open && r.special
			if read += r.i - i; found {
				return true, read
			}
		}
	}
	// Behind a number or a name: nothing closes the value, so all of it has to be there.
	i := 0
	for i < len(b) && i <= maxHead && (nameByte(b[i]) || b[i] == '.') {
		i++
	}
	if i > maxHead {
		return false, read
	}
	r := xpathReader{b: b, i: i}
	found = r.rest() && r.special
	return found, read + r.i - i
}

func nameByte(c byte) bool { return word(c) || c == '_' || c == '-' || c >= 0x80 }

func (r *xpathReader) space() {
	for r.i < len(r.b) && (r.b[r.i] == ' ' || r.b[r.i] == '\t' || r.b[r.i] == '\n' || r.b[r.i] == '\r') {
		r.i++
	}
}

func (r *xpathReader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

// accept skips s and white space behind it if s is next.
func (r *xpathReader) accept(s string) bool {
	if len(r.b)-r.i < len(s) || string(r.b[r.i:r.i+len(s)]) != s {
		return false
	}
	r.i += len(s)
	r.space()
	return true
}

// rest reads what may follow the end of a string: brackets that close, then operators, steps and predicates to the end.
func (r *xpathReader) rest() bool {
	r.space()
	closed := false
	for r.accept(")") || r.accept("]") {
		closed = true
	}
	any := false
	for r.i < len(r.b) && !r.open {
		switch {
		case r.quote == 0 && !any && !closed && (r.peek() == '/' || r.peek() == '['):
			return false // that is how paths and lists look
		case closed && r.peek() == '[', any && r.peek() == '[':
			if !r.predicate() {
				return false
			}
			r.special = r.special || closed
		case closed && r.peek() == '/':
			if !r.steps() {
				return false
			}
			r.special = true
		case (r.quote != 0 || any) && (r.accept(")") || r.accept("]")):
			closed = true
		default:
			if !r.operator() || !r.operand() {
				return false
			}
		}
		any = true
	}
	return any && (r.open || r.quote == 0)
}

// operator reads one.
func (r *xpathReader) operator() bool {
	for _, o := range [...]string{"!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "|"} {
		if r.accept(o) {
			return true
		}
	}
	for _, o := range [...]string{"or", "and", "div", "mod", "eq", "ne"} {
		if rest := r.b[r.i:]; len(rest) > len(o) && string(rest[:len(o)]) == o && !nameByte(rest[len(o)]) {
			r.accept(o)
			return true
		}
	}
	return false
}

// expression reads operands with operators between them, to what is none.
func (r *xpathReader) expression() bool {
	if r.depth++; r.depth > 12 {
		return false
	}
	defer func() { r.depth-- }()
	if !r.operand() {
		return false
	}
	for !r.open {
		if !r.operator() {
			return true
		}
		if !r.operand() {
			return false
		}
	}
	return true
}

// operand reads a string, a number, a call, a path or an expression in parentheses, with signs before and predicates and
// steps behind it.
func (r *xpathReader) operand() bool {
	for r.accept("-") {
	}
	c := r.peek()
	switch {
	case c == '\'' || c == '"':
		r.i++
		for r.i < len(r.b) && r.b[r.i] != c {
			r.i++
		}
		if r.i == len(r.b) {
			r.open = c == r.quote
			return r.open
		}
		r.i++
		r.space()
		return true
	case c >= '0' && c <= '9' || c == '.' && r.i+1 < len(r.b) && r.b[r.i+1] >= '0' && r.b[r.i+1] <= '9':
		for r.i < len(r.b) && (r.b[r.i] >= '0' && r.b[r.i] <= '9' || r.b[r.i] == '.') {
			r.i++
		}
		if r.i < len(r.b) && nameByte(r.b[r.i]) && r.b[r.i] != '-' {
			return false
		}
		r.space()
		return true
	case c == '(':
		r.i++
		r.space()
		if !r.expression() {
			return false
		}
		if !r.open && !r.accept(")") && r.i < len(r.b) {
			return false
		}
	default:
		if !r.call() && !r.steps() {
			return false
		}
	}
	for !r.open {
		if r.peek() == '[' {
			if !r.predicate() {
				return false
			}
		} else if r.peek() != '/' {
			return true
		} else if !r.steps() {
			return false
		}
	}
	return true
}

// call reads the call of a function of the library, and nothing if there is none.
func (r *xpathReader) call() bool {
	end := r.i
	for end < len(r.b) && nameByte(r.b[end]) {
		end++
	}
	name := string(r.b[r.i:end])
	special, known := xpathFunctions[name]
	after := end
	for after < len(r.b) && (r.b[after] == ' ' || r.b[after] == '\t' || r.b[after] == '\n' || r.b[after] == '\r') {
		after++
	}
	if !known || after == len(r.b) || r.b[after] != '(' {
		return false
	}
	r.i = after + 1
	r.space()
	if r.quote == 0 { // behind no quotation mark only what tells of documents
		switch name {
		case "last", "position", "local-name", "namespace-uri", "name", "true", "false":
			special = r.peek() == ')'
		default:
			special = false
		}
	}
	r.special = r.special || special
	for first := true; !r.open && !r.accept(")"); first = false {
		if !first && !r.accept(",") || !r.expression() {
			return r.open || r.i == len(r.b)
		}
		if r.i == len(r.b) {
			return true // the application closes it
		}
	}
	return true
}

// predicate reads one.
func (r *xpathReader) predicate() bool {
	r.i++
	r.space()
	if !r.expression() {
		return false
	}
	return r.open || r.accept("]") || r.i == len(r.b)
}

// steps reads a path.
func (r *xpathReader) steps() bool {
	for first := true; ; first = false {
		switch {
		case r.accept("//"):
			// Behind no quotation mark it may be an address without its scheme, in a list with bars.
			r.special = r.special || r.quote != 0 || r.peek() == '*' || r.peek() == '@'
		case r.accept("/"):
			if first && r.quote != 0 {
				r.special = true
			}
			if first && !r.stepNext() {
				return true // the root by itself
			}
		case !first:
			return true
		}
		if !r.step() {
			return false
		}
		for !r.open && r.peek() == '[' {
			if !r.predicate() {
				return false
			}
		}
	}
}

func (r *xpathReader) stepNext() bool {
	c := r.peek()
	return c == '@' || c == '.' || c == '*' || nameByte(c) && c != '-'
}

// step reads one: its axis and its test.
func (r *xpathReader) step() bool {
	switch c := r.peek(); {
	case c == '.' && r.i+1 < len(r.b) && r.b[r.i+1] == '.':
		r.special = r.special || r.quote != 0 || r.b[r.i-1] == '/'
		r.accept("..")
		r.special = r.special || r.peek() == '/'
		return true
	case r.accept("."):
		r.special = r.special || r.quote != 0
		return true
	case c == '@':
		r.special = r.special || r.quote != 0 || r.b[r.i-1] == '/' || r.i+1 < len(r.b) && r.b[r.i+1] == '*' // otherwise it may be somebody's name
		r.i++
		r.space()
	}
	for axis := false; ; {
		if r.accept("*") {
			return true
		}
		start := r.i
		for r.i < len(r.b) && (nameByte(r.b[r.i]) || r.b[r.i] == '.' || r.b[r.i] == ':' && r.i+1 < len(r.b) && r.b[r.i+1] != ':' && r.i > start && r.b[r.i-1] != ':') {
			r.i++
		}
		name := string(r.b[start:r.i])
		if name == "" || name[0] == '-' || name[0] == '.' || name[0] >= '0' && name[0] <= '9' {
			return false
		}
		r.space()
		switch {
		case !axis && xpathAxes[name] && r.accept("::"):
			axis, r.special = true, true
			continue
		case r.peek() == '(':
			switch name {
			case "node", "text", "comment", "processing-instruction", "element", "attribute":
			default:
				return false
			}
			r.i++
			r.space()
			r.special = r.special || r.quote != 0 || name == "node" || name == "text"
			return r.accept(")")
		}
		return true
	}
}

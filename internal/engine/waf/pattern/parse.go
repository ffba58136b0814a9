package pattern

import (
	"fmt"
	"strconv"
	"strings"
)

// flags are the options of an expression that can change within it.
type flags uint8

const (
	flagFold     flags = 1 << iota // i
	flagDot                        // s: a dot takes a newline
	flagLines                      // m: anchors match at lines
	flagExtended                   // x: white space and comments mean nothing
	flagSwap                       // U: quantifiers are lazy, and greedy with a question mark
)

// parser reads one expression.
type parser struct {
	text   string
	at     int
	syntax Syntax
	flags  flags
	depth  int
	groups int
	quoted bool // within \Q and \E
}

// refusal is an error of the parser on its way up; Compile adds the index.
type refusal struct {
	reason Reason
	offset int
	detail string
}

// fail ends parsing; parse recovers it.
func (p *parser) fail(reason Reason, offset int, format string, args ...any) {
	panic(refusal{reason, offset, fmt.Sprintf(format, args...)})
}

// parse reads an expression of a dialect.
func parse(text string, syntax Syntax, fold bool) (tree *node, err *Error) {
	p := &parser{text: text, syntax: syntax}
	if syntax == SecLang {
		p.flags = flagDot | flagLines
	}
	if fold {
		p.flags |= flagFold
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			tree, err = nil, &Error{Reason: r.reason, Offset: r.offset, Detail: r.detail}
		default:
			panic(r)
		}
	}()
	if strings.HasPrefix(text, "(*") {
		p.fail(Verb, 0, "a verb begins the expression")
	}
	tree = p.alternatives()
	if p.more() { // only a closing parenthesis stops alternatives
		p.fail(Malformed, p.at, "a closing parenthesis without an opening one")
	}
	return tree, nil
}

func (p *parser) more() bool { return p.at < len(p.text) }

func (p *parser) peek() byte {
	if p.more() {
		return p.text[p.at]
	}
	return 0
}

// skip takes a prefix off, if it is there.
func (p *parser) skip(prefix string) bool {
	if strings.HasPrefix(p.text[p.at:], prefix) {
		p.at += len(prefix)
		return true
	}
	return false
}

func (p *parser) has(f flags) bool { return p.flags&f != 0 }

// alternatives reads up to a closing parenthesis or the end. Flags set on the way hold for
// the alternatives that follow, too, as in PCRE and Go.
func (p *parser) alternatives() *node {
	if p.depth++; p.depth > maxDepth {
		p.fail(TooLarge, p.at, "groups nest more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	var subs []*node
	for {
		subs = append(subs, p.sequence())
		if !p.skip("|") {
			return alternate(subs...)
		}
	}
}

// sequence reads up to a bar, a closing parenthesis or the end.
func (p *parser) sequence() *node {
	var subs []*node
	for {
		if p.quoted {
			if !p.more() {
				break
			}
		} else {
			p.extended()
			if !p.more() || p.peek() == '|' || p.peek() == ')' {
				break
			}
		}
		start := p.at
		item, repeatable := p.item()
		if item == nil { // flags, a comment, \E
			continue
		}
		subs = append(subs, p.quantified(item, start, repeatable))
	}
	return concat(subs...)
}

// extended skips white space and comments if the flag x says so.
func (p *parser) extended() {
	for p.has(flagExtended) && p.more() {
		switch c := p.peek(); {
		case spacePCRE.has(c):
			p.at++
		case c == '#':
			if end := strings.IndexByte(p.text[p.at:], '\n'); end >= 0 {
				p.at += end + 1
			} else {
				p.at = len(p.text)
			}
		default:
			return
		}
	}
}

// noQuantifier fails if a quantifier follows.
func (p *parser) noQuantifier() {
	at := p.at
	if _, _, ok := p.quantifier(); ok {
		p.fail(Malformed, at, "nothing to repeat")
	}
}

// quantified reads the quantifier behind an item, if there is one.
func (p *parser) quantified(item *node, start int, repeatable bool) *node {
	if p.quoted {
		return item
	}
	p.extended()
	at := p.at
	least, most, ok := p.quantifier()
	if !ok {
		return item
	}
	if !repeatable {
		p.fail(Malformed, at, "nothing to repeat")
	}
	if least > maxRepeat || most > maxRepeat {
		p.fail(OversizeRepeat, at, "a repetition of more than %d", maxRepeat)
	}
	if most != unlimited && least > most {
		p.fail(Malformed, at, "a repetition whose bounds are in the wrong order")
	}
	lazy := p.has(flagSwap)
	if p.skip("?") {
		lazy = !lazy
	} else if p.peek() == '+' && p.more() {
		p.fail(AtomicGroup, p.at, "a possessive quantifier")
	}
	p.extended()
	p.noQuantifier()
	// What repeats an assertion holds if the assertion does, or always.
	if item.op == opAssert || item.op == opLook || item.op == opEmpty {
		if least == 0 {
			return &node{op: opEmpty}
		}
		return item
	}
	return &node{op: opRepeat, subs: []*node{item}, min: least, max: most, lazy: lazy}
}

// quantifier reads *, +, ? or a count in braces. What is in braces and not a count is
// ordinary text, and not read.
func (p *parser) quantifier() (least, most int, ok bool) {
	switch {
	case !p.more():
		return 0, 0, false
	case p.skip("*"):
		return 0, unlimited, true
	case p.skip("+"):
		return 1, unlimited, true
	case p.skip("?"):
		return 0, 1, true
	case p.peek() != '{':
		return 0, 0, false
	}
	end := strings.IndexByte(p.text[p.at:], '}')
	if end < 0 {
		return 0, 0, false
	}
	low, high, comma := strings.Cut(p.text[p.at+1:p.at+end], ",")
	if least, ok = count(low); !ok {
		return 0, 0, false
	}
	most = least
	if comma && high == "" {
		most = unlimited
	} else if comma {
		if most, ok = count(high); !ok {
			return 0, 0, false
		}
	}
	p.at += end + 1
	return least, most, true
}

// count reads a decimal number. What does not fit is a large number all the same.
func count(s string) (int, bool) {
	if s == "" {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || '9' < c {
			return 0, false
		}
		n = min(n*10+int(c-'0'), 1<<20)
	}
	return n, true
}

// item reads one item. It is nil if there was nothing that matches: flags, comments.
func (p *parser) item() (n *node, repeatable bool) {
	if p.quoted {
		if p.skip(`\E`) {
			p.quoted = false
			return nil, false
		}
		n = p.one(p.text[p.at])
		p.at++
		p.quoted = !p.skip(`\E`) // a quantifier behind the quotation is for its last byte
		return n, true
	}
	switch c := p.peek(); c {
	case '(':
		return p.group()
	case '[':
		return &node{op: opSet, set: p.class()}, true
	case '\\':
		return p.escaped()
	case '.':
		p.at++
		if p.has(flagDot) {
			return &node{op: opSet, set: anyByte}, true
		}
		return &node{op: opSet, set: noNewline}, true
	case '^':
		p.at++
		switch {
		case !p.has(flagLines):
			return p.assertion(beginText)
		case p.syntax == AWS:
			return p.assertion(beginLinePCRE)
		}
		return p.assertion(beginLine)
	case '$':
		p.at++
		switch {
		case p.has(flagLines):
			return p.assertion(endLine)
		case p.syntax == AWS:
			return p.assertion(endTextOrLast)
		}
		return p.assertion(endText)
	case '*', '+', '?':
		p.fail(Malformed, p.at, "nothing to repeat")
	}
	at := p.at
	if p.peek() == '{' {
		if _, _, ok := p.quantifier(); ok {
			p.fail(Malformed, at, "nothing to repeat")
		}
	}
	p.at = at + 1
	return p.one(p.text[at]), true
}

// assertion is repeatable in RE2's syntax, where it means little, and not in PCRE's.
func (p *parser) assertion(a assertion) (*node, bool) {
	return &node{op: opAssert, assert: a}, p.syntax == SecLang
}

// one matches one byte, in both cases if the flag i says so.
func (p *parser) one(b byte) *node {
	return p.folded(oneByte(b))
}

func (p *parser) folded(set byteSet) *node {
	if p.has(flagFold) {
		set = set.folded()
	}
	return &node{op: opSet, set: set}
}

// group reads what a parenthesis opens.
func (p *parser) group() (*node, bool) {
	start := p.at
	p.at++
	if p.peek() == '*' && p.more() {
		p.fail(Verb, start, "a verb, or a group with a name of letters")
	}
	if !p.skip("?") {
		return p.capture(start), true
	}
	switch {
	case p.skip("#"):
		end := strings.IndexByte(p.text[p.at:], ')')
		if end < 0 {
			p.fail(Malformed, start, "a comment that does not end")
		}
		p.at += end + 1
		return nil, false
	case p.skip("="):
		return p.look(start, false, false)
	case p.skip("!"):
		return p.look(start, false, true)
	case p.skip("<="):
		return p.look(start, true, false)
	case p.skip("<!"):
		return p.look(start, true, true)
	case p.skip(">"):
		p.fail(AtomicGroup, start, "an atomic group")
	case p.skip("|"):
		p.fail(Unsupported, start, "a branch reset group")
	case p.skip("("):
		p.fail(Conditional, start, "a conditional group")
	case p.skip("C"):
		p.fail(Callout, start, "a callout")
	case p.skip("R"), p.skip("&"), p.skip("P>"), p.skip("+"):
		p.fail(Subroutine, start, "a subroutine reference or recursion")
	case p.skip("P="):
		p.fail(BackReference, start, "a back reference")
	case p.skip("P<"), p.skip("<"):
		p.name(start, '>')
		return p.capture(start), true
	case p.skip("'"):
		p.name(start, '\'')
		return p.capture(start), true
	}
	if c := p.peek(); '0' <= c && c <= '9' || c == '-' && p.at+1 < len(p.text) && '0' <= p.text[p.at+1] && p.text[p.at+1] <= '9' {
		p.fail(Subroutine, start, "a subroutine reference or recursion")
	}
	return p.flagged(start)
}

// name reads a group's name, which only documents.
func (p *parser) name(start int, end byte) {
	from := p.at
	for p.more() && isWord(p.peek()) {
		p.at++
	}
	if n := p.at - from; n == 0 || n > 128 || digitBytes.has(p.text[from]) || p.peek() != end || !p.more() {
		p.fail(Malformed, start, "a group's name has 1 to 128 letters, digits and underscores, and begins with no digit")
	}
	p.at++
}

// inner reads the inside of a group and its closing parenthesis. Flags set inside end there.
func (p *parser) inner(start int) *node {
	before := p.flags
	n := p.alternatives()
	if !p.skip(")") {
		p.fail(Malformed, start, "a group that does not end")
	}
	p.flags = before
	return n
}

func (p *parser) capture(start int) *node {
	p.groups++
	index := p.groups
	return &node{op: opCapture, index: index, subs: []*node{p.inner(start)}}
}

func (p *parser) look(start int, behind, negated bool) (*node, bool) {
	sub := p.inner(start)
	if behind && !fixedWidth(sub) {
		p.fail(VariableLookbehind, start, "a look-behind's alternatives must each have a fixed length")
	}
	return &node{op: opLook, subs: []*node{sub}, behind: behind, negated: negated}, true
}

// fixedWidth tells whether each alternative at the top has one length, which is what PCRE
// demands of a look-behind.
func fixedWidth(n *node) bool {
	if n.op == opAlternate {
		for _, s := range n.subs {
			if !fixedWidth(s) {
				return false
			}
		}
		return true
	}
	least, greatest := n.widths()
	return least == greatest
}

// flagged reads flags, and a group if a colon follows them.
func (p *parser) flagged(start int) (*node, bool) {
	before, on := p.flags, true
	for p.more() {
		c := p.peek()
		p.at++
		if i := strings.IndexByte("ismxU", c); i >= 0 {
			if on {
				p.flags |= 1 << i
			} else {
				p.flags &^= 1 << i
			}
			continue
		}
		switch {
		case c == '-' && on:
			on = false
			continue
		case c == ':':
			n := p.inner(start)
			p.flags = before
			return n, true
		case c == ')':
			return nil, false
		case c == 'J':
			p.fail(Unsupported, start, "duplicate names of groups")
		}
		break
	}
	p.fail(Malformed, start, "an unknown kind of group")
	return nil, false
}

// number reads digits of a base up to a bound in number.
func (p *parser) number(base, most int) (n, digits int) {
	for digits < most && p.more() {
		d, err := strconv.ParseUint(p.text[p.at:p.at+1], base, 8)
		if err != nil {
			break
		}
		n = min(n*base+int(d), 1<<20)
		p.at++
		digits++
	}
	return n, digits
}

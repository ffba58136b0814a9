package seclang

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
)

// operator decides whether a value is what a rule looks for.
type operator struct {
	kind    operatorKind
	negate  bool
	pattern int32  // in the set, of byPattern
	operand *macro // of those that compare with a text that is not constant
	text    []byte // constant
	number  int    // the text as a number
	nets    []netip.Prefix
	// whole tells that the expression matches every value whole.
	whole bool
}

type operatorKind uint8

const (
	byPattern operatorKind = iota
	always
	never
	equal
	greaterOrEqual
	greater
	lessOrEqual
	less
	within
	textEqual
	textContains
	textBegins
	textEnds
	sqlInjection
	scripting
	badURLEncoding
	badUTF8
	inNetwork
)

// compares are the operators that take a text, in which variables may stand.
var compares = map[string]operatorKind{
	"eq": equal, "ge": greaterOrEqual, "gt": greater, "le": lessOrEqual, "lt": less, "within": within,
	"streq": textEqual, "contains": textContains, "beginswith": textBegins, "endswith": textEnds,
}

// operator compiles an operator. Those that are expressions, phrases or constant texts become
// patterns of the one set.
func (c *compiler) operator(spec *operatorSpec) (operator, error) {
	o := operator{negate: spec.negate}
	if kind, ok := compares[spec.name]; ok {
		m, err := parseMacro(spec.argument)
		if err != nil {
			return o, err
		}
		m = c.known.fold(m)
		o.kind = kind
		text, constant := m.constant()
		if !constant {
			o.operand = m
			return o, nil
		}
		if c.listing {
			return o, nil
		}
		o.text = []byte(text)
		o.number = atoi(o.text)
		switch kind {
		case textEqual:
			return c.asPattern(o, pattern.Pattern{Kind: pattern.Exact, Text: text}), nil
		case textContains:
			return c.asPattern(o, pattern.Pattern{Kind: pattern.Contains, Text: text}), nil
		case textBegins:
			return c.asPattern(o, pattern.Pattern{Kind: pattern.Prefix, Text: text}), nil
		case textEnds:
			return c.asPattern(o, pattern.Pattern{Kind: pattern.Suffix, Text: text}), nil
		}
		return o, nil
	}
	if c.listing {
		return o, nil
	}
	switch spec.name {
	case "rx":
		if m, err := parseMacro(spec.argument); err == nil {
			if _, constant := m.constant(); !constant {
				return o, fmt.Errorf("@rx with variables in the expression")
			}
		}
		o.whole = spec.argument == "^.*$" || spec.argument == ".*"
		return c.asPattern(o, pattern.Pattern{Kind: pattern.Regexp, Text: spec.argument, Syntax: pattern.SecLang}), nil
	case "pm":
		return c.phrases(o, strings.Fields(spec.argument))
	case "pmfromfile", "pmf":
		var list []string
		for _, name := range strings.Fields(spec.argument) {
			if c.options.ReadFile == nil {
				return o, fmt.Errorf("@%s: there are no files to read", spec.name)
			}
			data, err := c.options.ReadFile(name)
			if err != nil {
				return o, fmt.Errorf("@%s: %w", spec.name, err)
			}
			for line := range strings.Lines(string(data)) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					list = append(list, line)
				}
			}
		}
		return c.phrases(o, list)
	case "validatebyterange":
		return c.byteRange(o, spec.argument)
	case "validateurlencoding":
		o.kind = badURLEncoding
	case "validateutf8encoding":
		o.kind = badUTF8
	case "detectsqli":
		o.kind = sqlInjection
	case "detectxss":
		o.kind = scripting
	case "unconditionalmatch":
		o.kind = always
	case "nomatch":
		o.kind = never
	case "ipmatch":
		o.kind = inNetwork
		for _, s := range strings.Split(spec.argument, ",") {
			s = strings.TrimSpace(s)
			p, err := netip.ParsePrefix(s)
			if err != nil {
				a, err := netip.ParseAddr(s)
				if err != nil {
					return o, fmt.Errorf("@ipMatch: %q is neither an address nor a network", s)
				}
				p = netip.PrefixFrom(a, a.BitLen())
			}
			o.nets = append(o.nets, p.Masked())
		}
	default:
		return o, fmt.Errorf("the operator @%s is not supported", spec.name)
	}
	return o, nil
}

// asPattern makes an operator one that looks for a pattern.
func (c *compiler) asPattern(o operator, p pattern.Pattern) operator {
	o.kind, o.pattern = byPattern, c.intern(p)
	return o
}

// phrases is an operator that looks for one of a list.
func (c *compiler) phrases(o operator, list []string) (operator, error) {
	if len(list) == 0 {
		return o, fmt.Errorf("no phrases to look for")
	}
	return c.asPattern(o, pattern.Pattern{Kind: pattern.ContainsAny, Texts: list, Fold: true}), nil
}

// byteRange is an operator that looks for a byte outside of ranges: "9,10,32-126".
func (c *compiler) byteRange(o operator, list string) (operator, error) {
	var valid [256]bool
	for _, part := range strings.Split(list, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		a, err := strconv.ParseUint(from, 10, 8)
		b, err2 := strconv.ParseUint(to, 10, 8)
		if err != nil || err2 != nil || a > b {
			return o, fmt.Errorf("@validateByteRange: %q is no range of bytes", part)
		}
		for ; a <= b; a++ {
			valid[a] = true
		}
	}
	var others []byte
	for b := range 256 {
		if !valid[b] {
			others = append(others, byte(b))
		}
	}
	switch len(others) {
	case 0:
		o.kind = never
		return o, nil
	case 1:
		return c.asPattern(o, pattern.Pattern{Kind: pattern.Contains, Text: string(others)}), nil
	}
	var class strings.Builder
	for _, b := range others {
		fmt.Fprintf(&class, `\x%02x`, b)
	}
	return c.asPattern(o, pattern.Pattern{Kind: pattern.Regexp, Text: "[" + class.String() + "]", Syntax: pattern.SecLang}), nil
}

// constant tells whether the operator needs nothing but the value.
func (o *operator) constant() bool { return o.operand == nil }

// holds tells whether the operator, negation included, holds for a value.
func (s *Scratch) holds(o *operator, value []byte) bool {
	text, number := o.text, o.number
	if o.operand != nil {
		if o.kind <= less {
			number = s.operandNumber(o)
		} else {
			text = s.expand(o.operand)
		}
	}
	var yes bool
	switch o.kind {
	case byPattern:
		yes = s.matches(o.pattern, value)
	case always:
		yes = true
	case equal, greaterOrEqual, greater, lessOrEqual, less:
		yes = o.compare(atoi(value), number)
	case within:
		yes = bytes.Contains(text, value)
	case textEqual:
		yes = bytes.Equal(value, text)
	case textContains:
		yes = bytes.Contains(value, text)
	case textBegins:
		yes = bytes.HasPrefix(value, text)
	case textEnds:
		yes = bytes.HasSuffix(value, text)
	case sqlInjection:
		yes = s.injected(value, func(b *inject.Budget) inject.Verdict { return inject.SQL(value, inject.Low, b) })
	case scripting:
		yes = s.injected(value, func(b *inject.Budget) inject.Verdict { return inject.XSS(value, b) })
	case badURLEncoding:
		yes = hasBadEscape(value)
	case badUTF8:
		yes = !utf8.Valid(value)
	case inNetwork:
		yes = s.inNetwork(o.nets, value)
	}
	return yes != o.negate
}

// compare compares numbers.
func (o *operator) compare(a, b int) bool {
	switch o.kind {
	case equal:
		return a == b
	case greaterOrEqual:
		return a >= b
	case greater:
		return a > b
	case lessOrEqual:
		return a <= b
	}
	return a < b
}

// operandNumber is the number that a value is compared with.
func (s *Scratch) operandNumber(o *operator) int {
	if o.operand == nil {
		return o.number
	}
	if p := o.operand.pieces; len(p) == 1 && p[0].variable != nil && p[0].variable.kind == ofTX {
		if v := &s.tx[p[0].slot]; v.state != notSet {
			return v.asNumber()
		}
	}
	return atoi(s.expand(o.operand))
}

// callSteps is what it costs to ask libinjection, whatever the value.
const callSteps = 300

// injected tells whether a value is an injection to libinjection, which may do as much as there are steps for.
func (s *Scratch) injected(value []byte, ask func(*inject.Budget) inject.Verdict) bool {
	left := s.matcher.Left()
	if left == 0 {
		s.exhausted = true
		return false // nothing more is looked at
	}
	budget := min(s.budget, inject.Budget(min(left, 1<<40)))
	before := budget
	v := ask(&budget)
	spent := before - budget
	s.budget -= spent
	s.matcher.Spend(callSteps + len(value)/2 + int(spent))
	s.exhausted = s.exhausted || v == inject.Exhausted
	return v != inject.Clean
}

// inNetwork tells whether the client's address is in one of some networks. Values that are not
// the client's address are parsed.
func (s *Scratch) inNetwork(nets []netip.Prefix, value []byte) bool {
	a, err := netip.ParseAddr(string(value))
	if err != nil {
		return false
	}
	a = a.Unmap()
	for _, n := range nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// matches tells whether one pattern matches.
func (s *Scratch) matches(id int32, value []byte) bool {
	s.one.Reset()
	s.one.Set(int(id))
	s.oneGot.Reset()
	s.p.set.Match(value, s.one, s.oneGot, s.matcher)
	return s.oneGot.Any()
}

func hasBadEscape(value []byte) bool {
	for i := 0; i < len(value); i++ {
		if value[i] != '%' {
			continue
		}
		if i+2 >= len(value) || !isHex(value[i+1]) || !isHex(value[i+2]) {
			return true
		}
		i += 2
	}
	return false
}

func isHex(c byte) bool { return c-'0' < 10 || c|0x20-'a' < 6 }

// atoi is a decimal number, 0 if it is none, as of variables that hold no number. What is too large
// is the largest number.
func atoi(b []byte) int {
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		i = 1
	}
	n := 0
	if i == len(b) {
		return 0
	}
	for ; i < len(b); i++ {
		if b[i]-'0' > 9 {
			return 0
		}
		if n > 1<<50 {
			n = 1 << 50
		}
		n = n*10 + int(b[i]-'0')
	}
	if negative {
		return -n
	}
	return n
}

package logpattern

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// operator of a comparison.
type operator string

// operators in the order in which they are tried.
var operators = []operator{"!=", ">=", "<=", "=", ">", "<"}

func (p *parser) operator() (operator, bool) {
	for _, o := range operators {
		if p.take(string(o)) {
			return o, true
		}
	}
	return "", false
}

// value is what something is compared with.
type value struct {
	text    string
	number  float64
	numeric bool // text is a number
	quoted  bool // and was written as a string
	// isNumber tells that text is a number, in quotes or not.
	isNumber bool
	// parts are what is between the asterisks of a text that has some.
	parts []string
	regex *regexp.Regexp
}

// value reads a value. stop are the bytes that end one without quotes, besides space.
func (p *parser) value(stop string) (v value, err error) {
	switch p.peek() {
	case '"':
		if v.text, err = p.quoted(); err != nil {
			return v, err
		}
		v.quoted = true
	case '%':
		v.regex, err = p.regex()
		return v, err
	default:
		start := p.at
		for p.at < len(p.text) && !isSpace(p.text[p.at]) && !strings.ContainsRune(stop, rune(p.text[p.at])) {
			p.at++
		}
		if v.text = p.text[start:p.at]; v.text == "" {
			return v, bad("a value is missing")
		}
	}
	if n, err := strconv.ParseFloat(v.text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
		v.number, v.numeric, v.isNumber = n, !v.quoted, true
	}
	if strings.Contains(v.text, "*") {
		v.parts = strings.Split(v.text, "*")
	}
	return v, nil
}

// regex reads an expression between percent signs.
func (p *parser) regex() (*regexp.Regexp, error) {
	p.at++
	end := strings.IndexByte(p.text[p.at:], '%')
	if end < 0 {
		return nil, bad("a regular expression does not end")
	}
	text := p.text[p.at : p.at+end]
	p.at += end + 1
	if p.regexes++; p.regexes > MaxRegexes {
		return nil, bad("there are more than %d regular expressions", MaxRegexes)
	}
	r, err := regexp.Compile(text)
	if err != nil || text == "" {
		return nil, bad("a regular expression is not valid")
	}
	return r, nil
}

// comparison is an operator with a value.
type comparison struct {
	op operator
	value
}

func (p *parser) comparison(stop string) (c comparison, ok bool, err error) {
	if c.op, ok = p.operator(); !ok {
		return c, false, nil
	}
	p.space()
	if c.value, err = p.value(stop); err != nil {
		return c, false, err
	}
	if c.op != "=" && c.op != "!=" && !c.numeric {
		return c, false, bad("%s needs a number", c.op)
	}
	return c, true, nil
}

// text compares a string.
func (c *comparison) matchText(text string) bool {
	switch c.op {
	case "=":
		return c.equal(text)
	case "!=":
		return !c.equal(text)
	}
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && c.matchNumber(n)
}

// matchNumber compares a number.
func (c *comparison) matchNumber(n float64) bool {
	if !c.numeric {
		return false
	}
	switch c.op {
	case "=":
		return n == c.number
	case "!=":
		return n != c.number
	case ">":
		return n > c.number
	case ">=":
		return n >= c.number
	case "<":
		return n < c.number
	case "<=":
		return n <= c.number
	}
	return false
}

// equal tells whether a string is the value, whose asterisks stand for anything.
func (v *value) equal(text string) bool {
	switch {
	case v.regex != nil:
		return v.regex.MatchString(text)
	case v.parts == nil:
		return text == v.text
	}
	first, last := v.parts[0], v.parts[len(v.parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range v.parts[1 : len(v.parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

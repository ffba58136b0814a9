package logpattern

import (
	"regexp"
	"strings"
)

// terms is a pattern of words.
type terms struct {
	include, exclude, optional []term
}

type term struct {
	text  string
	regex *regexp.Regexp
}

func (t *term) in(message string) bool {
	if t.regex != nil {
		return t.regex.MatchString(message)
	}
	return strings.Contains(message, t.text)
}

func (t *terms) match(message string, _ map[string]string) bool {
	for i := range t.exclude {
		if t.exclude[i].in(message) {
			return false
		}
	}
	for i := range t.include {
		if !t.include[i].in(message) {
			return false
		}
	}
	// Beside terms that must be there, optional ones say nothing.
	if len(t.include) > 0 || len(t.optional) == 0 {
		return true
	}
	for i := range t.optional {
		if t.optional[i].in(message) {
			return true
		}
	}
	return false
}

func (p *parser) terms() (matcher, error) {
	t := new(terms)
	for {
		p.space()
		if p.at == len(p.text) {
			return t, nil
		}
		into := &t.include
		switch {
		case p.take("-"):
			into = &t.exclude
		case p.take("?"):
			into = &t.optional
		}
		x, err := p.term()
		if err != nil {
			return nil, err
		}
		*into = append(*into, x)
	}
}

func (p *parser) term() (t term, err error) {
	switch p.peek() {
	case '"':
		t.text, err = p.quoted()
		return t, err
	case '%':
		t.regex, err = p.regex()
		return t, err
	}
	start := p.at
	for p.at < len(p.text) && !isSpace(p.text[p.at]) {
		p.at++
	}
	t.text = p.text[start:p.at]
	if t.text == "" {
		return t, bad("a term is missing")
	}
	for i := range len(t.text) {
		// "Terms that contain characters other than alphanumeric or underscore must be in double
		// quotation marks."
		if !isWord(t.text[i]) {
			return t, bad("Invalid character(s) in term '%s'", t.text)
		}
	}
	return t, nil
}

package account

import (
	"errors"
	"fmt"
	"strings"

	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// Config says what a Watcher looks at.
type Config struct {
	// Create has it watch the creation of accounts, otherwise logins.
	Create bool
	// Path is that of logins or creations, Page that of the page for creations. Regex has them be
	// regular expressions, otherwise they are what paths begin with.
	Path, Page string
	Regex      bool
	// Fields, if set, is where the credentials are in a request.
	Fields *Fields
	// Answers, if set, tells how answers say what became of a login or a creation.
	Answers *Answers
}

// Fields are where credentials are in a body: names of a form, or JSON pointers (RFC 6901). Each may
// be empty.
type Fields struct {
	JSON                      bool
	Username, Password, Email string
	Phone, Address            []string
}

// Answers tells successes from failures. Exactly one of its parts is set.
type Answers struct {
	Status *StatusAnswers
	Header *ValueAnswers // of the field Name
	Body   *ValueAnswers // strings that the body has anywhere
	JSON   *ValueAnswers // of the value at the JSON pointer Name
}

// StatusAnswers are statuses.
type StatusAnswers struct{ Success, Failure []int }

// ValueAnswers are values. Their case counts.
type ValueAnswers struct {
	Name             string
	Success, Failure []string
}

// path is a path that is looked for.
type path struct {
	prefix []byte
	set    *pattern.Set // of one regular expression
}

func compilePath(text string, regex bool) (p path, err error) {
	if text == "" {
		return p, errors.New("account: a path is empty")
	}
	if !regex {
		p.prefix = []byte(text)
		return p, nil
	}
	p.set, err = pattern.Compile([]pattern.Pattern{{Kind: pattern.Regexp, Text: text}}, pattern.Options{})
	if err != nil {
		return p, fmt.Errorf("account: %w", err)
	}
	return p, nil
}

// plain is how a server sees a path.
var plain = transform.Chain{transform.URLDecode, transform.NormalizePath}

// matches tells whether the request is for the path: as it is, or without escapes and dots.
func (p *path) matches(r *request.Request) bool {
	if p.prefix == nil && p.set == nil {
		return false
	}
	raw := []byte(r.Path())
	if p.is(raw) {
		return true
	}
	if !strings.ContainsAny(r.Path(), "%./") {
		return false
	}
	_, decoded := plain.Append(nil, raw)
	return p.is(decoded)
}

func (p *path) is(b []byte) bool {
	if p.set != nil {
		_, _, ok := p.set.Find(0, b)
		return ok
	}
	return len(b) >= len(p.prefix) && string(b[:len(p.prefix)]) == string(p.prefix)
}

// field reads one field of a body.
type field struct {
	selector *request.Selector
	name     string // of a form
}

func compileField(f *Fields, identifier string) (*field, error) {
	if identifier == "" {
		return nil, nil
	}
	c := request.Component{Kind: request.BodyArguments}
	x := &field{name: identifier}
	if f.JSON {
		if identifier[0] != '/' {
			identifier = "/" + identifier
		}
		c = request.Component{Kind: request.JSONBody, Included: []string{identifier}, Scope: request.ScopeValue}
		x.name = ""
	}
	var err error
	x.selector, err = request.Compile(c)
	return x, err
}

// value is the last value of the field, which is what most parsers give; empty if there is none.
func (f *field) value(memory []request.Value, in *request.Inspection) (value []byte, kept []request.Value) {
	if f == nil {
		return nil, memory
	}
	list, _ := f.selector.Append(memory[:0], in)
	for i := range list {
		if f.name == "" || string(list[i].Name) == f.name {
			value = list[i].Bytes
		}
	}
	return value, list
}

package logpattern

import (
	"strconv"
	"strings"
)

// fields is a pattern of fields that spaces separate.
type fields struct {
	list []field
	// rest is the place of the ellipsis, -1 without one.
	rest int
}

// field is one of them: any of the alternatives, each of whose comparisons must hold.
type field struct {
	name  string
	tests [][]comparison
}

func (f *field) holds(text string) bool {
	if len(f.tests) == 0 {
		return true
	}
	for _, all := range f.tests {
		ok := true
		for i := range all {
			ok = ok && all[i].matchText(text)
		}
		if ok {
			return true
		}
	}
	return false
}

// maxFields bounds the fields of a message that are told apart.
const maxFields = 4096

func (f *fields) match(message string, extract map[string]string) bool {
	parts := split(message)
	if f.rest < 0 && len(parts) != len(f.list) || len(parts) < len(f.list) {
		return false
	}
	shift := len(parts) - len(f.list)
	for i := range f.list {
		at := i
		if f.rest >= 0 && i >= f.rest {
			at += shift
		}
		if !f.list[i].holds(parts[at]) {
			return false
		}
	}
	if extract == nil {
		return true
	}
	for at, text := range parts {
		name := strconv.Itoa(at + 1)
		i := at
		if f.rest >= 0 && at >= f.rest {
			if i = at - shift; i < f.rest {
				i = -1
			}
		}
		if i >= 0 && i < len(f.list) && f.list[i].name != "" {
			name = f.list[i].name
		}
		extract["$"+name] = text
	}
	return true
}

// split cuts a message at spaces; what is in brackets or double quotes is one field.
func split(message string) (parts []string) {
	for at := 0; at < len(message) && len(parts) < maxFields; {
		if isSpace(message[at]) {
			at++
			continue
		}
		end := byte(0)
		switch message[at] {
		case '"':
			end = '"'
		case '[':
			end = ']'
		}
		if end != 0 {
			if n := strings.IndexByte(message[at+1:], end); n >= 0 {
				parts = append(parts, message[at+1:at+1+n])
				at += n + 2
				continue
			}
		}
		n := strings.IndexAny(message[at:], " \t\r\n")
		if n < 0 {
			n = len(message) - at
		}
		parts = append(parts, message[at:at+n])
		at += n
	}
	return parts
}

func (p *parser) fields() (matcher, error) {
	p.space()
	p.at++ // the bracket
	f := &fields{rest: -1}
	for {
		p.space()
		if p.take("...") {
			if f.rest >= 0 {
				return nil, bad("there are two ellipses")
			}
			f.rest = len(f.list)
		} else {
			x, err := p.field()
			if err != nil {
				return nil, err
			}
			f.list = append(f.list, x)
		}
		p.space()
		if p.take("]") {
			break
		}
		if !p.take(",") {
			return nil, bad("fields are separated by commas and end with a bracket")
		}
	}
	if p.space(); p.at != len(p.text) {
		return nil, bad("there is something behind the closing bracket")
	}
	return f, nil
}

// field reads a name with conditions: (w1 = ERROR || w1 = "%WARN%") && w1 != x, without nesting.
func (p *parser) field() (f field, err error) {
	var all []comparison
	for {
		p.space()
		open := p.take("(")
		p.space()
		start := p.at
		for p.at < len(p.text) && (isWord(p.text[p.at]) || p.text[p.at] == '-' || p.text[p.at] == '.') {
			p.at++
		}
		name := p.text[start:p.at]
		if f.name == "" {
			f.name = name
		} else if name != f.name {
			return f, bad("the conditions of a field are about the field %s", f.name)
		}
		p.space()
		c, ok, err := p.comparison(",])&|")
		if err != nil {
			return f, err
		}
		if ok && name == "" {
			return f, bad("a field with a condition needs a name")
		}
		if ok {
			all = append(all, c)
		}
		p.space()
		if open && !p.take(")") {
			return f, bad("a closing parenthesis is missing")
		}
		p.space()
		switch {
		case ok && p.take("&&"):
			continue
		case ok && p.take("||"):
			f.tests, all = append(f.tests, all), nil
			continue
		}
		if len(all) > 0 {
			f.tests = append(f.tests, all)
		}
		return f, nil
	}
}

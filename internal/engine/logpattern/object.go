package logpattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// object is a condition on a JSON object.
type object struct {
	root node
	// needed are strings that a message has in which the condition holds, unless it has escapes by
	// number: most messages are not taken apart.
	needed []string
	// wanted is what is taken apart of a message.
	wanted *wanted
}

// node is a part of the condition.
type node interface {
	holds(doc any, extract map[string]string) bool
}

type (
	both   []node
	either []node
	// property is a condition on what a selector finds.
	property struct {
		name string // as it was written
		path []step
		is   test
		comparison
	}
)

// test is what is asked of a property.
type test uint8

const (
	compares test = iota
	isNull
	isTrue
	isFalse
	exists
	notExists
)

// step leads from a value to one inside: a member, an element, or all elements.
type step struct {
	key   string
	index int // -1 for a member, -2 for all elements
}

const (
	member   = -1
	allItems = -2
)

func (o *object) match(message string, extract map[string]string) bool {
	// Most of what is not JSON is seen at once.
	trimmed := strings.TrimLeft(message, " \t\r\n")
	if trimmed == "" || trimmed[0] != '{' {
		return false
	}
	if len(o.needed) > 0 && !strings.Contains(trimmed, `\u`) {
		for _, text := range o.needed {
			if !strings.Contains(trimmed, text) {
				return false
			}
		}
	}
	doc, err := o.wanted.read([]byte(trimmed))
	return err == nil && o.root.holds(doc, extract)
}

// wanted is what a condition is about of a value: members of it, or (nil) all of it.
type wanted struct{ members map[string]*wanted }

// add wants what a path leads to. An object of which a member and the whole are wanted is wanted whole.
func (w *wanted) add(path []step) {
	if w.members == nil {
		return
	}
	if len(path) == 0 || path[0].index != member {
		w.members = nil
		return
	}
	next := w.members[path[0].key]
	if next == nil {
		next = &wanted{make(map[string]*wanted)}
		w.members[path[0].key] = next
	}
	next.add(path[1:])
}

// read takes a value apart. Of what is no object there are no members, but it is there.
func (w *wanted) read(text []byte) (v any, err error) {
	if w.members == nil || len(text) == 0 || text[0] != '{' {
		return v, json.Unmarshal(text, &v)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	some := make(map[string]any, len(w.members))
	for name, inner := range w.members {
		raw, ok := all[name]
		if !ok {
			continue
		}
		if some[name], err = inner.read(raw); err != nil {
			return nil, err
		}
	}
	return some, nil
}

// want adds what a condition is about.
func (w *wanted) want(n node) {
	switch n := n.(type) {
	case both:
		for _, inner := range n {
			w.want(inner)
		}
	case either:
		for _, inner := range n {
			w.want(inner)
		}
	case *property:
		w.add(n.path)
	default:
		w.members = nil
	}
}

func (b both) holds(doc any, extract map[string]string) bool {
	for _, n := range b {
		if !n.holds(doc, extract) {
			return false
		}
	}
	return true
}

func (e either) holds(doc any, extract map[string]string) bool {
	for _, n := range e {
		if n.holds(doc, extract) {
			return true
		}
	}
	return false
}

func (p *property) holds(doc any, extract map[string]string) bool {
	found := false
	ok := walk(doc, p.path, func(v any) bool {
		found = true
		switch p.is {
		case exists:
			return true
		case notExists:
			return false
		case isNull:
			return v == nil
		case isTrue:
			return v == true
		case isFalse:
			return v == false
		}
		return p.compare(v)
	})
	ok = ok || p.is == notExists && !found
	if ok && extract != nil {
		_ = walk(doc, p.path, func(v any) bool {
			extract[p.name] = show(v)
			return true
		})
	}
	return ok
}

func (p *property) compare(v any) bool {
	switch v := v.(type) {
	case string:
		return p.matchText(v)
	case float64:
		if p.numeric {
			return p.matchNumber(v)
		}
		return p.matchText(strconv.FormatFloat(v, 'f', -1, 64))
	case bool:
		return p.matchText(strconv.FormatBool(v))
	}
	return false // objects, lists and null are equal to nothing
}

// show is how a value is extracted.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return "null"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// walk calls f with everything that a path leads to, until it returns true.
func walk(v any, path []step, f func(any) bool) bool {
	if len(path) == 0 {
		return f(v)
	}
	s, rest := path[0], path[1:]
	switch s.index {
	case member:
		if m, ok := v.(map[string]any); ok {
			if inner, ok := m[s.key]; ok {
				return walk(inner, rest, f)
			}
		}
	case allItems:
		list, _ := v.([]any)
		for _, inner := range list {
			if walk(inner, rest, f) {
				return true
			}
		}
	default:
		if list, ok := v.([]any); ok && s.index < len(list) {
			return walk(list[s.index], rest, f)
		}
	}
	return false
}

func (p *parser) object() (matcher, error) {
	p.space()
	p.at++ // the brace
	n, err := p.alternatives(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.take("}") {
		return nil, bad("a closing brace is missing")
	}
	if p.space(); p.at != len(p.text) {
		return nil, bad("there is something behind the closing brace")
	}
	o := &object{n, needed(n), &wanted{make(map[string]*wanted)}}
	o.wanted.want(n)
	return o, nil
}

// needed are strings without which a condition cannot hold: those that properties must be equal to and
// that JSON does not write in another way than by number.
func needed(n node) (all []string) {
	switch n := n.(type) {
	case both:
		for _, inner := range n {
			all = append(all, needed(inner)...)
		}
	case *property:
		if n.is == compares && n.op == "=" && n.regex == nil && n.parts == nil && !n.isNumber && plain(n.text) {
			all = append(all, n.text)
		}
	}
	return all
}

// plain tells whether JSON writes a string as it is, or by number.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isWord(c) && c != '-' && c != '.' && c != ':' && c != ' ' || c >= 0x80 {
			return false
		}
	}
	return text != ""
}

func (p *parser) alternatives(depth int) (node, error) {
	if depth > maxDepth {
		return nil, bad("parentheses are nested too deep")
	}
	var all either
	for {
		n, err := p.conjunction(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
		if p.space(); !p.take("||") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *parser) conjunction(depth int) (node, error) {
	var all both
	for {
		n, err := p.condition(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
		if p.space(); !p.take("&&") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *parser) condition(depth int) (node, error) {
	p.space()
	if p.take("(") {
		n, err := p.alternatives(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(")") {
			return nil, bad("a closing parenthesis is missing")
		}
		return n, nil
	}
	x := new(property)
	var err error
	if x.name, x.path, err = p.selector(); err != nil {
		return nil, err
	}
	p.space()
	switch {
	case p.word("IS"):
		p.space()
		switch {
		case p.word("NULL"):
			x.is = isNull
		case p.word("TRUE"):
			x.is = isTrue
		case p.word("FALSE"):
			x.is = isFalse
		default:
			return nil, bad("IS is followed by NULL, TRUE or FALSE")
		}
	case p.word("NOT"):
		p.space()
		if !p.word("EXISTS") {
			return nil, bad("NOT is followed by EXISTS")
		}
		x.is = notExists
	case p.word("EXISTS"):
		x.is = exists
	default:
		c, ok, err := p.comparison(")}&|")
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, bad("a comparison is missing behind %s", x.name)
		}
		x.comparison = c
	}
	return x, nil
}

// selector reads $.a.b[0]["c d"].e[*].
func (p *parser) selector() (name string, path []step, err error) {
	start := p.at
	if !p.take("$") {
		return "", nil, bad("a property begins with $")
	}
	for {
		switch {
		case p.take("."):
			from := p.at
			for p.at < len(p.text) && (isWord(p.text[p.at]) || strings.IndexByte("-@/:", p.text[p.at]) >= 0) {
				p.at++
			}
			if p.at == from {
				return "", nil, bad("the name of a property is missing")
			}
			path = append(path, step{p.text[from:p.at], member})
		case p.take("["):
			s, err := p.element()
			if err != nil {
				return "", nil, err
			}
			path = append(path, s)
		default:
			if len(path) == 0 {
				return "", nil, bad("the name of a property is missing")
			}
			return p.text[start:p.at], path, nil
		}
	}
}

// element reads what is in brackets, and the closing one.
func (p *parser) element() (s step, err error) {
	p.space()
	switch {
	case p.take("*"):
		s.index = allItems
	case p.peek() == '"':
		s.index = member
		if s.key, err = p.quoted(); err != nil {
			return s, err
		}
	case p.take("'"):
		end := strings.IndexByte(p.text[p.at:], '\'')
		if end < 0 {
			return s, bad("a string does not end")
		}
		s = step{p.text[p.at : p.at+end], member}
		p.at += end + 1
	default:
		from := p.at
		for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
			p.at++
		}
		n, err := strconv.ParseUint(p.text[from:p.at], 10, 31)
		if err != nil {
			return s, bad("an index is not a number")
		}
		s.index = int(n)
	}
	if p.space(); !p.take("]") {
		return s, bad("a closing bracket is missing")
	}
	return s, nil
}

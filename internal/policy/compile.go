package policy

import (
	"encoding/base64"
	"net/netip"
	"strings"
)

// Policy is a compiled document: immutable, safe for any number of goroutines.
type Policy struct {
	id         string
	doc        *Document
	statements []statement
	allow      *node // index of the Allow statements by action
	deny       *node // index of the Deny statements by action
}

// New parses and compiles a document. The id is the policy's ARN or name, as results
// and traces show it.
func New(kind Kind, id string, doc []byte) (*Policy, error) {
	d, err := Parse(kind, doc)
	if err != nil {
		return nil, err
	}
	return Compile(id, d), nil
}

// Compile indexes a parsed document. The document must not be changed afterwards.
func Compile(id string, d *Document) *Policy {
	p := &Policy{id: id, doc: d, allow: &node{}, deny: &node{}}
	p.statements = make([]statement, len(d.Statements))
	for i := range d.Statements {
		p.statements[i] = compileStatement(&d.Statements[i], d.Kind.grammar(), d.variables())
		index := p.allow
		if d.Statements[i].Effect == EffectDeny {
			index = p.deny
		}
		index.addStatement(int32(i), &p.statements[i])
	}
	return p
}

// ID is the ARN or name given to Compile.
func (p *Policy) ID() string { return p.id }

// Kind is the kind of the document.
func (p *Policy) Kind() Kind { return p.doc.Kind }

// Document is the parsed document. It must not be changed.
func (p *Policy) Document() *Document { return p.doc }

// statement is a compiled statement.
type statement struct {
	doc          *Statement
	principals   principalSet
	hasPrincipal bool
	actions      []pattern // lower case
	resources    []pattern
	anyResource  bool // Resource "*", or a kind without resources
	conditions   []condition
}

// condition is a compiled condition: one operator, one key, its values.
type condition struct {
	operator
	doc      *Condition
	key      string // lower case
	patterns []pattern
	numbers  []number
	dates    []int64
	prefixes []netip.Prefix
	texts    []string // Bool: as written; BinaryEquals: canonical base64
	absent   bool     // Null: true asks that the key be absent
	present  bool     // Null: false asks that it be present
}

// compileStatement does not rely on Parse: a hand-made statement without a principal
// or resource where its kind needs one names nobody and nothing.
func compileStatement(s *Statement, rules grammar, vars bool) statement {
	c := statement{doc: s}
	c.hasPrincipal = rules.principal == required || len(s.Principals) > 0
	c.anyResource = rules.resource != required && len(s.Resources) == 0
	if c.hasPrincipal {
		c.principals = compilePrincipals(s.Principals)
	}
	for _, a := range s.Actions {
		c.actions = append(c.actions, compilePattern(strings.ToLower(a), true, false))
	}
	for _, r := range s.Resources {
		p := compilePattern(r, true, vars)
		if p.parts == nil {
			p.exact = exactSegments(p.text)
			c.anyResource = c.anyResource || p.text == wildAnyS && !s.NotResource
		}
		c.resources = append(c.resources, p)
	}
	for i := range s.Conditions {
		c.conditions = append(c.conditions, compileCondition(&s.Conditions[i], vars))
	}
	return c
}

// compileCondition converts the values once. Parse has already refused values that
// do not convert; one that slipped through a hand-made Document matches nothing.
func compileCondition(d *Condition, vars bool) condition {
	op, _ := parseOperator(d.Operator)
	c := condition{operator: op, doc: d, key: strings.ToLower(d.Key)}
	for _, v := range d.Values {
		switch op.family {
		case stringEquals, stringEqualsFold:
			c.patterns = append(c.patterns, compilePattern(v, false, vars))
		case stringLike, arnLike:
			c.patterns = append(c.patterns, compilePattern(v, true, vars))
		case numeric:
			if n, ok := parseNumber(v); ok {
				c.numbers = append(c.numbers, n)
			}
		case date:
			if t, ok := parseDate(v); ok {
				c.dates = append(c.dates, t)
			}
		case ipAddress:
			if p, ok := parsePrefix(v); ok {
				c.prefixes = append(c.prefixes, p)
			}
		case boolean:
			c.texts = append(c.texts, v)
		case binary:
			if b, err := base64.StdEncoding.DecodeString(v); err == nil {
				c.texts = append(c.texts, base64.StdEncoding.EncodeToString(b))
			}
		case null:
			c.absent = c.absent || strings.EqualFold(v, "true")
			c.present = c.present || strings.EqualFold(v, "false")
		}
	}
	return c
}

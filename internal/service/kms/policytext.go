package kms

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// printedPolicy is a key policy as KMS shows it: in KMS's own layout, whoever wrote it and
// how. All answers of GetKeyPolicy that users quote have it, also of policies that they or the
// console had put (aws-cli issue 9456, with the body of the answer; former2's exports of keys
// with "Id" : "MacieKMSAccess" and "key-consolepolicy-3"); like the default key policy of the
// developer guide, they have the members of the document, and of its statements, in an order
// of their own. The order of values in a list, which changes from answer to answer there, is
// left as it is.
func printedPolicy(document string) (string, error) {
	var out policyPrinter
	if err := out.value([]byte(document), 0, []string{"Version", "Id", "Statement"}); err != nil {
		return "", err
	}
	return out.String(), nil
}

var statementOrder = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}

type policyPrinter struct{ bytes.Buffer }

// value prints a value that stands in an object indented so far; what is in a list is
// indented no further than the list. The members of objects come in an order, if they are
// in it, and behind those in the order they are in.
func (p *policyPrinter) value(v json.RawMessage, indent int, order []string) error {
	switch v = bytes.TrimSpace(v); v[0] {
	case '{':
		return p.object(v, indent+len("  "), order)
	case '[':
		return p.list(v, indent, order)
	}
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	scalar, err := d.Token()
	if err != nil {
		return err
	}
	return p.scalar(scalar)
}

func (p *policyPrinter) object(v json.RawMessage, indent int, order []string) error {
	members, err := policyMembers(v, order)
	if err != nil {
		return err
	}
	p.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			p.WriteByte(',')
		}
		p.newLine(indent)
		if err := p.scalar(m.name); err != nil {
			return err
		}
		p.WriteString(" : ")
		order = nil
		if m.name == "Statement" {
			order = statementOrder
		}
		if err := p.value(m.value, indent, order); err != nil {
			return err
		}
	}
	if len(members) > 0 {
		p.newLine(indent - len("  "))
	} else {
		p.WriteByte(' ')
	}
	return p.WriteByte('}')
}

func (p *policyPrinter) list(v json.RawMessage, indent int, order []string) error {
	var values []json.RawMessage
	if err := json.Unmarshal(v, &values); err != nil {
		return err
	}
	p.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			p.WriteByte(',')
		}
		p.WriteByte(' ')
		if err := p.value(v, indent, order); err != nil {
			return err
		}
	}
	_, err := p.WriteString(" ]")
	return err
}

func (p *policyPrinter) newLine(indent int) {
	p.WriteByte('\n')
	p.WriteString(strings.Repeat(" ", indent))
}

// scalar prints anything but objects and lists. JSON's own characters are escaped, those of
// HTML are not.
func (p *policyPrinter) scalar(v any) error {
	e := json.NewEncoder(p)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	p.Truncate(p.Len() - len("\n"))
	return nil
}

// policyMember is a member of an object in a policy.
type policyMember struct {
	name  string
	value json.RawMessage
}

func policyMembers(object json.RawMessage, order []string) (members []policyMember, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := policyMember{name: name.(string)} // a member's name, says JSON
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	rank := func(m policyMember) int {
		if i := slices.Index(order, m.name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(members, func(a, b policyMember) int { return rank(a) - rank(b) })
	return members, nil
}

package policy

import "strings"

// Parse reads and validates a policy document. The error is always an [*Error]
// whose message is the one AWS gives for that kind of policy where AWS documents or
// shows one.
func Parse(kind Kind, doc []byte) (*Document, error) {
	r := &reader{kind: kind, rules: kind.grammar(), loc: newLocator(doc)}
	if len(doc) > MaxDocumentBytes {
		return nil, faultf(FaultSize, Position{}, "Policy document exceeds the maximum size of %d bytes.", MaxDocumentBytes)
	}
	root, jerr := parseJSON(doc)
	if jerr != nil {
		r.notJSON(jerr)
		return nil, r.err
	}
	d := r.document(root)
	if r.err == nil {
		r.validate(d)
	}
	if r.err != nil {
		return nil, r.err
	}
	return d, nil
}

// reader turns JSON into a Document, keeping the first fault.
type reader struct {
	kind  Kind
	rules grammar
	loc   *locator
	err   *Error
}

func (r *reader) fail(f Fault, pos Position, format string, args ...any) {
	if r.err == nil {
		r.err = faultf(f, pos, format, args...)
	}
}

// syntax is the general fault: a value of the wrong type or an unknown word.
func (r *reader) syntax(offset int) {
	pos := r.loc.at(offset)
	if r.rules.older {
		r.fail(FaultSyntax, pos, "Syntax errors in policy.")
		return
	}
	r.fail(FaultSyntax, pos, "Syntax error at position (%d,%d)", pos.Line, pos.Column)
}

// notJSON is the fault of a text the JSON reader refuses.
func (r *reader) notJSON(j *jsonError) {
	if j.valid || r.rules.older {
		r.syntax(j.offset)
	} else {
		r.fail(FaultSyntax, r.loc.at(j.offset), "This policy contains invalid Json")
	}
	r.err.Detail = j.why
}

func (r *reader) unknown(m member) {
	if r.rules.older {
		r.syntax(m.start)
		return
	}
	r.fail(FaultSyntax, r.loc.at(m.start), "Unknown field %s", m.name)
}

func (r *reader) document(root value) *Document {
	d := &Document{Kind: r.kind}
	if root.shape != shapeObject {
		r.syntax(root.start)
		return d
	}
	statements := false
	for _, m := range root.members {
		switch m.name {
		case "Version":
			d.Version = r.str(m.value)
			if d.Version != Version2008 && d.Version != Version2012 {
				r.syntax(m.value.start)
			}
		case "Id":
			d.ID = r.str(m.value)
			if !r.rules.id {
				r.syntax(m.start)
			}
		case "Statement":
			statements = true
			r.statements(d, m.value)
		default:
			r.unknown(m)
		}
	}
	if !statements {
		if r.rules.older {
			r.syntax(root.start)
		} else {
			r.fail(FaultMissing, r.loc.at(root.start), "Missing required field Statement")
		}
	}
	return d
}

func (r *reader) statements(d *Document, v value) {
	list := v.items
	switch {
	case v.shape == shapeObject:
		list = []value{v}
	case v.shape != shapeArray || len(list) == 0:
		r.syntax(v.start)
		return
	}
	d.Statements = make([]Statement, 0, len(list))
	for _, item := range list {
		if r.err != nil {
			return
		}
		d.Statements = append(d.Statements, r.statement(item))
	}
}

func (r *reader) statement(v value) Statement {
	s := Statement{Pos: r.loc.at(v.start)}
	if v.shape != shapeObject {
		r.syntax(v.start)
		return s
	}
	var principal, action, resource bool // seen, under either name
	for _, m := range v.members {
		if r.err != nil {
			return s
		}
		var again bool
		switch m.name {
		case "Sid":
			s.Sid = r.str(m.value)
		case "Effect":
			s.Effect = r.effect(m.value)
		case "Principal", "NotPrincipal":
			again, principal = principal, true
			s.NotPrincipal = m.name == "NotPrincipal"
			r.principalField(&s, m)
		case "Action", "NotAction":
			again, action = action, true
			s.NotAction = m.name == "NotAction"
			s.Actions = r.strs(m.value)
		case "Resource", "NotResource":
			again, resource = resource, true
			s.NotResource = m.name == "NotResource"
			if r.rules.resource == prohibited {
				r.fail(FaultProhibited, r.loc.at(m.start), "Has prohibited field %s", m.name)
			}
			s.Resources = r.strs(m.value)
		case "Condition":
			s.Conditions = r.conditions(m.value)
		default:
			r.unknown(m)
		}
		if again { // an element together with its Not form
			r.syntax(m.start)
		}
	}
	if s.Effect == 0 {
		if r.rules.older {
			r.syntax(v.start)
		} else {
			r.fail(FaultMissing, s.Pos, "Missing required field Effect")
		}
	}
	if r.rules.principal == required && len(s.Principals) == 0 {
		r.fail(FaultMissing, s.Pos, "Missing required field Principal")
	}
	return s
}

func (r *reader) effect(v value) Effect {
	switch word := r.str(v); {
	case word == "Allow":
		return EffectAllow
	case word == "Deny":
		return EffectDeny
	case r.rules.older && (strings.EqualFold(word, "Allow") || strings.EqualFold(word, "Deny")):
		r.fail(FaultSyntax, r.loc.at(v.start), legacyParsing)
	default:
		r.syntax(v.start)
	}
	return 0
}

func (r *reader) str(v value) string {
	if v.shape != shapeString {
		r.syntax(v.start)
	}
	return v.text
}

// strs reads a string or a list of strings.
func (r *reader) strs(v value) []string {
	if v.shape != shapeArray {
		return []string{r.str(v)}
	}
	out := make([]string, 0, len(v.items))
	for _, item := range v.items {
		out = append(out, r.str(item))
	}
	return out
}

func (r *reader) principalField(s *Statement, m member) {
	switch {
	case r.rules.principal == prohibited && r.rules.older:
		r.fail(FaultProhibited, r.loc.at(m.start), "Policy document should not specify a principal.")
		return
	case r.rules.principal == prohibited, s.NotPrincipal && !r.rules.notPrincipal:
		r.fail(FaultProhibited, r.loc.at(m.start), "Has prohibited field %s", m.name)
		return
	}
	if m.value.shape == shapeString {
		if m.value.text != "*" {
			r.fail(FaultPrincipal, r.loc.at(m.value.start), "Invalid principal in policy: %q", m.value.text)
		}
		s.Principals = []PrincipalEntry{{Type: PrincipalAWS, Value: "*", Pos: r.loc.at(m.value.start)}}
		return
	}
	if m.value.shape != shapeObject {
		r.syntax(m.value.start)
		return
	}
	for _, t := range m.value.members {
		switch t.name {
		case PrincipalAWS, PrincipalService, PrincipalFederated, PrincipalCanonical:
		default:
			r.syntax(t.start)
			return
		}
		list := []value{t.value}
		if t.value.shape == shapeArray {
			list = t.value.items
		}
		for _, item := range list {
			e := PrincipalEntry{Type: t.name, Value: r.str(item), Pos: r.loc.at(item.start)}
			if r.err == nil && (!e.valid() || r.rules.everybodyOnly && !e.everybody()) {
				r.fail(FaultPrincipal, e.Pos, "Invalid principal in policy: \"%s\":\"%s\"", e.Type, e.Value)
			}
			s.Principals = append(s.Principals, e)
		}
	}
}

// conditions reads {"Operator": {"key": value or values}}. Numbers and booleans are
// taken as their text.
func (r *reader) conditions(v value) []Condition {
	if v.shape != shapeObject {
		r.syntax(v.start)
		return nil
	}
	var out []Condition
	for _, op := range v.members {
		if _, ok := parseOperator(op.name); !ok || op.value.shape != shapeObject {
			r.syntax(op.start)
			return nil
		}
		for _, key := range op.value.members {
			c := Condition{Operator: op.name, Key: key.name, Pos: r.loc.at(key.start)}
			list := []value{key.value}
			if key.value.shape == shapeArray {
				list = key.value.items
			}
			c.Values = make([]string, 0, len(list))
			for _, item := range list {
				switch item.shape {
				case shapeString, shapeNumber, shapeBool:
					c.Values = append(c.Values, item.text)
				default:
					r.syntax(item.start)
					return nil
				}
			}
			out = append(out, c)
		}
	}
	return out
}

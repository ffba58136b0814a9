package policy

import (
	"bytes"
	"encoding/json"
	"strings"
)

// StorePrincipals prepares a document to be stored: the ARNs of users, roles, role
// sessions and federated users in its Principal and NotPrincipal elements are
// replaced by unique ids, so that a user or role deleted and made again under the
// same name does not inherit what the old one was given. resolve gives the id of an
// ARN: AIDA… or AROA…, or AROA…:session for a session. An ARN of a user or role that
// it does not know is an [*Error] ("Invalid principal in policy"); an unknown session
// or federated user stays as it is. Everything else in the document, white space
// included, is kept. ("AWS JSON policy elements: Principal".)
func StorePrincipals(kind Kind, doc []byte, resolve func(arn string) (id string, ok bool)) ([]byte, error) {
	return rewritePrincipals(kind, doc, func(e PrincipalEntry) (string, error) {
		if e.Type != PrincipalAWS || !strings.HasPrefix(e.Value, "arn:") || strings.HasSuffix(e.Value, ":root") {
			return e.Value, nil
		}
		id, ok := resolve(e.Value)
		switch {
		case ok:
			return id, nil
		case strings.Contains(e.Value, ":sts:") || strings.Contains(e.Value, "::cloudfront:"):
			return e.Value, nil
		}
		return "", faultf(FaultPrincipal, e.Pos, "Invalid principal in policy: \"%s\":\"%s\"", e.Type, e.Value)
	})
}

// ShowPrincipals is the way back, for reading a stored document: ids that resolve
// knows become ARNs again, and ids of what has been deleted stay visible, as AWS
// shows them.
func ShowPrincipals(kind Kind, doc []byte, resolve func(id string) (arn string, ok bool)) ([]byte, error) {
	return rewritePrincipals(kind, doc, func(e PrincipalEntry) (string, error) {
		if e.Type == PrincipalAWS && uniqueID(e.Value) {
			if arn, ok := resolve(e.Value); ok {
				return arn, nil
			}
		}
		return e.Value, nil
	})
}

// rewritePrincipals replaces principal strings in place in the text.
func rewritePrincipals(kind Kind, doc []byte, replace func(PrincipalEntry) (string, error)) ([]byte, error) {
	if _, err := Parse(kind, doc); err != nil {
		return nil, err
	}
	root, _ := parseJSON(doc) // Parse has accepted it
	loc := newLocator(doc)
	var out bytes.Buffer
	done := 0
	one := func(typ string, v value) error {
		text, err := replace(PrincipalEntry{Type: typ, Value: v.text, Pos: loc.at(v.start)})
		if err != nil || text == v.text {
			return err
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			return err
		}
		out.Write(doc[done:v.start])
		out.Write(quoted)
		done = v.end
		return nil
	}
	for _, statement := range root.member("Statement").list() {
		for _, m := range statement.members {
			if m.name != "Principal" && m.name != "NotPrincipal" {
				continue
			}
			for _, t := range m.value.members {
				for _, v := range t.value.list() {
					if err := one(t.name, v); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	out.Write(doc[done:])
	return out.Bytes(), nil
}

// member is the value of a name, or a null value.
func (v value) member(name string) value {
	for _, m := range v.members {
		if m.name == name {
			return m.value
		}
	}
	return value{}
}

// list is the items of an array, or the value itself as the only item.
func (v value) list() []value {
	if v.shape == shapeArray {
		return v.items
	}
	return []value{v}
}

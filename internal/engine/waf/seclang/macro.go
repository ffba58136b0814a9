package seclang

import (
	"fmt"
	"strings"
)

// macro is a text with variables in it: "%{tx.critical_anomaly_score}".
type macro struct {
	text   string // as it was written
	pieces []piece
}

// piece is a text, or a variable if there is one.
type piece struct {
	text     string // of a variable: what it is if there is no such thing
	variable *variable
	key      string // in lower case
	slot     int32  // of TX, once the program is compiled
}

// maxMacro bounds the pieces of a macro.
const maxMacro = 64

func parseMacro(s string) (*macro, error) {
	m := &macro{text: s}
	for rest := s; rest != ""; {
		before, after, found := strings.Cut(rest, "%{")
		if before != "" {
			m.pieces = append(m.pieces, piece{text: before})
		}
		if !found {
			break
		}
		name, behind, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fmt.Errorf("%q: a brace is not closed", s)
		}
		rest = behind
		variableName, key, _ := strings.Cut(name, ".")
		if variableName == name {
			variableName, key, _ = strings.Cut(name, ":")
		}
		v := findVariable(variableName)
		if v == nil || v.name == "XML" {
			return nil, fmt.Errorf("%q: the variable %q is not supported", s, variableName)
		}
		if v.keyed && key == "" {
			return nil, fmt.Errorf("%q: %s needs a name", s, v.name)
		}
		if m.pieces = append(m.pieces, piece{text: name, variable: v, key: strings.ToLower(key)}); len(m.pieces) > maxMacro {
			return nil, fmt.Errorf("more than %d variables in a text", maxMacro)
		}
	}
	return m, nil
}

// constant is the text of a macro without variables.
func (m *macro) constant() (string, bool) {
	switch {
	case len(m.pieces) == 0:
		return "", true
	case len(m.pieces) == 1 && m.pieces[0].variable == nil:
		return m.pieces[0].text, true
	}
	return "", false
}

// prefix is the text before the first variable.
func (m *macro) prefix() string {
	if len(m.pieces) > 0 && m.pieces[0].variable == nil {
		return m.pieces[0].text
	}
	return ""
}

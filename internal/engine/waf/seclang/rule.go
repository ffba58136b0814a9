package seclang

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fastness/internal/engine/waf/transform"
)

// ruleSpec is a SecRule or SecAction as it was written.
type ruleSpec struct {
	file string
	line int

	targets  []target
	operator operatorSpec
	always   bool // a SecAction

	id, phase  int
	chain      bool
	links      []*ruleSpec // of the first of a chain: all, itself included
	disruptive string      // deny, block, drop, pass, allow, redirect; empty: the phase's default
	status     int
	capture    bool
	multi      bool
	log        int // -1 nolog, 0 as the default, 1 log
	chainOf    []transform.Kind
	tags       []string
	message    string
	logdata    string
	severity   string
	sets       []setVar
	controls   []control
	skip       int
	skipAfter  string
}

func (r *ruleSpec) hasTag(tag string) bool { return slices.Contains(r.tags, tag) }

func (r *ruleSpec) errorf(format string, args ...any) *Error {
	return &Error{File: r.file, Line: r.line, Reason: fmt.Sprintf(format, args...)}
}

// operatorSpec is an operator as it was written.
type operatorSpec struct {
	name     string // in lower case, without @
	argument string
	negate   bool
}

// parseRule reads the arguments of SecRule.
func parseRule(d *directive) (*ruleSpec, *Error) {
	if len(d.args) != 2 && len(d.args) != 3 {
		return nil, d.errorf("SecRule takes two or three arguments, not %d", len(d.args))
	}
	r := &ruleSpec{file: d.file, line: d.line}
	var err error
	if r.targets, err = parseTargets(d.args[0]); err != nil {
		return nil, d.errorf("%v", err)
	}
	if len(r.targets) == 0 {
		return nil, d.errorf("a rule without a variable")
	}
	r.operator = parseOperator(d.args[1])
	if len(d.args) == 3 {
		if err := r.parseActions(d, d.args[2]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// parseOperator splits "!@rx argument". Without a name the operator is rx.
func parseOperator(s string) operatorSpec {
	var o operatorSpec
	if rest, ok := strings.CutPrefix(s, "!"); ok && (rest == "" || rest[0] == '@' || s[0] == '!') {
		o.negate, s = true, rest
	}
	if !strings.HasPrefix(s, "@") {
		o.name, o.argument = "rx", strings.TrimSpace(s)
		return o
	}
	name, argument, _ := cutSpace(s[1:])
	o.name, o.argument = strings.ToLower(name), strings.TrimSpace(argument)
	return o
}

// parseActions reads the list of actions.
func (r *ruleSpec) parseActions(d *directive, list string) *Error {
	if d.name == "secaction" {
		r.always = true
	}
	for rest := strings.TrimSpace(list); rest != ""; {
		var name, value string
		name, value, rest = cutAction(rest)
		if name == "" {
			continue
		}
		if err := r.action(strings.ToLower(name), value); err != nil {
			return d.errorf("%v", err)
		}
	}
	return nil
}

// cutAction cuts the first action off a list: a name, and after a colon a value, which may be in
// single quotation marks.
func cutAction(s string) (name, value, rest string) {
	end := strings.IndexAny(s, ":,")
	if end < 0 {
		return strings.TrimSpace(s), "", ""
	}
	name = strings.TrimSpace(s[:end])
	if s[end] == ',' {
		return name, "", strings.TrimLeft(s[end+1:], " \t,")
	}
	s = strings.TrimLeft(s[end+1:], " \t")
	var b strings.Builder
	quoted := false
	i := 0
	for ; i < len(s) && (quoted || s[i] != ','); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case s[i] == '\'':
			quoted = !quoted
		default:
			b.WriteByte(s[i])
		}
	}
	return name, strings.TrimSpace(b.String()), strings.TrimLeft(strings.TrimPrefix(s[i:], ","), " \t,")
}

// action takes over one action.
func (r *ruleSpec) action(name, value string) error {
	number := func(into *int, least int) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least {
			return fmt.Errorf("%s:%s is no number", name, value)
		}
		*into = n
		return nil
	}
	switch name {
	case "id":
		return number(&r.id, 1)
	case "phase":
		switch strings.ToLower(value) {
		case "request":
			r.phase = 2
		case "response":
			r.phase = 4
		case "logging":
			r.phase = 5
		default:
			return number(&r.phase, 1)
		}
	case "deny", "drop", "block", "pass", "allow", "redirect", "proxy":
		if name == "allow" && value != "" || name == "proxy" {
			return fmt.Errorf("the action %s:%s is not supported", name, value)
		}
		r.disruptive = name
	case "status":
		return number(&r.status, 100)
	case "chain":
		r.chain = true
	case "capture":
		r.capture = true
	case "multimatch":
		r.multi = true
	case "log":
		r.log = 1
	case "nolog":
		r.log = -1
	case "auditlog", "noauditlog", "ver", "rev", "maturity", "accuracy", "initcol", "setenv", "expirevar", "sanitisematched", "sanitizematched":
	case "tag":
		r.tags = append(r.tags, value)
	case "msg":
		r.message = value
	case "logdata":
		r.logdata = value
	case "severity":
		r.severity = value
	case "t":
		kind, ok := transform.BySecLangName(value)
		if !ok {
			return fmt.Errorf("the transformation %s is not known", value)
		}
		if kind == transform.None {
			r.chainOf = nil
			break
		}
		if len(r.chainOf) == maxTransformations {
			return fmt.Errorf("more than %d transformations", maxTransformations)
		}
		r.chainOf = append(r.chainOf, kind)
	case "setvar":
		v, err := parseSetVar(value)
		r.sets = append(r.sets, v)
		return err
	case "ctl":
		c, ok, err := parseControl(value)
		if ok {
			r.controls = append(r.controls, c)
		}
		return err
	case "skip":
		return number(&r.skip, 1)
	case "skipafter":
		r.skipAfter = value
	default:
		return fmt.Errorf("the action %s is not supported", name)
	}
	return nil
}

// maxTransformations bounds the chain of a rule.
const maxTransformations = 32

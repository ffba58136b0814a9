package seclang

import (
	"regexp"
	"strconv"
	"strings"
)

// knowledge is what is known of the variables TX before a rule is run, whatever the request:
// those that were set by options, and by rules that run for every request.
type knowledge struct {
	values  map[string]string // those that are set, as far as they are known
	unknown map[string]bool
	// prefixes begin the names that are not known, where a name has variables in it.
	prefixes []string
	// read are variables that rules which are run read: a value that is known may only be
	// changed beforehand if nobody has read the old one.
	read        map[string]bool
	readMembers []*regexp.Regexp
}

func newKnowledge(values map[string]string) *knowledge {
	k := &knowledge{values: map[string]string{}, unknown: map[string]bool{}, read: map[string]bool{}}
	for name, value := range values {
		k.values[strings.ToLower(name)] = value
	}
	return k
}

// get is the value of a variable, whether it is set, and whether that is known.
func (k *knowledge) get(key string) (value string, set, known bool) {
	if k.unknown[key] || isNumbered(key) {
		return "", false, false
	}
	for _, p := range k.prefixes {
		if strings.HasPrefix(key, p) {
			return "", false, false
		}
	}
	value, set = k.values[key]
	return value, set, true
}

// isNumbered tells whether a variable is one of those that captures set.
func isNumbered(key string) bool { return len(key) == 1 && key[0] >= '0' && key[0] <= '9' }

// forget makes what a rule sets unknown.
func (k *knowledge) forget(sets []setVar) {
	for i := range sets {
		if key, ok := sets[i].key.constant(); ok {
			k.unknown[key] = true
		} else {
			k.prefixes = append(k.prefixes, sets[i].key.prefix())
		}
	}
}

// fold puts the values that are known into a macro.
func (k *knowledge) fold(m *macro) *macro {
	out := &macro{text: m.text}
	for _, p := range m.pieces {
		if p.variable != nil && p.variable.kind == ofTX {
			if value, set, known := k.get(p.key); known {
				if !set {
					value = p.text
				}
				p = piece{text: value}
			}
		}
		if n := len(out.pieces); p.variable == nil && n > 0 && out.pieces[n-1].variable == nil {
			out.pieces[n-1].text += p.text
			continue
		}
		out.pieces = append(out.pieces, p)
	}
	return out
}

// decide tells whether the first condition of a rule holds for every request or for none.
func (k *knowledge) decide(r *ruleSpec) (holds, known bool) {
	if r.always {
		return true, true
	}
	kind, ok := compares[r.operator.name]
	if !ok || kind > less || len(r.chainOf) > 0 {
		return false, false
	}
	m, err := parseMacro(r.operator.argument)
	if err != nil {
		return false, false
	}
	operand, ok := k.fold(m).constant()
	if !ok {
		return false, false
	}
	for i := range r.targets {
		t := &r.targets[i]
		if t.variable.kind != ofTX || t.only == nil || t.only.pattern != nil || len(t.except) > 0 {
			return false, false
		}
		value, set, known := k.get(t.only.key)
		if !known {
			return false, false
		}
		if t.count {
			value = "0"
			if set {
				value = "1"
			}
		} else if !set {
			continue
		}
		a, b := atoi([]byte(value)), atoi([]byte(operand))
		yes := map[operatorKind]bool{equal: a == b, greaterOrEqual: a >= b, greater: a > b, lessOrEqual: a <= b, less: a < b}[kind]
		if yes != r.operator.negate {
			holds = true
		}
	}
	return holds, true
}

// settle takes over what a rule sets that runs for every request, if that can be done
// beforehand, and tells whether it did.
func (k *knowledge) settle(sets []setVar) bool {
	values := map[string]string{}
	for i := range sets {
		v := &sets[i]
		key, ok := k.fold(v.key).constant()
		if !ok {
			return false
		}
		old, set, known := k.get(key)
		if !known || k.wasRead(key) {
			return false
		}
		if changed, ok := values[key]; ok {
			old, set = changed, true
		}
		value, ok := k.fold(v.value).constant()
		if !ok || v.op == unset {
			return false
		}
		if !set {
			old = ""
		}
		switch v.op {
		case addTo:
			value = strconv.Itoa(atoi([]byte(old)) + atoi([]byte(value)))
		case takeFrom:
			value = strconv.Itoa(atoi([]byte(old)) - atoi([]byte(value)))
		}
		values[key] = value
	}
	for key, value := range values {
		k.values[key] = value
	}
	return true
}

func (k *knowledge) wasRead(key string) bool {
	if k.read[key] {
		return true
	}
	for _, re := range k.readMembers {
		if re.MatchString(key) {
			return true
		}
	}
	return false
}

// reads notes what a rule reads when it is run.
func (k *knowledge) reads(l *link) {
	for i := range l.targets {
		t := &l.targets[i]
		if t.variable.kind != ofTX {
			continue
		}
		switch {
		case t.only == nil:
			k.readMembers = append(k.readMembers, everyName)
		case t.only.pattern != nil:
			k.readMembers = append(k.readMembers, t.only.pattern)
		default:
			k.read[t.only.key] = true
		}
	}
	k.readsMacro(l.op.operand)
	for i := range l.sets {
		k.readsMacro(l.sets[i].key)
		k.readsMacro(l.sets[i].value)
		if key, ok := l.sets[i].key.constant(); ok && l.sets[i].op != setTo {
			k.read[key] = true
		}
	}
}

var everyName = regexp.MustCompile("")

func (k *knowledge) readsMacro(m *macro) {
	if m == nil {
		return
	}
	for _, p := range m.pieces {
		if p.variable != nil && p.variable.kind == ofTX {
			k.read[p.key] = true
		}
	}
}

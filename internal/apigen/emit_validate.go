package apigen

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fastness/internal/wire"
)

// validation plans which shapes are checked and writes the checks.
//
// Each constrained shape that is not a structure has a function valid<Shape> for its
// own constraints. Where such a value is a member, check<Shape> names the constraint
// it breaks; where it is an element of a list or map, AWS names the collection and
// lists all constraints of the element, and so do we.
type validation struct {
	p     *plan
	s     *source
	table map[string]Translation
	// reached are the shapes an input can hold; needed those of them with anything to
	// check in them or below.
	reached, needed map[*shape]bool
	// elements are the shapes that need a valid function.
	elements map[*shape]bool
	matchers map[string]string // pattern → Go condition on v
}

func emitValidate(p *plan, s *source) error {
	table, err := Translations()
	if err != nil {
		return err
	}
	v := p.checks
	v.s, v.table = s, table
	if err := v.emitMatchers(); err != nil {
		return err
	}
	done := map[*shape]bool{}
	for _, op := range p.operations {
		if op.in == nil || !v.needed[op.in] || done[op.in] {
			continue
		}
		done[op.in] = true
		s.p("func %s(in any) error {", v.entry(op.in))
		s.p("s, ok := in.(*%s)\nif !ok || s == nil {\nreturn wire.WrongInput(in)\n}", op.in.goName)
		s.p("var c wire.Checker")
		if p.cfg.Rules.HideValues {
			s.p("s.check(&c, &wire.Path{Sensitive: true})")
		} else {
			s.p("s.check(&c, &wire.Path{})")
		}
		s.p("return c.Err()\n}\n")
	}
	for _, sh := range p.shapes {
		if !v.needed[sh] {
			continue
		}
		if sh.kind == wire.Structure {
			v.emitStructure(sh)
			continue
		}
		own, err := v.constraints(sh)
		if err != nil {
			return fmt.Errorf("shape %s: %w", sh.name, err)
		}
		if err := v.emitCheck(sh, own); err != nil {
			return fmt.Errorf("shape %s: %w", sh.name, err)
		}
	}
	return nil
}

// newValidation plans which shapes need checks.
func newValidation(p *plan) *validation {
	v := &validation{
		p: p, reached: map[*shape]bool{}, needed: map[*shape]bool{}, elements: map[*shape]bool{}, matchers: map[string]string{},
	}
	for _, op := range p.operations {
		if op.in != nil {
			v.reach(op.in)
		}
	}
	v.findNeeded()
	return v
}

func (v *validation) entry(in *shape) string { return v.p.global("validate" + exported(in.name)) }

func (v *validation) reach(sh *shape) {
	if v.reached[sh] {
		return
	}
	v.reached[sh] = true
	for _, next := range sh.next() {
		v.reach(next)
	}
	if sh.key != nil {
		v.reach(sh.key.shape)
	}
}

// findNeeded computes, to a fixed point, which shapes have anything to check.
func (v *validation) findNeeded() {
	for changed := true; changed; {
		changed = false
		for sh := range v.reached {
			if !v.needed[sh] && v.needs(sh) {
				v.needed[sh] = true
				changed = true
			}
		}
	}
	for sh := range v.reached {
		for _, m := range []*member{sh.elem, sh.key} {
			if m != nil && m.shape.constrained() {
				v.elements[m.shape] = true
			}
		}
	}
}

func (v *validation) needs(sh *shape) bool {
	if sh.constrained() || sh.recursive {
		return true
	}
	for _, m := range sh.members {
		if m.required || v.needed[m.shape] {
			return true
		}
	}
	return sh.elem != nil && v.needed[sh.elem.shape] || sh.key != nil && v.needed[sh.key.shape]
}

// constrained tells whether a shape, not looking below it, restricts its values.
func (sh *shape) constrained() bool {
	s := sh.src
	switch sh.kind {
	case wire.String:
		return len(s.Enum) > 0 && !sh.ownChecks || s.Pattern != "" || s.Max != "" || bound(s.Min) > 0
	case wire.Blob, wire.List, wire.Map:
		return !sh.streaming && (s.Max != "" || bound(s.Min) > 0)
	case wire.Integer, wire.Long, wire.Float, wire.Double:
		return s.Max != "" || s.Min != ""
	}
	return false
}

// checkBounds refuses bounds that the kind cannot have.
func (sh *shape) checkBounds() error {
	for _, n := range []json.Number{sh.src.Min, sh.src.Max} {
		if n == "" {
			continue
		}
		var err error
		switch sh.kind {
		case wire.Integer:
			_, err = strconv.ParseInt(n.String(), 10, 32)
		case wire.Float, wire.Double:
			_, err = n.Float64()
		default:
			_, err = n.Int64()
		}
		if err != nil {
			return fmt.Errorf("bound of a %s: %w", sh.src.Type, err)
		}
	}
	return nil
}

// bound is a length; checkBounds has seen to it that it is an integer.
func bound(n json.Number) int64 {
	if n == "" {
		return 0
	}
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return i
}

// constraint is one check: cond is a Go condition on v that holds when v is wrong.
type constraint struct{ cond, text string }

// constraints are a shape's own, in the order in which AWS names them: the enum, the
// pattern, the length or value from below and from above.
func (v *validation) constraints(sh *shape) ([]constraint, error) {
	var list []constraint
	add := func(cond, text string, args ...any) {
		list = append(list, constraint{cond, fmt.Sprintf(text, args...)})
	}
	s := sh.src
	if err := sh.checkBounds(); err != nil {
		return nil, err
	}
	if sh.kind == wire.String && len(s.Enum) > 0 && !sh.ownChecks {
		listed := s.Enum
		if order := v.p.cfg.Rules.EnumOrder[sh.name]; order != nil {
			listed = order
		}
		if v.p.cfg.Rules.EnumWithoutList {
			add("enum", "Member must satisfy enum value set")
		} else {
			add("enum", "Member must satisfy enum value set: [%s]", strings.Join(listed, ", "))
		}
	}
	if sh.kind == wire.String && s.Pattern != "" {
		cond, ok := v.matchers[s.Pattern]
		if !ok {
			return nil, fmt.Errorf("pattern %q has no matcher", s.Pattern)
		}
		add(cond, "Member must satisfy regular expression pattern: %s", s.Pattern)
	}
	switch sh.kind {
	case wire.String:
		lo, hi := bound(s.Min), bound(s.Max)
		switch {
		case lo == 1:
			add(`v == ""`, "Member must have length greater than or equal to 1")
		case lo > 1:
			add(fmt.Sprintf("wire.Shorter(v, %d)", lo), "Member must have length greater than or equal to %d", lo)
		}
		if s.Max != "" {
			add(fmt.Sprintf("wire.Longer(v, %d)", hi), "Member must have length less than or equal to %d", hi)
		}
	case wire.Blob, wire.List, wire.Map:
		if lo := bound(s.Min); lo > 0 {
			add(fmt.Sprintf("len(v) < %d", lo), "Member must have length greater than or equal to %d", lo)
		}
		if s.Max != "" {
			add(fmt.Sprintf("len(v) > %d", bound(s.Max)), "Member must have length less than or equal to %d", bound(s.Max))
		}
	case wire.Integer, wire.Long, wire.Float, wire.Double:
		for _, b := range []struct {
			n        json.Number
			op, word string
		}{{s.Min, "<", "greater"}, {s.Max, ">", "less"}} {
			if b.n == "" {
				continue
			}
			n := b.n.String()
			if (sh.kind == wire.Float || sh.kind == wire.Double) && !strings.ContainsAny(n, ".eE") {
				n += ".0"
			}
			add(fmt.Sprintf("v %s %s", b.op, n), "Member must have value %s than or equal to %s", b.word, n)
		}
	}
	return list, nil
}

// asElement is how AWS lists the constraints of an element: upper bounds first.
func (v *validation) asElement(own []constraint) string {
	rank := func(c constraint) int {
		for i, part := range []string{"enum value set", "less than", "greater than", "pattern"} {
			if strings.Contains(c.text[:min(len(c.text), 50)], part) {
				return i
			}
		}
		return 4
	}
	own = slices.Clone(own)
	slices.SortStableFunc(own, func(a, b constraint) int { return rank(a) - rank(b) })
	var texts []string
	for _, c := range own {
		texts = append(texts, c.text)
	}
	if v.p.cfg.Rules.ElementsNotNull {
		texts = append(texts, "Member must not be null")
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// emitMatchers writes the character sets and regular expressions of all patterns.
func (v *validation) emitMatchers() error {
	byPattern := map[string]string{}
	for sh := range v.reached {
		if sh.kind == wire.String && sh.src.Pattern != "" {
			if other, ok := byPattern[sh.src.Pattern]; !ok || sh.name < other {
				byPattern[sh.src.Pattern] = sh.name
			}
		}
	}
	var failed []error // all of them, so that one run lists all translations to make
	for _, pattern := range slices.SortedFunc(maps.Keys(byPattern), func(a, b string) int {
		return strings.Compare(byPattern[a], byPattern[b])
	}) {
		m, err := compilePattern(pattern, v.table)
		if err != nil {
			failed = append(failed, fmt.Errorf("shape %s: %w", byPattern[pattern], err))
			continue
		}
		name := exported(byPattern[pattern])
		if m.set == nil {
			id := v.p.names.takeOr(v.p.global("pattern"+name), "X", "pattern of "+name)
			v.s.p("// %s is compiled when it is first needed.", id)
			v.s.p("var %s = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(%s) })\n", id, quote(m.expr))
			v.matchers[pattern] = fmt.Sprintf("!%s().MatchString(string(v))", id)
			continue
		}
		id := v.p.names.takeOr(v.p.global("chars"+name), "X", "characters of "+name)
		v.s.p("// %s are the characters of the pattern %s.", id, quote(pattern))
		v.s.p("var %s = %s\n", id, charSet(m.set))
		cond := fmt.Sprintf("!%s.Holds(string(v))", id)
		switch {
		case m.min == 1:
			cond += ` || v == ""`
		case m.min > 1:
			cond += fmt.Sprintf(" || wire.Shorter(v, %d)", m.min)
		}
		if m.max >= 0 {
			cond += fmt.Sprintf(" || wire.Longer(v, %d)", m.max)
		}
		v.matchers[pattern] = cond
	}
	return errors.Join(failed...)
}

func quote(s string) string {
	if strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func (v *validation) emitStructure(sh *shape) {
	s := v.s
	s.p("func (s *%s) check(c *wire.Checker, at *wire.Path) {", sh.goName)
	s.WriteString("p := wire.Path{Parent: at")
	if sh.recursive {
		s.WriteString(", Depth: at.Depth + 1")
	} else if v.p.anyRecursive {
		s.WriteString(", Depth: at.Depth")
	}
	s.p("}")
	if sh.recursive {
		s.p("if c.TooDeep(&p) {\nreturn\n}")
	}
	for _, m := range sh.members {
		needed := v.needed[m.shape]
		if !m.required && !needed {
			continue
		}
		s.p("p.Name, p.Sensitive = %q, %v", lowerFirst(m.name), m.sensitive())
		field := "s." + m.goName
		call := v.call(m.shape, field, m.shape.boxed())
		switch {
		case m.required && needed:
			s.p("if %s == nil {\nc.Null(&p, %q)\n} else {\n%s\n}", field, v.notNull(), call)
		case m.required:
			s.p("if %s == nil {\nc.Null(&p, %q)\n}", field, v.notNull())
		default:
			s.p("if %s != nil {\n%s\n}", field, call)
		}
	}
	s.p("}\n")
}

func (v *validation) notNull() string {
	if v.p.cfg.Rules.NullFullStop {
		return "Member must not be null."
	}
	return "Member must not be null"
}

// call checks the value that the Go expression holds, by pointer if boxed, at p.
func (v *validation) call(sh *shape, expr string, boxed bool) string {
	switch sh.kind {
	case wire.Structure:
		return expr + ".check(c, &p)"
	case wire.List, wire.Map:
		if boxed {
			return fmt.Sprintf("%s(c, &p, %s)", v.checkName(sh), expr)
		}
		return fmt.Sprintf("%s(c, &p, &%s)", v.checkName(sh), expr)
	}
	if boxed {
		expr = "*" + expr
	}
	return fmt.Sprintf("%s(c, &p, %s)", v.checkName(sh), expr)
}

func (v *validation) checkName(sh *shape) string { return v.p.global("check" + exported(sh.name)) }
func (v *validation) validName(sh *shape) string { return v.p.global("valid" + exported(sh.name)) }

// emitCheck writes check<Shape> and, where elements need it, valid<Shape>.
func (v *validation) emitCheck(sh *shape, own []constraint) error {
	s := v.s
	collection := sh.kind == wire.List || sh.kind == wire.Map
	param := sh.typ()
	if collection {
		s.p("func %s(c *wire.Checker, at *wire.Path, list *%s) {", v.checkName(sh), param)
		if len(own) > 0 || sh.kind == wire.List && !v.elements[sh] {
			s.p("v := *list")
		}
	} else {
		s.p("func %s(c *wire.Checker, at *wire.Path, v %s) {", v.checkName(sh), param)
	}
	for _, c := range own {
		report := ""
		switch sh.kind {
		case wire.String:
			report = fmt.Sprintf("c.Text(at, string(v), %s)", quote(c.text))
		case wire.Blob:
			report = fmt.Sprintf("c.Blob(at, len(v), %s)", quote(c.text))
		case wire.Integer, wire.Long:
			report = fmt.Sprintf("c.Integer(at, int64(v), %s)", quote(c.text))
		case wire.Float, wire.Double:
			report = fmt.Sprintf("c.Float(at, float64(v), %s)", quote(c.text))
		default:
			report = v.collectionReport(sh, c.text)
		}
		if c.cond == "enum" {
			s.p("if !%s(v) {\n%s\n}", v.knownName(sh), report)
		} else {
			s.p("if %s {\n%s\n}", c.cond, report)
		}
	}
	if collection && v.elements[sh] && v.below(sh) {
		s.p("%s(c, at, list)\n}\n", v.elementsName(sh))
		s.p("func %s(c *wire.Checker, at *wire.Path, list *%s) {", v.elementsName(sh), param)
		if sh.kind == wire.List {
			s.p("v := *list")
		}
	}
	if collection {
		if err := v.emitElements(sh); err != nil {
			return err
		}
	}
	s.p("}\n")
	for _, c := range own {
		if c.cond == "enum" {
			v.emitKnown(sh)
		}
	}
	if v.elements[sh] {
		var conds []string
		for _, c := range own {
			cond := c.cond
			if cond == "enum" {
				cond = fmt.Sprintf("!%s(v)", v.knownName(sh))
			}
			for part := range strings.SplitSeq(cond, " || ") {
				if !slices.Contains(conds, part) {
					conds = append(conds, part)
				}
			}
		}
		result := "!(" + strings.Join(conds, " || ") + ")"
		if positive, ok := strings.CutPrefix(conds[0], "!"); ok && len(conds) == 1 {
			result = positive
		}
		s.p("func %s(v %s) bool { return %s }\n", v.validName(sh), param, result)
	}
	return nil
}

// elementsName is the function that checks only the elements of a collection. It is
// apart from check<Shape> when the collection is an element of another one, which then
// reports the constraints of its own.
func (v *validation) elementsName(sh *shape) string {
	if v.elements[sh] {
		return v.p.global("check" + exported(sh.name) + "Elements")
	}
	return v.checkName(sh)
}

func (v *validation) knownName(sh *shape) string { return v.p.global("known" + exported(sh.name)) }

func (v *validation) emitKnown(sh *shape) {
	v.s.p("func %s(v %s) bool {\nswitch v {\ncase ", v.knownName(sh), sh.goName)
	for i, e := range sh.enum {
		sep := ","
		if i == len(sh.enum)-1 {
			sep = ":"
		}
		v.s.p("%s%s", e.goName, sep)
	}
	v.s.p("return true\n}\nreturn false\n}\n")
}

func (v *validation) collectionReport(sh *shape, text string) string {
	return fmt.Sprintf("c.Collection(at, &%s[%s], unsafe.Pointer(list), %s)", v.p.global("shapes"), sh.ref, quote(text))
}

// emitElements checks the elements of a collection: their own constraints once for the
// whole collection, and what lies below each of them at its own path.
func (v *validation) emitElements(sh *shape) error {
	s := v.s
	elementText := func(el *shape, prefix string) (string, error) {
		own, err := v.constraints(el)
		return prefix + ": " + v.asElement(own), err
	}
	prefix := "Member must satisfy constraint"
	if sh.kind == wire.Map {
		prefix = "Map value must satisfy constraint"
		if v.elements[sh.key.shape] {
			text, err := elementText(sh.key.shape, "Map keys must satisfy constraint")
			if err != nil {
				return err
			}
			s.p("for k := range *list {\nif !%s(k) {\n%s\nbreak\n}\n}", v.validName(sh.key.shape), v.collectionReport(sh, text))
		}
	}
	el := sh.elem.shape
	value, loop := "v[i]", "for i := range v {"
	switch {
	case sh.kind == wire.Map && sh.key.sensitive():
		value, loop = "e", "for _, e := range *list {"
	case sh.kind == wire.Map:
		value, loop = "e", "for k, e := range *list {"
	}
	if v.elements[el] {
		text, err := elementText(el, prefix)
		if err != nil {
			return err
		}
		l := loop
		if sh.kind == wire.Map {
			l = "for _, e := range *list {"
		}
		s.p("%s", l)
		if sh.src.Sparse {
			s.p("if %s == nil {\ncontinue\n}", value)
			s.p("if !%s(*%s) {\n%s\nbreak\n}\n}", v.validName(el), value, v.collectionReport(sh, text))
		} else {
			s.p("if !%s(%s) {\n%s\nbreak\n}\n}", v.validName(el), value, v.collectionReport(sh, text))
		}
	}
	if !v.below(el) {
		return nil
	}
	s.WriteString("p := wire.Path{Parent: at")
	if v.p.anyRecursive {
		s.WriteString(", Depth: at.Depth")
	}
	if sh.elem.src.Sensitive {
		s.WriteString(", Sensitive: true")
	}
	if sh.kind == wire.Map {
		s.WriteString(", IsKey: true")
	}
	s.p("}\n%s", loop)
	if sh.src.Sparse {
		s.p("if %s == nil {\ncontinue\n}", value)
	}
	switch {
	case sh.kind == wire.Map && sh.key.sensitive():
		// The path of a violation must not tell the key.
		s.p("p.Key = \"*\"")
	case sh.kind == wire.Map:
		s.p("p.Key = string(k)")
	default:
		s.p("p.Index = i + 1")
	}
	switch {
	case el.kind == wire.Structure:
		s.p("%s.check(c, &p)", value)
	case sh.src.Sparse:
		s.p("%s(c, &p, %s)", v.elementsName(el), value)
	default:
		s.p("%s(c, &p, &%s)", v.elementsName(el), value)
	}
	s.p("}")
	return nil
}

// below tells whether there is anything to check inside an element, besides its own
// constraints.
func (v *validation) below(el *shape) bool {
	switch el.kind {
	case wire.Structure:
		return v.needed[el]
	case wire.List, wire.Map:
		return v.needed[el.elem.shape] || el.key != nil && v.needed[el.key.shape]
	}
	return false
}

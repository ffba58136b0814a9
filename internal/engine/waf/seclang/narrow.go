package seclang

import (
	"regexp/syntax"
	"slices"
	"strings"

	"fastness/internal/engine/waf/transform"
)

// A rule may take all values of a kind, note each of them under a name of its own, and ask about what it has noted:
//
//	SecRule REQUEST_HEADERS_NAMES "@rx ^.*$" "capture,t:lowercase,setvar:'tx.field_%{tx.0}=/%{tx.0}/',chain"
//	    SecRule TX:/^field_/ "@within %{tx.restricted_fields}"
//
// Where nobody else looks at what is noted, the second condition is one on the value: values for which it does not hold are
// taken out of what the first one holds for, which the memo remembers. So an ordinary request does not have the rule run, let
// alone once for each of its values.

// narrowing is what a first condition of such a rule is narrowed to.
type narrowing struct {
	set    *setVar
	asks   *link
	others []*target // of other rules, which may look at what is noted
}

// narrow finds the rules of this kind.
func (c *compiler) narrow() {
	if c.plain || c.borrowsGroups() {
		return
	}
	for _, r := range c.p.rules {
		if n := c.narrowing(r); n != nil {
			l := r.links[0]
			l.narrowed = n
			for i := range c.p.classes {
				cl := &c.p.classes[i]
				for k := range cl.nodes {
					cl.narrowed = cl.narrowed || slices.ContainsFunc(cl.nodes[k].patterns, func(x patternLink) bool { return x.link == l.id })
				}
			}
		}
	}
}

// narrowing returns what the first condition of a rule is narrowed to, nil if the rule is not of this kind.
func (c *compiler) narrowing(r *rule) *narrowing {
	if len(r.links) != 2 || r.matches {
		return nil
	}
	a, b := r.links[0], r.links[1]
	if a.id < 0 || a.multi || !a.capture || a.op.kind != byPattern || !a.op.whole || a.op.negate || len(a.sets) != 1 || len(a.ctls) > 0 {
		return nil
	}
	v := &a.sets[0]
	// In lower case, values that are noted under the same name are the same.
	if v.op != setTo || v.slot >= 0 || len(v.key.pieces) != 2 || v.key.prefix() == "" || !isWhole(&v.key.pieces[1]) || len(a.chain) == 0 || a.chain[len(a.chain)-1] != transform.Lowercase {
		return nil
	}
	for i := range v.value.pieces {
		if p := &v.value.pieces[i]; p.variable != nil && !isWhole(p) {
			return nil
		}
	}
	prefix := strings.ToLower(v.key.prefix())
	if b.action || b.multi || !b.op.constant() || len(b.targets) != 1 || readsNumbers(r.message) || readsNumbers(r.logdata) {
		return nil
	}
	for i := range b.sets {
		if readsNumbers(b.sets[i].key) || readsNumbers(b.sets[i].value) {
			return nil
		}
	}
	t := &b.targets[0]
	if t.variable.kind != ofTX || t.count || t.only == nil || t.only.pattern == nil || len(t.except) > 0 {
		return nil
	}
	m := &c.p.members[t.members]
	if len(m.slots) > 0 || m.families[v.family] != yes {
		return nil
	}
	for i, family := range c.p.families {
		if int32(i) != v.family && (mayBegin(t.only, family) || overlap(family, prefix)) {
			return nil
		}
	}
	if slices.ContainsFunc(c.p.names, func(name string) bool { return strings.HasPrefix(name, prefix) }) {
		return nil
	}
	n := &narrowing{set: v, asks: b}
	for _, other := range c.p.rules {
		for _, l := range other.links {
			if l != a && slices.ContainsFunc(l.sets, func(s setVar) bool { return s.slot < 0 && s.family == v.family }) {
				return nil
			}
			for i := range l.targets {
				o := &l.targets[i]
				if o == t || o.variable.kind != ofTX {
					continue
				}
				if o.only == nil {
					return nil // it looks at all variables
				}
				if o.only.pattern != nil && mayBegin(o.only, prefix) {
					n.others = append(n.others, o)
				}
			}
		}
	}
	return n
}

// isWhole tells whether a piece is what an expression matched.
func isWhole(p *piece) bool { return p.variable != nil && p.variable.kind == ofTX && p.key == "0" }

// readsNumbers tells whether a macro has a numbered variable.
func readsNumbers(m *macro) bool {
	return m != nil && slices.ContainsFunc(m.pieces, func(p piece) bool { return p.variable != nil && p.variable.kind == ofTX && isNumbered(p.key) })
}

// overlap tells whether a text may begin with a and with b.
func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// mayBegin tells whether an expression may match a name that begins with prefix. It says no only of expressions that begin with other
// letters at the beginning of the name.
func mayBegin(s *selection, prefix string) bool {
	re, err := syntax.Parse("(?s)"+s.key, syntax.Perl)
	if err != nil {
		return true
	}
	re = re.Simplify()
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 || re.Sub[0].Op != syntax.OpBeginText || re.Sub[1].Op != syntax.OpLiteral {
		return true
	}
	return overlap(strings.ToLower(string(re.Sub[1].Rune)), prefix)
}

// narrowed takes those conditions that are narrowed out of the ones that hold for a value, from one on, if they come to nothing.
func (s *Scratch) narrowed(hits []int32, from int, value []byte) []int32 {
	left := hits[:from]
	for _, h := range hits[from:] {
		if l := s.p.links[h]; l.narrowed == nil || s.matters(l, value) {
			left = append(left, h)
		}
	}
	return left
}

// matters tells whether anything comes of a narrowed condition that holds for a value.
func (s *Scratch) matters(l *link, value []byte) bool {
	n := l.narrowed
	before, mark := s.tx[0], len(s.kept)
	s.tx[0] = txValue{state: isText, text: s.transformed(l, value)}
	key, noted := s.expand(n.set.key), s.expand(n.set.value)
	if !isLower(key) {
		at := len(s.kept)
		s.kept = lowerASCII(s.kept, key)
		key = s.kept[at:len(s.kept):len(s.kept)]
	}
	yes := s.holds(&n.asks.op, s.transformed(n.asks, noted))
	for i := 0; i < len(n.others) && !yes; i++ {
		yes = n.others[i].wants(key)
	}
	s.tx[0], s.kept = before, s.kept[:mark]
	return yes
}

package seclang

import (
	"slices"

	"fastness/internal/engine/waf/pattern"
)

// resolve gives variables their slots, static conditions their ids, and controls their rules.
func (c *compiler) resolve() {
	p := c.p
	p.always, p.off = pattern.NewBits(len(p.rules)), pattern.NewBits(len(p.rules))
	p.used[bodyProcessor], p.whole[bodyProcessor] = true, true
	for _, r := range p.rules {
		for n, l := range r.links {
			if l.static() {
				l.id = int32(len(p.links))
				p.links = append(p.links, l)
				if n == 0 && len(l.targets) == 1 && l.targets[0].variable.name == "REQBODY_PROCESSOR" {
					p.onProcessor = append(p.onProcessor, r.index)
				}
			} else if n == 0 {
				p.always.Set(int(r.index))
			}
			for i := range l.targets {
				for _, src := range l.targets[i].sources {
					p.used[src] = true
				}
			}
			c.resolveMacro(l.op.operand, false)
			for i := range l.sets {
				v := &l.sets[i]
				c.resolveMacro(v.key, false)
				c.resolveMacro(v.value, false)
				if key, ok := v.key.constant(); ok {
					v.slot = c.slot(key)
				} else {
					v.slot, v.family = -1, c.family(v.key.prefix())
				}
			}
			c.resolveMacro(r.message, true)
			c.resolveMacro(r.logdata, true)
			for i := range l.ctls {
				c.resolveControl(&l.ctls[i])
			}
		}
	}
	c.count()
	for key := range c.known.values {
		c.slot(key)
	}
	// All names have to be known before what expressions mean by them.
	for _, r := range p.rules {
		for _, l := range r.links {
			for i := range l.targets {
				if t := &l.targets[i]; t.variable.kind == ofTX && t.only != nil && t.only.pattern == nil {
					c.slot(t.only.key)
				}
			}
		}
	}
	for _, r := range p.rules {
		for _, l := range r.links {
			for i := range l.targets {
				if t := &l.targets[i]; t.variable.kind == ofTX {
					c.resolveTX(t)
				}
			}
		}
	}
	p.initial = make([]txValue, len(p.names))
	for i, name := range p.names {
		if value, ok := c.known.values[name]; ok {
			p.initial[i] = textValue([]byte(value))
		}
	}
	p.score = c.slotOf("blocking_inbound_anomaly_score")
}

func (c *compiler) slotOf(key string) int32 {
	if id, ok := c.p.slots[key]; ok {
		return id
	}
	return -1
}

// static tells whether a condition is decided by single values of the request alone.
func (l *link) static() bool {
	if l.action || !l.op.constant() {
		return false
	}
	return !slices.ContainsFunc(l.targets, func(t target) bool { return t.count || t.variable.kind != ofRequest })
}

// resolveMacro gives variables in a text their slots. Unless the text is only for explanations, for which all
// values are kept, so are those that it may be made of.
func (c *compiler) resolveMacro(m *macro, explains bool) {
	if m == nil {
		return
	}
	for i := range m.pieces {
		switch x := &m.pieces[i]; {
		case x.variable == nil:
		case x.variable.kind == ofTX:
			x.slot = c.slot(x.key)
		default:
			for _, src := range x.variable.sources {
				c.p.used[src] = true
				switch {
				case explains:
				case x.variable.keyed && x.key != "":
					c.p.keys[src] = append(c.p.keys[src], x.key)
				default:
					c.p.whole[src] = true
				}
			}
		}
	}
}

func (c *compiler) resolveControl(ctl *compiledControl) {
	if ctl.op > removeTargetByTag {
		return
	}
	ctl.rules = pattern.NewBits(len(c.p.rules))
	for _, r := range c.p.rules {
		byID := ctl.op == removeByID || ctl.op == removeTargetByID
		if byID && ctl.ids.has(r.ID) || !byID && slices.Contains(r.Tags, ctl.tag) {
			ctl.rules.Set(int(r.index))
		}
	}
}

package seclang

import (
	"hash/maphash"
	"strconv"
)

// txValue is the value of a variable TX: nothing, a text or a number.
type txValue struct {
	state  txState
	number int
	text   []byte // of a text, and of a number once it was asked for
}

type txState uint8

const (
	notSet txState = iota
	isText
	isNumber
)

// textValue is a value that is given as text: a number, if that is the way it is written.
func textValue(b []byte) txValue {
	n := atoi(b)
	if s := strconv.Itoa(n); s == string(b) {
		return txValue{state: isNumber, number: n, text: b}
	}
	return txValue{state: isText, text: b}
}

func (v *txValue) asNumber() int {
	if v.state == isNumber {
		return v.number
	}
	return atoi(v.text)
}

// bytes is the value as text, which lives until the scratch is used for another request.
func (s *Scratch) bytes(v *txValue) []byte {
	if v.state == isNumber && v.text == nil {
		n := len(s.kept)
		s.kept = strconv.AppendInt(s.kept, int64(v.number), 10)
		v.text = s.kept[n:len(s.kept):len(s.kept)]
	}
	return v.text
}

// invented is a variable whose name has variables in it.
type invented struct {
	key    []byte
	hash   uint64
	family int32
	value  txValue
}

// maxInvented bounds them in one request.
const maxInvented = 8192

// members are the variables TX that an expression for names means.
type members struct {
	sel      *selection
	slots    []int32
	families []truth // whether all names of a family are meant
}

type truth uint8

const (
	perhaps truth = iota
	yes
	no
)

// family gives the number of a prefix of names.
func (c *compiler) family(prefix string) int32 {
	for i, f := range c.p.families {
		if f == prefix {
			return int32(i)
		}
	}
	c.p.families = append(c.p.families, prefix)
	return int32(len(c.p.families) - 1)
}

// resolveTX gives a target its slot, or the list of what its expression means.
func (c *compiler) resolveTX(t *target) {
	if t.only != nil && t.only.pattern == nil {
		t.slot = c.slot(t.only.key)
		return
	}
	m := members{sel: t.only}
	for i, name := range c.p.names {
		if t.wants([]byte(name)) {
			m.slots = append(m.slots, int32(i))
		}
	}
	for _, prefix := range c.p.families {
		x := perhaps
		// An expression that matches a beginning, and says nothing of the end, matches all that
		// begins so.
		if t.only == nil || !endsBound(t.only.key) && prefix != "" && t.only.pattern.MatchString(prefix) {
			x = yes
		}
		m.families = append(m.families, x)
	}
	t.members = int32(len(c.p.members))
	c.p.members = append(c.p.members, m)
}

// endsBound tells whether an expression may depend on what follows its match.
func endsBound(text string) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '$':
			return true
		case '\\':
			if i+1 < len(text) && (text[i+1] == 'b' || text[i+1] == 'B' || text[i+1] == 'z') {
				return true
			}
			i++
		}
	}
	return false
}

// set carries out setvar.
func (s *Scratch) set(v *setVar) {
	var place *txValue
	if v.slot >= 0 {
		place = &s.tx[v.slot]
	} else if place = s.invent(v); place == nil {
		return
	}
	switch v.op {
	case unset:
		*place = txValue{}
	case setTo:
		if text, ok := v.value.constant(); ok {
			*place = txValue{state: isText, text: view(text)}
			return
		}
		*place = txValue{state: isText, text: s.expand(v.value)}
	default:
		var by int
		if len(v.value.pieces) == 1 && v.value.pieces[0].variable != nil && v.value.pieces[0].variable.kind == ofTX {
			x := &s.tx[v.value.pieces[0].slot]
			by = x.asNumber()
		} else if text, ok := v.value.constant(); ok {
			by = atoi(view(text))
		} else {
			by = atoi(s.expand(v.value))
		}
		if v.op == takeFrom {
			by = -by
		}
		*place = txValue{state: isNumber, number: place.asNumber() + by}
	}
}

// invent returns the place of a variable whose name has variables in it, nil if there are too many.
func (s *Scratch) invent(v *setVar) *txValue {
	key := s.expand(v.key)
	if !isLower(key) {
		n := len(s.kept)
		s.kept = lowerASCII(s.kept, key)
		key = s.kept[n:len(s.kept):len(s.kept)]
	}
	if slot, ok := s.p.slots[string(key)]; ok {
		return &s.tx[slot]
	}
	h := maphash.Bytes(s.seed, key)
	if 2*len(s.invented) >= len(s.inventedTable) {
		s.growInvented()
	}
	mask := uint64(len(s.inventedTable) - 1)
	at := h & mask
	for ; s.inventedTable[at] != 0; at = (at + 1) & mask {
		if x := &s.invented[s.inventedTable[at]-1]; x.hash == h && string(x.key) == string(key) {
			return &x.value
		}
	}
	if len(s.invented) == maxInvented {
		return nil
	}
	s.invented = append(s.invented, invented{key: key, hash: h, family: v.family})
	s.inventedTable[at] = int32(len(s.invented))
	return &s.invented[len(s.invented)-1].value
}

func (s *Scratch) growInvented() {
	size := max(64, 2*len(s.inventedTable))
	s.inventedTable = make([]int32, size)
	for i := range s.invented {
		at := s.invented[i].hash & uint64(size-1)
		for s.inventedTable[at] != 0 {
			at = (at + 1) & uint64(size-1)
		}
		s.inventedTable[at] = int32(i + 1)
	}
}

// expand puts values into a macro. The text lives until the scratch is used for another request.
func (s *Scratch) expand(m *macro) []byte {
	if text, ok := m.constant(); ok {
		return view(text)
	}
	n := len(s.kept)
	for i := range m.pieces {
		p := &m.pieces[i]
		if p.variable == nil {
			s.kept = append(s.kept, p.text...)
			continue
		}
		switch p.variable.kind {
		case ofTX:
			switch v := &s.tx[p.slot]; v.state {
			case notSet:
				s.kept = append(s.kept, p.text...)
			case isNumber:
				s.kept = strconv.AppendInt(s.kept, int64(v.number), 10)
			default:
				s.kept = append(s.kept, v.text...)
			}
		case ofMatch:
			if k := len(s.matched); k > 0 {
				s.kept = append(s.kept, s.matched[k-1].value...)
			}
		case ofMatchName:
			if k := len(s.matched); k > 0 {
				s.kept = s.matched[k-1].appendName(s.kept)
			}
		case ofRequest:
			s.expandRequest(p)
		default:
			s.kept = append(s.kept, p.text...)
		}
	}
	return s.kept[n:len(s.kept):len(s.kept)]
}

// expandRequest appends the first value of a variable of the request.
func (s *Scratch) expandRequest(p *piece) {
	sel := selection{key: p.key}
	for _, src := range p.variable.sources {
		from, to := s.span[src].from, s.span[src].to
		for i := from; i < to; i++ {
			e := &s.entries[i]
			if !p.variable.keyed || s.lowerKey(e, func(k []byte) bool { return sel.has(k) }) {
				s.kept = append(s.kept, e.value...)
				return
			}
		}
	}
	if p.variable.keyed {
		s.kept = append(s.kept, p.text...)
	}
}

// eachTX calls f for the variables that a target means.
func (s *Scratch) eachTX(t *target, f func(key, value []byte)) {
	if t.only != nil && t.only.pattern == nil {
		if v := &s.tx[t.slot]; v.state != notSet {
			f(view(s.p.names[t.slot]), s.bytes(v))
		}
		return
	}
	m := &s.p.members[t.members]
	for _, slot := range m.slots {
		if v := &s.tx[slot]; v.state != notSet {
			f(view(s.p.names[slot]), s.bytes(v))
		}
	}
	for i := 0; i < len(s.invented); i++ {
		x := &s.invented[i]
		if x.value.state == notSet || m.families[x.family] == perhaps && !t.wants(x.key) {
			continue
		}
		f(x.key, s.bytes(&x.value))
	}
}

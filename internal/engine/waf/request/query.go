package request

import "bytes"

// Query are the arguments of the query string as sent, and whether there are more than the
// limits allow; then the last one has all that is left as its value. An argument without
// "=" is a name without a value.
func (in *Inspection) Query() (list []Pair, oversize bool) {
	p := &in.parts.query
	if !p.done {
		p.done = true
		p.list, p.oversize = split(p.list, view(in.query), in.limits.Arguments)
	}
	return p.list, p.oversize
}

// split splits at & and =. At most limit pairs are split; what is left then is the value of
// one more.
func split(dst []Pair, s []byte, limit int) (list []Pair, oversize bool) {
	for n := 0; len(s) > 0; {
		if n == limit {
			return append(dst, Pair{Value: s}), true
		}
		var arg []byte
		if i := bytes.IndexByte(s, '&'); i >= 0 {
			arg, s = s[:i:i], s[i+1:]
		} else {
			arg, s = s, nil
		}
		if len(arg) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(arg, []byte("="))
		dst = append(dst, Pair{name, value})
		n++
	}
	return dst, false
}

// appendSingleQueryArgument selects the values of all arguments of one name.
func appendSingleQueryArgument(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	list, oversize := in.queryFor(s)
	for i := range list {
		if oversize && i == len(list)-1 || sameName(list[i].Name, s.component.Name) {
			dst = append(dst, Value{Bytes: list[i].Value, Name: list[i].Name})
		}
	}
	return dst, Outcome{Oversize: oversize}
}

// appendAllQueryArguments selects the values of all arguments.
func appendAllQueryArguments(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	list, oversize := in.queryFor(s)
	for i := range list {
		dst = append(dst, Value{Bytes: list[i].Value, Name: list[i].Name})
	}
	return dst, Outcome{Oversize: oversize}
}

// sameName tells whether an argument's name as sent, or its decoded form, is name but for
// the case of letters.
func sameName(sent []byte, name string) bool {
	if len(sent) < len(name) {
		return false
	}
	return len(sent) == len(name) && sameRead(sent, name, false) || sameRead(sent, name, true)
}

// sameRead compares sent, decoded or not, with name.
func sameRead(sent []byte, name string, decode bool) bool {
	n := 0
	for i := 0; i < len(sent); n++ {
		c := sent[i]
		i++
		if decode && c == '+' {
			c = ' '
		} else if decode && c == '%' && i+1 < len(sent) {
			if b, ok := hexPair(sent[i], sent[i+1]); ok {
				c = b
				i += 2
			}
		}
		if n == len(name) || lowerByte(c) != lowerByte(name[n]) {
			return false
		}
	}
	return n == len(name)
}

func lowerByte(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

// hexPair is the byte that two hexadecimal digits stand for.
func hexPair(hi, lo byte) (byte, bool) {
	h, ok1 := hexDigit(hi)
	l, ok2 := hexDigit(lo)
	return h<<4 | l, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c-'0' < 10:
		return c - '0', true
	case c|0x20-'a' < 6:
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

package request

import "strings"

// Cookies are the cookies of all Cookie fields in their order, as sent, and whether there
// are more than the limits allow. A cookie without "=" is name and value in one: what
// stands behind the firewall takes it for the one or the other.
func (in *Inspection) Cookies() (list []Pair, oversize bool) {
	p := &in.parts.cookies
	if !p.done {
		p.done = true
		in.splitCookies(p)
	}
	return p.list, p.oversize
}

func (in *Inspection) splitCookies(p *pairs) {
	left := in.limits.CookieBytes
	for i := range in.r.Fields {
		f := &in.r.Fields[i]
		if len(f.Name) != len("cookie") || !strings.EqualFold(f.Name, "cookie") {
			continue
		}
		for rest, more := f.Value, true; more; {
			var cookie string
			cookie, rest, more = strings.Cut(rest, ";")
			cookie = strings.Trim(cookie, " \t")
			if cookie == "" {
				continue
			}
			if len(p.list) == in.limits.Cookies || left <= 0 {
				p.oversize = true
				return
			}
			name, value, ok := strings.Cut(cookie, "=")
			if ok {
				name, value = cutTo(strings.TrimRight(name, " \t"), strings.TrimLeft(value, " \t"), &left)
			} else {
				name, _ = cutTo(name, "", &left)
				value = name
			}
			p.list = append(p.list, Pair{view(name), view(value)})
		}
	}
	p.oversize = left < 0
}

// appendCookies selects names and values of cookies.
func appendCookies(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	list, oversize := in.Cookies()
	for i := range list {
		if s.names == nil || s.names[string(list[i].Name)] != s.exclude {
			dst = s.appendPair(dst, list[i].Name, list[i].Value)
		}
	}
	return dst, Outcome{Oversize: oversize}
}

package http1

import "strings"

// form finds out the form of h.Target and checks that the method may have it
// (RFC 9112 §3.2).
func (h *Head) form() error {
	t := h.Target
	switch {
	case h.Method == "CONNECT": // its target is of the authority form only (§3.2.3)
		host, port, ok := cutPort(t)
		if !ok || host == "" || port == "" || !validHost(t) {
			return bad("malformed target of CONNECT")
		}
		h.Form, h.Host = Authority, t
	case t[0] == '/':
		h.Form = Origin
	case t == "*":
		if h.Method != "OPTIONS" { // §3.2.4
			return bad("the target * is for OPTIONS only")
		}
		h.Form = Asterisk
	default:
		authority, ok := cutAuthority(t)
		if !ok || authority == "" || !validHost(authority) {
			return bad("malformed request target")
		}
		h.Form, h.Host = Absolute, authority
	}
	return nil
}

// cutAuthority returns the authority of an http or https URI. User information, which
// RFC 9110 §4.2.4 forbids, leaves a byte that validHost refuses.
func cutAuthority(uri string) (string, bool) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || !fold(scheme, "http") && !fold(scheme, "https") {
		return "", false
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest, true
}

// settleHost checks Host (RFC 9112 §3.2): exactly one in HTTP/1.1, at most one in
// HTTP/1.0, and valid. An authority in the target replaces it (§3.2.2, §3.2.3).
func (h *Head) settleHost(f *framing) error {
	switch {
	case f.hosts > 1:
		return bad("more than one Host")
	case f.hosts == 0:
		if h.Minor > 0 {
			return bad("no Host")
		}
		return nil
	case f.host == "" && h.Minor == 0:
		return nil
	case f.host == "" || !validHost(f.host):
		return bad("malformed Host")
	}
	if h.Host == "" {
		h.Host = f.host
	}
	return nil
}

// validHost checks uri-host [ ":" port ] (RFC 9110 §7.2).
func validHost(s string) bool {
	host, port, ok := cutPort(s)
	if !ok || host == "" || len(port) > 5 {
		return false
	}
	for i := range len(port) {
		if !isDigit(port[i]) {
			return false
		}
	}
	if host[0] == '[' {
		inside := host[1 : len(host)-1]
		return inside != "" && all(inside, hostByte) && strings.IndexByte(inside, ':') >= 0 && !strings.ContainsAny(inside, "[]%")
	}
	if !all(host, hostByte) || strings.ContainsAny(host, ":[]") {
		return false
	}
	for i := 0; i < len(host); i++ {
		if host[i] == '%' {
			if i+2 >= len(host) || !all(host[i+1:i+3], hexByte) {
				return false
			}
			i += 2
		}
	}
	return true
}

// cutPort divides a host from the port behind it; an address of IPv6 stands in brackets.
func cutPort(s string) (host, port string, ok bool) {
	end := 0
	if s != "" && s[0] == '[' {
		end = strings.IndexByte(s, ']') + 1
		if end == 0 {
			return "", "", false
		}
	} else if end = strings.IndexByte(s, ':'); end < 0 {
		end = len(s)
	}
	if end == len(s) {
		return s, "", true
	}
	if s[end] != ':' {
		return "", "", false
	}
	return s[:end], s[end+1:], true
}

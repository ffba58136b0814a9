package request

import (
	"net/netip"
	"strings"
)

// Position says which address of a list in a header field is meant (ForwardedIPPosition).
// The empty string is FirstAddress.
type Position string

// The positions.
const (
	FirstAddress Position = "FIRST"
	LastAddress  Position = "LAST"
	AnyAddress   Position = "ANY" // the last ten
)

// Forwarding is what Forwarded found.
type Forwarding uint8

const (
	// NotForwarded: the field is absent. AWS does not apply the rule at all then.
	NotForwarded Forwarding = iota
	// ForwardedInvalid: there is no valid address at the position. The fallback decides.
	ForwardedInvalid
	// Forwarded: there is.
	Forwarded
)

// anyAddresses is how many addresses AnyAddress looks at (AWS: "If the header contains more
// than 10 IP addresses, AWS WAF inspects the last 10").
const anyAddresses = 10

// ForwardedAddresses appends the addresses at a position of a header field like
// X-Forwarded-For. Several fields of the name are one list (RFC 9110 §5.3). An address may
// stand in brackets and have a port; a zone makes it invalid. IPv4 addresses written as
// IPv6 come as IPv4.
func (r *Request) ForwardedAddresses(dst []netip.Addr, name string, p Position) ([]netip.Addr, Forwarding) {
	found, n := NotForwarded, len(dst)
	last := ""
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) != len(name) || !strings.EqualFold(f.Name, name) {
			continue
		}
		if p != LastAddress && p != AnyAddress {
			first, _, _ := strings.Cut(f.Value, ",")
			return appendAddress(dst, first)
		}
		found, last = ForwardedInvalid, f.Value
	}
	if found == NotForwarded {
		return dst, found
	}
	if p == LastAddress {
		return appendAddress(dst, last[strings.LastIndexByte(last, ',')+1:])
	}
	seen := 0
	for i := len(r.Fields) - 1; i >= 0 && seen < anyAddresses; i-- {
		f := &r.Fields[i]
		if len(f.Name) != len(name) || !strings.EqualFold(f.Name, name) {
			continue
		}
		for list, more := f.Value, true; more && seen < anyAddresses; seen++ {
			comma := strings.LastIndexByte(list, ',')
			dst, _ = appendAddress(dst, list[comma+1:])
			if more = comma >= 0; more {
				list = list[:comma]
			}
		}
	}
	if len(dst) > n {
		found = Forwarded
	}
	return dst, found
}

// appendAddress appends the address that s is.
func appendAddress(dst []netip.Addr, s string) ([]netip.Addr, Forwarding) {
	s = strings.Trim(s, " \t")
	if strings.HasPrefix(s, "[") {
		host, port, ok := strings.Cut(s[1:], "]")
		if !ok || port != "" && !isPort(port) {
			return dst, ForwardedInvalid
		}
		s = host
	} else if host, port, ok := strings.Cut(s, ":"); ok && strings.IndexByte(host, '.') >= 0 && strings.IndexByte(port, ':') < 0 {
		if !isPort(s[len(host):]) {
			return dst, ForwardedInvalid
		}
		s = host
	}
	if len(s) < 2 || len(s) > 45 { // the longest text of an address
		return dst, ForwardedInvalid
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return dst, ForwardedInvalid
	}
	return append(dst, a.Unmap()), Forwarded
}

// isPort tells whether s is a colon and a number of up to five digits.
func isPort(s string) bool {
	if len(s) < 2 || len(s) > 6 || s[0] != ':' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i]-'0' >= 10 {
			return false
		}
	}
	return true
}

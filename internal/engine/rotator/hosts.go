package rotator

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// Hosts is the operator's list of where a rotation may connect to. The zero value
// allows nothing.
type Hosts struct {
	entries []hostEntry
}

// hostEntry is one line of the list: a name, a suffix of names, or a range of addresses.
type hostEntry struct {
	name   string // "db.example.com", or ".example.com" for its subdomains
	prefix netip.Prefix
	port   int // 0 for any
}

// maxHostEntries bounds the list; every connection walks through it.
const maxHostEntries = 1024

// special are the ranges that a name or a wider range does not open: an entry must lie
// inside the range. Link-local holds the metadata services of most clouds; the others
// are those of Alibaba, of Azure's host agent, and of EC2 over IPv6.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("100.100.100.200/32"),
	netip.MustParsePrefix("168.63.129.16/32"),
	netip.MustParsePrefix("::/128"),
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("fd00:ec2::/32"),
	// Prefixes that carry an IPv4 address, which may be any of the above: NAT64, 6to4,
	// Teredo, IPv4-compatible.
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("::/96"),
}

// ParseHosts reads entries such as
//
//	db.example.com            this name
//	*.db.example.com:5432     the names below db.example.com, port 5432 only
//	10.0.0.7                  this address
//	10.0.0.0/8:3306           these addresses, port 3306 only
//	[2001:db8::/32]:5432      the same with IPv6
//	localhost                 this name, and that it is a loopback address
//
// Loopback, link-local, multicast and metadata addresses are reached only through an
// entry that lies inside such a range, as 127.0.0.1 does and 0.0.0.0/0 does not.
func ParseHosts(entries []string) (Hosts, error) {
	if len(entries) > maxHostEntries {
		return Hosts{}, fmt.Errorf("more than %d hosts", maxHostEntries)
	}
	var hosts Hosts
	for _, text := range entries {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		entry, err := parseHostEntry(text)
		if err != nil {
			return Hosts{}, err
		}
		hosts.entries = append(hosts.entries, entry)
	}
	return hosts, nil
}

func parseHostEntry(text string) (hostEntry, error) {
	var e hostEntry
	host, port := text, ""
	if rest, ok := strings.CutPrefix(text, "["); ok {
		inside, after, closed := strings.Cut(rest, "]")
		if !closed || after != "" && !strings.HasPrefix(after, ":") {
			return e, fmt.Errorf("host %q: a bracket without its other half", text)
		}
		host, port = inside, after
	} else if strings.Count(text, ":") == 1 { // two or more are IPv6
		i := strings.IndexByte(text, ':')
		host, port = text[:i], text[i:]
	}
	if port != "" {
		n, err := strconv.Atoi(port[1:])
		if err != nil || n < 1 || n > math.MaxUint16 {
			return e, fmt.Errorf("host %q: the port must be from 1 to 65535", text)
		}
		e.port = n
	}
	if prefix, err := netip.ParsePrefix(host); err == nil {
		if prefix.Addr().Is4In6() {
			return e, fmt.Errorf("host %q: write the range as IPv4", text)
		}
		e.prefix = prefix.Masked()
		return e, nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		e.prefix = netip.PrefixFrom(addr, addr.BitLen())
		return e, nil
	}
	name, below := strings.CutPrefix(host, "*.")
	name, ok := hostName(name)
	if !ok {
		return e, fmt.Errorf("host %q is no name, address, range or *.suffix", text)
	}
	e.name = name
	if below {
		e.name = "." + name
	}
	return e, nil
}

// hostName is a DNS name in lower case without the final dot. Underscores are let
// through: container networks use them.
func hostName(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSuffix(text, "."))
	if text == "" || len(text) > 253 {
		return "", false
	}
	numeric := true // a last label of digits is an address in disguise: 127.1, 0x7f.1
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return "", false
			}
		}
		numeric = label[0] >= '0' && label[0] <= '9' && strings.Trim(label, "0123456789abcdefx") == ""
	}
	return text, !numeric
}

// allowsName tells whether a name may be looked up at all: it is listed, or addresses
// are, which it may have.
func (h Hosts) allowsName(name string, port int) bool {
	for _, e := range h.entries {
		if e.opens(port) && (e.prefix.IsValid() || e.names(name)) {
			return true
		}
	}
	return false
}

// allows decides on one address that a host has. name is empty if the document gives
// the address itself.
func (h Hosts) allows(name string, addr netip.Addr, port int) bool {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	within := insideSpecial(addr)
	for _, e := range h.entries {
		if !e.opens(port) {
			continue
		}
		if e.prefix.IsValid() {
			if e.prefix.Contains(addr) && (!within.IsValid() || e.prefix.Bits() >= within.Bits()) {
				return true
			}
			continue
		}
		if name != "" && e.names(name) && (!within.IsValid() || e.name == "localhost" && addr.IsLoopback()) {
			return true
		}
	}
	return false
}

// insideSpecial gives the narrowest special range with an address: what an entry has to
// lie in. The zero value if there is none.
func insideSpecial(addr netip.Addr) netip.Prefix {
	var narrowest netip.Prefix
	for _, p := range special {
		if p.Contains(addr) && (!narrowest.IsValid() || p.Bits() > narrowest.Bits()) {
			narrowest = p
		}
	}
	return narrowest
}

func (e hostEntry) opens(port int) bool { return e.port == 0 || e.port == port }

func (e hostEntry) names(name string) bool {
	if strings.HasPrefix(e.name, ".") {
		return strings.HasSuffix(name, e.name) && len(name) > len(e.name)
	}
	return e.name != "" && name == e.name
}

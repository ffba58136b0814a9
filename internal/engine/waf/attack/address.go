package attack

import (
	"bytes"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// An address may be written in many ways that lead to the same host: numbers in octal or hexadecimal, several of them
// as one, IPv6 around them, digits in circles, slashes too many, too few or backward. Those who check
// addresses read fewer of them than those who follow them. So a value that is an address as a whole is read here as all the others do:
// browsers and Node (WHATWG's URL standard, "host parsing" and "IPv4 parser"), inet_aton of libc (curl, Python), and PHP.

const (
	// maxAddress is the longest beginning of a value that is read as an address.
	maxAddress = 512
	// addressSteps is what reading an address costs, in steps of package pattern.
	addressSteps = 400
)

// addressKind is what is to be said about an address.
type addressKind uint8

const (
	ordinaryAddress addressKind = iota
	hiddenHost                  // the host is the machine itself or its neighbour, or a number that is written so that nobody reads it
	hiddenRedirect              // another host, behind slashes that only a lenient reader takes for those of an address
	slippedRedirect             // the same, by one slash more or less, as people mistype it
)

// readAddress tells what kind of address b is as a whole, and whether it had to read it for that.
func readAddress(b []byte) (kind addressKind, read bool) {
	odd := false
	for len(b) > 0 && (b[0] <= ' ' || b[0] == '"' || b[0] == '\'') {
		odd = odd || b[0] < '\t' || b[0] > '\r' && b[0] < ' '
		b = b[1:]
	}
	if len(b) < 4 || schemeLength(b) == 0 && b[0] != '/' && b[0] != '\\' && b[0] != '%' && !odd && b[0]|0x20 != 'h' {
		return ordinaryAddress, false
	}
	// Ends of lines and tabs count nowhere.
	var clean [maxAddress]byte
	n := 0
	for i, c := range b {
		if n == len(clean) {
			break
		}
		if c == '\t' || c == '\n' || c == '\r' {
			odd = odd || i < 16
			continue
		}
		clean[n] = c
		n++
	}
	b = clean[:n]
	scheme := schemeLength(b)
	rest := b[scheme:]
	slashes := 0
	for len(rest) > 0 {
		if rest[0] != '/' {
			width := 1
			if hasFold(rest, "%2f") || hasFold(rest, "%5c") {
				width = 3
			} else if rest[0] != '\\' {
				break
			}
			odd = true
			rest = rest[width-1:]
		}
		rest = rest[1:]
		slashes++
	}
	switch {
	case scheme == 0 && slashes < 2, len(rest) == 0:
		return ordinaryAddress, true
	}
	slipped := slashes == 1 || slashes == 3
	odd = odd || slashes != 2 && !slipped
	authority := rest
	if end := bytes.IndexByte(authority, '/'); end >= 0 {
		authority = authority[:end]
	}
	// Readers disagree on which of the signs of an address ends its authority, so the host may be behind any of its signs
	// for users and before any of the others.
	first, last := "", ""
	for i := 0; ; i++ {
		part, more, found := bytes.Cut(authority, []byte{'@'})
		host := part
		if end := bytes.IndexAny(host, `\?#`); end >= 0 {
			host = host[:end]
		}
		var mapped [80]byte
		name := hostName(mapped[:0], host)
		number := strings.HasPrefix(name, "0x") || strings.HasPrefix(name, "[") || strings.Count(name, ".") == 3
		switch {
		case name == "localhost" && (odd || slipped || i > 0),
			isHidden(name, host) && (number || i > 0 || slashes >= 2 && (scheme > 0 || odd || slipped) || scheme > 0 && strings.Contains(name, ".")):
			return hiddenHost, true
		case i == 0:
			first = name
		}
		last = name
		odd = odd || isDisguised(name, host) || scheme == 0 && found
		if !found || i == 8 {
			break
		}
		authority = more
	}
	if (odd || slipped) && (scheme > 0 || slashes >= 2) && (isDomain(first) || isDomain(last)) {
		if odd || scheme == 0 {
			return hiddenRedirect, true
		}
		return slippedRedirect, true
	}
	return ordinaryAddress, true
}

// schemeLength is the length of the scheme that b begins with, and its colon: of those that address a host.
func schemeLength(b []byte) int {
	for _, s := range [...]string{"http:", "https:", "ftp:", "ws:", "wss:", "ftps:"} {
		if hasFold(b, s) {
			return len(s)
		}
	}
	return 0
}

// hostName appends to dst, which has room for it, what a host with or without a port is as a name: without escapes, in
// lower case, and signs of other scripts that stand for letters, digits and points as those (Unicode Technical Standard 46,
// normalization form KC). It is empty if there is none.
func hostName(dst, host []byte) string {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		for _, c := range host[i+1:] {
			if c < '0' || c > '9' {
				return ""
			}
		}
		host = host[:i]
	}
	var plain [160]byte
	n := 0
	for i := 0; i < len(host) && n < len(plain); i++ {
		c := host[i]
		if c == '%' && i+2 < len(host) && isHex(host[i+1]) && isHex(host[i+2]) {
			c = unhex(host[i+1])<<4 | unhex(host[i+2])
			i += 2
		}
		plain[n] = c
		n++
	}
	for i := 0; i < n; {
		c := plain[i]
		if c < utf8.RuneSelf {
			dst = append(dst, lowerASCII(c))
			i++
		} else {
			r, size := utf8.DecodeRune(plain[i:n])
			dst = append(dst, compatible(r)...)
			i += size
		}
		if len(dst) > 72 {
			return ""
		}
	}
	return string(bytes.TrimSuffix(dst, []byte{'.'}))
}

const asciiSigns = "0123456789abcdefghijklmnopqrstuvwxyz"

// compatible is what a sign of another script stands for in the name of a host: a digit, a letter, a point, or nothing.
// Of others it is a sign that no name has.
func compatible(r rune) string {
	digit := func(d rune) string { return asciiSigns[d : d+1] }
	letter := func(l rune) string { return asciiSigns[10+l : 11+l] }
	switch {
	case r >= 0xff10 && r <= 0xff19:
		return digit(r - 0xff10)
	case r >= 0xff21 && r <= 0xff3a:
		return letter(r - 0xff21)
	case r >= 0xff41 && r <= 0xff5a:
		return letter(r - 0xff41)
	case r == 0xff0d:
		return "-"
	case r == 0x3002 || r == 0xff0e || r == 0xff61 || r == 0x2024:
		return "."
	case r >= 0x1d7ce && r <= 0x1d7ff:
		return digit((r - 0x1d7ce) % 10)
	case r >= 0x1fbf0 && r <= 0x1fbf9:
		return digit(r - 0x1fbf0)
	case r >= 0x1d400 && r < 0x1d400+52*13:
		return letter((r - 0x1d400) % 26)
	case r == 0xb2 || r == 0xb3:
		return digit(r - 0xb0)
	case r == 0xb9:
		return "1"
	case r == 0x2070 || r >= 0x2074 && r <= 0x2079:
		return digit(r - 0x2070)
	case r >= 0x2080 && r <= 0x2089:
		return digit(r - 0x2080)
	case r >= 0x2460 && r <= 0x2468:
		return digit(r - 0x2460 + 1)
	case r >= 0x2469 && r <= 0x2472:
		return "1" + digit(r-0x2469)
	case r == 0x2473:
		return "20"
	case r == 0x24ea:
		return "0"
	case r >= 0x2488 && r <= 0x2490:
		return digit(r-0x2488+1) + "."
	case r == 0x1f100:
		return "0."
	case r >= 0x24b6 && r <= 0x24cf:
		return letter(r - 0x24b6)
	case r >= 0x24d0 && r <= 0x24e9:
		return letter(r - 0x24d0)
	case r == 0xad || r == 0x200b || r == 0x200c || r == 0x200d || r == 0x2060 || r == 0xfeff || r >= 0xfe00 && r <= 0xfe0f:
		return ""
	case r == 0x2113 || r == 0x2e1:
		return "l"
	case r == 0x2134 || r == 0xba || r == 0x1d52:
		return "o"
	case r == 0xaa || r == 0x1d43:
		return "a"
	case r == 0x17f || r == 0x2e2:
		return "s"
	}
	return "\xff"
}

// near are the networks of the machine itself and of its neighbours that tell what it is.
var near = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("100.100.100.200/32"), netip.MustParsePrefix("192.0.0.192/32"),
	netip.MustParsePrefix("168.63.129.16/32"), netip.MustParsePrefix("::/127"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("fd00:ec2::/32"),
}

func isNear(a netip.Addr) bool {
	for _, n := range near {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// isHidden tells whether a host is near, or a number that is not written as everybody does, by its name and what was written.
func isHidden(name string, written []byte) bool {
	if name == "" {
		return false
	}
	if inside, is := strings.CutPrefix(name, "["); is {
		inside, _, _ = strings.Cut(inside, "]")
		inside, _, _ = strings.Cut(inside, "%")
		a, err := netip.ParseAddr(inside)
		if err != nil || !a.Is6() {
			return false
		}
		v4, is := embeddedIPv4(a)
		return isNear(a) || is && (isNear(v4) || v4.IsPrivate())
	}
	if a, plain, is := parseIPv4(name); is {
		return !plain || isNear(a) || isDisguised(name, written)
	}
	switch name {
	case "localhost": // it is what developers have; who writes it otherwise has a reason
		return isDisguised(name, written)
	case "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback":
		return true
	}
	return false
}

// isDisguised tells whether a name was written with escapes or signs of other scripts.
func isDisguised(name string, written []byte) bool {
	return !hasFold(written, name)
}

// embeddedIPv4 is the address of IPv4 that one of IPv6 stands for: mapped, compatible, translated (RFC 4291, RFC 6052),
// or behind 6to4 (RFC 3056).
func embeddedIPv4(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	zero := func(from, to int) bool {
		for _, c := range b[from:to] {
			if c != 0 {
				return false
			}
		}
		return true
	}
	switch {
	case zero(0, 10) && (b[10] == 0xff && b[11] == 0xff || zero(10, 12)),
		zero(0, 8) && b[8] == 0xff && b[9] == 0xff && zero(10, 12),
		b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b && zero(4, 12):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// parseIPv4 reads one to four numbers in decimal, octal or hexadecimal, the last of which fills what is left of the address.
// plain tells whether they are the four in decimal that everybody reads.
func parseIPv4(name string) (a netip.Addr, plain, is bool) {
	if c := name[0]; c < '0' || c > '9' {
		return a, false, false
	}
	var total uint64
	parts := 0
	plain = true
	for more := true; more; parts++ {
		var part string
		part, name, more = strings.Cut(name, ".")
		v, canonical, ok := parseNumber(part)
		if !ok || parts == 4 {
			return a, false, false
		}
		plain = plain && canonical
		if more {
			if v > 0xff {
				return a, false, false
			}
			total = total<<8 | v
			continue
		}
		left := 8 * (4 - parts)
		if v >= 1<<left {
			return a, false, false
		}
		total = total<<left | v
	}
	a = netip.AddrFrom4([4]byte{byte(total >> 24), byte(total >> 16), byte(total >> 8), byte(total)})
	return a, plain && parts == 4, true
}

// parseNumber reads a number of an address, of at most 32 bits.
func parseNumber(s string) (v uint64, canonical, ok bool) {
	base := uint64(10)
	canonical = true
	switch {
	case len(s) > 1 && s[0] == '0' && s[1] == 'x':
		s, base, canonical = s[2:], 16, false
	case len(s) > 1 && s[0] == '0':
		s, base, canonical = s[1:], 8, false
	case s == "":
		return 0, false, false
	}
	for _, c := range []byte(s) {
		if !isHex(c) {
			return 0, false, false
		}
		d := uint64(unhex(c))
		if d >= base {
			return 0, false, false
		}
		if v = v*base + d; v > 0xffffffff {
			return 0, false, false
		}
	}
	return v, canonical, true
}

// isDomain tells whether a name is that of a host of the Internet: labels of letters, digits and hyphens with points between
// them, the last of letters.
func isDomain(name string) bool {
	labels, letters := 0, true
	size := 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '.' {
			if size == 0 {
				return false
			}
			labels++
			if i < len(name) {
				size, letters = 0, true
			}
			continue
		}
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z':
		case c >= '0' && c <= '9', c == '-', c == '_':
			letters = false
		default:
			return false
		}
		size++
	}
	return labels >= 2 && letters && size >= 2
}

package challenge

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// maxDomain is the length of a domain name (RFC 1035 §2.3.4, without the last dot).
const maxDomain = 253

// hostOf is the name of an authority: without its port, in lower case and without a dot at the end. It is
// empty if the authority has none, or one that no token can be for.
func hostOf(authority string) string {
	h := authority
	if strings.HasPrefix(h, "[") {
		end := strings.IndexByte(h, ']')
		if end < 0 {
			return ""
		}
		h = h[1:end]
		if _, err := netip.ParseAddr(h); err != nil {
			return ""
		}
	} else if i := strings.IndexByte(h, ':'); i >= 0 {
		h = h[:i]
	}
	h = strings.ToLower(strings.TrimSuffix(h, "."))
	if len(h) > maxDomain {
		return ""
	}
	for i := range len(h) {
		if c := h[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`;,"\/?#@%`, c) >= 0 {
			return ""
		}
	}
	return h
}

// shareable tells whether a domain may be the token domain of all hosts in it.
func shareable(domain string) bool {
	// A name whose last label is a number is an IPv4 address or a part of one.
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	if len(last) == len(domain) || strings.Trim(last, "0123456789") == "" || strings.Contains(domain, ":") {
		return false
	}
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix != domain
}

// within tells whether host is domain or below it.
func within(host, domain string) bool {
	rest, ok := strings.CutSuffix(host, domain)
	return ok && (rest == "" || rest[len(rest)-1] == '.')
}

// ValidDomain tells whether a name can be a token domain: no public suffix and not a single
// label. Others among a web ACL's token domains are passed over.
func ValidDomain(domain string) bool {
	d := hostOf(domain)
	return d != "" && shareable(d)
}

// domainFor is the domain of tokens that a host gives: the widest of the token domains that the
// host is in, else the host.
func domainFor(host string, domains []string) string {
	widest := host
	for _, d := range domains {
		if d = hostOf(d); d != "" && len(d) < len(widest) && within(host, d) && shareable(d) {
			widest = d
		}
	}
	return widest
}

// accepted tells whether a host takes tokens for a domain. Token domains are taken with all that is below
// them (AWS WAF Developer Guide, "Specifying token domains").
func accepted(domain, host string, domains []string) bool {
	if domain == host {
		return true
	}
	for _, d := range domains {
		if d = hostOf(d); d != "" && within(domain, d) && shareable(d) {
			return true
		}
	}
	return false
}

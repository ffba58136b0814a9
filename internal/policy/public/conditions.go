package public

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"fastness/internal/policy"
)

// bounded tells whether one of the conditions, all of which must hold, fixes who is let
// in.
func bounded(conditions []policy.Condition) bool {
	return slices.ContainsFunc(conditions, func(c policy.Condition) bool { return bounds(&c) })
}

// matcher is how an operator compares.
type matcher uint8

const (
	none     matcher = iota // not in a way that bounds
	exactly                 // * and ? are characters
	patterns                // * and ? match, also across colons
	arns                    // the same within the parts of an ARN
	address
)

// operators are the positive ones, in lower case.
var operators = map[string]matcher{
	"stringequals": exactly, "stringequalsignorecase": exactly, "stringlike": patterns,
	"arnequals": arns, "arnlike": arns, "ipaddress": address,
}

// bounds tells whether a condition fixes who can fulfil it.
func bounds(c *policy.Condition) bool {
	// ForAnyValue demands a value; ForAllValues and IfExists hold without one.
	operator := strings.TrimPrefix(strings.ToLower(c.Operator), "foranyvalue:")
	m := operators[operator]
	if m == none || len(c.Values) == 0 {
		return false
	}
	key := strings.ToLower(c.Key)
	if m == address {
		return key == "aws:sourceip" && fewAddresses(c.Values)
	}
	fixed := fixedBy[key]
	if fixed == nil {
		return false
	}
	for _, v := range c.Values {
		if strings.Contains(v, "${") {
			return false // what the caller brings, or an escape: too clever to rely on
		}
		literal := v
		if m != exactly {
			if i := strings.IndexAny(v, "*?"); i >= 0 {
				literal = v[:i]
			}
		}
		if !fixed(literal, len(literal) == len(v)) {
			return false
		}
	}
	return true
}

// fixedBy says, for each key, whether a value bounds: literal is what stands before the
// first wildcard, and whole tells that there is none.
var fixedBy = map[string]func(literal string, whole bool) bool{
	"aws:principalorgid":    organization,
	"aws:sourceorgid":       organization,
	"aws:principalorgpaths": organizationPath,
	"aws:sourceorgpaths":    organizationPath,
	"aws:principalaccount":  account,
	"aws:sourceaccount":     account,
	"aws:sourceowner":       account,
	"aws:principalarn":      arnWithAccount,
	"aws:sourcearn":         sourceARN,
	"aws:userid":            userID,
	"aws:sourcevpc":         func(literal string, whole bool) bool { return whole && strings.HasPrefix(literal, "vpc-") },
	"aws:sourcevpce":        func(literal string, whole bool) bool { return whole && strings.HasPrefix(literal, "vpce-") },
}

func organization(literal string, whole bool) bool {
	return whole && strings.HasPrefix(literal, "o-") && len(literal) > len("o-")
}

// organizationPath: o-…/r-…/ou-…/ with the organization in full.
func organizationPath(literal string, _ bool) bool {
	id, _, ok := strings.Cut(literal, "/")
	return ok && organization(id, true)
}

func account(literal string, whole bool) bool { return whole && isAccount(literal) }

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// arnWithAccount: the account is the fifth part, and ends before any wildcard.
func arnWithAccount(literal string, _ bool) bool {
	f := strings.SplitN(literal, ":", 6)
	return len(f) == 6 && f[0] == "arn" && isAccount(f[4])
}

// sourceARN: as for principals, or a bucket, whose ARN has no account.
func sourceARN(literal string, whole bool) bool {
	if arnWithAccount(literal, whole) {
		return true
	}
	f := strings.SplitN(literal, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[2] != "s3" || f[4] != "" {
		return false
	}
	bucket, _, rest := strings.Cut(f[5], "/")
	return bucket != "" && (whole || rest)
}

// uniqueID is the length of AIDA… and AROA….
const uniqueID = 21

// userID: the unique id of a user, or of a role and then its session.
func userID(literal string, whole bool) bool {
	id, _, session := strings.Cut(literal, ":")
	return len(id) >= uniqueID && (strings.HasPrefix(id, "AIDA") || strings.HasPrefix(id, "AROA")) && (whole || session)
}

// fewAddresses tells whether prefixes together hold less than half of all addresses, of
// IPv4 and of IPv6 each.
func fewAddresses(values []string) bool {
	var v4, v6 []netip.Prefix
	for _, v := range values {
		p, err := netip.ParsePrefix(v)
		if err != nil {
			a, err := netip.ParseAddr(v)
			if err != nil {
				return false
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		switch a := p.Addr(); {
		case a.Is4():
			v4 = append(v4, p.Masked())
		case a.Is4In6():
			// The evaluator takes mapped addresses for IPv4: a prefix shorter than the mapping
			// holds all of it.
			if p.Bits() < 96 {
				return false
			}
			v4 = append(v4, netip.PrefixFrom(a.Unmap(), p.Bits()-96).Masked())
		default:
			v6 = append(v6, p.Masked())
		}
	}
	return lessThanHalf(v4, 32) && lessThanHalf(v6, 128)
}

// lessThanHalf adds up the sizes of prefixes that do not lie in one another.
func lessThanHalf(list []netip.Prefix, bits int) bool {
	slices.SortFunc(list, func(a, b netip.Prefix) int { return a.Bits() - b.Bits() })
	sum := new(big.Int)
	var kept []netip.Prefix
	for _, p := range list {
		if slices.ContainsFunc(kept, func(k netip.Prefix) bool { return k.Contains(p.Addr()) }) {
			continue
		}
		kept = append(kept, p)
		sum.Add(sum, new(big.Int).Lsh(big.NewInt(1), uint(bits-p.Bits())))
	}
	return sum.Cmp(new(big.Int).Lsh(big.NewInt(1), uint(bits-1))) < 0
}

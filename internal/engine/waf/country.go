package waf

// countrySet is a set of two-letter codes.
type countrySet [(26*26 + 63) / 64]uint64

func newCountrySet(codes []string) *countrySet {
	s := new(countrySet)
	for _, c := range codes {
		if i, ok := countryIndex(c); ok {
			s[i>>6] |= 1 << (i & 63)
		}
	}
	return s
}

func (s *countrySet) has(code string) bool {
	i, ok := countryIndex(code)
	return ok && s[i>>6]&(1<<(i&63)) != 0
}

func countryIndex(code string) (uint, bool) {
	if len(code) != 2 {
		return 0, false
	}
	a, b := code[0]-'A', code[1]-'A'
	return uint(a)*26 + uint(b), a < 26 && b < 26
}

package shamir

// mul multiplies in GF(2^8) modulo x^8+x^4+x^3+x+1, in constant time.
func mul(a, b byte) byte {
	var p byte
	for range 8 {
		p ^= a & -(b & 1)
		carry := -(a >> 7)
		a = a<<1 ^ 0x1b&carry
		b >>= 1
	}
	return p
}

// inv is the multiplicative inverse, a^254 (0 for 0), in constant time.
func inv(a byte) byte {
	r := a
	for range 6 {
		r = mul(mul(r, r), a) // a^3, a^7, … a^127
	}
	return mul(r, r)
}

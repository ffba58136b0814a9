package keyalg

import (
	"crypto/sha3"
	"crypto/subtle"
	"math/bits"
)

// Verification of ML-DSA for a message representative µ made elsewhere
// (EXTERNAL_MU). The module that signs offers no entry for it, so the public
// side of FIPS 204 stands here: Algorithm 8, from step 5 on. It touches public
// values only, so it need not be constant-time, and it is written for reading
// rather than for speed. Algorithm and table numbers are those of FIPS 204.

const (
	mldsaQ = 8380417
	mldsaD = 13 // bits dropped from t
	mldsaN = 256
)

// mldsaSet is a row of Table 1.
type mldsaSet struct {
	k, l       int
	tau        int
	gamma1Bits int   // γ1 = 2^gamma1Bits
	gamma2     int32 // (q-1)/88 or (q-1)/32
	beta       int32 // τ·η
	omega      int
	challenge  int // bytes of c̃, λ/4
	w1Bits     int // bits of a coefficient of w1
}

func mldsaSetOf(s Spec) mldsaSet {
	switch s {
	case MLDSA65:
		return mldsaSet{k: 6, l: 5, tau: 49, gamma1Bits: 19, gamma2: (mldsaQ - 1) / 32, beta: 196, omega: 55, challenge: 48, w1Bits: 4}
	case MLDSA87:
		return mldsaSet{k: 8, l: 7, tau: 60, gamma1Bits: 19, gamma2: (mldsaQ - 1) / 32, beta: 120, omega: 75, challenge: 64, w1Bits: 4}
	default:
		return mldsaSet{k: 4, l: 4, tau: 39, gamma1Bits: 17, gamma2: (mldsaQ - 1) / 88, beta: 78, omega: 80, challenge: 32, w1Bits: 6}
	}
}

// poly is a polynomial of degree 255 with coefficients in [0, q), or its NTT.
type poly [mldsaN]uint32

// verifyMLDSAMu reports whether sig is a signature of the 64-byte mu under the
// encoded public key pk.
func verifyMLDSAMu(s Spec, pk, mu, sig []byte) bool {
	p := mldsaSetOf(s)
	zSize := mldsaN / 8 * (p.gamma1Bits + 1)
	const t1Size = mldsaN / 8 * 10
	if len(pk) != 32+p.k*t1Size || len(sig) != p.challenge+p.l*zSize+p.omega+p.k || len(mu) != 64 {
		return false
	}
	challenge, rest := sig[:p.challenge], sig[p.challenge:]
	z := make([]poly, p.l)
	for i := range z {
		if !unpackZ(&z[i], rest[i*zSize:(i+1)*zSize], p) {
			return false
		}
		z[i].ntt()
	}
	hints, ok := unpackHints(rest[p.l*zSize:], p)
	if !ok {
		return false
	}
	rho, t1 := pk[:32], pk[32:]
	c := sampleInBall(challenge, p.tau)
	c.ntt()

	h := sha3.NewSHAKE256()
	h.Write(mu)
	for i := range p.k {
		// w'[i] = Σ A[i][j]·z[j] − c·t1[i]·2^d
		var w, t poly
		for j := range p.l {
			a := sampleNTT(rho, byte(j), byte(i))
			w.addProduct(&a, &z[j])
		}
		unpackBits(&t, t1[i*t1Size:(i+1)*t1Size], 10)
		for n := range t {
			t[n] = mldsaQ - t[n]<<mldsaD // in (0, q]: t[n]·2^d is below q
		}
		t.ntt()
		w.addProduct(&c, &t)
		w.inverseNTT()
		for n := range w {
			w[n] = useHint(w[n], hints[i][n], p.gamma2)
		}
		h.Write(packBits(&w, p.w1Bits))
	}
	want := make([]byte, p.challenge)
	h.Read(want)
	return subtle.ConstantTimeCompare(want, challenge) == 1
}

// unpackBits reads coefficients of the given width, least significant bit first
// (Algorithm 18).
func unpackBits(f *poly, b []byte, width int) {
	var acc uint32
	var have, at int
	for i := range f {
		for have < width {
			acc |= uint32(b[at]) << have
			at++
			have += 8
		}
		f[i] = acc & (1<<width - 1)
		acc >>= width
		have -= width
	}
}

// packBits is the inverse of unpackBits (Algorithm 16).
func packBits(f *poly, width int) []byte {
	out := make([]byte, 0, mldsaN/8*width)
	var acc uint32
	var have int
	for _, c := range f {
		acc |= c << have
		have += width
		for have >= 8 {
			out = append(out, byte(acc))
			acc >>= 8
			have -= 8
		}
	}
	return out
}

// unpackZ reads a polynomial of z (Algorithm 19) and reports whether its norm is
// below γ1 − β.
func unpackZ(f *poly, b []byte, p mldsaSet) bool {
	unpackBits(f, b, p.gamma1Bits+1)
	gamma1 := int32(1) << p.gamma1Bits
	for i, v := range f {
		z := gamma1 - int32(v)
		if z >= gamma1-p.beta || -z >= gamma1-p.beta {
			return false
		}
		if z < 0 {
			z += mldsaQ
		}
		f[i] = uint32(z)
	}
	return true
}

// unpackHints reads the hint (Algorithm 21). Every hint has one encoding only;
// others are refused.
func unpackHints(b []byte, p mldsaSet) ([][mldsaN]bool, bool) {
	hints := make([][mldsaN]bool, p.k)
	at := 0
	for i := range hints {
		end := int(b[p.omega+i])
		if end < at || end > p.omega {
			return nil, false
		}
		for first := at; at < end; at++ {
			if at > first && b[at-1] >= b[at] {
				return nil, false
			}
			hints[i][b[at]] = true
		}
	}
	for _, v := range b[at:p.omega] {
		if v != 0 {
			return nil, false
		}
	}
	return hints, true
}

// sampleInBall expands the challenge to a polynomial with tau coefficients of ±1
// (Algorithm 29).
func sampleInBall(seed []byte, tau int) poly {
	var c poly
	h := sha3.NewSHAKE256()
	h.Write(seed)
	var signs [8]byte
	h.Read(signs[:])
	for i := mldsaN - tau; i < mldsaN; i++ {
		var j [1]byte
		for h.Read(j[:]); int(j[0]) > i; {
			h.Read(j[:])
		}
		c[i] = c[j[0]]
		c[j[0]] = 1
		if n := i + tau - mldsaN; signs[n/8]>>(n%8)&1 == 1 {
			c[j[0]] = mldsaQ - 1
		}
	}
	return c
}

// sampleNTT expands one entry of the matrix A (Algorithm 30, with the seed of
// Algorithm 32).
func sampleNTT(rho []byte, column, row byte) poly {
	var f poly
	h := sha3.NewSHAKE128()
	h.Write(rho)
	h.Write([]byte{column, row})
	var b [168]byte // one block of SHAKE128
	for i := 0; i < mldsaN; {
		h.Read(b[:])
		for at := 0; at < len(b) && i < mldsaN; at += 3 {
			v := uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2]&0x7f)<<16
			if v < mldsaQ {
				f[i] = v
				i++
			}
		}
	}
	return f
}

// useHint returns the high bits of r, corrected by the hint (Algorithms 36 and
// 40).
func useHint(r uint32, hint bool, gamma2 int32) uint32 {
	m := (mldsaQ - 1) / (2 * gamma2)
	low := int32(r) % (2 * gamma2)
	if low > gamma2 {
		low -= 2 * gamma2
	}
	high := (int32(r) - low) / (2 * gamma2)
	if int32(r)-low == mldsaQ-1 {
		high = 0
		low--
	}
	switch {
	case hint && low > 0:
		high = (high + 1) % m
	case hint:
		high = (high + m - 1) % m
	}
	return uint32(high)
}

func mulQ(a, b uint32) uint32 { return uint32(uint64(a) * uint64(b) % mldsaQ) }

// addProduct adds a∘b, coefficient by coefficient, to f.
func (f *poly) addProduct(a, b *poly) {
	for i := range f {
		f[i] = uint32((uint64(a[i])*uint64(b[i]) + uint64(f[i])) % mldsaQ)
	}
}

// mldsaZetas holds ζ^brv(m) mod q for m from 0 to 255 with ζ = 1753 (FIPS 204
// appendix B), computed rather than copied.
var mldsaZetas = func() (zetas [mldsaN]uint32) {
	for m := range zetas {
		zetas[m] = 1
		for range bits.Reverse8(uint8(m)) {
			zetas[m] = mulQ(zetas[m], 1753)
		}
	}
	return zetas
}()

// ntt is Algorithm 41.
func (f *poly) ntt() {
	m := 0
	for length := 128; length >= 1; length /= 2 {
		for start := 0; start < mldsaN; start += 2 * length {
			m++
			zeta := mldsaZetas[m]
			for j := start; j < start+length; j++ {
				t := mulQ(zeta, f[j+length])
				f[j+length] = (f[j] + mldsaQ - t) % mldsaQ
				f[j] = (f[j] + t) % mldsaQ
			}
		}
	}
}

// inverseNTT is Algorithm 42.
func (f *poly) inverseNTT() {
	m := mldsaN
	for length := 1; length < mldsaN; length *= 2 {
		for start := 0; start < mldsaN; start += 2 * length {
			m--
			zeta := mldsaQ - mldsaZetas[m]
			for j := start; j < start+length; j++ {
				t := f[j]
				f[j] = (t + f[j+length]) % mldsaQ
				f[j+length] = mulQ(zeta, (t+mldsaQ-f[j+length])%mldsaQ)
			}
		}
	}
	const inverse256 = 8347681
	for i := range f {
		f[i] = mulQ(inverse256, f[i])
	}
}

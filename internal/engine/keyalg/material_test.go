package keyalg

import (
	"bytes"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// pkcs1Key is the RSAPrivateKey of RFC 8017 appendix A.1.2.
type pkcs1Key struct {
	Version                     int
	N, E, D, P, Q, Dp, Dq, Qinv *big.Int
	Additional                  []pkcs1Prime `asn1:"optional,omitempty"`
}

type pkcs1Prime struct{ Prime, Exp, Coeff *big.Int }

// rsaMaterial writes a private key from numbers of any quality.
func rsaMaterial(t testing.TB, change func(k *pkcs1Key)) []byte {
	t.Helper()
	key, ok := testKeys()[RSA2048].impl.(*rsaKey)
	if !ok {
		t.Fatal("not an RSA key")
	}
	p, q, d := key.priv.Primes[0], key.priv.Primes[1], key.priv.D
	k := &pkcs1Key{N: key.priv.N, E: big.NewInt(int64(key.priv.E)), D: d, P: p, Q: q}
	k.fillCRT()
	change(k)
	inner, err := asn1.Marshal(*k)
	if err != nil {
		t.Fatal(err)
	}
	return marshalPKCS8(lookup(RSA2048), inner)
}

func (k *pkcs1Key) fillCRT() {
	one := big.NewInt(1)
	k.Dp = new(big.Int).Mod(k.D, new(big.Int).Sub(k.P, one))
	k.Dq = new(big.Int).Mod(k.D, new(big.Int).Sub(k.Q, one))
	k.Qinv = new(big.Int).ModInverse(k.Q, k.P)
}

// setFactors makes a key of the given factors with the exponent e.
func (k *pkcs1Key) setFactors(t *testing.T, p, q *big.Int, e int64) {
	t.Helper()
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k.N, k.E, k.P, k.Q = new(big.Int).Mul(p, q), big.NewInt(e), p, q
	if k.D = new(big.Int).ModInverse(k.E, phi); k.D == nil {
		t.Fatal("exponent not invertible")
	}
	k.fillCRT()
}

func TestRSAMaterialRefused(t *testing.T) {
	if _, err := ParseMaterial(RSA2048, rsaMaterial(t, func(*pkcs1Key) {})); err != nil {
		t.Fatalf("the sound key: %v", err)
	}
	add := func(n *big.Int, d int64) *big.Int { return new(big.Int).Add(n, big.NewInt(d)) }
	for name, change := range map[string]func(k *pkcs1Key){
		"even modulus":          func(k *pkcs1Key) { k.N = add(k.N, 1) },
		"modulus is not p*q":    func(k *pkcs1Key) { k.N = add(k.N, 2) },
		"zero modulus":          func(k *pkcs1Key) { k.N = new(big.Int) },
		"negative modulus":      func(k *pkcs1Key) { k.N = new(big.Int).Neg(k.N) },
		"wrong p":               func(k *pkcs1Key) { k.P = add(k.P, 2) },
		"p and q are 1 and n":   func(k *pkcs1Key) { k.P, k.Q = big.NewInt(1), k.N },
		"wrong d":               func(k *pkcs1Key) { k.D = add(k.D, 2) },
		"zero d":                func(k *pkcs1Key) { k.D = new(big.Int) },
		"wrong dp":              func(k *pkcs1Key) { k.Dp = add(k.Dp, 1) },
		"wrong dq":              func(k *pkcs1Key) { k.Dq = add(k.Dq, 1) },
		"wrong qinv":            func(k *pkcs1Key) { k.Qinv = add(k.Qinv, 1) },
		"exponent 1":            func(k *pkcs1Key) { k.E = big.NewInt(1) },
		"exponent 3":            func(k *pkcs1Key) { k.E = big.NewInt(3) },
		"even exponent":         func(k *pkcs1Key) { k.E = big.NewInt(65538) },
		"other exponent":        func(k *pkcs1Key) { k.E = big.NewInt(65539) },
		"exponent over 31 bits": func(k *pkcs1Key) { k.E = new(big.Int).Lsh(big.NewInt(1), 40) },
		"version 2":             func(k *pkcs1Key) { k.Version = 2 },
		"three primes": func(k *pkcs1Key) {
			k.Version = 1
			k.Additional = []pkcs1Prime{{big.NewInt(3), big.NewInt(1), big.NewInt(1)}}
		},
		"modulus of 2040 bits":      func(k *pkcs1Key) { k.setFactors(t, testPrime(t, 1019), testPrime(t, 1021), 65537) },
		"factors of unequal length": func(k *pkcs1Key) { k.setFactors(t, testPrime(t, 1000), testPrime(t, 1048), 65537) },
	} {
		if _, err := ParseMaterial(RSA2048, rsaMaterial(t, change)); !errors.Is(err, ErrInvalidMaterial) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testPrime returns a prime of the given length with its two top bits set.
func testPrime(t testing.TB, bits int) *big.Int {
	t.Helper()
	p := new(big.Int).Lsh(big.NewInt(3), uint(bits-2))
	for p.SetBit(p, 0, 1); !p.ProbablyPrime(5); p.Add(p, big.NewInt(2)) {
	}
	return p
}

func TestImportRefusesCompositeFactors(t *testing.T) {
	a, b := testPrime(t, 512), testPrime(t, 513)
	composite := new(big.Int).Mul(a, b)
	material := rsaMaterial(t, func(k *pkcs1Key) {
		// The exponent fits this group order as if both factors were prime, so
		// only a primality test can tell.
		k.setFactors(t, composite, testPrime(t, 2048-composite.BitLen()), 65537)
	})
	if _, err := ImportMaterial(RSA2048, material); !errors.Is(err, ErrInvalidMaterial) {
		t.Errorf("composite factor: %v", err)
	}
	if _, err := ImportMaterial(RSA2048, rsaMaterial(t, func(*pkcs1Key) {})); err != nil {
		t.Errorf("the sound key: %v", err)
	}
}

func TestImportRefusesMLDSA(t *testing.T) {
	material, err := testKeys()[MLDSA44].Material()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ImportMaterial(MLDSA44, material); !errors.Is(err, ErrUnsupportedAlgorithm) {
		t.Error(err)
	}
	if _, err := ImportMaterial("X", material); !errors.Is(err, ErrUnknownSpec) {
		t.Error(err)
	}
}

func TestBareMaterialLengths(t *testing.T) {
	for _, c := range []struct {
		spec     Spec
		min, max int
	}{
		{SymmetricDefault, 32, 32}, {HMAC224, 28, 128}, {HMAC256, 32, 128}, {HMAC384, 48, 128}, {HMAC512, 64, 128},
	} {
		for n := range 200 {
			_, err := ImportMaterial(c.spec, make([]byte, n))
			if ok := n >= c.min && n <= c.max; ok != (err == nil) || !ok && !errors.Is(err, ErrInvalidMaterial) {
				t.Errorf("%s of %d bytes: %v", c.spec, n, err)
			}
		}
	}
}

var ecSpecs = []Spec{P256, P384, P521, Secp256k1, SM2}

// ecMaterial writes a private key with chosen parts; a nil part is left out.
func ecMaterial(row *specInfo, version int64, scalar []byte, curve asn1.ObjectIdentifier, point []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		b.AddASN1OctetString(scalar)
		if curve != nil {
			b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(curve) })
		}
		if point != nil {
			b.AddASN1(cbasn1.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1BitString(point) })
		}
	})
	return marshalPKCS8(row, b.BytesOrPanic())
}

func TestECMaterialFormsAcceptedAndRefused(t *testing.T) {
	for _, spec := range ecSpecs {
		row, key := lookup(spec), testKeys()[spec]
		point := key.pub.impl.spki()
		material, err := key.Material()
		if err != nil {
			t.Fatal(err)
		}
		inner, err := parsePKCS8(row, material)
		if err != nil {
			t.Fatal(err)
		}
		scalar, _, err := parseECPrivateKey(row, inner)
		if err != nil {
			t.Fatal(err)
		}
		odd := point[len(point)-1] & 1
		compressed := append([]byte{2 | odd}, point[1:1+row.size]...)
		hybrid := append([]byte{6 | odd}, point[1:]...)
		for name, good := range map[string][]byte{
			"without point":     ecMaterial(row, 1, scalar, row.curveOID, nil),
			"bare":              ecMaterial(row, 1, scalar, nil, nil),
			"compressed point":  ecMaterial(row, 1, scalar, row.curveOID, compressed),
			"hybrid point":      ecMaterial(row, 1, scalar, nil, hybrid),
			"padded scalar":     ecMaterial(row, 1, append([]byte{0}, scalar...), nil, point),
			"scalar not padded": ecMaterial(row, 1, bytes.TrimLeft(scalar, "\x00"), nil, point),
		} {
			got, err := ImportMaterial(spec, good)
			if err != nil {
				t.Errorf("%s %s: %v", spec, name, err)
				continue
			}
			if m, err := got.Material(); err != nil || !bytes.Equal(m, material) {
				t.Errorf("%s %s: another key", spec, name)
			}
		}
		wrongOdd, otherPoint := bytes.Clone(compressed), bytes.Clone(point)
		wrongOdd[0] ^= 1
		otherPoint[5] ^= 1
		otherCurve := oidP256
		if spec == P256 {
			otherCurve = oidP384
		}
		ff := bytes.Repeat([]byte{0xff}, row.size)
		for name, bad := range map[string][]byte{
			"zero scalar":         ecMaterial(row, 1, make([]byte, row.size), nil, nil),
			"empty scalar":        ecMaterial(row, 1, nil, nil, nil),
			"scalar over order":   ecMaterial(row, 1, ff, nil, nil),
			"long scalar":         ecMaterial(row, 1, append([]byte{1}, scalar...), nil, nil),
			"order as scalar":     ecMaterial(row, 1, orderOf(t, spec), nil, nil),
			"version 0":           ecMaterial(row, 0, scalar, nil, nil),
			"other curve inside":  ecMaterial(row, 1, scalar, otherCurve, nil),
			"other point":         ecMaterial(row, 1, scalar, nil, otherPoint),
			"other sign of point": ecMaterial(row, 1, scalar, nil, wrongOdd),
			"empty point":         ecMaterial(row, 1, scalar, nil, []byte{}),
			"trailing data":       append(bytes.Clone(material), 0),
			"truncated":           material[:len(material)-1],
			"too long":            make([]byte, MaxMaterial+1),
		} {
			if _, err := ParseMaterial(spec, bad); !errors.Is(err, ErrInvalidMaterial) {
				t.Errorf("%s %s: %v", spec, name, err)
			}
		}
	}
}

func orderOf(t *testing.T, spec Spec) []byte {
	// SEC 2, FIPS 186 and GM/T 0003.5.
	return unhex(t, map[Spec]string{
		P256:      "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		P384:      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
		P521:      "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
		Secp256k1: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
		SM2:       "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
	}[spec])
}

// The order minus one is a scalar of every curve but SM2, where it cannot sign.
func TestSM2RefusesTheScalarThatCannotSign(t *testing.T) {
	for _, spec := range ecSpecs {
		scalar := orderOf(t, spec)
		scalar[len(scalar)-1]--
		_, err := ParseMaterial(spec, ecMaterial(lookup(spec), 1, scalar, nil, nil))
		if (err != nil) != (spec == SM2) {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestPKCS8OuterForms(t *testing.T) {
	row := lookup(Edwards25519)
	material, err := testKeys()[Edwards25519].Material()
	if err != nil {
		t.Fatal(err)
	}
	inner, err := parsePKCS8(row, material)
	if err != nil {
		t.Fatal(err)
	}
	build := func(version int64, extra ...func(b *cryptobyte.Builder)) []byte {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(version)
			addAlgorithm(b, row)
			b.AddASN1OctetString(inner)
			for _, f := range extra {
				f(b)
			}
		})
		return b.BytesOrPanic()
	}
	attributes := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {})
	}
	public := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(1).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, 33)) })
	}
	for name, c := range map[string]struct {
		der []byte
		ok  bool
	}{
		"version 1":                 {build(0), true},
		"version 2":                 {build(1), true},
		"attributes":                {build(0, attributes), true},
		"attributes and public key": {build(1, attributes, public), true},
		"public key in version 1":   {build(0, public), false},
		"version 3":                 {build(2), false},
		"negative version":          {build(-1), false},
		"wrong order":               {build(1, public, attributes), false},
		"empty":                     {nil, false},
	} {
		if _, err := ParsePKCS8(Edwards25519, c.der); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParsePKCS8(HMAC256, build(0)); !errors.Is(err, ErrUnknownSpec) {
		t.Errorf("PKCS #8 of an HMAC key: %v", err)
	}
}

func TestRSAPublicKeyRefused(t *testing.T) {
	key, ok := testKeys()[RSA2048].impl.(*rsaKey)
	if !ok {
		t.Fatal("not an RSA key")
	}
	for name, pub := range map[string]rsa.PublicKey{
		"even modulus":  {N: new(big.Int).Add(key.priv.N, big.NewInt(1)), E: 65537},
		"short modulus": {N: new(big.Int).Rsh(key.priv.N, 1), E: 65537},
		"exponent 3":    {N: key.priv.N, E: 3},
		"even exponent": {N: key.priv.N, E: 65538},
	} {
		spki := (&PublicKey{row: lookup(RSA2048), impl: &rsaPublic{pub: pub}}).SPKI()
		if _, err := ParsePublicKey(RSA2048, spki); !errors.Is(err, ErrInvalidPublicKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, spec := range []Spec{RSA3072, RSA4096} {
		if _, err := ParsePublicKey(spec, testKeys()[RSA2048].pub.SPKI()); !errors.Is(err, ErrInvalidPublicKey) {
			t.Errorf("%s reads RSA_2048: %v", spec, err)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	for i, spec := range Specs() {
		if key := testKeys()[spec]; key.pub != nil {
			f.Add(uint8(i), key.pub.SPKI())
		}
	}
	f.Add(uint8(4), []byte("\x30\x00"))
	f.Fuzz(func(t *testing.T, which uint8, spki []byte) {
		spec := Specs()[int(which)%len(specs)]
		pub, err := ParsePublicKey(spec, spki)
		if err != nil {
			if !errors.Is(err, ErrInvalidPublicKey) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if !bytes.Equal(pub.SPKI(), spki) {
			t.Fatalf("%s: two encodings of one key: %x and %x", spec, spki, pub.SPKI())
		}
		for _, name := range spec.Algorithms(SignVerify) {
			if pub.Verify(name, Raw, spki, spki) == nil {
				t.Fatal("a key is its own signature")
			}
		}
		if slices.Contains(spec.Algorithms(KeyAgreement), ECDH) {
			if _, err := testKeys()[spec].DeriveSharedSecret(ECDH, spki); err != nil {
				t.Fatalf("%s: a readable key cannot agree: %v", spec, err)
			}
		}
	})
}

func FuzzParseMaterial(f *testing.F) {
	for i, spec := range Specs() {
		material, err := testKeys()[spec].Material()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), material)
	}
	f.Fuzz(func(t *testing.T, which uint8, material []byte) {
		spec := Specs()[int(which)%len(specs)]
		key, err := ParseMaterial(spec, material)
		if err != nil {
			if !errors.Is(err, ErrInvalidMaterial) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		written, err := key.Material()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMaterial(spec, written)
		if err != nil {
			t.Fatalf("%s: cannot read what it wrote: %v", spec, err)
		}
		if m, err := again.Material(); err != nil || !bytes.Equal(m, written) {
			t.Fatalf("%s: not stable", spec)
		}
		for _, name := range spec.Algorithms(SignVerify) {
			message, mt := []byte("m"), Raw
			if name == Ed25519PHSHA512 {
				message, mt = make([]byte, 64), Digest
			}
			signature, err := key.Sign(name, mt, message)
			if err != nil || key.Verify(name, mt, message, signature) != nil {
				t.Fatalf("%s: a readable key cannot sign: %v", spec, err)
			}
		}
	})
}

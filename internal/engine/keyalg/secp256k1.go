package keyalg

import (
	"crypto/rand"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// The module's point multiplication and scalar inversion take a time that
// depends on the scalar. Wherever the scalar is secret it is therefore blinded
// here: a point is multiplied by two random shares of the scalar, and a scalar is
// inverted after being multiplied by a random one. What remains visible in the
// timing is then independent of the secret. See blindBaseMult and blindInverse.

type koblitzKey struct {
	d   secp256k1.ModNScalar
	pub *koblitzPublic
}

type koblitzPublic struct {
	pub *secp256k1.PublicKey
}

func generateSecp256k1() (*koblitzKey, error) {
	var d secp256k1.ModNScalar
	randomScalar(&d)
	defer d.Zero()
	return newSecp256k1(&d), nil
}

func parseSecp256k1(row *specInfo, inner []byte) (*koblitzKey, error) {
	scalar, claimed, err := parseECPrivateKey(row, inner)
	if err != nil {
		return nil, err
	}
	defer clear(scalar)
	var d secp256k1.ModNScalar
	defer d.Zero()
	if overflow := d.SetByteSlice(scalar); overflow || d.IsZero() {
		return nil, ErrInvalidMaterial
	}
	k := newSecp256k1(&d)
	if !samePoint(claimed, k.pub.spki()) {
		k.wipe()
		return nil, ErrInvalidMaterial
	}
	return k, nil
}

func newSecp256k1(d *secp256k1.ModNScalar) *koblitzKey {
	var q secp256k1.JacobianPoint
	blindBaseMult(d, &q)
	k := &koblitzKey{pub: &koblitzPublic{pub: secp256k1.NewPublicKey(&q.X, &q.Y)}}
	k.d.Set(d)
	return k
}

func parseSecp256k1Public(point []byte) (*koblitzPublic, error) {
	// Uncompressed only, like the other curves; the module also takes the
	// compressed and hybrid forms.
	if len(point) != 65 || point[0] != 4 {
		return nil, ErrInvalidPublicKey
	}
	pub, err := secp256k1.ParsePubKey(point) // refuses points off the curve
	if err != nil {
		return nil, err
	}
	return &koblitzPublic{pub: pub}, nil
}

func (k *koblitzKey) public() publicHalf { return k.pub }

func (k *koblitzKey) material() ([]byte, error) {
	scalar := k.d.Bytes()
	inner := marshalECPrivateKey(scalar[:], k.pub.spki())
	clear(scalar[:])
	defer clear(inner)
	return marshalPKCS8(lookup(Secp256k1), inner), nil
}

func (k *koblitzKey) wipe() { k.d.Zero() }

func (k *koblitzKey) sign(a *algorithmInfo, t MessageType, message []byte) ([]byte, error) {
	// Fresh randomness joins the key and the hash in RFC 6979's nonce (its
	// section 3.6), so that neither a bad random source nor a fault in one of
	// two equal signatures gives the key away.
	var extra [32]byte
	rand.Read(extra[:])
	return k.signHash(a.digest(t, message), extra[:]).Serialize(), nil
}

// signHash is ECDSA (FIPS 186-5 section 6.4.1) with the nonce of RFC 6979.
func (k *koblitzKey) signHash(hash, extra []byte) *ecdsa.Signature {
	d := k.d.Bytes()
	defer clear(d[:])
	var e secp256k1.ModNScalar
	e.SetByteSlice(hash)
	for iteration := uint32(0); ; iteration++ {
		nonce := secp256k1.NonceRFC6979(d[:], hash, extra, nil, iteration)
		var point secp256k1.JacobianPoint
		blindBaseMult(nonce, &point)

		var r, s, inverse secp256k1.ModNScalar
		r.SetBytes(point.X.Bytes()) // reduces modulo the order, as ECDSA wants
		blindInverse(nonce, &inverse)
		nonce.Zero()
		s.Mul2(&k.d, &r).Add(&e).Mul(&inverse)
		inverse.Zero()
		if r.IsZero() || s.IsZero() {
			continue
		}
		return ecdsa.NewSignature(&r, &s)
	}
}

// blindBaseMult sets result to k·G in affine form, as (k-b)·G + b·G for a random
// b.
func blindBaseMult(k *secp256k1.ModNScalar, result *secp256k1.JacobianPoint) {
	var b, rest secp256k1.ModNScalar
	var p, q secp256k1.JacobianPoint
	randomScalar(&b)
	rest.NegateVal(&b).Add(k)
	secp256k1.ScalarBaseMultNonConst(&rest, &p)
	secp256k1.ScalarBaseMultNonConst(&b, &q)
	secp256k1.AddNonConst(&p, &q, result)
	result.ToAffine()
	b.Zero()
	rest.Zero()
}

// blindInverse sets result to 1/k, as b/(k·b) for a random b.
func blindInverse(k, result *secp256k1.ModNScalar) {
	var b secp256k1.ModNScalar
	randomScalar(&b)
	result.Mul2(k, &b).InverseNonConst().Mul(&b)
	b.Zero()
}

// randomScalar sets s to a uniform number between 1 and the order minus one.
func randomScalar(s *secp256k1.ModNScalar) {
	var buf [32]byte
	defer clear(buf[:])
	for {
		rand.Read(buf[:])
		if overflow := s.SetBytes(&buf); overflow == 0 && !s.IsZero() {
			return
		}
	}
}

func (p *koblitzPublic) spki() []byte { return p.pub.SerializeUncompressed() }

func (p *koblitzPublic) verify(a *algorithmInfo, t MessageType, message, signature []byte) bool {
	sig, err := ecdsa.ParseDERSignature(signature)
	if err != nil {
		return false
	}
	return sig.Verify(a.digest(t, message), p.pub)
}

package keyalg

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"sync"
)

// nistCurve is one of the three NIST curves in the two forms the standard
// library wants it.
type nistCurve struct {
	sign  elliptic.Curve
	agree ecdh.Curve
}

func curveOf(row *specInfo) nistCurve {
	switch row.spec {
	case P384:
		return nistCurve{elliptic.P384(), ecdh.P384()}
	case P521:
		return nistCurve{elliptic.P521(), ecdh.P521()}
	default:
		return nistCurve{elliptic.P256(), ecdh.P256()}
	}
}

type nistKey struct {
	row    *specInfo
	priv   *ecdsa.PrivateKey
	scalar []byte
	point  []byte
	// agreement is made at the first DeriveSharedSecret: it costs a scalar
	// multiplication, and a KMS key either signs or agrees.
	agreement struct {
		once sync.Once
		key  *ecdh.PrivateKey
		err  error
	}
}

type nistPublic struct {
	row   *specInfo
	pub   *ecdsa.PublicKey
	point []byte // uncompressed
}

func generateNIST(row *specInfo) (*nistKey, error) {
	priv, err := ecdsa.GenerateKey(curveOf(row).sign, rand.Reader)
	if err != nil {
		return nil, err
	}
	return newNIST(row, priv)
}

func parseNIST(row *specInfo, inner []byte) (*nistKey, error) {
	scalar, claimed, err := parseECPrivateKey(row, inner)
	if err != nil {
		return nil, err
	}
	defer clear(scalar)
	priv, err := ecdsa.ParseRawPrivateKey(curveOf(row).sign, scalar) // refuses zero and the order or more
	if err != nil {
		return nil, err
	}
	k, err := newNIST(row, priv)
	if err != nil {
		return nil, err
	}
	if !samePoint(claimed, k.point) {
		k.wipe()
		return nil, ErrInvalidMaterial
	}
	return k, nil
}

func newNIST(row *specInfo, priv *ecdsa.PrivateKey) (*nistKey, error) {
	scalar, err := priv.Bytes()
	if err != nil {
		return nil, err
	}
	point, err := priv.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	return &nistKey{row: row, priv: priv, scalar: scalar, point: point}, nil
}

func parseNISTPublic(row *specInfo, point []byte) (*nistPublic, error) {
	// Refuses points off the curve, the point at infinity and compressed forms.
	pub, err := ecdsa.ParseUncompressedPublicKey(curveOf(row).sign, point)
	if err != nil {
		return nil, err
	}
	return &nistPublic{row: row, pub: pub, point: point}, nil
}

func (k *nistKey) public() publicHalf {
	// Parsed anew, so that the public half does not hold the private key alive.
	pub, err := parseNISTPublic(k.row, k.point)
	if err != nil {
		return nil
	}
	return pub
}

func (k *nistKey) material() ([]byte, error) {
	inner := marshalECPrivateKey(k.scalar, k.point)
	defer clear(inner)
	return marshalPKCS8(k.row, inner), nil
}

func (k *nistKey) wipe() {
	clear(k.scalar)
	wipeInt(k.priv.D) //lint:ignore SA1019 the number is overwritten, not used
	scrub(k.agreement.key)
}

func (k *nistKey) sign(a *algorithmInfo, t MessageType, message []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, k.priv, a.digest(t, message))
}

func (k *nistKey) agree(peer publicHalf) ([]byte, error) {
	p, ok := peer.(*nistPublic)
	if !ok || p.row != k.row {
		return nil, ErrInvalidPublicKey
	}
	a := &k.agreement
	a.once.Do(func() { a.key, a.err = k.priv.ECDH() })
	if a.err != nil {
		return nil, a.err
	}
	theirs, err := curveOf(k.row).agree.NewPublicKey(p.point)
	if err != nil {
		return nil, err
	}
	return a.key.ECDH(theirs)
}

func (p *nistPublic) spki() []byte { return p.point }

func (p *nistPublic) verify(a *algorithmInfo, t MessageType, message, signature []byte) bool {
	return ecdsa.VerifyASN1(p.pub, a.digest(t, message), signature)
}

package keyalg

import (
	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

func mldsaParameters(row *specInfo) mldsa.Parameters {
	switch row.spec {
	case MLDSA65:
		return mldsa.MLDSA65()
	case MLDSA87:
		return mldsa.MLDSA87()
	default:
		return mldsa.MLDSA44()
	}
}

// mldsaSeedTag is the [0] IMPLICIT OCTET STRING of RFC 9881 section 6, the
// seed-only form of an ML-DSA private key.
var mldsaSeedTag = cbasn1.Tag(0).ContextSpecific()

type mldsaKey struct {
	row  *specInfo
	priv *mldsa.PrivateKey
}

type mldsaPublic struct {
	row *specInfo
	pub *mldsa.PublicKey
}

func generateMLDSA(row *specInfo) (*mldsaKey, error) {
	priv, err := mldsa.GenerateKey(mldsaParameters(row))
	if err != nil {
		return nil, err
	}
	return &mldsaKey{row: row, priv: priv}, nil
}

func parseMLDSA(row *specInfo, inner []byte) (*mldsaKey, error) {
	var seed cryptobyte.String
	input := cryptobyte.String(inner)
	if !input.ReadASN1(&seed, mldsaSeedTag) || !input.Empty() || len(seed) != mldsa.PrivateKeySize {
		return nil, ErrInvalidMaterial
	}
	priv, err := mldsa.NewPrivateKey(mldsaParameters(row), seed)
	if err != nil {
		return nil, err
	}
	return &mldsaKey{row: row, priv: priv}, nil
}

func parseMLDSAPublic(row *specInfo, bits []byte) (*mldsaPublic, error) {
	pub, err := mldsa.NewPublicKey(mldsaParameters(row), bits)
	if err != nil {
		return nil, err
	}
	return &mldsaPublic{row: row, pub: pub}, nil
}

func (k *mldsaKey) public() publicHalf {
	return &mldsaPublic{row: k.row, pub: k.priv.PublicKey()}
}

func (k *mldsaKey) material() ([]byte, error) {
	seed := k.priv.Bytes()
	defer clear(seed)
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, 2+mldsa.PrivateKeySize))
	b.AddASN1(mldsaSeedTag, func(b *cryptobyte.Builder) { b.AddBytes(seed) })
	inner, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	defer clear(inner)
	return marshalPKCS8(k.row, inner), nil
}

// wipe replaces the expanded key, which the module holds by value.
func (k *mldsaKey) wipe() { *k.priv = mldsa.PrivateKey{} }

func (k *mldsaKey) sign(_ *algorithmInfo, t MessageType, message []byte) ([]byte, error) {
	if t == ExternalMu {
		return k.priv.Sign(nil, message, mldsacrypto.MLDSAMu)
	}
	return k.priv.Sign(nil, message, nil)
}

func (p *mldsaPublic) spki() []byte { return p.pub.Bytes() }

func (p *mldsaPublic) verify(_ *algorithmInfo, t MessageType, message, signature []byte) bool {
	if t == ExternalMu {
		return verifyMLDSAMu(p.row.spec, p.pub.Bytes(), message, signature)
	}
	return mldsa.Verify(p.pub, message, signature, nil) == nil
}

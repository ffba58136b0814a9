package keyalg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"io"
	"math/big"

	"github.com/emmansun/gmsm/ecdh"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// sm2UserID is the distinguishing identifier AWS KMS signs with (developer
// guide, "Offline verification with SM2 key pairs").
const sm2UserID = "1234567812345678"

type sm2Key struct {
	priv   *sm2.PrivateKey
	agr    *ecdh.PrivateKey
	pub    *sm2Public
	scalar []byte // 32 bytes
}

type sm2Public struct {
	pub   *ecdsa.PublicKey
	peer  *ecdh.PublicKey
	point []byte // uncompressed
	z     []byte // Z of GB/T 32918.2 section 5.5, the hashed identity and key
}

func generateSM2() (*sm2Key, error) {
	agr, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return newSM2(agr)
}

func parseSM2(row *specInfo, inner []byte) (*sm2Key, error) {
	scalar, claimed, err := parseECPrivateKey(row, inner)
	if err != nil {
		return nil, err
	}
	defer clear(scalar)
	agr, err := ecdh.P256().NewPrivateKey(scalar) // refuses zero and the order or more
	if err != nil {
		return nil, err
	}
	k, err := newSM2(agr)
	if err != nil {
		return nil, err
	}
	if !samePoint(claimed, k.pub.point) {
		k.wipe()
		return nil, ErrInvalidMaterial
	}
	return k, nil
}

func newSM2(agr *ecdh.PrivateKey) (*sm2Key, error) {
	pub, err := parseSM2Public(agr.PublicKey().Bytes())
	if err != nil {
		return nil, err
	}
	scalar := agr.Bytes()
	// The order minus one has no inverse of 1 + d and cannot sign (GB/T 32918.2
	// section 6.1).
	d := new(big.Int).SetBytes(scalar)
	if new(big.Int).Add(d, big.NewInt(1)).Cmp(sm2.P256().Params().N) >= 0 {
		return nil, ErrInvalidMaterial
	}
	priv := new(sm2.PrivateKey)
	priv.PublicKey = *pub.pub
	priv.D = d
	return &sm2Key{priv: priv, agr: agr, pub: pub, scalar: scalar}, nil
}

func parseSM2Public(point []byte) (*sm2Public, error) {
	// Refuses points off the curve, the point at infinity and compressed forms.
	peer, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, err
	}
	point = peer.Bytes()
	half := (len(point) - 1) / 2
	//lint:ignore SA1019 the module takes its keys in this form
	pub := &ecdsa.PublicKey{Curve: sm2.P256(), X: new(big.Int).SetBytes(point[1 : 1+half]), Y: new(big.Int).SetBytes(point[1+half:])}
	z, err := sm2.CalculateZA(pub, []byte(sm2UserID))
	if err != nil {
		return nil, err
	}
	return &sm2Public{pub: pub, peer: peer, point: point, z: z}, nil
}

func (k *sm2Key) public() publicHalf { return k.pub }

func (k *sm2Key) material() ([]byte, error) {
	inner := marshalECPrivateKey(k.scalar, k.pub.point)
	defer clear(inner)
	return marshalPKCS8(lookup(SM2), inner), nil
}

func (k *sm2Key) wipe() {
	clear(k.scalar)
	wipeInt(k.priv.D)
	scrub(k.agr)
}

func (k *sm2Key) sign(_ *algorithmInfo, t MessageType, message []byte) ([]byte, error) {
	return sm2.SignASN1(rand.Reader, k.priv, k.pub.digest(t, message), nil)
}

func (k *sm2Key) decrypt(_ *algorithmInfo, ciphertext []byte) ([]byte, error) {
	return sm2Decrypter{k}.Decrypt(rand.Reader, ciphertext, nil)
}

func (k *sm2Key) std() crypto.Decrypter { return sm2Decrypter{k} }

// sm2Decrypter takes the ASN.1 ciphertext form only.
type sm2Decrypter struct{ key *sm2Key }

func (d sm2Decrypter) Public() crypto.PublicKey { return d.key.pub.pub }

func (d sm2Decrypter) Decrypt(_ io.Reader, ciphertext []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	if len(ciphertext) == 0 || ciphertext[0] != 0x30 {
		return nil, sm2.ErrDecryption
	}
	return d.key.priv.Decrypt(rand.Reader, ciphertext, sm2.ASN1DecrypterOpts)
}

func (k *sm2Key) agree(peer publicHalf) ([]byte, error) {
	p, ok := peer.(*sm2Public)
	if !ok {
		return nil, ErrInvalidPublicKey
	}
	return k.agr.ECDH(p.peer)
}

func (p *sm2Public) spki() []byte { return p.point }

func (p *sm2Public) digest(t MessageType, message []byte) []byte {
	if t != Raw {
		return message
	}
	h := sm3.New()
	h.Write(p.z)
	h.Write(message)
	return h.Sum(nil)
}

func (p *sm2Public) verify(_ *algorithmInfo, t MessageType, message, signature []byte) bool {
	return sm2.VerifyASN1(p.pub, p.digest(t, message), signature)
}

var errEmptySM2 = errors.New("SM2PKE cannot encrypt an empty message")

func (p *sm2Public) encrypt(_ *algorithmInfo, plaintext []byte) ([]byte, error) {
	if len(plaintext) == 0 {
		return nil, errEmptySM2
	}
	return sm2.EncryptASN1(rand.Reader, p.pub, plaintext)
}

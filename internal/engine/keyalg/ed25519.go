package keyalg

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

type edKey struct {
	priv ed25519.PrivateKey
}

type edPublic struct {
	pub ed25519.PublicKey
}

func generateEd25519() (*edKey, error) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &edKey{priv: priv}, nil
}

// parseEd25519 reads a CurvePrivateKey of RFC 8410: an OCTET STRING with the
// seed.
func parseEd25519(inner []byte) (*edKey, error) {
	var seed cryptobyte.String
	input := cryptobyte.String(inner)
	if !input.ReadASN1(&seed, cbasn1.OCTET_STRING) || !input.Empty() || len(seed) != ed25519.SeedSize {
		return nil, ErrInvalidMaterial
	}
	return &edKey{priv: ed25519.NewKeyFromSeed(seed)}, nil
}

func parseEd25519Public(bits []byte) (*edPublic, error) {
	if len(bits) != ed25519.PublicKeySize {
		return nil, ErrInvalidPublicKey
	}
	return &edPublic{pub: bytes.Clone(bits)}, nil
}

func (k *edKey) public() publicHalf {
	return &edPublic{pub: bytes.Clone(k.priv[ed25519.SeedSize:])}
}

func (k *edKey) material() ([]byte, error) {
	seed := k.priv.Seed()
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, 2+ed25519.SeedSize))
	b.AddASN1OctetString(seed)
	clear(seed)
	inner, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	defer clear(inner)
	return marshalPKCS8(lookup(Edwards25519), inner), nil
}

func (k *edKey) wipe() { clear(k.priv) }

// edInput returns what Ed25519 works on. For the prehash variant that is the
// SHA-512 of the 64 bytes the caller sent, although they are a digest already:
// AWS KMS does step 1 of FIPS 186-5 section 7.8.1 itself.
func edInput(a *algorithmInfo, message []byte) ([]byte, *ed25519.Options) {
	if a.scheme != schemeEd25519ph {
		return message, &ed25519.Options{}
	}
	h := sha512.Sum512(message)
	return h[:], &ed25519.Options{Hash: crypto.SHA512}
}

func (k *edKey) sign(a *algorithmInfo, _ MessageType, message []byte) ([]byte, error) {
	input, opts := edInput(a, message)
	return k.priv.Sign(nil, input, opts)
}

func (p *edPublic) spki() []byte { return p.pub }

func (p *edPublic) verify(a *algorithmInfo, _ MessageType, message, signature []byte) bool {
	input, opts := edInput(a, message)
	return ed25519.VerifyWithOptions(p.pub, input, signature, opts) == nil
}

package keyalg

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
)

// minRSAExponent is the smallest public exponent FIPS 186-5 section 5.1 allows.
const minRSAExponent = 1<<16 + 1

type rsaKey struct {
	row  *specInfo
	priv *rsa.PrivateKey
}

type rsaPublic struct {
	pub rsa.PublicKey
}

func generateRSA(row *specInfo) (*rsaKey, error) {
	priv, err := rsa.GenerateKey(rand.Reader, row.size*8)
	if err != nil {
		return nil, err
	}
	return &rsaKey{row: row, priv: priv}, nil
}

// parseRSA reads an RSAPrivateKey of RFC 8017. The standard library checks that
// the modulus is the product of the primes and that the exponents and the CRT
// values fit, and precomputes what signing needs.
func parseRSA(row *specInfo, inner []byte) (*rsaKey, error) {
	priv, err := x509.ParsePKCS1PrivateKey(inner)
	if err != nil {
		return nil, err
	}
	if len(priv.Primes) != 2 || checkRSAPublic(row, &priv.PublicKey) != nil {
		return nil, ErrInvalidMaterial
	}
	for _, p := range priv.Primes {
		if p.BitLen() != row.size*4 {
			return nil, ErrInvalidMaterial
		}
	}
	return &rsaKey{row: row, priv: priv}, nil
}

// vet tests the factors for being prime, which the standard library takes on
// trust. It costs up to half a second and is meant for imported keys.
func (k *rsaKey) vet() error {
	for _, p := range k.priv.Primes {
		// Twenty random Miller-Rabin rounds leave 2^-40 for a number built to
		// pass; the Baillie-PSW test that comes with them, no known number.
		if !p.ProbablyPrime(20) {
			return ErrInvalidMaterial
		}
	}
	return nil
}

func parseRSAPublic(row *specInfo, bits []byte) (*rsaPublic, error) {
	pub, err := x509.ParsePKCS1PublicKey(bits)
	if err != nil {
		return nil, err
	}
	if err := checkRSAPublic(row, pub); err != nil {
		return nil, err
	}
	return &rsaPublic{pub: *pub}, nil
}

func checkRSAPublic(row *specInfo, pub *rsa.PublicKey) error {
	if pub.N.BitLen() != row.size*8 || pub.N.Bit(0) == 0 || pub.E < minRSAExponent || pub.E&1 == 0 {
		return ErrInvalidPublicKey
	}
	return nil
}

func (k *rsaKey) public() publicHalf {
	return &rsaPublic{pub: rsa.PublicKey{N: new(big.Int).Set(k.priv.N), E: k.priv.E}}
}

func (k *rsaKey) material() ([]byte, error) {
	inner := x509.MarshalPKCS1PrivateKey(k.priv)
	defer clear(inner)
	return marshalPKCS8(k.row, inner), nil
}

func (k *rsaKey) wipe() {
	wipeInt(k.priv.D)
	for _, p := range k.priv.Primes {
		wipeInt(p)
	}
	scrub(&k.priv.Precomputed)
}

func (k *rsaKey) sign(a *algorithmInfo, t MessageType, message []byte) ([]byte, error) {
	digest := a.digest(t, message)
	if a.scheme == schemePSS {
		return rsa.SignPSS(rand.Reader, k.priv, a.hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return rsa.SignPKCS1v15(nil, k.priv, a.hash, digest)
}

func (k *rsaKey) decrypt(a *algorithmInfo, ciphertext []byte) ([]byte, error) {
	return rsaDecrypter{k.priv}.Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: a.hash})
}

func (k *rsaKey) std() crypto.Decrypter { return rsaDecrypter{k.priv} }

// rsaDecrypter refuses every padding but OAEP.
type rsaDecrypter struct{ priv *rsa.PrivateKey }

func (d rsaDecrypter) Public() crypto.PublicKey { return d.priv.Public() }

var errNotOAEP = errors.New("only OAEP decryption is allowed")

func (d rsaDecrypter) Decrypt(_ io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	if _, ok := opts.(*rsa.OAEPOptions); !ok {
		return nil, errNotOAEP
	}
	// The standard library takes a ciphertext without its leading zeros; RFC
	// 8017 section 7.1.2 does not.
	if len(ciphertext) != d.priv.Size() {
		return nil, rsa.ErrDecryption
	}
	return d.priv.Decrypt(nil, ciphertext, opts)
}

func (p *rsaPublic) spki() []byte { return x509.MarshalPKCS1PublicKey(&p.pub) }

func (p *rsaPublic) verify(a *algorithmInfo, t MessageType, message, signature []byte) bool {
	digest := a.digest(t, message)
	if a.scheme == schemePSS {
		return rsa.VerifyPSS(&p.pub, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(&p.pub, a.hash, digest, signature) == nil
}

func (p *rsaPublic) encrypt(a *algorithmInfo, plaintext []byte) ([]byte, error) {
	return rsa.EncryptOAEP(a.hash.New(), rand.Reader, &p.pub, plaintext, nil)
}

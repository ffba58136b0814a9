package keywrap

import (
	"crypto"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"   // registers SHA-1 for OAEP
	_ "crypto/sha256" // registers SHA-256 for OAEP
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Algorithm is the name AWS gives a wrapping algorithm of GetParametersForImport.
type Algorithm string

// The wrapping algorithms of AWS KMS. RSAES_PKCS1_V1_5 is not among them: AWS
// stopped taking it in October 2023.
const (
	OAEPSHA1            Algorithm = "RSAES_OAEP_SHA_1"
	OAEPSHA256          Algorithm = "RSAES_OAEP_SHA_256"
	RSAAESKeyWrapSHA1   Algorithm = "RSA_AES_KEY_WRAP_SHA_1"
	RSAAESKeyWrapSHA256 Algorithm = "RSA_AES_KEY_WRAP_SHA_256"
	SM2PKE              Algorithm = "SM2PKE"
)

var (
	// ErrUnknownAlgorithm: not a wrapping algorithm, or RSAES_PKCS1_V1_5.
	ErrUnknownAlgorithm = errors.New("unknown wrapping algorithm")
	// ErrIncompatible: the wrapping algorithm, the wrapping key spec and the
	// spec of the key to import do not go together.
	ErrIncompatible = errors.New("wrapping algorithm, wrapping key and key material do not go together")
	// ErrNotApproved: refused while FIPS mode is enforced.
	ErrNotApproved = errors.New("wrapping algorithm not approved in FIPS 140-3 mode")
)

// algorithmInfo is one row of the table of wrapping algorithms.
type algorithmInfo struct {
	name     Algorithm
	hash     crypto.Hash // of OAEP and of its mask; zero for SM2PKE
	hybrid   bool        // an AES key stands between
	specs    []string    // the wrapping key specs it goes with
	approved bool
}

var rsaSpecs = []string{"RSA_2048", "RSA_3072", "RSA_4096"}

var algorithms = []algorithmInfo{
	{name: OAEPSHA1, hash: crypto.SHA1, specs: rsaSpecs},
	{name: OAEPSHA256, hash: crypto.SHA256, specs: rsaSpecs, approved: true},
	{name: RSAAESKeyWrapSHA1, hash: crypto.SHA1, hybrid: true, specs: rsaSpecs},
	{name: RSAAESKeyWrapSHA256, hash: crypto.SHA256, hybrid: true, specs: rsaSpecs, approved: true},
	{name: SM2PKE, specs: []string{"SM2"}},
}

func lookup(a Algorithm) (*algorithmInfo, error) {
	for i := range algorithms {
		if row := &algorithms[i]; row.name == a {
			if !row.approved && fips140.Enforced() {
				return nil, fmt.Errorf("%s: %w", a, ErrNotApproved)
			}
			return row, nil
		}
	}
	return nil, fmt.Errorf("%q: %w", a, ErrUnknownAlgorithm)
}

// Compatible reports whether material of spec materialSpec may be wrapped with
// algorithm a under a wrapping key of spec wrappingSpec; both are the names of
// AWS. Errors: ErrUnknownAlgorithm, ErrIncompatible, ErrNotApproved.
//
// The rules are those of the AWS KMS developer guide, "Select a wrapping
// algorithm": RSA keys need the hybrid algorithms, since they are longer than a
// modulus, and ECC_NIST_P521 does not fit RSA_2048 without them.
func Compatible(a Algorithm, wrappingSpec, materialSpec string) error {
	row, err := lookup(a)
	if err != nil {
		return err
	}
	rsaMaterial := strings.HasPrefix(materialSpec, "RSA_")
	p521Misfit := materialSpec == "ECC_NIST_P521" && wrappingSpec == "RSA_2048"
	if !slices.Contains(row.specs, wrappingSpec) || !row.hybrid && (rsaMaterial || p521Misfit) {
		return fmt.Errorf("%s under %s for %s: %w", a, wrappingSpec, materialSpec, ErrIncompatible)
	}
	return nil
}

// aesKeySize is the length of the AES key inside the hybrid algorithms, in
// bytes; AWS asks for 256 bits.
const aesKeySize = 32

// Import opens wrapped key material with the private wrapping key: an RSA key
// whose Decrypt takes *rsa.OAEPOptions, or for SM2PKE an SM2 key whose Decrypt
// takes ASN.1 ciphertexts and nil options. The caller owns the result and wipes
// it. Whatever is wrong with wrapped, the error is ErrUnwrap.
func Import(a Algorithm, key crypto.Decrypter, wrapped []byte) ([]byte, error) {
	row, err := lookup(a)
	if err != nil {
		return nil, err
	}
	if row.hash == 0 {
		return importSM2(key, wrapped)
	}
	pub, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s with a key of another kind: %w", a, ErrIncompatible)
	}
	opts := &rsa.OAEPOptions{Hash: row.hash}
	if row.hybrid {
		return importHybrid(key, pub.Size(), opts, wrapped)
	}
	if len(wrapped) != pub.Size() {
		return nil, ErrUnwrap
	}
	material, err := key.Decrypt(rand.Reader, wrapped, opts)
	if err != nil || len(material) == 0 {
		return nil, ErrUnwrap
	}
	return material, nil
}

// importHybrid opens OAEP(AES key) || AES-KWP(material). size is the length of
// the modulus in bytes.
func importHybrid(key crypto.Decrypter, size int, opts *rsa.OAEPOptions, wrapped []byte) ([]byte, error) {
	if len(wrapped) <= size || len(wrapped)-size > MaxKey+semiblock {
		return nil, ErrUnwrap
	}
	// A random key stands in for one that does not open, so that the failure
	// shows only where a wrong key would show.
	kek := make([]byte, aesKeySize)
	rand.Read(kek)
	defer clear(kek)
	if opened, err := key.Decrypt(rand.Reader, wrapped[:size], opts); err == nil {
		if len(opened) == aesKeySize {
			copy(kek, opened)
		}
		clear(opened)
	}
	material, err := UnwrapPadded(kek, wrapped[size:])
	if err != nil {
		return nil, ErrUnwrap
	}
	return material, nil
}

func importSM2(key crypto.Decrypter, wrapped []byte) ([]byte, error) {
	if len(wrapped) > MaxKey {
		return nil, ErrUnwrap
	}
	if _, isRSA := key.Public().(*rsa.PublicKey); isRSA {
		return nil, fmt.Errorf("%s with an RSA key: %w", SM2PKE, ErrIncompatible)
	}
	material, err := key.Decrypt(rand.Reader, wrapped, nil)
	if err != nil || len(material) == 0 {
		return nil, ErrUnwrap
	}
	return material, nil
}

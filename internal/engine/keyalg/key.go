package keyalg

import (
	"crypto"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
)

// secret is what one family implements for its private or secret keys. The
// capabilities follow as further interfaces.
type secret interface {
	// public returns the public half, or nil for symmetric and HMAC keys. It
	// shares no memory with the private half.
	public() publicHalf
	// material returns the form that parseMaterial reads: PKCS #8 for
	// asymmetric keys, the bare bytes for the others.
	material() ([]byte, error)
	// wipe overwrites what can be overwritten. No operation runs then.
	wipe()
}

type signer interface {
	sign(a *algorithmInfo, t MessageType, message []byte) ([]byte, error)
}

type decrypter interface {
	decrypt(a *algorithmInfo, ciphertext []byte) ([]byte, error)
	// std returns the key in the form crypto.Decrypter asks for.
	std() crypto.Decrypter
}

type macer interface {
	mac(a *algorithmInfo, message []byte) ([]byte, error)
}

type agreer interface {
	agree(peer publicHalf) ([]byte, error)
}

// Key is a private key, an HMAC key or a symmetric key. It is safe for
// concurrent use.
type Key struct {
	row       *specInfo
	impl      secret
	pub       *PublicKey // nil for symmetric and HMAC keys
	destroyed atomic.Bool
	// users counts the operations under way, plus one until Destroy.
	users atomic.Int64
}

func newKey(row *specInfo, impl secret) *Key {
	k := &Key{row: row, impl: impl}
	if p := impl.public(); p != nil {
		k.pub = &PublicKey{row: row, impl: p}
	}
	k.users.Store(1)
	return k
}

// Spec returns the key spec.
func (k *Key) Spec() Spec { return k.row.spec }

// String says what the key is and nothing of its material.
func (k *Key) String() string { return string(k.row.spec) + " key" }

// Format prints String, whatever the verb, so that no log line shows material.
func (k *Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// Destroy refuses all further operations and wipes the material as soon as the
// operations under way have ended. It may be called more than once.
func (k *Key) Destroy() {
	if k.destroyed.CompareAndSwap(false, true) {
		k.release()
	}
}

func (k *Key) acquire() error {
	for {
		n := k.users.Load()
		if n == 0 || k.destroyed.Load() {
			return ErrDestroyed
		}
		if k.users.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

func (k *Key) release() {
	if k.users.Add(-1) == 0 {
		k.impl.wipe()
	}
}

// begin checks that the key can run algorithm a under usage u and takes hold of
// it. After a nil error the caller must release.
func (k *Key) begin(u Usage, name Algorithm) (*algorithmInfo, error) {
	a, err := k.row.algorithm(u, name)
	if err != nil {
		return nil, err
	}
	return a, k.acquire()
}

// algorithm returns the row of an algorithm that belongs to the spec and usage
// and is allowed in the present FIPS mode.
func (row *specInfo) algorithm(u Usage, name Algorithm) (*algorithmInfo, error) {
	a := lookupAlgorithm(name)
	if a == nil || !slices.Contains(row.algorithms(u), name) {
		return nil, unsupported(row.spec, name)
	}
	return a, checkAlgorithmApproved(a)
}

// Sign signs message. The message type says whether message is the message, its
// digest, or the ML-DSA representative. Errors: ErrUnsupportedAlgorithm,
// *MessageTypeError, *DigestLengthError, ErrNotApproved, ErrDestroyed.
func (k *Key) Sign(name Algorithm, t MessageType, message []byte) ([]byte, error) {
	a, err := k.begin(SignVerify, name)
	if err != nil {
		return nil, err
	}
	defer k.release()
	if err := a.checkMessage(t, message); err != nil {
		return nil, err
	}
	s, ok := k.impl.(signer)
	if !ok {
		return nil, unsupported(k.row.spec, name)
	}
	signature, err := s.sign(a, t, message)
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", name, err)
	}
	return signature, nil
}

// Verify checks a signature with the public half of the key; see
// PublicKey.Verify.
func (k *Key) Verify(name Algorithm, t MessageType, message, signature []byte) error {
	pub, err := k.Public()
	if err != nil {
		return unsupported(k.row.spec, name)
	}
	return pub.Verify(name, t, message, signature)
}

// Encrypt encrypts with the public half of the key; see PublicKey.Encrypt.
// SYMMETRIC_DEFAULT is not encrypted here but by the envelope engine.
func (k *Key) Encrypt(name Algorithm, plaintext []byte) ([]byte, error) {
	pub, err := k.Public()
	if err != nil {
		return nil, unsupported(k.row.spec, name)
	}
	return pub.Encrypt(name, plaintext)
}

// Decrypt opens an RSAES-OAEP or SM2PKE ciphertext. Whatever is wrong with the
// ciphertext, the error is ErrInvalidCiphertext.
func (k *Key) Decrypt(name Algorithm, ciphertext []byte) ([]byte, error) {
	a, err := k.begin(EncryptDecrypt, name)
	if err != nil {
		return nil, err
	}
	defer k.release()
	d, ok := k.impl.(decrypter)
	if !ok {
		return nil, unsupported(k.row.spec, name)
	}
	plaintext, err := d.decrypt(a, ciphertext)
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return plaintext, nil
}

// MAC returns the full-length HMAC of message (RFC 2104).
func (k *Key) MAC(name Algorithm, message []byte) ([]byte, error) {
	a, err := k.begin(GenerateVerifyMAC, name)
	if err != nil {
		return nil, err
	}
	defer k.release()
	m, ok := k.impl.(macer)
	if !ok {
		return nil, unsupported(k.row.spec, name)
	}
	mac, err := m.mac(a, message)
	if err != nil {
		return nil, fmt.Errorf("MAC with %s: %w", name, err)
	}
	return mac, nil
}

// DeriveSharedSecret returns the x-coordinate of the Diffie-Hellman point of
// this key and the peer's, a DER SubjectPublicKeyInfo on the same curve (SP
// 800-56A section 5.7.1.2). A point off the curve, the point at infinity and a
// key on another curve are ErrInvalidPublicKey.
func (k *Key) DeriveSharedSecret(name Algorithm, peerSPKI []byte) ([]byte, error) {
	if _, err := k.begin(KeyAgreement, name); err != nil {
		return nil, err
	}
	defer k.release()
	peer, err := parsePublic(k.row, peerSPKI)
	if err != nil {
		return nil, err
	}
	g, ok := k.impl.(agreer)
	if !ok {
		return nil, unsupported(k.row.spec, name)
	}
	sharedSecret, err := g.agree(peer)
	if err != nil {
		return nil, fmt.Errorf("derive shared secret: %w", ErrInvalidPublicKey)
	}
	return sharedSecret, nil
}

// Public returns the public half, which outlives Destroy. Symmetric and HMAC
// keys have none: ErrUnsupportedAlgorithm.
func (k *Key) Public() (*PublicKey, error) {
	if k.pub == nil {
		return nil, fmt.Errorf("key spec %s has no public key: %w", k.row.spec, ErrUnsupportedAlgorithm)
	}
	return k.pub, nil
}

// PublicKeySPKI returns the public half as a DER SubjectPublicKeyInfo (RFC
// 5280), the form GetPublicKey answers.
func (k *Key) PublicKeySPKI() ([]byte, error) {
	pub, err := k.Public()
	if err != nil {
		return nil, err
	}
	return pub.SPKI(), nil
}

// Material returns the secret material: a DER PKCS #8 PrivateKeyInfo for
// asymmetric keys, the bare bytes for HMAC and symmetric keys (not those of
// OpenMAC). The caller owns the slice and wipes it after use.
func (k *Key) Material() ([]byte, error) {
	if err := k.acquire(); err != nil {
		return nil, err
	}
	defer k.release()
	return k.impl.material()
}

// MarshalPKCS8 returns an asymmetric key as a DER PKCS #8 PrivateKeyInfo (RFC
// 5958). The caller owns the slice and wipes it after use.
func (k *Key) MarshalPKCS8() ([]byte, error) {
	if k.row.keyOID == nil {
		return nil, fmt.Errorf("key spec %s has no PKCS #8 form: %w", k.row.spec, ErrUnsupportedAlgorithm)
	}
	return k.Material()
}

// Decrypter returns the key as a crypto.Decrypter, for code that unwraps other
// keys with it. RSA keys take *rsa.OAEPOptions, and nothing else: PKCS #1 v1.5
// is refused. SM2 keys take nil. The decrypter fails with ErrDestroyed once the
// key is destroyed.
func (k *Key) Decrypter() (crypto.Decrypter, error) {
	d, ok := k.impl.(decrypter)
	if !ok {
		return nil, fmt.Errorf("key spec %s does not decrypt: %w", k.row.spec, ErrUnsupportedAlgorithm)
	}
	return &heldDecrypter{key: k, impl: d}, nil
}

// heldDecrypter keeps the key from being wiped while it decrypts.
type heldDecrypter struct {
	key  *Key
	impl decrypter
}

func (h *heldDecrypter) Public() crypto.PublicKey { return h.impl.std().Public() }

func (h *heldDecrypter) Decrypt(rand io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	if err := h.key.acquire(); err != nil {
		return nil, err
	}
	defer h.key.release()
	return h.impl.std().Decrypt(rand, ciphertext, opts)
}

package encryptionsdk

import (
	"context"
	"crypto/ecdsa"
)

// EncryptionContext is the authenticated, unencrypted data of a message: at most 65,535
// bytes serialized. Keys that start with "aws-crypto-" are reserved.
type EncryptionContext map[string]string

// SignatureContextKey is the reserved key under which a default manager stores the public
// key of the trailing signature: base64 of the SEC 1 compressed point.
const SignatureContextKey = "aws-crypto-public-key"

// EncryptedDataKey is one wrapping of a message's data key, as the header carries it.
// Each member is at most 65,535 bytes.
type EncryptedDataKey struct {
	ProviderID   string // key provider: "aws-kms", or the namespace of a raw keyring
	ProviderInfo []byte // which key of the provider: a key ARN, or name and nonce
	Ciphertext   []byte // the wrapped data key
}

// EncryptionMaterials is what a message is encrypted with. A materials manager fills in
// suite, context and signing key; keyrings fill in the data key and its wrappings.
type EncryptionMaterials struct {
	Suite             *Suite
	EncryptionContext EncryptionContext
	// PlaintextDataKey has Suite.DataKeyLen bytes, nil until a keyring has made it. Its
	// owner wipes it: the encrypter after it has derived the message key.
	PlaintextDataKey  []byte
	EncryptedDataKeys []EncryptedDataKey
	// SigningKey is set exactly for suites that sign.
	SigningKey *ecdsa.PrivateKey
	// RequiredContextKeys are keys of EncryptionContext that are authenticated but not
	// stored in the message; the reader has to know them.
	RequiredContextKeys []string
}

// DecryptionMaterials is what a message is decrypted with.
type DecryptionMaterials struct {
	Suite             *Suite
	EncryptionContext EncryptionContext // stored and required pairs together
	PlaintextDataKey  []byte            // nil until a keyring has unwrapped it
	// VerificationKey is set exactly for suites that sign.
	VerificationKey     *ecdsa.PublicKey
	RequiredContextKeys []string
}

// Keyring wraps and unwraps data keys. It must be safe for use by several goroutines.
type Keyring interface {
	// OnEncrypt makes m.PlaintextDataKey if it is nil, and appends at least one wrapping
	// of it to m.EncryptedDataKeys. On error m may be half filled and is thrown away.
	OnEncrypt(ctx context.Context, m *EncryptionMaterials) error
	// OnDecrypt sets m.PlaintextDataKey from the first of keys that it can unwrap. With
	// the data key already set it does nothing. When no key fits it returns an error that
	// matches ErrNoDataKey and joins the causes.
	OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error
}

// EncryptionRequest asks a manager for the materials of one message.
type EncryptionRequest struct {
	Suite             *Suite // nil: the default of the policy
	CommitmentPolicy  CommitmentPolicy
	EncryptionContext EncryptionContext // must not be changed by the manager
	// PlaintextLength is the length of the message in bytes or an upper bound of it, or -1 when
	// nobody knows: a caching manager then never reuses materials for it.
	PlaintextLength      int64
	MaxEncryptedDataKeys int // 0: no limit but the format's 65,535
}

// DecryptionRequest asks a manager for the materials that open one message.
type DecryptionRequest struct {
	Suite             *Suite
	CommitmentPolicy  CommitmentPolicy
	EncryptedDataKeys []EncryptedDataKey
	EncryptionContext EncryptionContext // as stored in the header
	// ReproducedContext is what the caller says the context is: pairs that the header holds
	// must be equal, and required keys that it leaves out are taken from here.
	ReproducedContext EncryptionContext
}

// MaterialsManager assembles materials for messages (AWS: cryptographic materials manager,
// CMM). It must be safe for use by several goroutines. The materials it returns are the
// caller's: it may wipe them.
type MaterialsManager interface {
	EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error)
	DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error)
}

// CommitmentPolicy says which suites may be used, by whether they commit to the data key.
// The zero value is the default.
type CommitmentPolicy int

const (
	// RequireEncryptRequireDecrypt writes and reads only suites that commit.
	RequireEncryptRequireDecrypt CommitmentPolicy = iota
	// RequireEncryptAllowDecrypt writes only suites that commit and reads all.
	RequireEncryptAllowDecrypt
	// ForbidEncryptAllowDecrypt writes only suites that do not commit and reads all.
	ForbidEncryptAllowDecrypt
)

package clients

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A kind is what a key is for; each operation works on keys of one kind.
type kind int

const (
	noKey kind = iota
	symmetric
	signing   // ECC_NIST_P256
	mac       // HMAC_256
	agreement // ECC_NIST_P256
	external  // symmetric, imported
	multiRegion
)

// A state is what has been done to a key.
type state int

const (
	enabled state = iota
	disabled
	pendingDeletion
)

// kmsKey is a key with what was made by it while it was enabled.
type kmsKey struct {
	id, arn              string
	blob, signature, tag []byte
	grantID              string
}

type kindAndState struct {
	kind  kind
	state state
}

// keys are shared by the tests that only read or fail: making one for every case would
// test nothing more.
var keys = struct {
	sync.Mutex
	made map[kindAndState]*kmsKey
}{made: make(map[kindAndState]*kmsKey)}

// sharedKey returns the shared key of a kind and state.
func sharedKey(t *testing.T, k kind, s state) *kmsKey {
	t.Helper()
	if k == noKey {
		return &kmsKey{}
	}
	keys.Lock()
	defer keys.Unlock()
	if made := keys.made[kindAndState{k, s}]; made != nil {
		return made
	}
	made := newKey(t, k)
	client := kmsClient()
	switch s {
	case disabled:
		must[*kms.DisableKeyOutput](t)(client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &made.id}))
	case pendingDeletion:
		must[*kms.ScheduleKeyDeletionOutput](t)(client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &made.id, PendingWindowInDays: aws.Int32(7)}))
	}
	keys.made[kindAndState{k, s}] = made
	return made
}

// newKey makes a key of a kind.
func newKey(t *testing.T, k kind) *kmsKey {
	t.Helper()
	in := &kms.CreateKeyInput{}
	switch k {
	case signing:
		in.KeySpec, in.KeyUsage = types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify
	case mac:
		in.KeySpec, in.KeyUsage = types.KeySpecHmac256, types.KeyUsageTypeGenerateVerifyMac
	case agreement:
		in.KeySpec, in.KeyUsage = types.KeySpecEccNistP256, types.KeyUsageTypeKeyAgreement
	case external:
		in.Origin = types.OriginTypeExternal
	case multiRegion:
		in.MultiRegion = aws.Bool(true)
	}
	made := createKey(t, in)
	client, ctx := kmsClient(), t.Context()
	if k == external {
		importSymmetric(t, made.id, randomBytes(32))
	}
	switch k {
	case symmetric, external, multiRegion:
		made.blob = must[*kms.EncryptOutput](t)(client.Encrypt(ctx, &kms.EncryptInput{KeyId: &made.id, Plaintext: message})).CiphertextBlob
	case signing:
		made.signature = must[*kms.SignOutput](t)(client.Sign(ctx, &kms.SignInput{KeyId: &made.id, Message: message, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})).Signature
	case mac:
		made.tag = must[*kms.GenerateMacOutput](t)(client.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: &made.id, Message: message, MacAlgorithm: types.MacAlgorithmSpecHmacSha256})).Mac
	}
	return made
}

// message is what the tests encrypt, sign and authenticate.
var message = []byte("attack at dawn")

func createKey(t *testing.T, in *kms.CreateKeyInput) *kmsKey {
	t.Helper()
	out := must[*kms.CreateKeyOutput](t)(kmsClient().CreateKey(t.Context(), in))
	return &kmsKey{id: *out.KeyMetadata.KeyId, arn: *out.KeyMetadata.Arn}
}

// absentKey is well formed and names nothing.
const absentKey = "arn:aws:kms:" + region + ":" + account + ":key/00000000-0000-4000-8000-000000000000"

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// peerKey is another party's P-256 public key (DER SubjectPublicKeyInfo).
var peerKey = sync.OnceValue(func() []byte {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.PublicKey())
	if err != nil {
		panic(err)
	}
	return der
})

// options are what a test adds to a call that would succeed.
type options struct {
	dryRun      *bool
	grantTokens []string
	marker      *string
}

// operation is a way to call a KMS operation on a key so that it succeeds if the key is
// of the right kind, enabled and there.
type operation struct {
	kind kind
	call func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error
}

package kms

import (
	"context"
	"encoding/hex"
	"errors"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/engine/envelope"
	"fastness/internal/engine/keyalg"
	"fastness/internal/wire"
)

// Encrypt implements the operation of that name.
func (s *Service) Encrypt(ctx context.Context, in *kmsapi.EncryptRequest) (*kmsapi.EncryptResponse, error) {
	r, k, err := s.usable(ctx, keyalg.EncryptDecrypt)
	if err != nil {
		return nil, err
	}
	if err := checkEncryption(k, r.req.encryptionAlgorithm, in.EncryptionContext); err != nil {
		return nil, err
	}
	if err := checkLength(k, r.req.encryptionAlgorithm, len(in.Plaintext)); err != nil {
		return nil, err
	}
	if r.req.dryRun {
		return nil, dryRun()
	}
	blob, err := s.encrypt(ctx, k, r.req.encryptionAlgorithm, in.EncryptionContext, in.Plaintext)
	if err != nil {
		return nil, err
	}
	s.used(ctx, k)
	a := answerBy[kmsapi.EncryptResponse](k, r)
	a.out = kmsapi.EncryptResponse{CiphertextBlob: blob, KeyId: &a.arn, EncryptionAlgorithm: &a.algorithm}
	return &a.out, nil
}

// Decrypt implements the operation of that name.
func (s *Service) Decrypt(ctx context.Context, in *kmsapi.DecryptRequest) (*kmsapi.DecryptResponse, error) {
	r, k, err := s.usable(ctx, keyalg.EncryptDecrypt)
	if err != nil {
		return nil, err
	}
	if err := checkEncryption(k, r.req.encryptionAlgorithm, in.EncryptionContext); err != nil {
		return nil, err
	}
	var plaintext []byte
	var by *material
	if !(r.req.dryRun && r.req.ignoreBlob) {
		plaintext, by, err = s.decrypt(ctx, k, r, in.CiphertextBlob, in.EncryptionContext)
		if err != nil {
			return nil, err
		}
	}
	if r.req.dryRun {
		clear(plaintext)
		return nil, dryRun()
	}
	s.used(ctx, k)
	a := answerBy[kmsapi.DecryptResponse](k, r)
	out := &a.out
	out.KeyId, out.EncryptionAlgorithm = &a.arn, &a.algorithm
	if by != nil && k.record.Spec == symmetricDefault {
		a.material = by.record.ID
		out.KeyMaterialId = &a.material
		showMaterial(call.From(ctx), "keyMaterialId", out.KeyMaterialId)
	}
	if r.attested != nil {
		defer clear(plaintext)
		out.CiphertextForRecipient, err = forRecipient(r.attested, plaintext)
		return out, err
	}
	out.Plaintext = plaintext
	return out, nil
}

// answer is an output and what its members point to, in one piece of memory.
type answer[T any] struct {
	out       T
	arn       string
	material  string
	algorithm kmsapi.EncryptionAlgorithmSpec
}

// answerBy makes the answer of a key, out still empty.
func answerBy[T any](k *key, r *resolved) *answer[T] {
	return &answer[T]{arn: k.arn, algorithm: kmsapi.EncryptionAlgorithmSpec(r.req.encryptionAlgorithm)}
}

// ReEncrypt implements the operation of that name: decrypt under one key and encrypt
// under another, without the plaintext leaving.
func (s *Service) ReEncrypt(ctx context.Context, in *kmsapi.ReEncryptRequest) (*kmsapi.ReEncryptResponse, error) {
	from, source, err := s.usable(ctx, keyalg.EncryptDecrypt)
	if err != nil {
		return nil, err
	}
	to := from.other
	if to.key == nil {
		return nil, to.missing
	}
	destination := to.key
	if err := s.checkUsable(ctx, destination, keyalg.EncryptDecrypt); err != nil {
		return nil, err
	}
	if err := checkEncryption(source, from.req.encryptionAlgorithm, in.SourceEncryptionContext); err != nil {
		return nil, err
	}
	if err := checkEncryption(destination, to.req.encryptionAlgorithm, in.DestinationEncryptionContext); err != nil {
		return nil, err
	}
	if from.req.dryRun && from.req.ignoreBlob {
		return nil, dryRun()
	}
	plaintext, by, err := s.decrypt(ctx, source, from, in.CiphertextBlob, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	if err := checkLength(destination, to.req.encryptionAlgorithm, len(plaintext)); err != nil {
		return nil, err
	}
	if from.req.dryRun {
		return nil, dryRun()
	}
	blob, err := s.encrypt(ctx, destination, to.req.encryptionAlgorithm, in.DestinationEncryptionContext, plaintext)
	if err != nil {
		return nil, err
	}
	s.used(ctx, source)
	s.used(ctx, destination)
	out := &kmsapi.ReEncryptResponse{
		CiphertextBlob: blob, SourceKeyId: new(source.arn), KeyId: new(destination.arn),
		SourceEncryptionAlgorithm:      new(kmsapi.EncryptionAlgorithmSpec(from.req.encryptionAlgorithm)),
		DestinationEncryptionAlgorithm: new(kmsapi.EncryptionAlgorithmSpec(to.req.encryptionAlgorithm)),
	}
	if source.record.Spec == symmetricDefault && by != nil {
		out.SourceKeyMaterialId = new(by.record.ID)
	}
	out.DestinationKeyMaterialId = destination.materialID()
	showMaterial(call.From(ctx), "destinationKeyMaterialId", out.DestinationKeyMaterialId)
	showMaterial(call.From(ctx), "sourceKeyMaterialId", out.SourceKeyMaterialId)
	return out, nil
}

// encrypt encrypts under the current material of k, whatever its kind.
func (s *Service) encrypt(ctx context.Context, k *key, algorithm string, context map[string]string, plaintext []byte) ([]byte, error) {
	if k.record.KeyStore != "" {
		return s.encryptExternal(ctx, k, context, plaintext)
	}
	if k.record.Spec != symmetricDefault {
		// Encrypting needs the public key alone.
		public, err := k.publicKey()
		if err != nil {
			return nil, err
		}
		blob, err := public.Encrypt(keyalg.Algorithm(algorithm), plaintext)
		return blob, engineError(k, err)
	}
	return s.seal(ctx, k, context, plaintext)
}

func blobHeader(k *key, m *material) envelope.Header {
	return envelope.Header{KeyRef: refOf(&k.record), MaterialID: materialID(m.record.ID)}
}

// materialID is the binary form of a material's id.
func materialID(name string) (id [envelope.MaterialIDSize]byte) {
	// The name was made by hex encoding.
	_, _ = hex.Decode(id[:], []byte(name))
	return id
}

// decrypt opens a blob under k and returns the material that opened it.
func (s *Service) decrypt(ctx context.Context, k *key, r *resolved, blob []byte, context map[string]string) ([]byte, *material, error) {
	if k.record.KeyStore != "" {
		plaintext, err := s.decryptExternal(ctx, k, blob, context)
		return plaintext, nil, err
	}
	if k.record.Spec != symmetricDefault {
		plaintext, err := s.private(ctx, k, func(private *keyalg.Key) ([]byte, error) {
			return private.Decrypt(keyalg.Algorithm(r.req.encryptionAlgorithm), blob)
		})
		return plaintext, k.current, err
	}
	ref, err := blobKeyRef(blob)
	if err != nil {
		return nil, nil, &kmsapi.InvalidCiphertextException{}
	}
	if ref != refOf(&k.record) {
		return nil, nil, s.ofAnotherKey(ctx, ref)
	}
	h, err := envelope.ParseHeader(blob)
	if err != nil {
		return nil, nil, &kmsapi.InvalidCiphertextException{}
	}
	m := k.byID[h.MaterialID]
	if m == nil {
		// The blob may be younger than the snapshot: another part of a multi-Region key
		// learns of a rotation a moment before this one.
		if m, err = s.youngerMaterial(ctx, k, h.MaterialID); err != nil {
			return nil, nil, err
		}
	}
	plaintext, err := s.unseal(ctx, k, m, context, blob)
	return plaintext, m, engineError(k, err)
}

// youngerMaterial looks in the store for a material that a snapshot does not have.
func (s *Service) youngerMaterial(ctx context.Context, k *key, id [envelope.MaterialIDSize]byte) (*material, error) {
	now, err := s.directory.fresh(ctx, k.record.name())
	if err != nil {
		return nil, err
	}
	if now == nil || now.byID[id] == nil {
		return nil, &kmsapi.InvalidCiphertextException{}
	}
	return now.byID[id], checkState(call.From(ctx).Operation.Name, &now.record)
}

// usable returns the key of the call, checked for use: its state, its usage.
func (s *Service) usable(ctx context.Context, usage keyalg.Usage) (*resolved, *key, error) {
	r, k, err := target(ctx)
	if err != nil {
		return nil, nil, err
	}
	return r, k, s.checkUsable(ctx, k, usage)
}

func (s *Service) checkUsable(ctx context.Context, k *key, usage keyalg.Usage) error {
	operation := call.From(ctx).Operation.Name
	if err := checkState(operation, &k.record); err != nil {
		return err
	}
	if k.record.Usage != string(usage) {
		return invalidUsage(k.arn + " key usage is " + k.record.Usage + " which is not valid for " + operation + ".")
	}
	_, err := s.checkConnected(ctx, k)
	return err
}

// checkEncryption refuses an algorithm that is not the key's, and a context where
// the algorithm takes none.
func checkEncryption(k *key, algorithm string, context map[string]string) error {
	if algorithm == symmetricDefault && k.record.Spec == symmetricDefault {
		return nil
	}
	err := checkAlgorithm(k, keyalg.Algorithm(algorithm), keyalg.EncryptDecrypt)
	if err == nil && len(context) > 0 {
		return invalid("The encryption context is not supported with asymmetric KMS keys.")
	}
	return err
}

func checkLength(k *key, algorithm string, n int) error {
	limit, ok := keyalg.MaxPlaintext(keyalg.Spec(k.record.Spec), keyalg.Algorithm(algorithm))
	if ok && algorithm != symmetricDefault && n > limit {
		return invalid("Algorithm " + algorithm + " and key spec " + k.record.Spec + " cannot encrypt data larger than " + itoa(limit) + " bytes.")
	}
	return nil
}

// engineError turns an engine's refusal into the API's.
func engineError(k *key, err error) error {
	if err == nil {
		return nil
	}
	var digest *keyalg.DigestLengthError
	switch {
	case errors.Is(err, envelope.ErrInvalidCiphertext), errors.Is(err, keyalg.ErrInvalidCiphertext):
		return &kmsapi.InvalidCiphertextException{}
	case errors.Is(err, keyalg.ErrInvalidSignature):
		return &kmsapi.KMSInvalidSignatureException{}
	case errors.Is(err, keyalg.ErrInvalidMAC):
		return &kmsapi.KMSInvalidMacException{}
	case errors.As(err, &digest):
		return invalid("Digest is invalid length for algorithm " + string(digest.Algorithm) + ".")
	case errors.Is(err, keyalg.ErrUnsupportedMessageType):
		return invalid("The message type is not valid for the signing algorithm.")
	case errors.Is(err, keyalg.ErrInvalidPublicKey):
		return invalid("The public key is not valid for key spec " + k.record.Spec + ".")
	case errors.Is(err, keyalg.ErrNotApproved):
		return &kmsapi.UnsupportedOperationException{Message: new("The algorithm is not approved in FIPS 140-3 mode.")}
	}
	return err
}

func invalidUsage(message string) error {
	return &kmsapi.InvalidKeyUsageException{Message: &message}
}

// dryRun is the answer to a request that would have succeeded.
func dryRun() error {
	return &kmsapi.DryRunOperationException{Message: new("The request would have succeeded, but the DryRun option is set.")}
}

// wantsRecipient tells whether the caller asked for the plaintext to be encrypted for
// an attested enclave.
func wantsRecipient(r *kmsapi.RecipientInfo) bool { return wire.Value(r).AttestationDocument != nil }

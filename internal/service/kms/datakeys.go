package kms

import (
	"context"
	"crypto/rand"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/engine/keyalg"
	"fastness/internal/wire"
)

// GenerateDataKey implements the operation of that name.
func (s *Service) GenerateDataKey(ctx context.Context, in *kmsapi.GenerateDataKeyRequest) (*kmsapi.GenerateDataKeyResponse, error) {
	r, k, err := s.usable(ctx, keyalg.EncryptDecrypt)
	if err != nil {
		return nil, err
	}
	if r.attested == nil && wantsRecipient(in.Recipient) {
		return nil, invalid("The attestation document is not valid.")
	}
	plaintext, blob, err := s.dataKey(ctx, r, k, in.NumberOfBytes, in.KeySpec, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	a := answerBy[kmsapi.GenerateDataKeyResponse](k, r)
	out := &a.out
	out.CiphertextBlob, out.KeyId = blob, &a.arn
	if m := k.symmetricMaterial(); m != nil {
		a.material = m.record.ID
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

// GenerateDataKeyWithoutPlaintext implements the operation of that name.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, in *kmsapi.GenerateDataKeyWithoutPlaintextRequest) (*kmsapi.GenerateDataKeyWithoutPlaintextResponse, error) {
	r, k, err := s.usable(ctx, keyalg.EncryptDecrypt)
	if err != nil {
		return nil, err
	}
	plaintext, blob, err := s.dataKey(ctx, r, k, in.NumberOfBytes, in.KeySpec, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	clear(plaintext)
	id := k.materialID()
	showMaterial(call.From(ctx), "keyMaterialId", id)
	return &kmsapi.GenerateDataKeyWithoutPlaintextResponse{CiphertextBlob: blob, KeyId: new(k.arn), KeyMaterialId: id}, nil
}

// dataKey makes a random key and its ciphertext.
func (s *Service) dataKey(ctx context.Context, r *resolved, k *key, bytes *int32, spec *kmsapi.DataKeySpec, context map[string]string) (plaintext, blob []byte, err error) {
	if err := checkEncryption(k, symmetricDefault, context); err != nil {
		return nil, nil, err
	}
	size, err := dataKeySize(bytes, spec)
	if err != nil {
		return nil, nil, err
	}
	if r.req.dryRun {
		return nil, nil, dryRun()
	}
	plaintext = make([]byte, size)
	_, _ = rand.Read(plaintext) // never fails
	if blob, err = s.encrypt(ctx, k, symmetricDefault, context, plaintext); err != nil {
		clear(plaintext)
		return nil, nil, err
	}
	s.used(ctx, k)
	return plaintext, blob, nil
}

func dataKeySize(bytes *int32, spec *kmsapi.DataKeySpec) (int, error) {
	switch {
	case bytes != nil && spec != nil:
		return 0, invalid("Please specify either number of bytes or key spec.")
	case bytes != nil:
		return int(*bytes), nil
	case spec == nil:
		return 0, invalid("Please specify either number of bytes or key spec.")
	case *spec == kmsapi.DataKeySpecAES128:
		return 16, nil
	}
	return 32, nil
}

// materialID is the id of the current material, for answers about symmetric keys.
func (k *key) materialID() *string {
	m := k.symmetricMaterial()
	if m == nil {
		return nil
	}
	return new(m.record.ID)
}

// symmetricMaterial is the current material of a symmetric key that is ours alone.
func (k *key) symmetricMaterial() *material {
	if k.record.Spec != symmetricDefault || k.record.KeyStore != "" {
		return nil
	}
	return k.current
}

// GenerateDataKeyPair implements the operation of that name.
func (s *Service) GenerateDataKeyPair(ctx context.Context, in *kmsapi.GenerateDataKeyPairRequest) (*kmsapi.GenerateDataKeyPairResponse, error) {
	r, k, err := s.usable(ctx, keyalg.EncryptDecrypt)
	if err != nil {
		return nil, err
	}
	pair, err := s.dataKeyPair(ctx, r, k, text(in.KeyPairSpec), in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.GenerateDataKeyPairResponse{
		PrivateKeyCiphertextBlob: pair.blob, PublicKey: pair.public, KeyId: new(k.arn),
		KeyPairSpec: in.KeyPairSpec, KeyMaterialId: k.materialID(),
	}
	if r.attested != nil {
		defer clear(pair.private)
		out.CiphertextForRecipient, err = forRecipient(r.attested, pair.private)
		return out, err
	}
	out.PrivateKeyPlaintext = pair.private
	return out, nil
}

// GenerateDataKeyPairWithoutPlaintext implements the operation of that name.
func (s *Service) GenerateDataKeyPairWithoutPlaintext(ctx context.Context, in *kmsapi.GenerateDataKeyPairWithoutPlaintextRequest) (*kmsapi.GenerateDataKeyPairWithoutPlaintextResponse, error) {
	r, k, err := s.usable(ctx, keyalg.EncryptDecrypt)
	if err != nil {
		return nil, err
	}
	pair, err := s.dataKeyPair(ctx, r, k, text(in.KeyPairSpec), in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	clear(pair.private)
	return &kmsapi.GenerateDataKeyPairWithoutPlaintextResponse{
		PrivateKeyCiphertextBlob: pair.blob, PublicKey: pair.public, KeyId: new(k.arn),
		KeyPairSpec: in.KeyPairSpec, KeyMaterialId: k.materialID(),
	}, nil
}

// keyPair is a generated pair: PKCS #8, its ciphertext, SubjectPublicKeyInfo.
type keyPair struct{ private, blob, public []byte }

func (s *Service) dataKeyPair(ctx context.Context, r *resolved, k *key, spec string, context map[string]string) (keyPair, error) {
	var pair keyPair
	if err := checkEncryption(k, symmetricDefault, context); err != nil {
		return pair, err
	}
	if k.record.KeyStore != "" {
		return pair, unsupported("GenerateDataKeyPair is not supported for KMS keys in custom key stores.")
	}
	if err := checkApproved(spec); err != nil {
		return pair, err
	}
	if r.req.dryRun {
		return pair, dryRun()
	}
	generated, err := s.generate(keyalg.Spec(spec))
	if err != nil {
		return pair, engineError(k, err)
	}
	defer generated.Destroy()
	if pair.public, err = generated.PublicKeySPKI(); err != nil {
		return pair, err
	}
	if pair.private, err = generated.MarshalPKCS8(); err != nil {
		return pair, err
	}
	if pair.blob, err = s.encrypt(ctx, k, symmetricDefault, context, pair.private); err != nil {
		clear(pair.private)
		return pair, err
	}
	s.used(ctx, k)
	showMaterial(call.From(ctx), "keyMaterialId", k.materialID())
	return pair, nil
}

// GenerateRandom implements the operation of that name.
func (s *Service) GenerateRandom(ctx context.Context, in *kmsapi.GenerateRandomRequest) (*kmsapi.GenerateRandomResponse, error) {
	r, err := resolvedCall(ctx)
	if err != nil {
		return nil, err
	}
	if in.NumberOfBytes == nil {
		return nil, invalid("NumberOfBytes is required.")
	}
	if in.CustomKeyStoreId != nil {
		return nil, s.randomFromKeyStore(ctx, text(in.CustomKeyStoreId))
	}
	b := make([]byte, wire.Value(in.NumberOfBytes))
	_, _ = rand.Read(b) // never fails
	if r.attested != nil {
		defer clear(b)
		cms, err := forRecipient(r.attested, b)
		return &kmsapi.GenerateRandomResponse{CiphertextForRecipient: cms}, err
	}
	return &kmsapi.GenerateRandomResponse{Plaintext: b}, nil
}

func checkApproved(spec string) error {
	if keyalg.FIPSEnforced() && !keyalg.Approved(keyalg.Spec(spec), "") {
		return unsupported("Key spec " + spec + " is not approved in FIPS 140-3 mode.")
	}
	return nil
}

func unsupported(message string) error {
	return &kmsapi.UnsupportedOperationException{Message: &message}
}

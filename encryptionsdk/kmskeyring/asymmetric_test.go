package kmskeyring

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"fastness/encryptionsdk"
)

// opener decrypts with an RSA key as KMS does, and can name another one.
type opener struct {
	key      *rsa.PrivateKey
	answerID string
	opens    func([]byte) []byte
}

func (o *opener) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	plaintext, err := rsa.DecryptOAEP(sha256.New(), nil, o.key, in.CiphertextBlob, nil)
	if err != nil {
		return nil, err
	}
	if o.opens != nil {
		plaintext = o.opens(plaintext)
	}
	id := *in.KeyId
	if o.answerID != "" {
		id = o.answerID
	}
	return &kms.DecryptOutput{KeyId: &id, Plaintext: plaintext}, nil
}

func TestRSAKeyring(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	writer := ring(NewRSA(nil, mrkEast, &key.PublicKey, types.EncryptionAlgorithmSpecRsaesOaepSha256))(t)
	m := &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: testEC}
	if err := writer.OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	open := func(o *opener, arn string, s *encryptionsdk.Suite, ec encryptionsdk.EncryptionContext) error {
		t.Helper()
		d := &encryptionsdk.DecryptionMaterials{Suite: s, EncryptionContext: ec}
		err := ring(NewRSA(o, arn, nil, types.EncryptionAlgorithmSpecRsaesOaepSha256))(t).OnDecrypt(t.Context(), d, m.EncryptedDataKeys)
		if (err == nil) != bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) || err != nil && !errors.Is(err, encryptionsdk.ErrNoDataKey) {
			t.Errorf("%v, and data key %x", err, d.PlaintextDataKey)
		}
		return err
	}
	good := &opener{key: key}
	if err := errors.Join(open(good, mrkEast, suite, testEC), open(good, mrkWest, suite, testEC)); err != nil {
		t.Fatal(err)
	}
	signs := encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKeyECDSAP384.Suite()
	for name, err := range map[string]error{
		"another key":     open(good, testARN, suite, testEC),
		"another answer":  open(&opener{key: key, answerID: mrkWest}, mrkEast, suite, testEC),
		"another context": open(good, mrkEast, suite, nil),
		"a suite signing": open(good, mrkEast, signs, testEC),
		"a short answer":  open(&opener{key: key, opens: func(b []byte) []byte { return b[:40] }}, mrkEast, suite, testEC),
		"a short key":     open(&opener{key: key, opens: func(b []byte) []byte { return b[:len(b)-1] }}, mrkEast, suite, testEC),
	} {
		if err == nil {
			t.Errorf("opened with %s", name)
		}
	}
	if err := writer.OnDecrypt(t.Context(), &encryptionsdk.DecryptionMaterials{Suite: suite}, nil); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
		t.Error(err)
	}
	if err := writer.OnEncrypt(t.Context(), &encryptionsdk.EncryptionMaterials{Suite: signs}); !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Error(err)
	}
	if err := ring(NewRSA(good, mrkEast, nil, types.EncryptionAlgorithmSpecRsaesOaepSha256))(t).OnEncrypt(t.Context(), m); !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Error(err)
	}
}

// deriver agrees on secrets as KMS does, and can lie.
type deriver struct {
	key      *ecdh.PrivateKey
	answerID string
	short    bool
}

func (d *deriver) DeriveSharedSecret(_ context.Context, in *kms.DeriveSharedSecretInput, _ ...func(*kms.Options)) (*kms.DeriveSharedSecretOutput, error) {
	parsed, err := x509.ParsePKIXPublicKey(in.PublicKey)
	if err != nil {
		return nil, err
	}
	peer, err := parsed.(interface {
		ECDH() (*ecdh.PublicKey, error)
	}).ECDH()
	if err != nil {
		return nil, err
	}
	secret, err := d.key.ECDH(peer)
	if err != nil {
		return nil, err
	}
	if d.short {
		secret = secret[1:]
	}
	id := *in.KeyId
	if d.answerID != "" {
		id = d.answerID
	}
	return &kms.DeriveSharedSecretOutput{KeyId: &id, SharedSecret: secret}, nil
}

func TestECDHKeyring(t *testing.T) {
	generate := func(c ecdh.Curve) *ecdh.PrivateKey { return ring(c.GenerateKey(rand.Reader))(t) }
	a, b, c := generate(ecdh.P384()), generate(ecdh.P384()), generate(ecdh.P384())
	static := func(own *ecdh.PrivateKey, peer *ecdh.PrivateKey) *ECDHKeyring {
		return ring(NewECDHStatic(&deriver{key: own}, testARN, own.PublicKey(), peer.PublicKey()))(t)
	}
	discovery := func(own *ecdh.PrivateKey) *ECDHKeyring {
		return ring(NewECDHDiscovery(&deriver{key: own}, testARN, own.PublicKey()))(t)
	}
	m := &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: testEC}
	if err := static(a, b).OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for i, k := range []*ECDHKeyring{static(a, b), static(b, a), discovery(b)} {
		d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: testEC}
		if err := k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); err != nil || !bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) {
			t.Errorf("reader %d: %v", i, err)
		}
	}
	liar := ring(NewECDHDiscovery(&deriver{key: b, answerID: otherARN}, testARN, b.PublicKey()))(t)
	short := ring(NewECDHDiscovery(&deriver{key: b, short: true}, testARN, b.PublicKey()))(t)
	for i, k := range []*ECDHKeyring{static(a, c), static(c, b), discovery(a), liar, short} {
		d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: testEC}
		if err := k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) || d.PlaintextDataKey != nil {
			t.Errorf("stranger %d: %v", i, err)
		}
	}
	if err := discovery(a).OnEncrypt(t.Context(), m); !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Error(err)
	}
	if _, err := NewECDHStatic(&deriver{}, testARN, a.PublicKey(), generate(ecdh.P256()).PublicKey()); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
	if _, err := NewECDHDiscovery(&deriver{}, testARN, generate(ecdh.X25519()).PublicKey()); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
	shared := static(a, b)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			own := &encryptionsdk.EncryptionMaterials{Suite: suite}
			d := &encryptionsdk.DecryptionMaterials{Suite: suite}
			if err := errors.Join(shared.OnEncrypt(t.Context(), own), shared.OnDecrypt(t.Context(), d, own.EncryptedDataKeys)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// teller tells a public key.
type teller struct{ out kms.GetPublicKeyOutput }

func (t *teller) GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error) {
	return &t.out, nil
}

func TestPublicKeysAreChecked(t *testing.T) {
	key := ring(ecdh.P256().GenerateKey(rand.Reader))(t)
	der := ring(x509.MarshalPKIXPublicKey(key.PublicKey()))(t)
	good := kms.GetPublicKeyOutput{KeyId: new(testARN), KeyUsage: types.KeyUsageTypeKeyAgreement, PublicKey: der}
	if got, err := GetECDHPublicKey(t.Context(), &teller{good}, testARN); err != nil || !got.Equal(key.PublicKey()) {
		t.Fatal(err)
	}
	for name, f := range map[string]func(*kms.GetPublicKeyOutput){
		"another key":   func(o *kms.GetPublicKeyOutput) { o.KeyId = new(otherARN) },
		"another usage": func(o *kms.GetPublicKeyOutput) { o.KeyUsage = types.KeyUsageTypeSignVerify },
		"no key":        func(o *kms.GetPublicKeyOutput) { o.PublicKey = nil },
	} {
		out := good
		f(&out)
		if _, err := GetECDHPublicKey(t.Context(), &teller{out}, testARN); err == nil {
			t.Errorf("accepted %s", name)
		}
	}
	good.KeyUsage = types.KeyUsageTypeEncryptDecrypt
	if _, err := GetRSAPublicKey(t.Context(), &teller{good}, testARN); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
}

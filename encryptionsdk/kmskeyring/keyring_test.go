package kmskeyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"fastness/encryptionsdk"
)

// recorder answers as KMS does, except where a test makes it lie, and remembers which keys
// it was called for. The real thing is in test/encryptionsdk/keyrings; this one is for
// answers that no KMS should give.
type recorder struct {
	mu       sync.Mutex
	calls    []string
	answerID string // in place of the key that was asked for
	short    bool   // data keys lack a byte
	fail     error
}

func (r *recorder) note(operation, key string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, operation+" "+key)
	if r.answerID != "" {
		key = r.answerID
	}
	return key, r.fail
}

// sealed is a ciphertext that shows what it was made from.
func sealed(plaintext []byte, ec map[string]string) []byte {
	keys := slices.Sorted(maps.Keys(ec))
	for i, k := range keys {
		keys[i] = k + "=" + ec[k]
	}
	return []byte(fmt.Sprintf("%x|%s", plaintext, strings.Join(keys, ",")))
}

func (r *recorder) GenerateDataKey(_ context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	id, err := r.note("GenerateDataKey", *in.KeyId)
	if err != nil {
		return nil, err
	}
	n := *in.NumberOfBytes
	if r.short {
		n--
	}
	key := bytes.Repeat([]byte{7}, int(n))
	return &kms.GenerateDataKeyOutput{KeyId: &id, Plaintext: key, CiphertextBlob: sealed(key, in.EncryptionContext)}, nil
}

func (r *recorder) Encrypt(_ context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	id, err := r.note("Encrypt", *in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kms.EncryptOutput{KeyId: &id, CiphertextBlob: sealed(in.Plaintext, in.EncryptionContext)}, nil
}

var errContext = errors.New("InvalidCiphertextException")

func (r *recorder) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	id, err := r.note("Decrypt", *in.KeyId)
	if err != nil {
		return nil, err
	}
	text, _, _ := strings.Cut(string(in.CiphertextBlob), "|")
	var key []byte
	if _, err := fmt.Sscanf(text, "%x", &key); err != nil || !bytes.Equal(sealed(key, in.EncryptionContext), in.CiphertextBlob) {
		return nil, errContext
	}
	if r.short {
		key = key[1:]
	}
	return &kms.DecryptOutput{KeyId: &id, Plaintext: key}, nil
}

var (
	suite  = encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey.Suite()
	testEC = encryptionsdk.EncryptionContext{"a": "b"}
)

// ring fails the test on err.
func ring[T any](k T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
}

func wrapped(t testing.TB, arn string) []encryptionsdk.EncryptedDataKey {
	t.Helper()
	m := &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: testEC}
	if err := ring(New(&recorder{}, arn))(t).OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m.EncryptedDataKeys
}

func TestKeyringChecksAnswers(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		client *recorder
		want   error
	}{
		"another key":    {&recorder{answerID: otherARN}, encryptionsdk.ErrMaterials},
		"a replica":      {&recorder{answerID: mrkWest}, encryptionsdk.ErrMaterials},
		"no ARN":         {&recorder{answerID: "1234abcd-12ab-34cd-56ef-1234567890ab"}, encryptionsdk.ErrMaterials},
		"short data key": {&recorder{short: true}, encryptionsdk.ErrMaterials},
		"error":          {&recorder{fail: broken}, broken},
	} {
		k := ring(NewMRK(c.client, testARN))(t)
		m := &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: testEC}
		if err := k.OnEncrypt(t.Context(), m); !errors.Is(err, c.want) || m.PlaintextDataKey != nil || m.EncryptedDataKeys != nil {
			t.Errorf("%s: generate: %v", name, err)
		}
		if !c.client.short {
			m.PlaintextDataKey = make([]byte, 32)
			if err := k.OnEncrypt(t.Context(), m); !errors.Is(err, c.want) || m.EncryptedDataKeys != nil {
				t.Errorf("%s: encrypt: %v", name, err)
			}
		}
		for _, reader := range []encryptionsdk.Keyring{k, ring(NewDiscovery(c.client, nil))(t)} {
			d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: testEC}
			if err := reader.OnDecrypt(t.Context(), d, wrapped(t, testARN)); !errors.Is(err, c.want) || !errors.Is(err, encryptionsdk.ErrNoDataKey) || d.PlaintextDataKey != nil {
				t.Errorf("%s: decrypt: %v", name, err)
			}
		}
	}
}

// An alias cannot be compared with the key that KMS used, but that must be a key's ARN.
func TestKeyringByAlias(t *testing.T) {
	m := &encryptionsdk.EncryptionMaterials{Suite: suite}
	if err := ring(New(&recorder{answerID: testARN}, "alias/a"))(t).OnEncrypt(t.Context(), m); err != nil || string(m.EncryptedDataKeys[0].ProviderInfo) != testARN {
		t.Error(err)
	}
	if err := ring(New(&recorder{}, "alias/a"))(t).OnEncrypt(t.Context(), m); !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Error(err)
	}
	d := &encryptionsdk.DecryptionMaterials{Suite: suite}
	r := &recorder{}
	if err := ring(New(r, "alias/a"))(t).OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) || r.calls != nil {
		t.Error(err, r.calls)
	}
}

func TestWhichKeysAreCalled(t *testing.T) {
	foreign := encryptionsdk.EncryptedDataKey{ProviderID: "other", ProviderInfo: []byte(testARN)}
	malformed := encryptionsdk.EncryptedDataKey{ProviderID: ProviderID, ProviderInfo: []byte("arn:aws:kms:us-west-2:1:alias/a")}
	keys := slices.Concat([]encryptionsdk.EncryptedDataKey{foreign, malformed}, wrapped(t, otherARN), wrapped(t, mrkStranger), wrapped(t, mrkEast), wrapped(t, testARN))
	for name, c := range map[string]struct {
		make func(*recorder) (encryptionsdk.Keyring, error)
		want []string // the first of them opens
	}{
		"strict":     {func(r *recorder) (encryptionsdk.Keyring, error) { return New(r, testARN) }, []string{testARN}},
		"strict MRK": {func(r *recorder) (encryptionsdk.Keyring, error) { return New(r, mrkWest) }, nil},
		"MRK":        {func(r *recorder) (encryptionsdk.Keyring, error) { return NewMRK(r, mrkWest) }, []string{mrkWest}},
		"discovery":  {func(r *recorder) (encryptionsdk.Keyring, error) { return NewDiscovery(r, nil) }, []string{otherARN}},
		"account": {func(r *recorder) (encryptionsdk.Keyring, error) {
			return NewDiscovery(r, &Filter{"aws", []string{"1", "444455556666"}})
		}, []string{mrkStranger}},
		"partition": {func(r *recorder) (encryptionsdk.Keyring, error) {
			return NewDiscovery(r, &Filter{"aws-cn", []string{"111122223333"}})
		}, nil},
		"MRK discovery": {func(r *recorder) (encryptionsdk.Keyring, error) {
			return NewMRKDiscovery(r, "eu-west-1", &Filter{"aws", []string{"111122223333"}})
		}, []string{strings.Replace(mrkEast, "us-east-1", "eu-west-1", 1)}},
		"MRK discovery, single Region": {func(r *recorder) (encryptionsdk.Keyring, error) { return NewMRKDiscovery(r, "us-west-2", nil) }, []string{otherARN}},
		"discovery in Regions": {func(r *recorder) (encryptionsdk.Keyring, error) {
			return NewDiscoveryMulti(func(string) (Client, error) { return r, nil }, []string{"eu-west-1", "us-east-1"}, nil)
		}, []string{mrkStranger}},
	} {
		r := &recorder{}
		k, err := c.make(r)
		if err != nil {
			t.Fatal(err)
		}
		d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: testEC}
		err = k.OnDecrypt(t.Context(), d, keys)
		var want []string
		for _, id := range c.want {
			want = append(want, "Decrypt "+id)
		}
		if !slices.Equal(r.calls, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: called %v: %v", name, r.calls, err)
		}
	}
}

func TestKeyringsTryTheNextKey(t *testing.T) {
	keys := wrapped(t, testARN)
	bad := encryptionsdk.EncryptedDataKey{ProviderID: ProviderID, ProviderInfo: []byte(testARN), Ciphertext: []byte("?")}
	r := &recorder{}
	d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: testEC}
	if err := ring(New(r, testARN))(t).OnDecrypt(t.Context(), d, append([]encryptionsdk.EncryptedDataKey{bad}, keys...)); err != nil || len(r.calls) != 2 {
		t.Error(err, r.calls)
	}
	d = &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: encryptionsdk.EncryptionContext{"a": "c"}}
	if err := ring(New(r, testARN))(t).OnDecrypt(t.Context(), d, keys); !errors.Is(err, errContext) || !errors.Is(err, encryptionsdk.ErrNoDataKey) {
		t.Error(err)
	}
}

func TestConstructorsRefuseBadOptions(t *testing.T) {
	r := &recorder{}
	clients := func(string) (Client, error) { return r, nil }
	tokens := make([]string, 11)
	for name, f := range map[string]func() (any, error){
		"no client":        func() (any, error) { return New(nil, testARN) },
		"no key":           func() (any, error) { return New(r, "") },
		"tokens":           func() (any, error) { return New(r, testARN, tokens...) },
		"discovery client": func() (any, error) { return NewDiscovery(nil, nil) },
		"filter accounts":  func() (any, error) { return NewDiscovery(r, &Filter{Partition: "aws"}) },
		"filter partition": func() (any, error) { return NewDiscovery(r, &Filter{Accounts: []string{"1"}}) },
		"region":           func() (any, error) { return NewMRKDiscovery(r, "", nil) },
		"multi of nothing": func() (any, error) { return NewMulti(clients, "", nil) },
		"multi by key id":  func() (any, error) { return NewMulti(clients, "1234", nil) },
		"multi without":    func() (any, error) { return NewMulti(nil, testARN, nil) },
		"related":          func() (any, error) { return NewMRKMulti(clients, mrkWest, []string{testARN, mrkEast}) },
		"regions":          func() (any, error) { return NewDiscoveryMulti(clients, nil, nil) },
		"empty region":     func() (any, error) { return NewMRKDiscoveryMulti(clients, []string{""}, nil) },
		"failing source": func() (any, error) {
			return NewMulti(func(string) (Client, error) { return nil, errContext }, testARN, nil)
		},
		"source of nothing":   func() (any, error) { return NewMulti(func(string) (Client, error) { return nil, nil }, testARN, nil) },
		"RSA without keys":    func() (any, error) { return NewRSA(nil, testARN, nil, "RSAES_OAEP_SHA_256") },
		"RSA by alias":        func() (any, error) { return NewRSA(r, "arn:aws:kms:us-west-2:1:alias/a", nil, "RSAES_OAEP_SHA_256") },
		"RSA with PKCS #1":    func() (any, error) { return NewRSA(r, testARN, nil, "RSAES_PKCS1_V1_5") },
		"ECDH without client": func() (any, error) { return NewECDHDiscovery(nil, testARN, nil) },
		"ECDH without peer":   func() (any, error) { return NewECDHStatic(&deriver{}, testARN, nil, nil) },
		"ECDH without key":    func() (any, error) { return NewECDHDiscovery(&deriver{}, testARN, nil) },
	} {
		if _, err := f(); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewMRKMulti(clients, mrkWest, []string{mrkEast}); err == nil || !strings.Contains(err.Error(), mrkWest) || !strings.Contains(err.Error(), mrkEast) {
		t.Error("related keys are not named:", err)
	}
	if _, err := NewMulti(clients, mrkWest, []string{mrkEast}); err != nil {
		t.Error("without MRK awareness they are different keys:", err)
	}
	if err := ring(NewDiscovery(r, nil))(t).OnEncrypt(t.Context(), &encryptionsdk.EncryptionMaterials{Suite: suite}); !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Error(err)
	}
}

// One keyring of each kind serves 64 goroutines; the race detector watches.
func TestKeyringsAreSharedByManyGoroutines(t *testing.T) {
	r := &recorder{}
	writer, reader := ring(New(r, testARN))(t), ring(NewDiscovery(r, nil))(t)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			m := &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: testEC}
			d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: testEC}
			if err := errors.Join(writer.OnEncrypt(t.Context(), m), reader.OnDecrypt(t.Context(), d, m.EncryptedDataKeys)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

package kmskeyring

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/internal/datakey"
)

// ProviderID is the provider of data keys that symmetric KMS keys wrap.
const ProviderID = "aws-kms"

// Keyring wraps data keys under one symmetric KMS key.
type Keyring struct {
	client Client
	keyID  string
	arn    *keyARN // of keyID, or nil when that is no key ARN
	mrk    bool    // replicas of the key are as good as the key
	grants []string
}

var _ encryptionsdk.Keyring = (*Keyring)(nil)

// New returns a keyring for exactly one key. keyID is anything that KMS takes: but only
// with a key ARN can the keyring decrypt, because that is what messages carry. grantTokens,
// at most 10, are sent with every call. It fails with ErrOptions.
func New(client Client, keyID string, grantTokens ...string) (*Keyring, error) {
	return newKeyring(client, keyID, false, grantTokens)
}

// NewMRK returns a keyring like New that takes a multi-Region key and its replicas in other
// Regions for one key: it opens what any of them wrapped, by calling the one that keyID
// names. For other keys it is like New.
func NewMRK(client Client, keyID string, grantTokens ...string) (*Keyring, error) {
	return newKeyring(client, keyID, true, grantTokens)
}

func newKeyring(client Client, keyID string, mrk bool, grants []string) (*Keyring, error) {
	if client == nil {
		return nil, fmt.Errorf("%w: no KMS client", encryptionsdk.ErrOptions)
	}
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	if err := checkGrants(grants); err != nil {
		return nil, err
	}
	k := &Keyring{client: client, keyID: keyID, mrk: mrk, grants: slices.Clone(grants)}
	if a, err := parseARN(keyID); err == nil && a.kind == "key" {
		k.arn = &a
	}
	return k, nil
}

// OnEncrypt implements encryptionsdk.Keyring: it calls GenerateDataKey, or Encrypt when there
// is a data key already.
func (k *Keyring) OnEncrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if m == nil || m.Suite == nil {
		return fmt.Errorf("aws-kms: %w: no algorithm suite", encryptionsdk.ErrMaterials)
	}
	var err error
	if m.PlaintextDataKey == nil {
		err = k.generate(ctx, m)
	} else {
		err = k.encrypt(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("aws-kms: %w", err)
	}
	return nil
}

func (k *Keyring) generate(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	out, err := k.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId:             &k.keyID,
		NumberOfBytes:     new(int32(m.Suite.DataKeyLen)),
		EncryptionContext: m.EncryptionContext,
		GrantTokens:       k.grants,
	})
	if err != nil {
		return err
	}
	if len(out.Plaintext) != m.Suite.DataKeyLen {
		n := len(out.Plaintext)
		clear(out.Plaintext)
		return fmt.Errorf("%w: KMS made a data key of %d bytes, %s needs %d", encryptionsdk.ErrMaterials, n, m.Suite.Name, m.Suite.DataKeyLen)
	}
	used, err := k.usedKey(out.KeyId)
	if err != nil {
		clear(out.Plaintext)
		return err
	}
	return datakey.Put(m, out.Plaintext, encryptionsdk.EncryptedDataKey{ProviderID: ProviderID, ProviderInfo: []byte(used), Ciphertext: out.CiphertextBlob})
}

func (k *Keyring) encrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	key, err := datakey.Get(m)
	if err != nil {
		return err
	}
	out, err := k.client.Encrypt(ctx, &kms.EncryptInput{
		KeyId:             &k.keyID,
		Plaintext:         key,
		EncryptionContext: m.EncryptionContext,
		GrantTokens:       k.grants,
	})
	if err != nil {
		return err
	}
	used, err := k.usedKey(out.KeyId)
	if err != nil {
		return err
	}
	return datakey.Put(m, key, encryptionsdk.EncryptedDataKey{ProviderID: ProviderID, ProviderInfo: []byte(used), Ciphertext: out.CiphertextBlob})
}

// usedKey checks which key an answer names: a key's ARN, and the configured one if that is
// a key's ARN too.
func (k *Keyring) usedKey(id *string) (string, error) {
	if id == nil {
		return "", fmt.Errorf("%w: KMS does not say which key it used", encryptionsdk.ErrMaterials)
	}
	a, err := parseARN(*id)
	if err != nil || a.kind != "key" || k.arn != nil && a != *k.arn {
		return "", fmt.Errorf("%w: KMS used key %q for %q", encryptionsdk.ErrMaterials, *id, k.keyID)
	}
	return *id, nil
}

// OnDecrypt implements encryptionsdk.Keyring. It calls KMS only for data keys that the
// configured key wrapped, or a replica of it.
func (k *Keyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	err := datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != ProviderID {
			return nil, datakey.ErrForeign
		}
		a, err := parseMessageARN(edk.ProviderInfo)
		if err != nil {
			return nil, err
		}
		if k.arn == nil || a != *k.arn && (!k.mrk || !sameKey(a, *k.arn)) {
			return nil, datakey.ErrForeign
		}
		return decrypt(ctx, k.client, k.keyID, edk.Ciphertext, m.EncryptionContext, k.grants)
	})
	if err != nil {
		return fmt.Errorf("aws-kms: %w", err)
	}
	return nil
}

// decrypt asks KMS to open a ciphertext with a key and checks that it was that key.
func decrypt(ctx context.Context, client Decrypter, keyID string, ciphertext []byte, ec encryptionsdk.EncryptionContext, grants []string) ([]byte, error) {
	out, err := client.Decrypt(ctx, &kms.DecryptInput{
		KeyId:             &keyID,
		CiphertextBlob:    ciphertext,
		EncryptionContext: ec,
		GrantTokens:       grants,
	})
	if err != nil {
		return nil, err
	}
	if out.KeyId == nil || *out.KeyId != keyID {
		clear(out.Plaintext)
		return nil, fmt.Errorf("%w: KMS used another key than %q", encryptionsdk.ErrMaterials, keyID)
	}
	return out.Plaintext, nil
}

// Filter restricts discovery to the keys of accounts in one partition.
type Filter struct {
	Partition string   // such as "aws"
	Accounts  []string // account ids, at least one
}

// DiscoveryKeyring opens data keys with whichever KMS key wrapped them. It cannot encrypt.
type DiscoveryKeyring struct {
	client Decrypter
	filter *Filter
	region string // only keys of this Region, or any if empty
	mrk    bool   // and multi-Region keys, through their replica in region
	grants []string
}

var _ encryptionsdk.Keyring = (*DiscoveryKeyring)(nil)

// NewDiscovery returns a keyring that decrypts with any key, or any that filter lets pass:
// KMS is not called for others. The message then decides which key is used; who may write
// messages must be known otherwise. It fails with ErrOptions.
func NewDiscovery(client Decrypter, filter *Filter, grantTokens ...string) (*DiscoveryKeyring, error) {
	return newDiscovery(client, "", false, filter, grantTokens)
}

// NewMRKDiscovery returns a keyring that decrypts with keys of region, which is the
// client's, and for multi-Region keys with their replica there. The filter is as for
// NewDiscovery.
func NewMRKDiscovery(client Decrypter, region string, filter *Filter, grantTokens ...string) (*DiscoveryKeyring, error) {
	if region == "" {
		return nil, fmt.Errorf("%w: no Region", encryptionsdk.ErrOptions)
	}
	return newDiscovery(client, region, true, filter, grantTokens)
}

func newDiscovery(client Decrypter, region string, mrk bool, filter *Filter, grants []string) (*DiscoveryKeyring, error) {
	if client == nil {
		return nil, fmt.Errorf("%w: no KMS client", encryptionsdk.ErrOptions)
	}
	if filter != nil {
		if filter.Partition == "" || len(filter.Accounts) == 0 || slices.Contains(filter.Accounts, "") {
			return nil, fmt.Errorf("%w: a discovery filter needs a partition and accounts", encryptionsdk.ErrOptions)
		}
		filter = &Filter{Partition: filter.Partition, Accounts: slices.Clone(filter.Accounts)}
	}
	if err := checkGrants(grants); err != nil {
		return nil, err
	}
	return &DiscoveryKeyring{client: client, filter: filter, region: region, mrk: mrk, grants: slices.Clone(grants)}, nil
}

var errDiscoveryEncrypts = errors.New("a discovery keyring cannot encrypt")

// OnEncrypt implements encryptionsdk.Keyring: it fails.
func (k *DiscoveryKeyring) OnEncrypt(context.Context, *encryptionsdk.EncryptionMaterials) error {
	return fmt.Errorf("aws-kms: %w: %w", encryptionsdk.ErrMaterials, errDiscoveryEncrypts)
}

// OnDecrypt implements encryptionsdk.Keyring.
func (k *DiscoveryKeyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	err := datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != ProviderID {
			return nil, datakey.ErrForeign
		}
		a, err := parseMessageARN(edk.ProviderInfo)
		if err != nil {
			return nil, err
		}
		if k.filter != nil && (a.partition != k.filter.Partition || !slices.Contains(k.filter.Accounts, a.account)) {
			return nil, datakey.ErrForeign
		}
		if k.region != "" && a.region != k.region {
			if !k.mrk || !a.multiRegion() {
				return nil, datakey.ErrForeign
			}
			a.region = k.region
		}
		return decrypt(ctx, k.client, a.String(), edk.Ciphertext, m.EncryptionContext, k.grants)
	})
	if err != nil {
		return fmt.Errorf("aws-kms discovery: %w", err)
	}
	return nil
}

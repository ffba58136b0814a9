package xksproxy

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/arn"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/engine/xks"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The errors of an operator's requests; match them with errors.Is.
var (
	ErrNoSuchPrefix     = errors.New("xksproxy: there is no such prefix")
	ErrPrefixExists     = errors.New("xksproxy: the prefix exists already")
	ErrPrefixHasKeys    = errors.New("xksproxy: the prefix has keys")
	ErrNoSuchKey        = errors.New("xksproxy: there is no such key")
	ErrKeyExists        = errors.New("xksproxy: the key exists already")
	ErrNoSuchCredential = errors.New("xksproxy: there is no such credential")
	ErrLastCredential   = errors.New("xksproxy: a prefix cannot be without a credential")
	ErrLimit            = errors.New("xksproxy: limit reached")
	ErrInvalid          = errors.New("xksproxy: invalid parameter")
)

// Admin is the operator's side of a Service. It is not an AWS API; whoever calls it
// has been recognized as the operator.
type Admin struct{ s *Service }

// Admin returns the operator's side.
func (s *Service) Admin() *Admin { return &Admin{s} }

// PrefixSpec describes a new prefix.
type PrefixSpec struct {
	// Prefix is "" or begins with a slash: "/example/prefix".
	Prefix string
	// Account and Region have the KMS keys that the prefix exports.
	Account, Region string
	Rules           Rules
	// Credential is the first one; nil makes a random one.
	Credential *xks.Credential
}

// PrefixInfo is what Prefixes says of one; it holds no secrets.
type PrefixInfo struct {
	Prefix      string           `json:"prefix"`
	Account     string           `json:"account"`
	Region      string           `json:"region"`
	Created     time.Time        `json:"created"`
	Path        string           `json:"path"` // for XksProxyUriPath
	Rules       Rules            `json:"rules,omitzero"`
	Credentials []CredentialInfo `json:"credentials"`    // oldest first
	Keys        []KeyInfo        `json:"keys,omitempty"` // by id
}

// CredentialInfo is one credential without its secret.
type CredentialInfo struct {
	AccessKeyID string    `json:"accessKeyId"`
	Created     time.Time `json:"created"`
}

// KeyInfo is one exported key.
type KeyInfo struct {
	ID          string    `json:"id"`
	KMSKey      string    `json:"kmsKey"`
	Created     time.Time `json:"created"`
	Usages      []string  `json:"usages"`
	Enabled     bool      `json:"enabled"`
	Generations int       `json:"generations"`
}

// CreatePrefix makes a prefix and returns its first credential. The secret is never
// shown again.
func (a *Admin) CreatePrefix(ctx context.Context, spec PrefixSpec) (xks.Credential, error) {
	if err := xks.ValidatePath(spec.Prefix + xks.BasePath); err != nil {
		return xks.Credential{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if !arn.IsAccountID(spec.Account) || spec.Region == "" {
		return xks.Credential{}, fmt.Errorf("%w: an account of twelve digits and a Region are required", ErrInvalid)
	}
	credential := newCredential()
	if spec.Credential != nil {
		credential = *spec.Credential
	}
	if err := credential.Validate(); err != nil {
		return xks.Credential{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	now := a.s.clock.Now().UTC()
	p := &prefixRecord{
		Prefix: spec.Prefix, Account: spec.Account, Region: spec.Region, Created: now, Rules: spec.Rules,
		Credentials: []credentialRecord{{credential.AccessKeyID, credential.SecretAccessKey, now}},
	}
	return credential, a.update(ctx, "CreateXksProxyPrefix", "", func(tx store.Txn) (*prefixRecord, error) {
		if _, err := a.s.tables.prefix(tx, p.Prefix); !errors.Is(err, ErrNoSuchPrefix) {
			return nil, errors.Join(ErrPrefixExists, err)
		}
		all, err := scan(a.s.tables.prefixes, tx, table.Page{Limit: MaxPrefixes})
		if err != nil {
			return nil, err
		}
		if len(all) >= MaxPrefixes {
			return nil, fmt.Errorf("%w: %d prefixes", ErrLimit, len(all))
		}
		return p, a.s.tables.prefixes.Put(tx, p)
	})
}

// newCredential is 120 random bits of access key id and 288 of secret.
func newCredential() xks.Credential {
	var id [15]byte
	var secret [36]byte
	_, _ = rand.Read(id[:]) // never fails
	_, _ = rand.Read(secret[:])
	return xks.Credential{AccessKeyID: base32.StdEncoding.EncodeToString(id[:]), SecretAccessKey: base64.StdEncoding.EncodeToString(secret[:])}
}

// SetRules replaces the secondary authorization of a prefix.
func (a *Admin) SetRules(ctx context.Context, prefix string, rules Rules) error {
	return a.updatePrefix(ctx, "SetXksProxyRules", prefix, func(p *prefixRecord) error {
		p.Rules = rules
		return nil
	})
}

// RotateCredential adds a second credential to a prefix and returns it. The first one
// stays good until RetireCredential, so that the key service can be told in between.
func (a *Admin) RotateCredential(ctx context.Context, prefix string) (xks.Credential, error) {
	credential := newCredential()
	return credential, a.updatePrefix(ctx, "RotateXksProxyCredential", prefix, func(p *prefixRecord) error {
		if len(p.Credentials) >= MaxCredentials {
			return fmt.Errorf("%w: the prefix has %d credentials; retire one first", ErrLimit, len(p.Credentials))
		}
		p.Credentials = append(p.Credentials, credentialRecord{credential.AccessKeyID, credential.SecretAccessKey, a.s.clock.Now().UTC()})
		return nil
	})
}

// RetireCredential removes a credential of a prefix, but not the last one.
func (a *Admin) RetireCredential(ctx context.Context, prefix, accessKeyID string) error {
	return a.updatePrefix(ctx, "RetireXksProxyCredential", prefix, func(p *prefixRecord) error {
		i := slices.IndexFunc(p.Credentials, func(c credentialRecord) bool { return c.AccessKeyID == accessKeyID })
		switch {
		case i < 0:
			return ErrNoSuchCredential
		case len(p.Credentials) == 1:
			return ErrLastCredential
		}
		p.Credentials = slices.Delete(p.Credentials, i, i+1)
		return nil
	})
}

// DeletePrefix removes a prefix without keys.
func (a *Admin) DeletePrefix(ctx context.Context, prefix string) error {
	return a.update(ctx, "DeleteXksProxyPrefix", "", func(tx store.Txn) (*prefixRecord, error) {
		p, err := a.s.tables.prefix(tx, prefix)
		if err != nil {
			return nil, err
		}
		keys, err := a.s.tables.keysOf(tx, prefix, 1)
		if err != nil {
			return nil, err
		}
		if len(keys) > 0 {
			return nil, ErrPrefixHasKeys
		}
		return p, a.s.tables.prefixes.Delete(tx, everywhere, table.String(prefix))
	})
}

// KeySpec describes a key to export.
type KeySpec struct {
	// ID is the external key id: 1 to 128 letters, digits, hyphens, periods and
	// underscores.
	ID string
	// KMSKey is the ARN of the KMS key that protects it, of the prefix's account and
	// Region.
	KMSKey string
	// Usages are xks.UsageEncrypt and xks.UsageDecrypt; nil means both.
	Usages []string
}

// AddKey exports a key. KMS makes it, so the KMS key's policy must allow Principal to
// use it.
func (a *Admin) AddKey(ctx context.Context, prefix string, spec KeySpec) error {
	if !xks.ValidKeyID(spec.ID) {
		return fmt.Errorf("%w: the key id is 1 to 128 letters, digits, hyphens, periods and underscores", ErrInvalid)
	}
	usages := spec.Usages
	if usages == nil {
		usages = []string{xks.UsageEncrypt, xks.UsageDecrypt}
	}
	for _, u := range usages {
		if u != xks.UsageEncrypt && u != xks.UsageDecrypt {
			return fmt.Errorf("%w: the usage is neither ENCRYPT nor DECRYPT", ErrInvalid)
		}
	}
	p, err := a.prefix(ctx, prefix)
	if err != nil {
		return err
	}
	key, err := arn.Parse(spec.KMSKey)
	if err != nil || key.Service != "kms" || key.Account != p.Account || key.Region != p.Region || !strings.HasPrefix(key.Resource, "key/") {
		return fmt.Errorf("%w: KMSKey must be the ARN of a key of account %s in %s", ErrInvalid, p.Account, p.Region)
	}
	k := &keyRecord{Prefix: prefix, ID: spec.ID, KMSKey: spec.KMSKey, Created: a.s.clock.Now().UTC(), Usages: usages, Enabled: true}
	wrapped, err := a.generate(ctx, p, k)
	if err != nil {
		return err
	}
	k.Generations = [][]byte{wrapped}
	return a.update(ctx, "AddXksProxyKey", k.ID, func(tx store.Txn) (*prefixRecord, error) {
		p, err := a.s.tables.prefix(tx, prefix)
		if err != nil {
			return nil, err
		}
		if _, err := a.s.tables.key(tx, prefix, k.ID); !errors.Is(err, ErrNoSuchKey) {
			return nil, errors.Join(ErrKeyExists, err)
		}
		keys, err := a.s.tables.keysOf(tx, prefix, MaxKeys)
		if err != nil {
			return nil, err
		}
		if len(keys) >= MaxKeys {
			return nil, fmt.Errorf("%w: the prefix has %d keys", ErrLimit, len(keys))
		}
		return p, a.s.tables.keys.Put(tx, k)
	})
}

// generate has KMS make a wrapped key.
func (a *Admin) generate(ctx context.Context, p *prefixRecord, k *keyRecord) ([]byte, error) {
	out, err := a.s.kms.GenerateDataKeyWithoutPlaintext(a.s.door.AsService(ctx, Principal, p.Account, p.Region),
		&kmsapi.GenerateDataKeyWithoutPlaintextRequest{KeyId: &k.KMSKey, KeySpec: new(kmsapi.DataKeySpecAES256), EncryptionContext: k.context()})
	if err != nil {
		return nil, fmt.Errorf("xksproxy: make a key: %w", err)
	}
	return out.CiphertextBlob, nil
}

// RotateKey adds a generation to a key. Older ones decrypt what they encrypted.
func (a *Admin) RotateKey(ctx context.Context, prefix, id string) error {
	p, err := a.prefix(ctx, prefix)
	if err != nil {
		return err
	}
	var k *keyRecord
	if err := a.s.store.View(ctx, func(r store.Reader) (err error) {
		k, err = a.s.tables.key(r, prefix, id)
		return err
	}); err != nil {
		return err
	}
	wrapped, err := a.generate(ctx, p, k)
	if err != nil {
		return err
	}
	return a.updateKey(ctx, "RotateXksProxyKey", prefix, id, func(k *keyRecord) error {
		if len(k.Generations) >= MaxGenerations {
			return fmt.Errorf("%w: the key has %d generations", ErrLimit, len(k.Generations))
		}
		k.Generations = append(k.Generations, wrapped)
		return nil
	})
}

// SetKeyEnabled enables or disables a key.
func (a *Admin) SetKeyEnabled(ctx context.Context, prefix, id string, enabled bool) error {
	return a.updateKey(ctx, "SetXksProxyKeyEnabled", prefix, id, func(k *keyRecord) error {
		k.Enabled = enabled
		return nil
	})
}

// DeleteKey destroys an exported key: nothing that it encrypted can be decrypted any
// more.
func (a *Admin) DeleteKey(ctx context.Context, prefix, id string) error {
	return a.update(ctx, "DeleteXksProxyKey", id, func(tx store.Txn) (*prefixRecord, error) {
		p, err := a.s.tables.prefix(tx, prefix)
		if err != nil {
			return nil, err
		}
		err = a.s.tables.keys.Delete(tx, everywhere, table.String(prefix), table.String(id))
		if errors.Is(err, store.ErrNotFound) {
			return nil, ErrNoSuchKey
		}
		return p, err
	})
}

// Prefixes lists all prefixes in order.
func (a *Admin) Prefixes(ctx context.Context) ([]PrefixInfo, error) {
	prefixes, keys, _, err := a.s.tables.load(ctx, a.s.store)
	if err != nil {
		return nil, err
	}
	var infos []PrefixInfo
	for _, p := range prefixes {
		info := PrefixInfo{Prefix: p.Prefix, Account: p.Account, Region: p.Region, Created: p.Created, Path: p.Prefix + xks.BasePath, Rules: p.Rules}
		for _, c := range p.Credentials {
			info.Credentials = append(info.Credentials, CredentialInfo{c.AccessKeyID, c.Created})
		}
		for _, k := range keys {
			if k.Prefix == p.Prefix {
				info.Keys = append(info.Keys, KeyInfo{k.ID, k.KMSKey, k.Created, k.Usages, k.Enabled, len(k.Generations)})
			}
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (a *Admin) prefix(ctx context.Context, prefix string) (p *prefixRecord, err error) {
	err = a.s.store.View(ctx, func(r store.Reader) error {
		p, err = a.s.tables.prefix(r, prefix)
		return err
	})
	return p, err
}

func (a *Admin) updatePrefix(ctx context.Context, event, prefix string, f func(p *prefixRecord) error) error {
	return a.update(ctx, event, "", func(tx store.Txn) (*prefixRecord, error) {
		p, err := a.s.tables.prefix(tx, prefix)
		if err != nil {
			return nil, err
		}
		if err := f(p); err != nil {
			return nil, err
		}
		return p, a.s.tables.prefixes.Put(tx, p)
	})
}

func (a *Admin) updateKey(ctx context.Context, event, prefix, id string, f func(k *keyRecord) error) error {
	return a.update(ctx, event, id, func(tx store.Txn) (*prefixRecord, error) {
		p, err := a.s.tables.prefix(tx, prefix)
		if err != nil {
			return nil, err
		}
		k, err := a.s.tables.key(tx, prefix, id)
		if err != nil {
			return nil, err
		}
		if err := f(k); err != nil {
			return nil, err
		}
		return p, a.s.tables.keys.Put(tx, k)
	})
}

// update changes the configuration and records the change in one transaction, and
// lets requests see it.
func (a *Admin) update(ctx context.Context, event, key string, f func(tx store.Txn) (*prefixRecord, error)) error {
	_, err := a.s.store.Update(ctx, func(tx store.Txn) error {
		p, err := f(tx)
		if err != nil {
			return err
		}
		details := []call.Note{{Name: "prefix", Value: p.Prefix}}
		if key != "" {
			details = append(details, call.Note{Name: "keyId", Value: key})
		}
		return a.s.audit.AppendTxn(tx, audit.ServiceRecord(audit.ServiceEvent{
			Account: p.Account, Region: p.Region, Source: Principal, Name: event, Time: a.s.clock.Now(), Details: details, Quiet: true,
		}))
	})
	if err != nil {
		return err
	}
	return a.s.refresh(context.WithoutCancel(ctx))
}

package kms

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/engine/envelope"
	"fastness/internal/engine/keyalg"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// CreateKey implements the operation of that name.
func (s *Service) CreateKey(ctx context.Context, in *kmsapi.CreateKeyRequest) (*kmsapi.CreateKeyResponse, error) {
	c := call.From(ctx)
	k, err := s.newKeyRecord(c, in)
	if err != nil {
		return nil, err
	}
	if k.Policy, err = s.newPolicy(c, k.Policy, wire.Value(in.BypassPolicyLockoutSafetyCheck)); err != nil {
		return nil, err
	}
	if err := s.checkKeyCount(ctx, k.Account, k.Region); err != nil {
		return nil, err
	}
	switch kmsapi.OriginType(k.Origin) {
	case kmsapi.OriginTypeExternal:
		k.State = kmsapi.KeyStatePendingImport
	case kmsapi.OriginTypeAWSKMS:
		m, spki, err := s.newMaterial(ctx, k)
		if err != nil {
			return nil, engineError(&key{record: *k}, err)
		}
		k.Material, k.Public = m.ID, spki
		if err := s.tables.materials.Put(c.Txn(), m); err != nil {
			return nil, err
		}
	default:
		if err := s.prepareExternalKey(ctx, k, in); err != nil {
			return nil, err
		}
	}
	if err := s.save(c, k); err != nil {
		return nil, err
	}
	s.keyCounted(c.Txn(), k, 1)
	note(c, k)
	showCreated(c, in, k.Spec, k.Usage, k.Origin)
	return &kmsapi.CreateKeyResponse{KeyMetadata: k.metadata()}, nil
}

// note makes a new key a resource of the audit record.
func note(c *call.Call, k *keyRecord) {
	kept := c.Accesses[:0:0]
	for _, a := range c.Accesses {
		if a.Resource != k.arn() {
			kept = append(kept, a)
		}
	}
	c.Accesses = append(kept, call.Access{Action: "kms:" + c.Operation.Name, Resource: k.arn(), ResourceType: typeKey, Account: k.Account})
}

// newKeyRecord checks the parameters of CreateKey and makes the record of an enabled
// key without material.
func (s *Service) newKeyRecord(c *call.Call, in *kmsapi.CreateKeyRequest) (*keyRecord, error) {
	spec := requestedSpec(in)
	if in.KeySpec != nil && in.CustomerMasterKeySpec != nil {
		return nil, invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	usage, err := requestedUsage(in, spec)
	if err != nil {
		return nil, err
	}
	origin := orDefault(in.Origin, string(kmsapi.OriginTypeAWSKMS))
	if err := checkOrigin(in, origin, spec); err != nil {
		return nil, err
	}
	if err := checkApproved(spec); err != nil {
		return nil, err
	}
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	id, err := newKeyID(wire.Value(in.MultiRegion))
	if err != nil {
		return nil, err
	}
	k := &keyRecord{
		Account: c.Account, Region: c.Region, ID: id, Ref: make([]byte, envelope.KeyRefSize),
		Spec: spec, Usage: usage, Origin: origin, State: kmsapi.KeyStateEnabled,
		Description: text(in.Description), Created: s.clock.Now().UTC(), Policy: text(in.Policy), Tags: tags,
	}
	_, _ = rand.Read(k.Ref) // never fails
	if in.Policy == nil {
		k.Policy = defaultPolicy(c.Account)
	}
	if wire.Value(in.MultiRegion) {
		k.MultiRegion = &multiRegion{Type: kmsapi.MultiRegionKeyTypePrimary, Primary: c.Region}
	}
	return k, nil
}

// requestedUsage is the key usage of CreateKey: given, or the only one the spec has.
func requestedUsage(in *kmsapi.CreateKeyRequest, spec string) (string, error) {
	usages := keyalg.Spec(spec).Usages()
	if len(usages) == 0 {
		return "", invalid("KeySpec " + spec + " is not supported.")
	}
	if in.KeyUsage == nil {
		if spec == symmetricDefault {
			return string(keyalg.EncryptDecrypt), nil
		}
		return "", invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	}
	for _, u := range usages {
		if string(u) == string(*in.KeyUsage) {
			return string(u), nil
		}
	}
	return "", invalid("KeyUsage " + string(*in.KeyUsage) + " is not compatible with KeySpec " + spec)
}

func checkOrigin(in *kmsapi.CreateKeyRequest, origin, spec string) error {
	switch kmsapi.OriginType(origin) {
	case kmsapi.OriginTypeAWSKMS:
	case kmsapi.OriginTypeExternal:
		if !keyalg.Spec(spec).Importable() {
			return unsupported("KeySpec " + spec + " is not supported for Origin EXTERNAL")
		}
	default:
		switch {
		case in.CustomKeyStoreId == nil:
			return invalid("CustomKeyStoreId is required for Origin " + origin + ".")
		case spec != symmetricDefault:
			return unsupported("KeySpec " + spec + " is not supported for Custom Key Stores")
		case wire.Value(in.MultiRegion):
			return unsupported("Multi-Region keys are not supported for Custom Key Stores")
		}
		return nil
	}
	if in.CustomKeyStoreId != nil {
		return invalid("CustomKeyStoreId is not valid with Origin " + origin + ".")
	}
	if in.XksKeyId != nil {
		return invalid("XksKeyId is not valid with Origin " + origin + ".")
	}
	return nil
}

// newKeyID is a random UUID, or mrk- and 32 random hexadecimal digits.
func newKeyID(multi bool) (string, error) {
	if !multi {
		return audit.NewID(), nil
	}
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("kms: key id: %w", err)
	}
	return multiRegionPrefix + hex.EncodeToString(b[:]), nil
}

// save writes a key record in the transaction of c and lets calls see it once that
// has committed.
func (s *Service) save(c *call.Call, k *keyRecord) error {
	if err := s.tables.keys.Put(c.Txn(), k); err != nil {
		return err
	}
	s.afterCommit(c, keyName{k.Account, k.Region, k.ID})
	return nil
}

// DescribeKey implements the operation of that name.
func (s *Service) DescribeKey(ctx context.Context, _ *kmsapi.DescribeKeyRequest) (*kmsapi.DescribeKeyResponse, error) {
	r, k, err := target(ctx)
	if r != nil && r.id == "" {
		k, err = s.describeManaged(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	m := k.metadata()
	s.describeStore(ctx, k, m)
	return &kmsapi.DescribeKeyResponse{KeyMetadata: m}, nil
}

// metadata is what DescribeKey says about a key, material included.
func (k *key) metadata() *kmsapi.KeyMetadata {
	m := k.record.metadata()
	if k.record.Origin == string(kmsapi.OriginTypeExternal) && k.current != nil {
		r := &k.current.record
		if r.Import == kmsapi.ImportStateImported {
			m.ExpirationModel = new(r.ExpirationModel)
			if !r.ValidTo.IsZero() {
				m.ValidTo = new(r.ValidTo)
			}
		}
	}
	return m
}

// metadata is what a record says about itself.
func (k *keyRecord) metadata() *kmsapi.KeyMetadata {
	m := &kmsapi.KeyMetadata{
		AWSAccountId: new(k.Account), KeyId: new(k.ID), Arn: new(k.arn()), CreationDate: new(k.Created),
		Enabled: new(k.State == kmsapi.KeyStateEnabled), Description: new(k.Description),
		KeyUsage: new(kmsapi.KeyUsageType(k.Usage)), KeyState: new(k.State), Origin: new(kmsapi.OriginType(k.Origin)),
		KeyManager:            new(k.manager()),
		CustomerMasterKeySpec: new(kmsapi.CustomerMasterKeySpec(k.Spec)), KeySpec: new(kmsapi.KeySpec(k.Spec)),
		MultiRegion: new(k.MultiRegion != nil),
	}
	for _, a := range keyalg.Spec(k.Spec).Algorithms(keyalg.Usage(k.Usage)) {
		switch keyalg.Usage(k.Usage) {
		case keyalg.EncryptDecrypt:
			m.EncryptionAlgorithms = append(m.EncryptionAlgorithms, kmsapi.EncryptionAlgorithmSpec(a))
		case keyalg.SignVerify:
			m.SigningAlgorithms = append(m.SigningAlgorithms, kmsapi.SigningAlgorithmSpec(a))
		case keyalg.GenerateVerifyMAC:
			m.MacAlgorithms = append(m.MacAlgorithms, kmsapi.MacAlgorithmSpec(a))
		case keyalg.KeyAgreement:
			m.KeyAgreementAlgorithms = append(m.KeyAgreementAlgorithms, kmsapi.KeyAgreementAlgorithmSpec(a))
		}
	}
	if k.Spec == symmetricDefault && k.Material != "" && k.KeyStore == "" {
		m.CurrentKeyMaterialId = new(k.Material)
	}
	if d := k.Deletion; d != nil {
		if d.Date.IsZero() {
			m.PendingDeletionWindowInDays = new(int32(d.Days))
		} else {
			m.DeletionDate = new(d.Date)
		}
	}
	if r := k.MultiRegion; r != nil {
		config := &kmsapi.MultiRegionConfiguration{
			MultiRegionKeyType: new(r.Type), PrimaryKey: k.part(r.Primary), ReplicaKeys: []kmsapi.MultiRegionKey{},
		}
		for _, region := range r.Replicas {
			config.ReplicaKeys = append(config.ReplicaKeys, *k.part(region))
		}
		m.MultiRegionConfiguration = config
	}
	if k.KeyStore != "" {
		m.CustomKeyStoreId = new(k.KeyStore)
	}
	if k.External != "" {
		m.XksKeyConfiguration = &kmsapi.XksKeyConfigurationType{Id: new(k.External)}
	}
	return m
}

// part names the key's part in a Region.
func (k *keyRecord) part(region string) *kmsapi.MultiRegionKey {
	return &kmsapi.MultiRegionKey{Arn: new(keyARN(k.Account, region, k.ID)), Region: new(region)}
}

// UpdateKeyDescription implements the operation of that name.
func (s *Service) UpdateKeyDescription(ctx context.Context, in *kmsapi.UpdateKeyDescriptionRequest) (*kmsapi.UpdateKeyDescriptionOutput, error) {
	return &kmsapi.UpdateKeyDescriptionOutput{}, s.change(ctx, func(k *keyRecord) error {
		k.Description = text(in.Description)
		return nil
	})
}

// change reads the key of the call afresh in its transaction, checks that its state
// allows the operation, applies f and saves it.
func (s *Service) change(ctx context.Context, f func(k *keyRecord) error) error {
	c, held, err := s.hold(ctx)
	if err != nil {
		return err
	}
	k := held.Record
	if err := f(k); err != nil {
		return err
	}
	if err := s.tables.keys.PutHeld(c.Txn(), held); err != nil {
		return err
	}
	_, was, err := target(ctx)
	if err != nil {
		return err
	}
	// Most changes are of the record alone; then the rest of the snapshot stays.
	now := was.with(k)
	s.memory.OnCommit(c.Txn(), func(store.Revision) { s.directory.replace(was, now) })
	return nil
}

// open reads the key of a mutating call in its transaction, as it is now: the snapshot
// that was authorized may be older.
func (s *Service) open(ctx context.Context) (*call.Call, *keyRecord, error) {
	c, held, err := s.hold(ctx)
	if err != nil {
		return nil, nil, err
	}
	return c, held.Record, nil
}

// hold is open for a change of the record that writes it once.
func (s *Service) hold(ctx context.Context) (*call.Call, *table.Held[keyRecord], error) {
	c := call.From(ctx)
	r, snapshot, err := target(ctx)
	if err != nil {
		return nil, nil, err
	}
	k, err := s.tables.holdKey(c.Txn(), snapshot.record.name())
	if isNotFound(err) || err == nil && k.Record.dying() {
		return nil, nil, notFound("Key '" + r.arn() + "' does not exist")
	}
	if err != nil {
		return nil, nil, err
	}
	if err := checkManaged(c.Operation.Name, k.Record); err != nil {
		return nil, nil, err
	}
	if err := checkState(c.Operation.Name, k.Record); err != nil {
		return nil, nil, err
	}
	if c.Operation.Name != "ReplicateKey" {
		showKey(c, k.Record.arn())
	}
	return c, k, nil
}

// ListKeys implements the operation of that name.
func (s *Service) ListKeys(ctx context.Context, in *kmsapi.ListKeysRequest) (*kmsapi.ListKeysResponse, error) {
	c := call.From(ctx)
	out := &kmsapi.ListKeysResponse{Keys: []kmsapi.KeyListEntry{}}
	p, err := s.page(c, "", in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	keys, next, err := s.tables.listKeys(ctx, s.store, c.Account, c.Region, p)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		out.Keys = append(out.Keys, kmsapi.KeyListEntry{KeyId: new(keys[i].ID), KeyArn: new(keys[i].arn())})
	}
	out.Truncated = new(next != "")
	out.NextMarker, err = s.nextMarker(c, "", next)
	return out, err
}

// checkAliasName applies the rules for alias names (AWS KMS API reference,
// CreateAlias).
func checkAliasName(name string) error {
	switch {
	case !strings.HasPrefix(name, aliasPrefix):
		return invalid("Invalid identifier")
	case len(name) == len(aliasPrefix):
		return &kmsapi.InvalidAliasNameException{Message: new("Alias name must not be empty")}
	case strings.HasPrefix(name, aliasPrefix+"aws/"):
		return notAuthorized{}
	case strings.Contains(name, ":"):
		return invalid(name + " contains invalid characters for an alias")
	}
	return nil
}

// notAuthorized is NotAuthorizedException, which KMS raises for names that are reserved
// for AWS and which its model does not list. It has no message.
type notAuthorized struct{}

var _ wire.APIError = notAuthorized{}

// Error implements error.
func (e notAuthorized) Error() string { return wire.ErrorText(e) }

// ErrorCode implements wire.APIError.
func (notAuthorized) ErrorCode() string { return "NotAuthorizedException" }

// ErrorMessage implements wire.APIError.
func (notAuthorized) ErrorMessage() string { return "" }

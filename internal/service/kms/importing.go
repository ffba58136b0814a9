package kms

import (
	"context"
	"errors"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/engine/keyalg"
	"fastness/internal/engine/keywrap"
	"fastness/internal/keyslot"
	"fastness/internal/store"
)

// A key with origin EXTERNAL has the material its customer brings. The customer asks
// for a wrapping key (GetParametersForImport), wraps the material under it and imports
// it; importtoken.go says how the two calls are bound together.
//
// The first material of a key is its current one for ever, unless the key is
// symmetric: then further materials can be imported, one at a time waits for
// RotateKeyOnDemand, and the former ones stay for decryption. Materials that are or
// were current belong to the key for good: they can be deleted and expire, but only
// the same material can come back in their place (its id, a function of key id and
// material, tells), and while any of them is absent the key is PendingImport.
//
// In a multi-Region key each Region imports for itself. New material enters through
// the primary; a replica imports only what the primary knows.

// maxImportDays bounds ValidTo, counted from the import (AWS KMS API reference,
// ImportKeyMaterial).
const maxImportDays = 365

// pending tells whether the material waits for its rotation and so does not belong to
// the key for good.
func (m *materialRecord) pending() bool {
	return m.State == kmsapi.KeyMaterialStatePendingRotation || m.State == kmsapi.KeyMaterialStatePendingMultiRegionImportAndRotation
}

// absent makes m the record of an imported material that is not there.
func (m *materialRecord) absent() {
	m.Import = kmsapi.ImportStatePendingImport
	m.Wrapped, m.ExpirationModel, m.ValidTo = nil, "", time.Time{}
	m.Slot = keyslot.SlotID{}
}

func (m *materialRecord) jobID() string { return jobID(m.Account, m.Region, m.KeyID, m.ID) }

// GetParametersForImport implements the operation of that name.
func (s *Service) GetParametersForImport(ctx context.Context, in *kmsapi.GetParametersForImportRequest) (*kmsapi.GetParametersForImportResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkState(call.From(ctx).Operation.Name, &k.record); err != nil {
		return nil, err
	}
	if k.record.Origin != string(kmsapi.OriginTypeExternal) {
		return nil, invalidOrigin(&k.record)
	}
	algorithm, spec := keywrap.Algorithm(text(in.WrappingAlgorithm)), keyalg.Spec(text(in.WrappingKeySpec))
	if err := keywrap.Compatible(algorithm, string(spec), k.record.Spec); err != nil {
		return nil, wrappingError(algorithm, spec, &k.record, err)
	}
	wrapping, err := s.generate(spec)
	if err != nil {
		return nil, engineError(k, err)
	}
	defer wrapping.Destroy()
	public, err := wrapping.PublicKeySPKI()
	if err != nil {
		return nil, err
	}
	private, err := wrapping.MarshalPKCS8()
	if err != nil {
		return nil, err
	}
	defer clear(private)
	t := importToken{Expiry: s.clock.Now().UTC().Truncate(time.Second).Add(importTokenLife), Algorithm: algorithm, Spec: spec, Private: private}
	sealed, err := s.sealImportToken(&t, k.record.name())
	if err != nil {
		return nil, err
	}
	return &kmsapi.GetParametersForImportResponse{
		KeyId: new(k.record.arn()), ImportToken: sealed, PublicKey: public, ParametersValidTo: new(t.Expiry),
	}, nil
}

func wrappingError(algorithm keywrap.Algorithm, spec keyalg.Spec, k *keyRecord, err error) error {
	switch {
	case errors.Is(err, keywrap.ErrUnknownAlgorithm):
		return unsupported("WrappingAlgorithm " + string(algorithm) + " is not supported.")
	case errors.Is(err, keywrap.ErrNotApproved):
		return unsupported("WrappingAlgorithm " + string(algorithm) + " is not approved in FIPS 140-3 mode.")
	}
	return unsupported("WrappingAlgorithm " + string(algorithm) + " and WrappingKeySpec " + string(spec) + " cannot wrap key material for KeySpec " + k.Spec + ".")
}

// ImportKeyMaterial implements the operation of that name.
func (s *Service) ImportKeyMaterial(ctx context.Context, in *kmsapi.ImportKeyMaterialRequest) (*kmsapi.ImportKeyMaterialResponse, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if k.Origin != string(kmsapi.OriginTypeExternal) {
		return nil, invalidOrigin(k)
	}
	if err := checkImport(in, k, c.Time); err != nil {
		return nil, err
	}
	raw, err := s.openImport(k, in)
	if err != nil {
		return nil, err
	}
	defer clear(raw.bytes)
	m, err := s.admitMaterial(c.Txn(), k, in, raw)
	if err != nil {
		return nil, err
	}
	return &kmsapi.ImportKeyMaterialResponse{KeyId: new(k.arn()), KeyMaterialId: new(m.ID)}, s.storeImport(ctx, c.Txn(), k, m, in, raw)
}

// checkImport checks the parameters of ImportKeyMaterial against each other and the
// key.
func checkImport(in *kmsapi.ImportKeyMaterialRequest, k *keyRecord, now time.Time) error {
	expires := orDefault(in.ExpirationModel, string(kmsapi.ExpirationModelTypeKeyMaterialExpires)) == string(kmsapi.ExpirationModelTypeKeyMaterialExpires)
	switch {
	case expires && in.ValidTo == nil:
		return invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
	case !expires && in.ValidTo != nil:
		return invalid("A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
	case expires && !in.ValidTo.After(now):
		return invalid("The validTo date must be in the future")
	case expires && in.ValidTo.After(now.AddDate(0, 0, maxImportDays)):
		return invalid("The validTo date must not be more than 365 days in the future")
	case k.Spec == symmetricDefault:
	case in.ImportType != nil:
		return unsupported("ImportType is not supported for KeySpec " + k.Spec + ".")
	case in.KeyMaterialId != nil:
		return unsupported("KeyMaterialId is not supported for KeySpec " + k.Spec + ".")
	case in.KeyMaterialDescription != nil:
		return unsupported("KeyMaterialDescription is not supported for KeySpec " + k.Spec + ".")
	}
	if in.KeyMaterialId != nil && orDefault(in.ImportType, "") == string(kmsapi.ImportTypeNewKeyMaterial) {
		return invalid("KeyMaterialId is not valid with ImportType NEW_KEY_MATERIAL")
	}
	return nil
}

// openImport unwraps the material of an import and checks that it is sound and of the
// key's spec.
func (s *Service) openImport(k *keyRecord, in *kmsapi.ImportKeyMaterialRequest) (*rawMaterial, error) {
	t, err := s.openImportToken(in.ImportToken, k.name())
	if err != nil {
		return nil, &kmsapi.InvalidImportTokenException{Message: new("The import token is invalid or is associated with a different KMS key.")}
	}
	defer clear(t.Private)
	if s.clock.Now().After(t.Expiry) {
		return nil, &kmsapi.ExpiredImportTokenException{Message: new("The import token is expired.")}
	}
	wrapping, err := keyalg.ParsePKCS8(t.Spec, t.Private)
	if err != nil {
		return nil, engineError(&key{record: *k}, err)
	}
	defer wrapping.Destroy()
	decrypter, err := wrapping.Decrypter()
	if err != nil {
		return nil, err
	}
	material, err := keywrap.Import(t.Algorithm, decrypter, in.EncryptedKeyMaterial)
	switch {
	case errors.Is(err, keywrap.ErrUnwrap):
		return nil, &kmsapi.InvalidCiphertextException{}
	case err != nil:
		return nil, wrappingError(t.Algorithm, t.Spec, k, err)
	}
	defer clear(material)
	imported, err := keyalg.ImportMaterial(keyalg.Spec(k.Spec), material)
	switch {
	case errors.Is(err, keyalg.ErrInvalidMaterial):
		return nil, incorrectMaterial("The key material is not valid for KeySpec " + k.Spec + ".")
	case err != nil:
		return nil, engineError(&key{record: *k}, err)
	}
	return rawOf(k, imported)
}

func incorrectMaterial(message string) error {
	return &kmsapi.IncorrectKeyMaterialException{Message: &message}
}

// admitMaterial decides whether the key takes the material, and returns its record, as
// it is or new, without what the import sets.
func (s *Service) admitMaterial(tx store.Txn, k *keyRecord, in *kmsapi.ImportKeyMaterialRequest, raw *rawMaterial) (*materialRecord, error) {
	materials, err := s.tables.materialsOf(tx, k.name())
	if err != nil {
		return nil, err
	}
	if in.KeyMaterialId != nil && *in.KeyMaterialId != raw.id {
		return nil, incorrectMaterial("The key material does not match the specified key material ID.")
	}
	kind := kmsapi.ImportTypeExistingKeyMaterial
	switch {
	case in.ImportType != nil:
		kind = *in.ImportType
	case len(materials) == 0 && k.isPrimary():
		kind = kmsapi.ImportTypeNewKeyMaterial
	}
	if kind == kmsapi.ImportTypeNewKeyMaterial {
		return s.admitNew(k, materials, raw)
	}
	for i := range materials {
		if materials[i].ID == raw.id {
			return &materials[i], nil
		}
	}
	if !k.isPrimary() {
		return s.admitFromPrimary(tx, k, raw)
	}
	return nil, incorrectMaterial("The key material is not associated with the KMS key " + k.arn() + ".")
}

// admitNew admits material that the key does not know yet.
func (s *Service) admitNew(k *keyRecord, materials []materialRecord, raw *rawMaterial) (*materialRecord, error) {
	if !k.isPrimary() {
		return nil, unsupported("New key material must be imported into the multi-Region primary key " + keyARN(k.Account, k.MultiRegion.Primary, k.ID) + ".")
	}
	m := raw.record(k, s.clock.Now().UTC())
	for i := range materials {
		old := &materials[i]
		switch {
		case old.ID == raw.id:
			return nil, incorrectMaterial("The key material is already associated with the KMS key " + k.arn() + ".")
		case old.pending():
			return nil, invalidState("New key material (id: " + raw.id + ") cannot be imported into KMS key " + k.arn() +
				", because another key material (id: " + old.ID + ") is pending rotation.")
		}
		m.Order = old.Order + 1
		m.State = kmsapi.KeyMaterialStatePendingRotation
	}
	return m, nil
}

// admitFromPrimary admits material into a replica that its primary knows: the one
// that waits for its rotation.
func (s *Service) admitFromPrimary(tx store.Txn, k *keyRecord, raw *rawMaterial) (*materialRecord, error) {
	there, err := s.tables.material(tx, keyName{k.Account, k.MultiRegion.Primary, k.ID}, raw.id)
	if isNotFound(err) {
		return nil, incorrectMaterial("The key material is not associated with the multi-Region primary key " + keyARN(k.Account, k.MultiRegion.Primary, k.ID) + ".")
	}
	if err != nil {
		return nil, err
	}
	m := raw.record(k, s.clock.Now().UTC())
	m.Order, m.State, m.Rotated, m.Type = there.Order, there.State, there.Rotated, there.Type
	if m.pending() {
		m.State = kmsapi.KeyMaterialStatePendingRotation
	}
	return m, nil
}

// storeImport wraps admitted material, unless it is there already, records its
// expiration and brings the key up to date.
func (s *Service) storeImport(ctx context.Context, tx store.Txn, k *keyRecord, m *materialRecord, in *kmsapi.ImportKeyMaterialRequest, raw *rawMaterial) error {
	if m.Slot.IsZero() {
		if err := s.wrap(ctx, m, raw.bytes); err != nil {
			return err
		}
	}
	m.Import = kmsapi.ImportStateImported
	m.ExpirationModel = kmsapi.ExpirationModelType(orDefault(in.ExpirationModel, string(kmsapi.ExpirationModelTypeKeyMaterialExpires)))
	m.ValidTo = time.Time{}
	if in.KeyMaterialDescription != nil {
		m.Description = *in.KeyMaterialDescription
	}
	var err error
	if in.ValidTo != nil {
		m.ValidTo = in.ValidTo.UTC()
		err = s.schedule(tx, jobExpire, m.jobID(), m.ValidTo)
	} else {
		err = s.unschedule(tx, jobExpire, m.jobID())
	}
	if err != nil {
		return err
	}
	if err := s.tables.materials.Put(tx, m); err != nil {
		return err
	}
	if k.Material == "" {
		// The first one. There are no replicas yet: a key without material cannot be
		// replicated.
		k.Material, k.Public = m.ID, raw.spki
	}
	if err := s.settleState(tx, k); err != nil {
		return err
	}
	if err := s.settlePendingOf(tx, k); err != nil {
		return err
	}
	return s.saveIn(tx, k)
}

// materialMissing tells whether a key lacks material that belongs to it, or has none
// at all: then it is PendingImport, or becomes so when its deletion is cancelled.
func (s *Service) materialMissing(r store.Reader, k *keyRecord) (bool, error) {
	if k.Origin != string(kmsapi.OriginTypeExternal) {
		return false, nil
	}
	if k.Material == "" {
		return true, nil
	}
	materials, err := s.tables.materialsOf(r, k.name())
	if err != nil {
		return false, err
	}
	for i := range materials {
		if m := &materials[i]; !m.pending() && m.Import != kmsapi.ImportStateImported {
			return true, nil
		}
	}
	return false, nil
}

// settleState makes the state of a key with imported material agree with its
// materials. The caller saves the key.
func (s *Service) settleState(tx store.Txn, k *keyRecord) error {
	missing, err := s.materialMissing(tx, k)
	if err != nil {
		return err
	}
	switch k.State {
	case kmsapi.KeyStatePendingImport:
		if !missing {
			k.State = kmsapi.KeyStateEnabled
		}
	case kmsapi.KeyStateEnabled, kmsapi.KeyStateDisabled:
		if missing {
			k.State = kmsapi.KeyStatePendingImport
		}
	}
	return nil
}

// pendingMaterial is the material of a key that waits for its rotation, or nil.
func (s *Service) pendingMaterial(r store.Reader, k *keyRecord) (*materialRecord, error) {
	materials, err := s.tables.materialsOf(r, k.name())
	if err != nil {
		return nil, err
	}
	for i := range materials {
		if materials[i].pending() {
			return &materials[i], nil
		}
	}
	return nil, nil
}

// settlePendingOf is settlePending for the primary of k, whichever part k is.
func (s *Service) settlePendingOf(tx store.Txn, k *keyRecord) error {
	if k.isPrimary() {
		return s.settlePending(tx, k)
	}
	primary, err := s.tables.key(tx, keyName{k.Account, k.MultiRegion.Primary, k.ID})
	if err != nil {
		return err
	}
	return s.settlePending(tx, primary)
}

// settlePending gives the material of a primary that waits for its rotation the state
// that says whether all replicas have it too.
func (s *Service) settlePending(tx store.Txn, primary *keyRecord) error {
	m, err := s.pendingMaterial(tx, primary)
	if err != nil || m == nil {
		return err
	}
	state := kmsapi.KeyMaterialStatePendingRotation
	if primary.MultiRegion != nil {
		for _, region := range primary.MultiRegion.Replicas {
			_, err := s.tables.material(tx, keyName{primary.Account, region, primary.ID}, m.ID)
			if isNotFound(err) {
				state = kmsapi.KeyMaterialStatePendingMultiRegionImportAndRotation
				continue
			}
			if err != nil {
				return err
			}
		}
	}
	if m.State == state {
		return nil
	}
	m.State = state
	s.changedIn(tx, primary.name())
	return s.tables.materials.Put(tx, m)
}

// usePending makes the imported material that waits for it current in all parts of a
// key, and returns its id.
func (s *Service) usePending(tx store.Txn, parts []*keyRecord, now time.Time) (string, error) {
	primary := parts[0]
	next, err := s.pendingMaterial(tx, primary)
	if err != nil {
		return "", err
	}
	if next == nil || next.State != kmsapi.KeyMaterialStatePendingRotation {
		return "", invalidState("No available key material pending rotation for the key: " + primary.arn() + ".")
	}
	for _, part := range parts {
		if _, err := s.demoteCurrent(tx, part); err != nil {
			return "", err
		}
		m, err := s.tables.material(tx, part.name(), next.ID)
		if err != nil {
			return "", err
		}
		m.State, m.Rotated, m.Type = kmsapi.KeyMaterialStateCurrent, now, kmsapi.RotationTypeOnDemand
		if err := s.tables.materials.Put(tx, m); err != nil {
			return "", err
		}
	}
	return next.ID, nil
}

// DeleteImportedKeyMaterial implements the operation of that name.
func (s *Service) DeleteImportedKeyMaterial(ctx context.Context, in *kmsapi.DeleteImportedKeyMaterialRequest) (*kmsapi.DeleteImportedKeyMaterialResponse, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if k.Origin != string(kmsapi.OriginTypeExternal) {
		return nil, invalidOrigin(k)
	}
	id := orDefault(in.KeyMaterialId, k.Material)
	out := &kmsapi.DeleteImportedKeyMaterialResponse{KeyId: new(k.arn()), KeyMaterialId: new(id)}
	if id == "" {
		return out, nil // nothing was ever imported
	}
	m, err := s.tables.material(c.Txn(), k.name(), id)
	if isNotFound(err) {
		return nil, notFound("Key material '" + id + "' does not exist in " + k.arn())
	}
	if err != nil {
		return nil, err
	}
	return out, s.dropMaterial(c.Txn(), k, m)
}

// dropMaterial deletes imported material. Of material that belongs to the key an entry
// remains; material that waits for its rotation is forgotten, and if it is the
// primary's, in the replicas as well.
func (s *Service) dropMaterial(tx store.Txn, k *keyRecord, m *materialRecord) error {
	if m.pending() && k.isPrimary() {
		if err := s.eachPart(tx, k, func(part *keyRecord) error { return s.forgetPending(tx, part, m.ID) }); err != nil {
			return err
		}
		return s.saveIn(tx, k)
	}
	if m.pending() {
		if err := s.forgetPending(tx, k, m.ID); err != nil {
			return err
		}
		if err := s.settlePendingOf(tx, k); err != nil {
			return err
		}
		return s.saveIn(tx, k)
	}
	if err := s.discard(tx, m.Slot); err != nil {
		return err
	}
	if err := s.unschedule(tx, jobExpire, m.jobID()); err != nil {
		return err
	}
	m.absent()
	if err := s.tables.materials.Put(tx, m); err != nil {
		return err
	}
	if err := s.settleState(tx, k); err != nil {
		return err
	}
	return s.saveIn(tx, k)
}

// forgetPending removes material that waits for its rotation from one part, if the
// part has it.
func (s *Service) forgetPending(tx store.Txn, part *keyRecord, id string) error {
	m, err := s.tables.material(tx, part.name(), id)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.discard(tx, m.Slot); err != nil {
		return err
	}
	if err := s.unschedule(tx, jobExpire, m.jobID()); err != nil {
		return err
	}
	s.changedIn(tx, part.name())
	return s.tables.deleteMaterial(tx, m)
}

// expireDue is the job that deletes imported material at its ValidTo.
func (s *Service) expireDue(_ context.Context, tx store.Txn, j due.Job) error {
	name, materialID, err := keyOfJob(j.ID)
	if err != nil {
		return err
	}
	k, err := s.tables.key(tx, name)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := s.tables.material(tx, name, materialID)
	if isNotFound(err) || err == nil && (m.Import != kmsapi.ImportStateImported || m.ValidTo.IsZero()) {
		return nil
	}
	if err != nil {
		return err
	}
	if m.ValidTo.After(s.clock.Now()) {
		return s.schedule(tx, jobExpire, j.ID, m.ValidTo)
	}
	if err := s.dropMaterial(tx, k, m); err != nil {
		return err
	}
	return s.record(tx, k, "DeleteExpiredKeyMaterial")
}

package kms

import (
	"context"
	"strconv"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/store"
)

// Rotation gives a symmetric key new material and keeps the old for decryption. AWS
// rotates in the background; here a rotation on demand is complete when its call
// returns, in the transaction of the call, and an automatic one is a job at its date.
// So GetKeyRotationStatus never shows a rotation on demand under way.
//
// A key that is not enabled at its date is not rotated; enabling it again rotates it at
// once, and the period counts from then. While a key waits for its deletion its status
// is off; cancelling the deletion brings the old status back, because it was never
// changed.

// Rotation limits (AWS KMS API reference, EnableKeyRotation and RotateKeyOnDemand).
const (
	defaultRotationDays = 365
	// noRotationBefore: a rotation on demand is refused this long before an automatic
	// one (ConflictException).
	noRotationBefore = 20 * time.Minute
	// rotationDelay is how late an automatic rotation may be and still count as on time.
	rotationDelay = 24 * time.Hour
)

// EnableKeyRotation implements the operation of that name.
func (s *Service) EnableKeyRotation(ctx context.Context, in *kmsapi.EnableKeyRotationRequest) (*kmsapi.EnableKeyRotationOutput, error) {
	days := defaultRotationDays
	if in.RotationPeriodInDays != nil {
		days = int(*in.RotationPeriodInDays)
	}
	return &kmsapi.EnableKeyRotationOutput{}, s.setRotation(ctx, func(old rotation) rotation {
		if old.Enabled && old.PeriodDays == days {
			return old
		}
		return rotation{Enabled: true, PeriodDays: days, Next: s.clock.Now().UTC().AddDate(0, 0, days)}
	})
}

// DisableKeyRotation implements the operation of that name.
func (s *Service) DisableKeyRotation(ctx context.Context, _ *kmsapi.DisableKeyRotationRequest) (*kmsapi.DisableKeyRotationOutput, error) {
	return &kmsapi.DisableKeyRotationOutput{}, s.setRotation(ctx, func(old rotation) rotation {
		return rotation{PeriodDays: old.PeriodDays}
	})
}

// setRotation changes the automatic rotation of the key of the call, in all its
// Regions.
func (s *Service) setRotation(ctx context.Context, f func(old rotation) rotation) error {
	c, k, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := checkRotatable(k, true); err != nil {
		return err
	}
	var old rotation
	if k.Rotation != nil {
		old = *k.Rotation
	}
	now := f(old)
	if now == old {
		return nil
	}
	if err := s.eachPart(c.Txn(), k, func(part *keyRecord) error {
		part.Rotation = &now
		return s.saveIn(c.Txn(), part)
	}); err != nil {
		return err
	}
	return s.resumeRotation(c.Txn(), k)
}

// checkRotatable refuses keys that cannot be rotated: automatically, or on demand.
func checkRotatable(k *keyRecord, automatic bool) error {
	switch {
	case k.Spec != symmetricDefault:
		return &kmsapi.UnsupportedOperationException{}
	case k.Origin == string(kmsapi.OriginTypeAWSKMS):
	case k.Origin == string(kmsapi.OriginTypeExternal) && !automatic:
	default:
		return invalidOrigin(k)
	}
	return checkPrimary(k)
}

func invalidOrigin(k *keyRecord) error {
	return unsupported(k.arn() + " origin is " + k.Origin + " which is not valid for this operation.")
}

// resumeRotation makes or drops the appointment for the next automatic rotation, as
// the record says. A date that has passed while the key was disabled is due at once.
func (s *Service) resumeRotation(tx store.Txn, k *keyRecord) error {
	if k.Rotation == nil || !k.isPrimary() {
		return nil
	}
	if !k.Rotation.Enabled {
		return s.unschedule(tx, jobRotate, k.name().jobID())
	}
	return s.schedule(tx, jobRotate, k.name().jobID(), k.Rotation.Next)
}

// rotateDue is the job of an automatic rotation.
func (s *Service) rotateDue(ctx context.Context, tx store.Txn, j due.Job) error {
	name, _, err := keyOfJob(j.ID)
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
	now := s.clock.Now().UTC()
	switch {
	case k.Rotation == nil || !k.Rotation.Enabled || !k.isPrimary():
		return nil
	case k.Rotation.Next.After(now): // the appointment was moved
		return s.resumeRotation(tx, k)
	case k.State != kmsapi.KeyStateEnabled:
		return nil // EnableKey makes a new appointment
	}
	parts, err := s.livingParts(tx, k)
	if err != nil {
		return err
	}
	m, err := s.addMaterial(ctx, tx, parts, kmsapi.RotationTypeAutomatic, now)
	if err != nil {
		return err
	}
	// The period counts from the date that was due, so that small delays do not add up;
	// but from now if the key missed its date.
	r := *k.Rotation
	if now.Sub(r.Next) > rotationDelay {
		r.Next = now
	}
	r.Next = r.Next.AddDate(0, 0, r.PeriodDays)
	for _, part := range parts {
		part.Rotation = &r
	}
	if err := s.rotateTo(tx, parts, m, kmsapi.RotationTypeAutomatic); err != nil {
		return err
	}
	return s.resumeRotation(tx, parts[0])
}

// RotateKeyOnDemand implements the operation of that name. It leaves the schedule of
// automatic rotation as it is.
func (s *Service) RotateKeyOnDemand(ctx context.Context, _ *kmsapi.RotateKeyOnDemandRequest) (*kmsapi.RotateKeyOnDemandResponse, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	switch err := checkRotatable(k, false); {
	case err != nil:
		return nil, err
	case k.OnDemandRotations >= s.quotas.rotations:
		return nil, &kmsapi.LimitExceededException{Message: new("The on-demand rotations limit has been reached for the given keyId. " +
			"No more on-demand rotations can be performed for this key: " + k.arn())}
	case k.Rotation != nil && k.Rotation.Enabled && k.Rotation.Next.Sub(now) <= noRotationBefore:
		return nil, &kmsapi.ConflictException{Message: new("Automatic rotation of " + k.arn() + " is in progress or scheduled to begin within the next 20 minutes.")}
	}
	tx := c.Txn()
	parts, err := s.livingParts(tx, k)
	if err != nil {
		return nil, err
	}
	var next string
	if k.Origin == string(kmsapi.OriginTypeExternal) {
		next, err = s.usePending(tx, parts, now)
	} else {
		next, err = s.addMaterial(ctx, tx, parts, kmsapi.RotationTypeOnDemand, now)
	}
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		part.OnDemandRotations++
	}
	if err := s.rotateTo(tx, parts, next, kmsapi.RotationTypeOnDemand); err != nil {
		return nil, err
	}
	return &kmsapi.RotateKeyOnDemandResponse{KeyId: new(k.ID)}, nil
}

// addMaterial generates material and adds it to all parts of a key, in each under a
// slot of its own, as the current one. It returns the material's id.
func (s *Service) addMaterial(ctx context.Context, tx store.Txn, parts []*keyRecord, how kmsapi.RotationType, now time.Time) (string, error) {
	raw, err := s.generateMaterial(parts[0])
	if err != nil {
		return "", engineError(&key{record: *parts[0]}, err)
	}
	defer clear(raw.bytes)
	for _, part := range parts {
		order, err := s.demoteCurrent(tx, part)
		if err != nil {
			return "", err
		}
		m := raw.record(part, now)
		m.Order, m.Rotated, m.Type = order+1, now, how
		if err := s.wrap(ctx, m, raw.bytes); err != nil {
			return "", err
		}
		if err := s.tables.materials.Put(tx, m); err != nil {
			return "", err
		}
	}
	return raw.id, nil
}

// demoteCurrent makes the current material of a part one that only decrypts, and
// returns its number in the order of materials.
func (s *Service) demoteCurrent(tx store.Txn, part *keyRecord) (int, error) {
	m, err := s.tables.material(tx, part.name(), part.Material)
	if err != nil {
		return 0, err
	}
	m.State = kmsapi.KeyMaterialStateNonCurrent
	return m.Order, s.tables.materials.Put(tx, m)
}

// rotateTo makes the material current in all parts, saves them and writes the
// history.
func (s *Service) rotateTo(tx store.Txn, parts []*keyRecord, material string, how kmsapi.RotationType) error {
	var events []*audit.Event
	for _, part := range parts {
		events = append(events, s.event(part, "RotateKey",
			call.Note{Name: "rotationType", Value: string(how)}, call.Note{Name: "keyOrigin", Value: part.Origin},
			call.Note{Name: "previousKeyMaterialId", Value: part.Material}, call.Note{Name: "currentKeyMaterialId", Value: material},
		))
		part.Material = material
		if err := s.saveIn(tx, part); err != nil {
			return err
		}
	}
	return s.audit.AppendTxn(tx, events...)
}

// GetKeyRotationStatus implements the operation of that name. Of keys that cannot be
// rotated automatically the status is false: asymmetric and HMAC keys, and imported ones,
// which can be rotated on demand (AWS KMS API reference, GetKeyRotationStatus: "always
// false" in its text of 2022, which later ones leave out without another answer). Keys in
// custom key stores are UnsupportedOperationException (AWS KMS developer guide, "Key
// states of KMS keys", note 7; that the note names imported keys too is older than their
// rotation on demand).
func (s *Service) GetKeyRotationStatus(ctx context.Context, _ *kmsapi.GetKeyRotationStatusRequest) (*kmsapi.GetKeyRotationStatusResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	if k.record.KeyStore != "" {
		return nil, invalidOrigin(&k.record)
	}
	out := &kmsapi.GetKeyRotationStatusResponse{KeyId: new(k.record.ID), KeyRotationEnabled: new(false)}
	r := k.record.Rotation
	if r == nil || !r.Enabled || k.record.deletionPending() {
		return out, nil
	}
	out.KeyRotationEnabled, out.RotationPeriodInDays = new(true), new(int32(r.PeriodDays))
	out.NextRotationDate = new(r.Next)
	return out, nil
}

// deletionPending tells whether the key waits for its deletion.
func (k *keyRecord) deletionPending() bool {
	return k.State == kmsapi.KeyStatePendingDeletion || k.State == kmsapi.KeyStatePendingReplicaDeletion
}

// ListKeyRotations implements the operation of that name, oldest material first.
func (s *Service) ListKeyRotations(ctx context.Context, in *kmsapi.ListKeyRotationsRequest) (*kmsapi.ListKeyRotationsResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	rotates := k.record.Spec == symmetricDefault && k.record.KeyStore == ""
	if in.IncludeKeyMaterial != nil && !rotates {
		return nil, unsupported("IncludeKeyMaterial is not supported for KMS keys that cannot be rotated.")
	}
	all := orDefault(in.IncludeKeyMaterial, "") == string(kmsapi.IncludeKeyMaterialAllKeyMaterial)
	c := call.From(ctx)
	filter := k.record.ID + "/" + orDefault(in.IncludeKeyMaterial, string(kmsapi.IncludeKeyMaterialRotationsOnly))
	p, err := s.page(c, filter, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	after := 0
	if p.after != "" {
		if after, err = strconv.Atoi(p.after); err != nil {
			return nil, &kmsapi.InvalidMarkerException{}
		}
	}
	out := &kmsapi.ListKeyRotationsResponse{Rotations: []kmsapi.RotationsListEntry{}, Truncated: new(false)}
	if !rotates {
		return out, nil
	}
	last := 0
	for _, m := range k.materials {
		if m.record.Order <= after || !all && m.record.Rotated.IsZero() {
			continue
		}
		if len(out.Rotations) == p.limit {
			out.Truncated = new(true)
			out.NextMarker, err = s.nextMarker(c, filter, itoa(last))
			return out, err
		}
		out.Rotations = append(out.Rotations, m.record.listed(&k.record))
		last = m.record.Order
	}
	return out, nil
}

// listed is what ListKeyRotations says about a material.
func (m *materialRecord) listed(k *keyRecord) kmsapi.RotationsListEntry {
	e := kmsapi.RotationsListEntry{KeyId: new(k.ID), KeyMaterialId: new(m.ID), KeyMaterialState: new(m.State)}
	if !m.Rotated.IsZero() {
		e.RotationDate, e.RotationType = new(m.Rotated), new(m.Type)
	}
	if k.Origin != string(kmsapi.OriginTypeExternal) {
		return e
	}
	e.ImportState = new(m.Import)
	if m.Description != "" {
		e.KeyMaterialDescription = new(m.Description)
	}
	if m.ExpirationModel != "" {
		e.ExpirationModel = new(m.ExpirationModel)
	}
	if !m.ValidTo.IsZero() {
		e.ValidTo = new(m.ValidTo)
	}
	return e
}

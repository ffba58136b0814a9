package kms

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store"
)

// rotated checks the one RotateKey event of the event history.
func (h *harness) rotated(id, before, after string) {
	h.Helper()
	events := h.events(testRegion, "RotateKey")
	if len(events) != 1 || events[0]["eventType"] != "AwsServiceEvent" {
		h.Fatalf("RotateKey events: %v", events)
	}
	details, _ := events[0]["serviceEventDetails"].(map[string]any)
	want := map[string]any{
		"rotationType": "AUTOMATIC", "keyOrigin": "AWS_KMS", "keyId": id,
		"previousKeyMaterialId": before, "currentKeyMaterialId": after,
	}
	if !maps.Equal(details, want) {
		h.Errorf("serviceEventDetails %v, want %v", details, want)
	}
}

// Which keys have a status of rotation; the places in AWS's documentation are named at
// GetKeyRotationStatus.
func TestRotationStatusOfKeysThatDoNotRotate(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	external := new(kmsapi.OriginTypeExternal)
	for name, in := range map[string]*kmsapi.CreateKeyRequest{
		"asymmetric":          {KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)},
		"HMAC":                {KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)},
		"imported":            {Origin: external},
		"imported HMAC":       {Origin: external, KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)},
		"imported asymmetric": {Origin: external, KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)},
	} {
		id := r.create(in).KeyId
		if s := r.status(id); *s.KeyRotationEnabled || *s.KeyId != *id || s.NextRotationDate != nil || s.RotationPeriodInDays != nil {
			t.Errorf("%s: %+v", name, s)
		}
		for _, enable := range []func() error{
			func() error {
				return errorOf(r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id}))
			},
			func() error {
				return errorOf(r.DisableKeyRotation(t.Context(), &kmsapi.DisableKeyRotationRequest{KeyId: id}))
			},
		} {
			wantsCode(t, enable(), "UnsupportedOperationException")
		}
	}
}

func TestAutomaticRotationOverYears(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	made := r.create(&kmsapi.CreateKeyRequest{})
	id := made.KeyId
	if s := r.status(id); *s.KeyRotationEnabled || s.NextRotationDate != nil || s.RotationPeriodInDays != nil || *s.KeyId != *id {
		t.Errorf("status before: %+v", s)
	}
	_, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(180))})
	if err != nil {
		t.Fatal(err)
	}
	enabled := h.clock.Now()
	if s := r.status(id); !*s.KeyRotationEnabled || *s.RotationPeriodInDays != 180 || !s.NextRotationDate.Equal(enabled.AddDate(0, 0, 180)) {
		t.Errorf("status: %+v", s)
	}
	blobs := [][]byte{r.encrypt(id, "x")}
	materials := []string{r.decrypts(blobs[0], "x")}
	h.after(179)
	if got := r.decrypts(r.encrypt(id, "x"), "x"); got != materials[0] {
		t.Fatal("rotated before its date")
	}
	for year := range 6 {
		h.after(1)
		blob := r.encrypt(id, "x")
		m := r.decrypts(blob, "x")
		h.rotated(*id, materials[len(materials)-1], m)
		h.after(179)
		if slices.Contains(materials, m) {
			t.Fatalf("rotation %d: material %s again", year+1, m)
		}
		blobs, materials = append(blobs, blob), append(materials, m)
	}
	for i, blob := range blobs {
		if got := r.decrypts(blob, "x"); got != materials[i] {
			t.Errorf("blob %d was opened by %s, made by %s", i, got, materials[i])
		}
	}
	if got := *r.describe(id).CurrentKeyMaterialId; got != materials[len(materials)-1] {
		t.Errorf("current material %s, want %s", got, materials[len(materials)-1])
	}
	all := r.materials(id)
	if len(all) != len(materials) || all[0].RotationDate != nil || all[0].RotationType != nil {
		t.Fatalf("materials: %+v", all)
	}
	for i, m := range all {
		state := kmsapi.KeyMaterialStateNonCurrent
		if i == len(all)-1 {
			state = kmsapi.KeyMaterialStateCurrent
		}
		if *m.KeyMaterialId != materials[i] || *m.KeyMaterialState != state || m.ImportState != nil || m.ExpirationModel != nil {
			t.Errorf("material %d: %+v", i, m)
		}
		if i > 0 && (*m.RotationType != kmsapi.RotationTypeAutomatic || !m.RotationDate.Equal(enabled.AddDate(0, 0, 180*i))) {
			t.Errorf("material %d was rotated at %v", i, m.RotationDate)
		}
	}
	if _, err := r.DisableKeyRotation(t.Context(), &kmsapi.DisableKeyRotationRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	h.after(400)
	if *r.status(id).KeyRotationEnabled || len(r.materials(id)) != len(materials) {
		t.Error("rotated after rotation was disabled")
	}
}

func TestRotationCatchesUpAfterDowntimeOnce(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	if _, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(1000 * 24 * time.Hour) // nothing ran for eleven periods
	h.runJobs()
	if n := len(r.materials(id)); n != 2 {
		t.Errorf("%d materials, want 2", n)
	}
	if next := *r.status(id).NextRotationDate; !next.Equal(h.clock.Now().AddDate(0, 0, 90)) {
		t.Errorf("next rotation %v", next)
	}
}

func TestDisabledKeyRotatesWhenItIsEnabledAgain(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	ctx := t.Context()
	if _, err := r.EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	if s := r.status(id); *s.RotationPeriodInDays != 365 {
		t.Errorf("default period %d days", *s.RotationPeriodInDays)
	}
	if _, err := r.DisableKey(ctx, &kmsapi.DisableKeyRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	h.after(400)
	if !*r.status(id).KeyRotationEnabled {
		t.Error("disabling a key changed its rotation status")
	}
	if n := len(r.materials(id)); n != 1 {
		t.Fatalf("a disabled key was rotated: %d materials", n)
	}
	if _, err := r.EnableKey(ctx, &kmsapi.EnableKeyRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	h.runJobs()
	if n := len(r.materials(id)); n != 2 {
		t.Fatalf("%d materials after enabling, want 2", n)
	}
	if next := *r.status(id).NextRotationDate; !next.Equal(h.clock.Now().AddDate(0, 0, 365)) {
		t.Errorf("next rotation %v", next)
	}
	// Shorter pauses leave the schedule as it was.
	next := *r.status(id).NextRotationDate
	_, err1 := r.DisableKey(ctx, &kmsapi.DisableKeyRequest{KeyId: id})
	h.after(10)
	_, err2 := r.EnableKey(ctx, &kmsapi.EnableKeyRequest{KeyId: id})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	h.runJobs()
	if got := *r.status(id).NextRotationDate; !got.Equal(next) || len(r.materials(id)) != 2 {
		t.Errorf("a short pause moved the schedule from %v to %v", next, got)
	}
}

func TestChangingThePeriodStartsItAnew(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	enable := func(days int32) {
		t.Helper()
		if _, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: &days}); err != nil {
			t.Fatal(err)
		}
	}
	enable(90)
	first := *r.status(id).NextRotationDate
	h.after(30)
	enable(90)
	if got := *r.status(id).NextRotationDate; !got.Equal(first) {
		t.Errorf("enabling again moved the date from %v to %v", first, got)
	}
	enable(2560)
	h.after(2559)
	if n := len(r.materials(id)); n != 1 {
		t.Errorf("the old appointment was kept: %d materials", n)
	}
	h.after(1)
	if n := len(r.materials(id)); n != 2 {
		t.Errorf("%d materials", n)
	}
	for _, days := range []int32{89, 2561, 0, -1} {
		_, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: &days})
		wantsCode(t, err, "ValidationException")
	}
}

func TestRotationStatusIsOffWhileDeletionIsPending(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	made := r.create(&kmsapi.CreateKeyRequest{})
	if _, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: made.KeyId, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	for _, state := range []kmsapi.KeyState{kmsapi.KeyStatePendingDeletion, kmsapi.KeyStatePendingReplicaDeletion} {
		h.force(made, state)
		if *r.status(made.KeyId).KeyRotationEnabled {
			t.Errorf("status is on in state %s", state)
		}
	}
	h.after(91)
	if n := len(r.materials(made.KeyId)); n != 1 {
		t.Error("rotated while its deletion was pending")
	}
	h.force(made, kmsapi.KeyStateEnabled)
	if s := r.status(made.KeyId); !*s.KeyRotationEnabled || *s.RotationPeriodInDays != 90 {
		t.Errorf("status was not restored: %+v", s)
	}
}

// force puts a key into a state.
func (h *harness) force(m *kmsapi.KeyMetadata, state kmsapi.KeyState) {
	h.Helper()
	h.edit(keyName{*m.AWSAccountId, regionOf(m), *m.KeyId}, func(k *keyRecord) { k.State = state })
}

// edit changes a key's record behind the API.
func (h *harness) edit(name keyName, f func(k *keyRecord)) {
	h.Helper()
	if _, err := h.store.Update(h.Context(), func(tx store.Txn) error {
		k, err := h.service.tables.key(tx, name)
		if err != nil {
			return err
		}
		f(k)
		return h.service.saveIn(tx, k)
	}); err != nil {
		h.Fatal(err)
	}
}

// regionOf is the Region in a key's ARN.
func regionOf(m *kmsapi.KeyMetadata) string { return strings.Split(*m.Arn, ":")[3] }

func TestRotateKeyOnDemand(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	made := r.create(&kmsapi.CreateKeyRequest{})
	id := made.KeyId
	if _, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	next := *r.status(id).NextRotationDate
	blob := r.encrypt(id, "old")
	for i := range h.service.quotas.rotations {
		out, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: made.Arn})
		if err != nil {
			t.Fatalf("rotation %d: %v", i+1, err)
		}
		if *out.KeyId != *id {
			t.Fatalf("KeyId %s", *out.KeyId)
		}
	}
	_, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id})
	wants(t, err, "LimitExceededException", "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: "+*made.Arn)
	r.decrypts(blob, "old")
	if s := r.status(id); !s.NextRotationDate.Equal(next) || s.OnDemandRotationStartDate != nil {
		t.Errorf("status: %+v", s)
	}
	all := r.materials(id)
	if len(all) != h.service.quotas.rotations+1 || *all[1].RotationType != kmsapi.RotationTypeOnDemand {
		t.Errorf("materials: %d", len(all))
	}
	if n := len(h.events(testRegion, "RotateKey")); n != h.service.quotas.rotations {
		t.Errorf("%d RotateKey events", n)
	}
}

func TestRotateKeyOnDemandShortlyBeforeAnAutomaticRotation(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	if _, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(90*24*time.Hour - 21*time.Minute)
	if _, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	_, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id})
	wantsCode(t, err, "ConflictException")
}

func TestWhatCannotBeRotated(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	hmac := r.create(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)})
	ec := r.create(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	imported := r.create(&kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternal)})
	disabled := r.create(&kmsapi.CreateKeyRequest{})
	h.force(imported, kmsapi.KeyStateEnabled)
	h.force(disabled, kmsapi.KeyStateDisabled)
	for _, c := range []struct {
		key             *kmsapi.KeyMetadata
		code, automatic string
	}{
		{hmac, "UnsupportedOperationException", ""},
		{ec, "UnsupportedOperationException", ""},
		{imported, "UnsupportedOperationException", *imported.Arn + " origin is EXTERNAL which is not valid for this operation."},
		{disabled, "DisabledException", *disabled.Arn + " is disabled."},
	} {
		_, err := r.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: c.key.KeyId})
		wants(t, err, c.code, c.automatic)
		_, err = r.DisableKeyRotation(t.Context(), &kmsapi.DisableKeyRotationRequest{KeyId: c.key.KeyId})
		wants(t, err, c.code, c.automatic)
		if *r.status(c.key.KeyId).KeyRotationEnabled {
			t.Error("status is on")
		}
	}
	_, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: ec.KeyId})
	wants(t, err, "UnsupportedOperationException", "")
	out, err := r.ListKeyRotations(t.Context(), &kmsapi.ListKeyRotationsRequest{KeyId: ec.KeyId})
	if err != nil || len(out.Rotations) != 0 {
		t.Errorf("rotations of an asymmetric key: %+v, %v", out, err)
	}
	_, err = r.ListKeyRotations(t.Context(), &kmsapi.ListKeyRotationsRequest{KeyId: ec.KeyId, IncludeKeyMaterial: new(kmsapi.IncludeKeyMaterialAllKeyMaterial)})
	wantsCode(t, err, "UnsupportedOperationException")
}

func TestListKeyRotationsPages(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	for range 7 {
		h.clock.Advance(time.Hour)
		if _, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		include *kmsapi.IncludeKeyMaterial
		want    int
	}{{nil, 7}, {new(kmsapi.IncludeKeyMaterialRotationsOnly), 7}, {new(kmsapi.IncludeKeyMaterialAllKeyMaterial), 8}} {
		var seen []string
		in := &kmsapi.ListKeyRotationsRequest{KeyId: id, IncludeKeyMaterial: c.include, Limit: new(int32(3))}
		for {
			out, err := r.ListKeyRotations(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range out.Rotations {
				seen = append(seen, *m.KeyMaterialId)
			}
			if !*out.Truncated {
				break
			}
			in.Marker = out.NextMarker
		}
		if len(seen) != c.want || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != c.want {
			t.Errorf("%v: %d materials, want %d", c.include, len(seen), c.want)
		}
	}
	_, err := r.ListKeyRotations(t.Context(), &kmsapi.ListKeyRotationsRequest{KeyId: id, Marker: new("x")})
	wantsCode(t, err, "InvalidMarkerException")
}

func TestRotationStatusOfAnotherAccountsKey(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	made := r.create(&kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + otherAccount + `:root"},"Action":"kms:*","Resource":"*"}]}`)})
	stranger := user(otherAccount, "bob")
	h.allow(stranger, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	bob := h.as(stranger, testRegion).kms()
	if _, err := bob.GetKeyRotationStatus(t.Context(), &kmsapi.GetKeyRotationStatusRequest{KeyId: made.Arn}); err != nil {
		t.Error(err)
	}
	_, err := bob.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: made.Arn})
	wantsCode(t, err, "AccessDeniedException")
}

// rotatedOften returns a key with that many rotations behind it, its first blob and
// its last.
func rotatedOften(t testing.TB, h *harness, rotations int, multiRegion bool) (r *room, oldest, newest []byte) {
	r = h.in(testRegion)
	id := r.create(&kmsapi.CreateKeyRequest{MultiRegion: &multiRegion}).KeyId
	oldest = r.encrypt(id, "x")
	if _, err := r.EnableKeyRotation(h.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	for range rotations {
		h.clock.Advance(90 * 24 * time.Hour)
		h.runJobs()
	}
	newest = r.encrypt(id, "x")
	return r, oldest, newest
}

func TestOldestBlobDecryptsAsFastAsTheNewest(t *testing.T) {
	const rotations = 1000
	h := newHarness(t)
	r, oldest, newest := rotatedOften(t, h, rotations, false)
	if r.decrypts(oldest, "x") == r.decrypts(newest, "x") {
		t.Fatal("the key was not rotated")
	}
	k, err := h.service.directory.byRef(t.Context(), testRegion, [16]byte(oldest[2:18]))
	if err != nil || len(k.materials) != rotations+1 {
		t.Fatalf("%d materials, %v", len(k.materials), err)
	}
	// The fastest of many calls on each side, taken in turns, says what the work costs;
	// a busy machine gets several tries.
	fastest := func(blob []byte, best time.Duration) time.Duration {
		start := time.Now()
		r.decrypts(blob, "x")
		return min(best, time.Since(start))
	}
	var ratio float64
	for range 10 {
		o, n := time.Hour, time.Hour
		for range 300 {
			o, n = fastest(oldest, o), fastest(newest, n)
		}
		if ratio = float64(o) / float64(n); ratio <= 1.2 {
			return
		}
	}
	t.Errorf("the oldest blob takes %.2f times as long as the newest", ratio)
}

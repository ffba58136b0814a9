package kms

import (
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
)

func TestImportIntoMultiRegionKeys(t *testing.T) {
	h := newHarness(t)
	home, away, third := importRoom(h, testRegion), h.in(west), h.in(europe)
	made := home.external(kmsapi.CreateKeyRequest{MultiRegion: new(true)})
	id := made.KeyId
	m1, m2 := randomBytes(32), randomBytes(32)
	fresh := kmsapi.ImportKeyMaterialRequest{ImportType: new(kmsapi.ImportTypeNewKeyMaterial)}
	same := kmsapi.ImportKeyMaterialRequest{ImportType: new(kmsapi.ImportTypeExistingKeyMaterial)}
	_, err := home.ReplicateKey(t.Context(), &kmsapi.ReplicateKeyRequest{KeyId: id, ReplicaRegion: new(west)})
	wantsCode(t, err, "KMSInvalidStateException")
	first := home.mustImport(id, m1, kmsapi.ImportKeyMaterialRequest{})
	home.replicate(id, west)
	home.replicate(id, europe)
	_, err = away.tryImport(id, m1, fresh)
	wantsCode(t, err, "UnsupportedOperationException")
	for _, r := range []*room{away, third} {
		if m, all := r.describe(id), r.materials(id); *m.KeyState != kmsapi.KeyStatePendingImport || len(all) != 1 || *all[0].ImportState != kmsapi.ImportStatePendingImport || *all[0].KeyMaterialId != first {
			t.Errorf("%s before its import: %s %+v", r.region, *m.KeyState, all)
		}
		_, err := r.tryImport(id, m2, kmsapi.ImportKeyMaterialRequest{})
		wantsCode(t, err, "IncorrectKeyMaterialException")
		if got := r.mustImport(id, m1, kmsapi.ImportKeyMaterialRequest{}); got != first {
			t.Errorf("%s imported %s, want %s", r.region, got, first)
		}
		if got := *r.describe(id).KeyState; got != kmsapi.KeyStateEnabled {
			t.Errorf("%s: state %s", r.region, got)
		}
	}
	old := home.encrypt(id, "old")
	third.decrypts(old, "old")

	// New material waits until every Region has it.
	second := home.mustImport(id, m2, fresh)
	state := func(r *room) kmsapi.KeyMaterialState {
		for _, m := range r.materials(id) {
			if *m.KeyMaterialId == second {
				return *m.KeyMaterialState
			}
		}
		return ""
	}
	const everywhere = kmsapi.KeyMaterialStatePendingMultiRegionImportAndRotation
	if got := state(home); got != everywhere {
		t.Errorf("state %s", got)
	}
	_, err = home.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id})
	wantsCode(t, err, "KMSInvalidStateException")
	away.mustImport(id, m2, same)
	if state(home) != everywhere || state(away) != kmsapi.KeyMaterialStatePendingRotation {
		t.Errorf("states %s, %s", state(home), state(away))
	}
	_, err = home.UpdatePrimaryRegion(t.Context(), &kmsapi.UpdatePrimaryRegionRequest{KeyId: id, PrimaryRegion: new(europe)})
	wantsCode(t, err, "KMSInvalidStateException")
	third.mustImport(id, m2, same)
	if got := state(home); got != kmsapi.KeyMaterialStatePendingRotation {
		t.Errorf("state %s", got)
	}
	// A replica may give it back, and take it again.
	if _, err := third.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: id, KeyMaterialId: &second}); err != nil {
		t.Fatal(err)
	}
	if state(home) != everywhere || state(third) != "" {
		t.Errorf("states %s, %q", state(home), state(third))
	}
	third.mustImport(id, m2, kmsapi.ImportKeyMaterialRequest{})
	if _, err := home.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*room{home, away, third} {
		r.decrypts(old, "old")
		if got := r.decrypts(r.encrypt(id, "new"), "new"); got != second {
			t.Errorf("%s encrypts under %s", r.region, got)
		}
	}
	// What a replica loses, it alone loses.
	if _, err := away.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: id, KeyMaterialId: &first}); err != nil {
		t.Fatal(err)
	}
	if got := *away.describe(id).KeyState; got != kmsapi.KeyStatePendingImport {
		t.Errorf("state %s", got)
	}
	third.decrypts(old, "old")
	h.consistent()
	away.mustImport(id, m1, kmsapi.ImportKeyMaterialRequest{})
	away.decrypts(old, "old")
	h.runJobs()
	h.consistent()
}

func TestDeletingWaitingMaterialOfThePrimaryDeletesItEverywhere(t *testing.T) {
	h := newHarness(t)
	home, away := importRoom(h, testRegion), h.in(west)
	id := home.external(kmsapi.CreateKeyRequest{MultiRegion: new(true)}).KeyId
	m1, m2 := randomBytes(32), randomBytes(32)
	home.mustImport(id, m1, kmsapi.ImportKeyMaterialRequest{})
	home.replicate(id, west)
	away.mustImport(id, m1, kmsapi.ImportKeyMaterialRequest{})
	second := home.mustImport(id, m2, kmsapi.ImportKeyMaterialRequest{ImportType: new(kmsapi.ImportTypeNewKeyMaterial), ValidTo: new(h.clock.Now().Add(time.Hour))})
	away.mustImport(id, m2, kmsapi.ImportKeyMaterialRequest{})
	slot := h.material(west, *id, second)
	h.clock.Advance(time.Hour) // the primary's expires
	h.runJobs()
	for _, r := range []*room{home, away} {
		if n := len(r.materials(id)); n != 1 || *r.describe(id).KeyState != kmsapi.KeyStateEnabled {
			t.Errorf("%s: %d materials", r.region, n)
		}
	}
	if err := h.service.unwrap(t.Context(), slot, func([]byte) error { return nil }); err == nil {
		t.Error("the replica's slot is still there")
	}
}

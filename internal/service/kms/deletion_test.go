package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/due"
	"fastness/internal/keyslot"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

func nameOf(keyARN string) keyName {
	part := strings.Split(keyARN, ":")
	return keyName{part[4], part[3], strings.TrimPrefix(part[5], "key/")}
}

func (h *harness) schedule(key string, days int32) *kmsapi.ScheduleKeyDeletionResponse {
	h.Helper()
	out, err := h.as(root(testAccount), nameOf(key).region).kms().ScheduleKeyDeletion(h.Context(), &kmsapi.ScheduleKeyDeletionRequest{KeyId: &key, PendingWindowInDays: &days})
	if err != nil {
		h.Fatal(err)
	}
	return out
}

func (h *harness) describe(key string) (*kmsapi.KeyMetadata, error) {
	out, err := h.as(root(testAccount), nameOf(key).region).kms().DescribeKey(h.Context(), &kmsapi.DescribeKeyRequest{KeyId: &key})
	if err != nil {
		return nil, err
	}
	return out.KeyMetadata, nil
}

// rows copies everything that the room has in the store.
func (h *harness) rows() (items []store.Item) {
	h.Helper()
	err := h.store.View(h.Context(), func(r store.Reader) error {
		for item, err := range r.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			parts, err := table.ParseKey(item.Key)
			if err != nil {
				return err
			}
			if service, _ := parts[2].Str(); service == "kms" {
				items = append(items, item)
			}
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
	return items
}

// eventNames are the names of the events of the test account, newest first.
func (h *harness) eventNames() (names []string) {
	h.Helper()
	page, err := h.audit.Lookup(h.Context(), audit.Query{Account: testAccount, Region: testRegion, Limit: 1000})
	if err != nil {
		h.Fatal(err)
	}
	for _, e := range page.Events {
		names = append(names, e.Name)
	}
	return names
}

func TestScheduleKeyDeletionAcceptsSevenToThirtyDays(t *testing.T) {
	h := newHarness(t)
	for _, days := range []int32{1, 6, 31, 365} {
		key := h.newKey(&kmsapi.CreateKeyRequest{})
		_, err := h.as(root(testAccount), testRegion).kms().ScheduleKeyDeletion(t.Context(), &kmsapi.ScheduleKeyDeletionRequest{KeyId: &key, PendingWindowInDays: &days})
		wantError(t, fmt.Sprint(days), err, "ValidationException", fmt.Sprintf("PendingWindowInDays should be between 7 and 30, but it is %d", days))
	}
	for _, days := range []int32{7, 30} {
		key := h.newKey(&kmsapi.CreateKeyRequest{})
		out := h.schedule(key, days)
		if *out.KeyId != key || *out.KeyState != kmsapi.KeyStatePendingDeletion || *out.PendingWindowInDays != days || !out.DeletionDate.Equal(h.clock.Now().AddDate(0, 0, int(days))) {
			t.Errorf("%d days: %+v", days, out)
		}
		m, err := h.describe(key)
		if err != nil || *m.KeyState != kmsapi.KeyStatePendingDeletion || *m.Enabled || !m.DeletionDate.Equal(*out.DeletionDate) {
			t.Errorf("%d days: %+v, %v", days, m, err)
		}
		_, err = h.as(root(testAccount), testRegion).kms().ScheduleKeyDeletion(t.Context(), &kmsapi.ScheduleKeyDeletionRequest{KeyId: &key})
		wantError(t, "again", err, "KMSInvalidStateException", key+" is pending deletion.")
	}
}

func TestCancelledDeletionLeavesADisabledKey(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	c := h.as(root(testAccount), testRegion).kms()
	_, err := c.CancelKeyDeletion(t.Context(), &kmsapi.CancelKeyDeletionRequest{KeyId: &key})
	wantError(t, "not scheduled", err, "KMSInvalidStateException", key+" is not pending deletion.")
	h.schedule(key, 7)
	h.after(6)
	out, err := c.CancelKeyDeletion(t.Context(), &kmsapi.CancelKeyDeletionRequest{KeyId: &key})
	if err != nil || *out.KeyId != key {
		t.Fatalf("%+v, %v", out, err)
	}
	h.after(30)
	if m, err := h.describe(key); err != nil || *m.KeyState != kmsapi.KeyStateDisabled || m.DeletionDate != nil {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := c.EnableKey(t.Context(), &kmsapi.EnableKeyRequest{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	wantErrorCode(t, "works again", h.encryptAs(root(testAccount), key, nil), "")
}

// loaded makes a key with much hanging on it, and a blob under it.
func (h *harness) loaded() (key string, blob []byte) {
	h.Helper()
	key = h.newKey(&kmsapi.CreateKeyRequest{})
	c := h.as(root(testAccount), testRegion).kms()
	for i := range 3 {
		if _, err := c.CreateAlias(h.Context(), &kmsapi.CreateAliasRequest{AliasName: new(fmt.Sprint("alias/a", i)), TargetKeyId: &key}); err != nil {
			h.Fatal(err)
		}
		if _, err := c.RotateKeyOnDemand(h.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: &key}); err != nil {
			h.Fatal(err)
		}
	}
	h.manyGrants(nameOf(key), 70)
	h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, Name: new("n"), GranteePrincipal: new(user(testAccount, "a").ARN),
		RetiringPrincipal: new(user(testAccount, "r").ARN), Operations: grantEncrypt})
	out, err := c.Encrypt(h.Context(), &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("secret")})
	if err != nil {
		h.Fatal(err)
	}
	if err := h.service.FlushUsage(h.Context()); err != nil {
		h.Fatal(err)
	}
	return key, out.CiphertextBlob
}

func (h *harness) materials(key string) (materials []materialRecord) {
	h.Helper()
	if err := h.store.View(h.Context(), func(r store.Reader) (err error) {
		materials, err = h.service.tables.materialsOf(r, nameOf(key))
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return materials
}

// wantDestroyed checks that nothing of a key is left, and no material opens.
func (h *harness) wantDestroyed(key string, blob []byte, materials []materialRecord) {
	h.Helper()
	_, err := h.describe(key)
	wantError(h.TB, "DescribeKey", err, "NotFoundException", "Key '"+key+"' does not exist")
	_, err = h.as(root(testAccount), testRegion).kms().Decrypt(h.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob})
	wantErrorCode(h.TB, "Decrypt", err, "InvalidCiphertextException")
	_, err = h.as(root(testAccount), testRegion).kms().DescribeKey(h.Context(), &kmsapi.DescribeKeyRequest{KeyId: new("alias/a0")})
	wantError(h.TB, "alias", err, "NotFoundException", "Alias "+aliasARN(testAccount, testRegion, "alias/a0")+" is not found.")
	for _, item := range h.rows() {
		if strings.Contains(string(item.Key), nameOf(key).id) || strings.Contains(string(item.Value), nameOf(key).id) {
			h.Errorf("left in the store: %q", item.Key)
		}
	}
	h.consistent()
	for i := range materials {
		err := h.service.unwrap(h.Context(), &materials[i], func([]byte) error { return nil })
		if !errors.Is(err, keyslot.ErrGone) {
			h.Errorf("material %d: %v", i, err)
		}
	}
}

func TestKeyIsDestroyedWhenItsWaitingPeriodEnds(t *testing.T) {
	h := newHarness(t)
	key, blob := h.loaded()
	materials := h.materials(key)
	if len(materials) != 4 {
		t.Fatalf("%d materials", len(materials))
	}
	h.consistent()
	before := h.rows()
	h.schedule(key, 7)
	h.clock.Advance(7*24*time.Hour - time.Second)
	h.runJobs()
	if _, err := h.describe(key); err != nil {
		t.Fatalf("a second early: %v", err)
	}
	h.clock.Advance(time.Second)
	h.runJobs()
	h.wantDestroyed(key, blob, materials)
	if names := h.eventNames(); !slices.Contains(names, "DeleteKey") {
		t.Errorf("no DeleteKey in %v", names)
	}

	// A copy of the store from before the deletion brings the record back, but its
	// material stays noise.
	for len(before) > 0 {
		n := min(len(before), 100)
		if _, err := h.store.Update(t.Context(), func(tx store.Txn) error {
			for _, item := range before[:n] {
				if err := tx.Put(item.Key, item.Value); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		before = before[n:]
	}
	if m, err := h.describe(key); err != nil || *m.KeyState != kmsapi.KeyStateEnabled {
		t.Fatalf("restored: %+v, %v", m, err)
	}
	_, err := h.as(root(testAccount), testRegion).kms().Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob})
	wantErrorCode(t, "Decrypt with the restored record", err, "KeyUnavailableException")
	wantErrorCode(t, "Encrypt with the restored record", h.encryptAs(root(testAccount), key, nil), "KeyUnavailableException")
}

var errCrash = errors.New("crash")

// mortal is a store and slots that fail from the n-th change on.
type mortal struct {
	store.Store
	Slots
	left int
}

func (m *mortal) step() error {
	if m.left--; m.left < 0 {
		return errCrash
	}
	return nil
}

func (m *mortal) Update(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	if err := m.step(); err != nil {
		return 0, err
	}
	return m.Store.Update(ctx, f)
}

func (m *mortal) Shred(ctx context.Context, id keyslot.SlotID) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.Slots.Shred(ctx, id)
}

func TestDestructionSurvivesACrashAtAnyPoint(t *testing.T) {
	for n := 0; ; n++ {
		h := newHarness(t)
		key, blob := h.loaded()
		materials := h.materials(key)
		h.schedule(key, 7)
		h.clock.Advance(7 * 24 * time.Hour)
		m := &mortal{h.service.store, h.service.slots, n}
		h.service.store, h.service.slots = m, m
		err := h.service.deleteDue(t.Context(), due.Job{Kind: jobDelete, ID: nameOf(key).jobID()})
		h.service.store, h.service.slots = m.Store, m.Slots
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatalf("crash after %d changes: %v", n, err)
		}
		if _, describe := h.describe(key); n > 0 && codeOf(describe) != "NotFoundException" {
			t.Errorf("crash after %d changes: the key is back: %v", n, describe)
		}
		h.runJobs()
		h.wantDestroyed(key, blob, materials)
		if t.Failed() {
			t.Fatalf("after a crash after %d changes", n)
		}
		if err == nil {
			if n < 10 {
				t.Errorf("only %d changes", n)
			}
			return
		}
	}
}

func TestPrimaryWaitsForItsReplicas(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{MultiRegion: new(true)})
	if _, err := h.as(root(testAccount), testRegion).kms().ReplicateKey(t.Context(), &kmsapi.ReplicateKeyRequest{KeyId: &key, ReplicaRegion: new("eu-west-1")}); err != nil {
		t.Fatal(err)
	}
	h.runJobs()
	replica := strings.Replace(key, testRegion, "eu-west-1", 1)
	out := h.schedule(key, 7)
	if *out.KeyState != kmsapi.KeyStatePendingReplicaDeletion || out.DeletionDate != nil {
		t.Fatalf("%+v", out)
	}
	h.after(60)
	if m, err := h.describe(key); err != nil || *m.KeyState != kmsapi.KeyStatePendingReplicaDeletion || *m.PendingDeletionWindowInDays != 7 {
		t.Fatalf("%+v, %v", m, err)
	}
	if out := h.schedule(replica, 10); *out.KeyState != kmsapi.KeyStatePendingDeletion {
		t.Fatalf("%+v", out)
	}
	h.after(10)
	if _, err := h.describe(replica); codeOf(err) != "NotFoundException" {
		t.Fatalf("replica: %v", err)
	}
	m, err := h.describe(key)
	if err != nil || *m.KeyState != kmsapi.KeyStatePendingDeletion || !m.DeletionDate.Equal(h.clock.Now().AddDate(0, 0, 7)) || len(m.MultiRegionConfiguration.ReplicaKeys) != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	h.after(7)
	if _, err := h.describe(key); codeOf(err) != "NotFoundException" {
		t.Fatalf("primary: %v", err)
	}
}

func TestSweepShredsSlotsWithoutARecord(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	orphan, kek, err := h.slots.Allocate(t.Context(), "kms/lost")
	if err != nil {
		t.Fatal(err)
	}
	kek.Destroy()
	for _, step := range []struct {
		wait time.Duration
		want int
	}{{0, 0}, {orphanAge - 1, 0}, {1, 1}, {time.Hour, 0}, {time.Hour, 0}} {
		h.clock.Advance(step.wait)
		if n, err := h.service.SweepSlots(t.Context()); err != nil || n != step.want {
			t.Errorf("%d shredded, %v; want %d", n, err, step.want)
		}
	}
	if _, err := h.slots.OpenSlot(t.Context(), orphan, "kms/lost"); !errors.Is(err, keyslot.ErrGone) {
		t.Errorf("orphan: %v", err)
	}
	h.service.directory.changed(nameOf(key)) // open the material anew
	wantErrorCode(t, "a key in use", h.encryptAs(root(testAccount), key, nil), "")
}

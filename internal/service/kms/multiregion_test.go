package kms

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/keyslot"
	"fastness/internal/store"
	"fastness/internal/wire"
)

const (
	west   = "us-west-2"
	europe = "eu-west-1"
)

// multi makes a multi-Region key with replicas.
func (r *room) multi(in kmsapi.CreateKeyRequest, regions ...string) *kmsapi.KeyMetadata {
	r.Helper()
	in.MultiRegion = new(true)
	m := r.create(&in)
	for _, region := range regions {
		r.replicate(m.KeyId, region)
	}
	return m
}

func (r *room) replicate(id *string, region string) *kmsapi.ReplicateKeyResponse {
	r.Helper()
	out, err := r.ReplicateKey(r.Context(), &kmsapi.ReplicateKeyRequest{KeyId: id, ReplicaRegion: &region})
	return must(r, out, err)
}

// shape is who is primary and who replica, as a part of a key tells.
func shape(m *kmsapi.KeyMetadata) string {
	c := m.MultiRegionConfiguration
	s := string(*c.MultiRegionKeyType) + " of " + *c.PrimaryKey.Region + ":"
	for _, r := range c.ReplicaKeys {
		s += " " + *r.Region
	}
	return s
}

func TestReplicaSharesWhatAWSSaysAndNothingElse(t *testing.T) {
	h := newHarness(t)
	home, away := h.in(testRegion), h.in(west)
	made := home.create(&kmsapi.CreateKeyRequest{MultiRegion: new(true), Description: new("home"), Tags: []kmsapi.Tag{{TagKey: new("at"), TagValue: new("home")}}})
	id := made.KeyId
	if !strings.HasPrefix(*id, "mrk-") || len(*id) != 36 || shape(made) != "PRIMARY of us-east-1:" {
		t.Fatalf("primary: %s %s", *id, shape(made))
	}
	if _, err := home.CreateAlias(t.Context(), &kmsapi.CreateAliasRequest{AliasName: new("alias/home"), TargetKeyId: id}); err != nil {
		t.Fatal(err)
	}
	before := home.encrypt(id, "before")
	out, err := home.ReplicateKey(t.Context(), &kmsapi.ReplicateKeyRequest{
		KeyId: id, ReplicaRegion: new(west), Description: new("away"), Tags: []kmsapi.Tag{{TagKey: new("at"), TagValue: new("away")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := out.ReplicaKeyMetadata
	if *m.KeyState != kmsapi.KeyStateCreating || *m.Enabled || *m.Arn != strings.Replace(*made.Arn, testRegion, west, 1) || *out.ReplicaPolicy == "" || *out.ReplicaTags[0].TagValue != "away" {
		t.Errorf("answer: %+v", out)
	}
	replica := away.describe(id)
	if *replica.KeyState != kmsapi.KeyStateEnabled || *replica.Description != "away" || *replica.KeyId != *id || *replica.CurrentKeyMaterialId != *made.CurrentKeyMaterialId {
		t.Errorf("replica: %+v", replica)
	}
	if shape(replica) != "REPLICA of us-east-1: us-west-2" || shape(home.describe(id)) != "PRIMARY of us-east-1: us-west-2" {
		t.Errorf("parts: %s; %s", shape(replica), shape(home.describe(id)))
	}
	away.decrypts(before, "before")
	home.decrypts(away.encrypt(id, "after"), "after")
	tags, err := away.ListResourceTags(t.Context(), &kmsapi.ListResourceTagsRequest{KeyId: id})
	if len(must(t, tags, err).Tags) != 1 || *tags.Tags[0].TagValue != "away" {
		t.Errorf("tags of the replica: %+v", tags.Tags)
	}
	aliases, err := away.ListAliases(t.Context(), &kmsapi.ListAliasesRequest{KeyId: id})
	if len(must(t, aliases, err).Aliases) != 0 {
		t.Error("the alias was copied")
	}
	// States are independent.
	if _, err := home.DisableKey(t.Context(), &kmsapi.DisableKeyRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	away.decrypts(before, "before")
	// The other Region knows nothing.
	_, err = h.in(europe).Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: before})
	wantsCode(t, err, "AccessDeniedException")
	if n := len(h.events(west, "CreateKey")); n != 1 {
		t.Errorf("%d CreateKey events in the replica's Region", n)
	}
	if n := len(h.events(testRegion, "ReplicateKey")); n != 1 {
		t.Errorf("%d ReplicateKey events", n)
	}
}

func TestReplicasHaveSlotsOfTheirOwn(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	made := home.multi(kmsapi.CreateKeyRequest{}, west)
	blob := home.encrypt(made.KeyId, "x")
	p, q := h.material(testRegion, *made.KeyId, *made.CurrentKeyMaterialId), h.material(west, *made.KeyId, *made.CurrentKeyMaterialId)
	if p.Slot == q.Slot || string(p.Wrapped) == string(q.Wrapped) {
		t.Fatal("primary and replica share a slot")
	}
	if err := h.slots.Shred(t.Context(), p.Slot); err != nil {
		t.Fatal(err)
	}
	h.in(west).decrypts(blob, "x")
}

func TestReplicateAsymmetricKey(t *testing.T) {
	h := newHarness(t)
	home, away := h.in(testRegion), h.in(west)
	id := home.multi(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)}, west).KeyId
	algorithm, message := kmsapi.SigningAlgorithmSpecECDSASHA256, []byte("m")
	sig, err := home.Sign(t.Context(), &kmsapi.SignRequest{KeyId: id, Message: message, SigningAlgorithm: &algorithm})
	if err != nil {
		t.Fatal(err)
	}
	ok, err := away.Verify(t.Context(), &kmsapi.VerifyRequest{KeyId: id, Message: message, SigningAlgorithm: &algorithm, Signature: sig.Signature})
	if err != nil || !*ok.SignatureValid {
		t.Errorf("the replica does not verify: %v", err)
	}
	if _, err := away.Sign(t.Context(), &kmsapi.SignRequest{KeyId: id, Message: message, SigningAlgorithm: &algorithm}); err != nil {
		t.Error(err)
	}
}

func TestReplicateKeyRefusals(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	single := home.create(&kmsapi.CreateKeyRequest{})
	made := home.multi(kmsapi.CreateKeyRequest{}, west)
	disabled := home.multi(kmsapi.CreateKeyRequest{})
	h.force(disabled, kmsapi.KeyStateDisabled)
	lockedOut := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + otherAccount + `:root"},"Action":"kms:*","Resource":"*"}]}`
	for name, c := range map[string]struct {
		in   kmsapi.ReplicateKeyRequest
		code string
	}{
		"single-Region key":     {kmsapi.ReplicateKeyRequest{KeyId: single.KeyId, ReplicaRegion: new(europe)}, "UnsupportedOperationException"},
		"own Region":            {kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new(testRegion)}, "AlreadyExistsException"},
		"Region with replica":   {kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new(west)}, "AlreadyExistsException"},
		"Region not served":     {kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new("af-south-1")}, "UnsupportedOperationException"},
		"disabled":              {kmsapi.ReplicateKeyRequest{KeyId: disabled.KeyId, ReplicaRegion: new(west)}, "DisabledException"},
		"malformed policy":      {kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new(europe), Policy: new("{}")}, "MalformedPolicyDocumentException"},
		"policy that locks":     {kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new(europe), Policy: &lockedOut}, "MalformedPolicyDocumentException"},
		"reserved tag":          {kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new(europe), Tags: []kmsapi.Tag{{TagKey: new("aws:x"), TagValue: new("")}}}, "TagException"},
		"key that is not there": {kmsapi.ReplicateKeyRequest{KeyId: new("mrk-" + strings.Repeat("0", 32)), ReplicaRegion: new(west)}, "NotFoundException"},
	} {
		if _, err := home.ReplicateKey(t.Context(), &c.in); codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	_, err := h.in(west).ReplicateKey(t.Context(), &kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new(europe)})
	wants(t, err, "UnsupportedOperationException", strings.Replace(*made.Arn, testRegion, west, 1)+" is not a multi-Region primary key.")
	if got := shape(home.describe(made.KeyId)); got != "PRIMARY of us-east-1: us-west-2" {
		t.Errorf("after refusals: %s", got)
	}
}

func TestReplicateKeyNeedsRightsInBothRegions(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	made := home.multi(kmsapi.CreateKeyRequest{})
	alice := user(testAccount, "alice")
	c := h.as(alice, testRegion).kms()
	in := &kmsapi.ReplicateKeyRequest{KeyId: made.KeyId, ReplicaRegion: new(west), Tags: []kmsapi.Tag{{TagKey: new("a"), TagValue: new("b")}}}
	refused := func(action string) {
		t.Helper()
		_, err := c.ReplicateKey(t.Context(), in)
		if codeOf(err) != "AccessDeniedException" || !strings.Contains(err.Error(), action+" ") {
			t.Errorf("got %v, want a denial of %s", err, action)
		}
	}
	refused("kms:ReplicateKey")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:ReplicateKey","Resource":"*","Condition":{"StringEquals":{"kms:ReplicaRegion":"us-west-2","aws:RequestedRegion":"us-east-1"}}}}`)
	refused("kms:CreateKey")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}}}`)
	refused("kms:CreateKey")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-west-2"}}}}`)
	refused("kms:TagResource")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:TagResource","Resource":"*"}}`)
	if _, err := c.ReplicateKey(t.Context(), in); err != nil {
		t.Error(err)
	}
}

func TestRotationReachesAllReplicasAtOnce(t *testing.T) {
	h := newHarness(t)
	home, away, third := h.in(testRegion), h.in(west), h.in(europe)
	made := home.multi(kmsapi.CreateKeyRequest{}, west)
	id := made.KeyId
	if _, err := home.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	if s := away.status(id); !*s.KeyRotationEnabled || *s.RotationPeriodInDays != 90 || !s.NextRotationDate.Equal(*home.status(id).NextRotationDate) {
		t.Errorf("replica's status: %+v", s)
	}
	for _, f := range []func() error{
		func() error {
			_, err := away.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id})
			return err
		},
		func() error {
			_, err := away.DisableKeyRotation(t.Context(), &kmsapi.DisableKeyRotationRequest{KeyId: id})
			return err
		},
		func() error {
			_, err := away.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id})
			return err
		},
	} {
		wants(t, f(), "UnsupportedOperationException", strings.Replace(*made.Arn, testRegion, west, 1)+" is not a multi-Region primary key.")
	}
	first := home.encrypt(id, "x")
	h.after(90)
	if _, err := home.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	home.replicate(id, europe) // comes with the whole past
	if s := third.status(id); !*s.KeyRotationEnabled {
		t.Error("the new replica does not follow the rotation")
	}
	current := *home.describe(id).CurrentKeyMaterialId
	for _, r := range []*room{home, away, third} {
		r.decrypts(first, "x")
		if got := r.decrypts(r.encrypt(id, "y"), "y"); got != current {
			t.Errorf("%s encrypts under %s", r.region, got)
		}
		all := r.materials(id)
		if len(all) != 3 || *all[1].RotationType != kmsapi.RotationTypeAutomatic || *all[2].RotationType != kmsapi.RotationTypeOnDemand || *all[2].KeyMaterialState != kmsapi.KeyMaterialStateCurrent {
			t.Errorf("materials in %s: %+v", r.region, all)
		}
	}
	third.decrypts(away.encrypt(id, "z"), "z")
}

// Whatever one Region encrypts, every other decrypts at once, while the key rotates
// and its primary moves.
func TestPartsNeverDisagreeWhileTheKeyRotates(t *testing.T) {
	h := newHarness(t)
	home, away := h.in(testRegion), h.in(west)
	id := home.multi(kmsapi.CreateKeyRequest{}, west).KeyId
	rooms := []*room{home, away}
	stop := make(chan struct{})
	var users sync.WaitGroup
	for i := range 4 {
		from, to := rooms[i%2], rooms[1-i%2]
		users.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				blob, err := from.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("x")})
				if err == nil {
					_, err = to.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob.CiphertextBlob})
				}
				if err != nil {
					t.Errorf("from %s to %s: %v", from.region, to.region, err)
					return
				}
			}
		})
	}
	for i := range 20 {
		if _, err := rooms[i%2].RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
			t.Error(err)
			break
		}
		if _, err := rooms[i%2].UpdatePrimaryRegion(t.Context(), &kmsapi.UpdatePrimaryRegionRequest{KeyId: id, PrimaryRegion: &rooms[1-i%2].region}); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	users.Wait()
	if n := len(home.materials(id)); n != 21 {
		t.Errorf("%d materials", n)
	}
}

func TestUpdatePrimaryRegionSwapsTheParts(t *testing.T) {
	h := newHarness(t)
	home, away, third := h.in(testRegion), h.in(west), h.in(europe)
	made := home.multi(kmsapi.CreateKeyRequest{}, west, europe)
	id := made.KeyId
	if _, err := home.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	blob := home.encrypt(id, "x")
	swap := func(r *room, to string) error {
		_, err := r.UpdatePrimaryRegion(t.Context(), &kmsapi.UpdatePrimaryRegionRequest{KeyId: id, PrimaryRegion: &to})
		return err
	}
	if err := swap(home, west); err != nil {
		t.Fatal(err)
	}
	for r, want := range map[*room]string{
		home: "REPLICA of us-west-2: eu-west-1 us-east-1", away: "PRIMARY of us-west-2: eu-west-1 us-east-1", third: "REPLICA of us-west-2: eu-west-1 us-east-1",
	} {
		m := r.describe(id)
		if got := shape(m); got != want || *m.KeyState != kmsapi.KeyStateEnabled {
			t.Errorf("%s: %s %s, want %s", r.region, got, *m.KeyState, want)
		}
		r.decrypts(blob, "x")
	}
	// The new primary rotates, the old one no longer does.
	h.after(90)
	for _, r := range []*room{home, away, third} {
		if n := len(r.materials(id)); n != 2 {
			t.Errorf("%d materials in %s", n, r.region)
		}
	}
	_, err := home.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(100))})
	wantsCode(t, err, "UnsupportedOperationException")
	wantsCode(t, swap(home, europe), "UnsupportedOperationException") // no longer primary
	wantsCode(t, swap(away, west), "UnsupportedOperationException")   // already primary
	wantsCode(t, swap(away, "ap-south-1"), "NotFoundException")       // no replica there
	h.edit(keyName{testAccount, europe, *id}, func(k *keyRecord) { k.State = kmsapi.KeyStatePendingDeletion })
	wantsCode(t, swap(away, europe), "KMSInvalidStateException")
	if err := swap(away, testRegion); err != nil {
		t.Fatal(err)
	}
	if got := shape(home.describe(id)); got != "PRIMARY of us-east-1: eu-west-1 us-west-2" {
		t.Error(got)
	}
	single := home.create(&kmsapi.CreateKeyRequest{})
	_, err = home.UpdatePrimaryRegion(t.Context(), &kmsapi.UpdatePrimaryRegionRequest{KeyId: single.KeyId, PrimaryRegion: new(west)})
	wants(t, err, "UnsupportedOperationException", *single.Arn+" is not a multi-Region primary key.")
}

func TestUpdatePrimaryRegionNeedsRightsOnBothKeys(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	made := home.multi(kmsapi.CreateKeyRequest{}, west)
	alice := user(testAccount, "alice")
	c := h.as(alice, testRegion).kms()
	in := &kmsapi.UpdatePrimaryRegionRequest{KeyId: made.KeyId, PrimaryRegion: new(west)}
	replica := strings.Replace(*made.Arn, testRegion, west, 1)
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:UpdatePrimaryRegion","Resource":"`+*made.Arn+`"}}`)
	_, err := c.UpdatePrimaryRegion(t.Context(), in)
	if codeOf(err) != "AccessDeniedException" || !strings.Contains(err.Error(), replica) {
		t.Errorf("without rights on the replica: %v", err)
	}
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:UpdatePrimaryRegion","Resource":"`+replica+`","Condition":{"StringEquals":{"kms:PrimaryRegion":"us-west-2"}}}}`)
	if _, err := c.UpdatePrimaryRegion(t.Context(), in); err != nil {
		t.Error(err)
	}
}

func TestManyMaterialsAreCopiedByAJob(t *testing.T) {
	h := newHarness(t)
	r, oldest, newest := rotatedOften(t, h, 2*maxInlineMaterials+10, true)
	id := r.only()
	r.replicate(id, west)
	away := h.in(west)
	if got := *away.describe(id).KeyState; got != kmsapi.KeyStateCreating {
		t.Errorf("state %s", got)
	}
	_, err := away.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: oldest})
	wants(t, err, "KMSInvalidStateException", *away.describe(id).Arn+" is creating.")
	// A rotation in the middle of it reaches the unfinished replica too.
	if _, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	last := r.encrypt(id, "last")
	h.consistent()
	h.runJobs()
	h.consistent()
	if got := *away.describe(id).KeyState; got != kmsapi.KeyStateEnabled {
		t.Errorf("state %s", got)
	}
	away.decrypts(oldest, "x")
	away.decrypts(newest, "x")
	away.decrypts(last, "last")
	there, here := away.materials(id), r.materials(id)
	same := slices.EqualFunc(there, here, func(a, b kmsapi.RotationsListEntry) bool {
		return *a.KeyMaterialId == *b.KeyMaterialId && *a.KeyMaterialState == *b.KeyMaterialState
	})
	if !same {
		t.Error("the replica's materials differ from the primary's")
	}
}

// consistent runs the room's checks over the store.
func (h *harness) consistent() {
	h.Helper()
	problems, err := store.Fsck(h.Context(), h.store, append(h.registry.Checks(), Checks(h.slots)...)...)
	if err != nil {
		h.Fatal(err)
	}
	for _, p := range problems {
		h.Errorf("%s: %q: %s", p.Check, p.Key, p.Text)
	}
}

// only is the one key of the Region.
func (r *room) only() *string {
	r.Helper()
	out, err := r.ListKeys(r.Context(), &kmsapi.ListKeysRequest{})
	if len(must(r, out, err).Keys) != 1 {
		r.Fatalf("%d keys", len(out.Keys))
	}
	return out.Keys[0].KeyId
}

func TestDetachingReplicasLetsThePrimaryGo(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	made := home.multi(kmsapi.CreateKeyRequest{}, west, europe)
	id := *made.KeyId
	h.edit(keyName{testAccount, testRegion, id}, func(k *keyRecord) {
		k.State, k.Deletion = kmsapi.KeyStatePendingReplicaDeletion, &deletion{Days: 7}
	})
	detach := func(region string) (freed *keyRecord) {
		t.Helper()
		_, err := h.store.Update(t.Context(), func(tx store.Txn) error {
			k, err := h.service.tables.key(tx, keyName{testAccount, region, id})
			if err != nil {
				return err
			}
			freed, err = h.service.detachReplica(tx, k)
			return errors.Join(err, h.service.tables.deleteKey(tx, k.name()))
		})
		if err != nil {
			t.Fatal(err)
		}
		return freed
	}
	if freed := detach(west); freed != nil {
		t.Error("the primary was let go while a replica was left")
	}
	if got := shape(home.describe(&id)); got != "PRIMARY of us-east-1: eu-west-1" {
		t.Error(got)
	}
	freed := detach(europe)
	if freed == nil || freed.State != kmsapi.KeyStatePendingDeletion || !freed.Deletion.Date.Equal(h.clock.Now().AddDate(0, 0, 7)) {
		t.Fatalf("freed: %+v", freed)
	}
	if m := home.describe(&id); *m.KeyState != kmsapi.KeyStatePendingDeletion || !m.DeletionDate.Equal(h.clock.Now().AddDate(0, 0, 7)) {
		t.Errorf("%+v", m)
	}
}

func TestReplicasThatDieWhileTheKeyRotates(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	id := home.multi(kmsapi.CreateKeyRequest{}, west, europe).KeyId
	if _, err := home.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	blob := home.encrypt(id, "x")
	h.after(83)
	for _, r := range []*room{h.in(west), h.in(europe)} {
		if _, err := r.ScheduleKeyDeletion(t.Context(), &kmsapi.ScheduleKeyDeletionRequest{KeyId: id, PendingWindowInDays: new(int32(7))}); err != nil {
			t.Fatal(err)
		}
	}
	h.after(7) // both replicas are destroyed and the primary rotates, in whichever order
	for _, region := range []string{west, europe} {
		_, err := h.in(region).DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: id})
		wantsCode(t, err, "NotFoundException")
	}
	if got := shape(home.describe(id)); got != "PRIMARY of us-east-1:" || len(home.materials(id)) != 2 {
		t.Errorf("%s, %d materials", got, len(home.materials(id)))
	}
	home.decrypts(blob, "x")
	home.replicate(id, west) // the Region is free again
	h.in(west).decrypts(blob, "x")
	h.consistent()
}

// AWS has fewer Regions than this; a rotation of a key in all of them is one
// transaction.
func TestKeyInFortyRegions(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	id := home.multi(kmsapi.CreateKeyRequest{}).KeyId
	for i := range 39 {
		region := "test-region-" + itoa(i)
		h.service.regions = append(h.service.regions, region)
		home.replicate(id, region)
	}
	if _, err := home.EnableKeyRotation(t.Context(), &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))}); err != nil {
		t.Fatal(err)
	}
	if _, err := home.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	blob := home.encrypt(id, "x")
	h.after(90)
	h.consistent()
	if n := len(home.materials(id)); n != 3 {
		t.Errorf("%d materials", n)
	}
	h.in("test-region-38").decrypts(blob, "x")
}

// The transaction that would record a material may fail after its slot was made: the
// key is as it was, and all that is left is a slot that nothing refers to.
func TestFailedRotationLeavesAnOrphanSlotOnly(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	made := r.multi(kmsapi.CreateKeyRequest{}, west)
	blob := r.encrypt(made.KeyId, "x")
	slots := func() int {
		report, err := h.slots.Check(t.Context(), func(func(keyslot.SlotID, string) bool) {})
		return must(t, report, err).Live
	}
	before, failed := slots(), errors.New("power is lost")
	_, err := h.store.Update(t.Context(), func(tx store.Txn) error {
		k, err := h.service.tables.key(tx, keyName{testAccount, testRegion, *made.KeyId})
		if err != nil {
			return err
		}
		parts, err := h.service.livingParts(tx, k)
		if err != nil {
			return err
		}
		if _, err := h.service.addMaterial(t.Context(), tx, parts, kmsapi.RotationTypeAutomatic, h.clock.Now()); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if n := slots(); n != before+2 {
		t.Errorf("%d slots, before %d", n, before)
	}
	if n := len(r.materials(made.KeyId)); n != 1 {
		t.Errorf("%d materials", n)
	}
	r.decrypts(blob, "x")
	for range 2 {
		if _, err := h.service.SweepSlots(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(2 * orphanAge)
	}
	if n := slots(); n != before {
		t.Errorf("%d slots after the sweep, before %d", n, before)
	}
	r.decrypts(blob, "x")
	h.in(west).decrypts(blob, "x")
}

// Between the commit that takes a material's slot out of its record and the shredding
// the process may die: the job is still there, and the record opens nothing meanwhile.
func TestShreddingOutlivesACrash(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	id := r.external(kmsapi.CreateKeyRequest{}).KeyId
	m := r.mustImport(id, randomBytes(32), kmsapi.ImportKeyMaterialRequest{})
	before := h.material(testRegion, *id, m)
	if _, err := r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	if now := h.material(testRegion, *id, m); !now.Slot.IsZero() || now.Wrapped != nil {
		t.Error("the record still holds the material")
	}
	for range 2 { // the runner died after the shredding and does it again
		if err := h.service.shredDue(t.Context(), due.Job{Kind: jobShred, ID: before.Slot.String()}); err != nil {
			t.Fatal(err)
		}
	}
	h.runJobs()
	if err := h.service.unwrap(t.Context(), before, func([]byte) error { return nil }); !errors.Is(err, keyslot.ErrGone) {
		t.Errorf("the old record opens: %v", err)
	}
}

func TestBlobYoungerThanTheSnapshotDecrypts(t *testing.T) {
	h := newHarness(t)
	home := h.in(testRegion)
	id := home.multi(kmsapi.CreateKeyRequest{}, west).KeyId
	old, err := h.service.directory.key(t.Context(), keyName{testAccount, west, *id})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	blob := home.encrypt(id, "x")
	ctx := call.With(t.Context(), &call.Call{Operation: &wire.Operation{Name: "Decrypt"}})
	plaintext, m, err := h.service.decrypt(ctx, old, &resolved{}, blob, nil)
	if err != nil || string(plaintext) != "x" || m.record.ID != *home.describe(id).CurrentKeyMaterialId {
		t.Errorf("got %q, %v", plaintext, err)
	}
	blob[20] ^= 1 // a material that is nowhere
	_, _, err = h.service.decrypt(ctx, old, &resolved{}, blob, nil)
	wants(t, err, "InvalidCiphertextException", "")
}

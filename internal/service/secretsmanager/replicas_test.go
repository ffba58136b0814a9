package secretsmanager

import (
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/kmsapi"
	api "fastness/internal/api/secretsmanagerapi"
)

func (h *harness) far() *api.Client { return h.as(root(testAccount), farRegion) }

func TestAReplicaFollowsItsPrimary(t *testing.T) {
	h := newHarness(t)
	far := h.ownKey(farRegion)
	made, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{
		Name: new("a"), SecretString: new("1"), ClientRequestToken: token(1), Tags: []api.Tag{{Key: new("k"), Value: new("v")}},
		AddReplicaRegions: []api.ReplicaRegionType{{Region: new(farRegion), KmsKeyId: far.Arn}},
	})
	h.must(err)
	if s := made.ReplicationStatus; len(s) != 1 || *s[0].Region != farRegion || *s[0].Status != api.StatusTypeInSync || *s[0].KmsKeyId != *far.Arn {
		t.Fatalf("status %+v", s)
	}
	farARN := strings.Replace(*made.ARN, testRegion, farRegion, 1)
	h.put("a", "2", 2)
	for id, stage := range map[string]string{farARN: stageCurrent, "a": stagePrevious} {
		want := map[string]string{stageCurrent: "2", stagePrevious: "1"}[stage]
		if v, err := h.value(h.far(), id, stage); v != want {
			t.Errorf("%s: %q, %v", stage, v, err)
		}
	}
	there, err := h.far().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
	h.must(err)
	here, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
	h.must(err)
	if *there.ARN != farARN || *there.PrimaryRegion != testRegion || *here.PrimaryRegion != testRegion || *there.KmsKeyId != *far.Arn ||
		len(there.Tags) != 1 || len(there.ReplicationStatus) != 0 || len(here.ReplicationStatus) != 1 {
		t.Errorf("there %+v\nhere %+v", there, here)
	}
	versions, err := h.far().ListSecretVersionIds(t.Context(), &api.ListSecretVersionIdsRequest{SecretId: new("a")})
	h.must(err)
	for _, v := range versions.Versions {
		if !slices.Equal(v.KmsKeyIds, []string{*far.Arn}) {
			t.Errorf("version under %v", v.KmsKeyIds)
		}
	}
	if names := h.eventNames(testRegion); !slices.Equal(names, []string{"ReplicationStarted", "ReplicationSucceeded"}) {
		t.Errorf("events %v", names)
	}

	const refused = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
	c, ctx := h.far(), t.Context()
	for name, try := range map[string]func() error{
		"PutSecretValue": func() error {
			_, err := c.PutSecretValue(ctx, &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new("x"), ClientRequestToken: token(9)})
			return err
		},
		"UpdateSecret": func() error {
			_, err := c.UpdateSecret(ctx, &api.UpdateSecretRequest{SecretId: new("a"), Description: new("x")})
			return err
		},
		"TagResource": func() error {
			_, err := c.TagResource(ctx, &api.TagResourceRequest{SecretId: new("a"), Tags: []api.Tag{{Key: new("k"), Value: new("v")}}})
			return err
		},
		"RotateSecret": func() error {
			_, err := c.RotateSecret(ctx, &api.RotateSecretRequest{SecretId: new("a"), ClientRequestToken: token(9)})
			return err
		},
		"PutResourcePolicy": func() error { return putPolicy("a", false)(c) },
		"DeleteSecret":      func() error { return remove("a", 7)(c) },
		"Replicate":         func() error { return replicateTo("a", "eu-west-1")(c) },
	} {
		t.Log(name)
		h.want(try(), "InvalidParameterException", refused)
	}
	h.want(remove("a", 7)(h.admin()), "InvalidParameterException", "You can't delete secret "+*made.ARN+" that still has replica regions ["+farRegion+"].")
	// The key is the exception.
	other := h.ownKey(farRegion)
	_, err = c.UpdateSecret(ctx, &api.UpdateSecretRequest{SecretId: new("a"), KmsKeyId: other.Arn})
	h.must(err)
	_, err = h.kmsAs(root(testAccount), farRegion).DisableKey(ctx, &kmsapi.DisableKeyRequest{KeyId: far.KeyId})
	h.must(err)
	if v, err := h.value(c, "a", ""); v != "2" {
		t.Errorf("under the other key: %q, %v", v, err)
	}
}

func TestAReplicaThatCannotBeWrittenSaysWhyAndIsTriedAgain(t *testing.T) {
	h := newHarness(t)
	far := h.ownKey(farRegion)
	h.create("a", "1")
	h.must(replicateTo("a", "eu-west-1")(h.admin()))
	out, err := h.admin().ReplicateSecretToRegions(t.Context(), &api.ReplicateSecretToRegionsRequest{SecretId: new("a"), AddReplicaRegions: []api.ReplicaRegionType{{Region: new(farRegion), KmsKeyId: far.Arn}}})
	h.must(err)
	if len(out.ReplicationStatus) != 2 {
		t.Fatalf("status %+v", out.ReplicationStatus)
	}
	keys := h.kmsAs(root(testAccount), farRegion)
	_, err = keys.DisableKey(t.Context(), &kmsapi.DisableKeyRequest{KeyId: far.KeyId})
	h.must(err)
	h.put("a", "2", 2)
	status := func() api.ReplicationStatusType {
		d, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
		h.must(err)
		for _, s := range d.ReplicationStatus {
			if *s.Region == farRegion {
				return s
			}
		}
		t.Fatal("no status")
		panic("unreachable")
	}
	if s := status(); *s.Status != api.StatusTypeFailed || !strings.HasPrefix(*s.StatusMessage, "Replication failed: Secrets Manager can't encrypt") {
		t.Errorf("status %+v: %s", s, *s.StatusMessage)
	}
	if v, err := h.value(h.as(root(testAccount), "eu-west-1"), "a", ""); v != "2" {
		t.Errorf("the other replica: %q, %v", v, err)
	}
	_, err = keys.EnableKey(t.Context(), &kmsapi.EnableKeyRequest{KeyId: far.KeyId})
	h.must(err)
	if v, err := h.value(h.far(), "a", ""); v != "1" {
		t.Errorf("the replica that failed: %q, %v", v, err)
	}
	h.put("a", "3", 3)
	if s := status(); *s.Status != api.StatusTypeInSync {
		t.Errorf("status %+v", s)
	}
	if v, err := h.value(h.far(), "a", ""); v != "3" {
		t.Errorf("%q, %v", v, err)
	}
}

func TestRegionsAreCheckedAndNamesKept(t *testing.T) {
	h := newHarness(t)
	h.create("a", "1")
	for _, region := range []string{testRegion, "mars-1"} {
		h.want(replicateTo("a", region)(h.admin()), "InvalidParameterException", "Invalid replica region.")
	}
	_, err := h.far().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("a"), SecretString: new("theirs"), ClientRequestToken: token(1)})
	h.must(err)
	in := &api.ReplicateSecretToRegionsRequest{SecretId: new("a"), AddReplicaRegions: []api.ReplicaRegionType{{Region: new(farRegion)}}}
	out, err := h.admin().ReplicateSecretToRegions(t.Context(), in)
	h.must(err)
	if s := out.ReplicationStatus[0]; *s.Status != api.StatusTypeFailed || *s.StatusMessage != "Replication failed: Secret name a already exists in region us-west-2." {
		t.Errorf("status %+v", s)
	}
	if v, err := h.value(h.far(), "a", ""); v != "theirs" {
		t.Errorf("%q, %v", v, err)
	}
	in.ForceOverwriteReplicaSecret = new(true)
	out, err = h.admin().ReplicateSecretToRegions(t.Context(), in)
	h.must(err)
	h.runJobs()
	if v, err := h.value(h.far(), "a", ""); v != "1" || *out.ReplicationStatus[0].Status != api.StatusTypeInSync {
		t.Errorf("overwritten %q, %v", v, err)
	}
}

func TestAReplicaCanBeRemovedAndMadeAgain(t *testing.T) {
	h := newHarness(t)
	h.create("a", "1")
	h.must(replicateTo("a", farRegion)(h.admin()))
	for range 2 { // the second time there is nothing to do
		out, err := h.admin().RemoveRegionsFromReplication(t.Context(), &api.RemoveRegionsFromReplicationRequest{SecretId: new("a"), RemoveReplicaRegions: []string{farRegion}})
		h.must(err)
		if len(out.ReplicationStatus) != 0 {
			t.Errorf("status %+v", out.ReplicationStatus)
		}
	}
	_, err := h.value(h.far(), "a", "")
	h.want(err, "ResourceNotFoundException", "")
	// Before the sweep of what the first one left, which must not touch the second.
	h.must(replicateTo("a", farRegion)(h.admin()))
	h.runJobs()
	if v, err := h.value(h.far(), "a", ""); v != "1" {
		t.Errorf("made again: %q, %v", v, err)
	}
}

func TestAPromotedReplicaIsASecretOfItsOwn(t *testing.T) {
	h := newHarness(t)
	h.create("a", "1")
	h.must(replicateTo("a", farRegion)(h.admin()))
	stop := func(c *api.Client) error {
		_, err := c.StopReplicationToReplica(t.Context(), &api.StopReplicationToReplicaRequest{SecretId: new("a")})
		return err
	}
	h.want(stop(h.admin()), "InvalidRequestException", "")
	h.must(stop(h.far()))
	_, err := h.far().PutSecretValue(t.Context(), &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new("mine"), ClientRequestToken: token(2)})
	h.must(err)
	h.put("a", "other", 3)
	if v, err := h.value(h.far(), "a", ""); v != "mine" {
		t.Errorf("%q, %v", v, err)
	}
	for _, c := range []*api.Client{h.admin(), h.far()} {
		d, err := c.DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
		h.must(err)
		if d.PrimaryRegion != nil || len(d.ReplicationStatus) != 0 {
			t.Errorf("described %+v", d)
		}
		h.must(remove("a", 7)(c))
	}
}

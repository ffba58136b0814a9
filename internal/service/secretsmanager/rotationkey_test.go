package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// keyed is the room with the real KMS, and a database whose secrets are under a customer
// managed key.
type keyed struct {
	*harness
	db  *database
	key string // ARN
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	k := &keyed{db: &database{passwords: map[string]string{}}}
	k.harness = newHarness(t, func(c *Config) {
		c.Rotation = RotationConfig{
			AsService: func(ctx context.Context, service, account, region string) context.Context {
				return k.door.AsService(ctx, service, account, region)
			},
			Rotators: func(name string) (BuiltIn, bool) {
				return &fakeRotator{k.db, &fuse{left: -1}}, name == "SecretsManagerRDSPostgreSQLRotationSingleUser"
			},
		}
	})
	out, err := k.kmsAs(root(testAccount), testRegion).CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})
	k.must(err)
	k.key = *out.KeyMetadata.Arn
	return k
}

// make creates a secret under the key for a user of the database.
func (k *keyed) make(name string) (arn string) {
	k.Helper()
	k.db.set(name, "first-"+name)
	out, err := k.admin().CreateSecret(k.Context(), &secretsmanagerapi.CreateSecretRequest{
		Name: &name, ClientRequestToken: new(eventlog.NewID()), SecretString: new(document(name, "first-"+name)), KmsKeyId: &k.key,
	})
	k.must(err)
	return *out.ARN
}

func (k *keyed) rotate(arn string) (token string, err error) {
	k.Helper()
	out, err := k.admin().RotateSecret(k.Context(), &secretsmanagerapi.RotateSecretRequest{
		SecretId: &arn, ClientRequestToken: new(eventlog.NewID()),
		RotationLambdaARN: new("arn:aws:lambda:" + testRegion + ":" + testAccount + ":function:SecretsManagerRDSPostgreSQLRotationSingleUser"),
	})
	if err != nil {
		return "", err
	}
	return *out.VersionId, nil
}

// drain does the rotations that are due, and the jobs they lead to.
func (k *keyed) drain() {
	k.Helper()
	ctx := k.Context()
	for ran := true; ran; {
		ran = false
		k.runJobs()
		var jobs []due.Job
		k.must(k.store.View(ctx, func(r store.Reader) (err error) {
			jobs, err = k.service.tables.rotationJobs.List(r, jobRotation, "", 1000)
			return err
		}))
		for _, j := range jobs {
			if j.At.After(k.clock.Now()) {
				continue
			}
			ran = true
			k.must(k.service.rotation.carryOn(ctx, j))
			_, err := k.store.Update(ctx, func(tx store.Txn) error {
				now, err := k.service.tables.rotationJobs.Get(tx, jobRotation, j.ID)
				if isNotFound(err) || err == nil && !now.At.Equal(j.At) {
					return nil
				}
				_, err = k.service.tables.rotationJobs.Cancel(tx, jobRotation, j.ID)
				return err
			})
			k.must(err)
		}
	}
}

func (k *keyed) disable() {
	k.Helper()
	_, err := k.kmsAs(root(testAccount), testRegion).DisableKey(k.Context(), &kmsapi.DisableKeyRequest{KeyId: &k.key})
	k.must(err)
}

func (k *keyed) enable() {
	k.Helper()
	_, err := k.kmsAs(root(testAccount), testRegion).EnableKey(k.Context(), &kmsapi.EnableKeyRequest{KeyId: &k.key})
	k.must(err)
}

// labels are those of the secret's versions.
func (k *keyed) labels(arn string) map[string][]string {
	k.Helper()
	out, err := k.admin().DescribeSecret(k.Context(), &secretsmanagerapi.DescribeSecretRequest{SecretId: &arn})
	k.must(err)
	return out.VersionIdsToStages
}

func (k *keyed) agree(name, arn string) {
	k.Helper()
	text, err := k.value(k.admin(), arn, "")
	k.must(err)
	if l := parsed(k, text); !k.db.knows(name, l.Password) {
		k.Errorf("the database does not know the current password of %s", name)
	}
}

func parsed(k *keyed, text string) (l login) {
	k.Helper()
	k.must(json.Unmarshal([]byte(text), &l))
	return l
}

func TestRotationUnderACustomerManagedKey(t *testing.T) {
	k := newKeyed(t)
	arn := k.make("app")
	token, err := k.rotate(arn)
	k.must(err)
	k.drain()
	k.agree("app", arn)
	if got := k.labels(arn)[token]; !slices.Equal(got, []string{"AWSCURRENT"}) {
		t.Fatalf("labels %v", got)
	}
	versions, err := k.admin().ListSecretVersionIds(t.Context(), &secretsmanagerapi.ListSecretVersionIdsRequest{SecretId: &arn})
	k.must(err)
	for _, v := range versions.Versions {
		if !slices.Equal(v.KmsKeyIds, []string{k.key}) {
			t.Errorf("version %s is under %v", *v.VersionId, v.KmsKeyIds)
		}
	}
	if len(versions.Versions) != 2 {
		t.Errorf("%d versions", len(versions.Versions))
	}
}

// A rotation reaches the replicas, each under a key of its own Region.
func TestRotationReachesReplicasUnderTheirOwnKeys(t *testing.T) {
	k := newKeyed(t)
	arn := k.make("app")
	there, err := k.kmsAs(root(testAccount), farRegion).CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})
	k.must(err)
	_, err = k.admin().ReplicateSecretToRegions(t.Context(), &secretsmanagerapi.ReplicateSecretToRegionsRequest{
		SecretId: &arn, AddReplicaRegions: []secretsmanagerapi.ReplicaRegionType{{Region: new(farRegion), KmsKeyId: there.KeyMetadata.Arn}},
	})
	k.must(err)
	token, err := k.rotate(arn)
	k.must(err)
	k.drain()
	k.agree("app", arn)
	out, err := k.admin().DescribeSecret(t.Context(), &secretsmanagerapi.DescribeSecretRequest{SecretId: &arn})
	k.must(err)
	if r := out.ReplicationStatus[0]; *r.Status != secretsmanagerapi.StatusTypeInSync {
		t.Errorf("the replica is %s: %s", *r.Status, wire.Value(r.StatusMessage))
	}
	far := k.as(root(testAccount), farRegion)
	got, err := far.GetSecretValue(t.Context(), &secretsmanagerapi.GetSecretValueRequest{SecretId: new("app")})
	k.must(err)
	if l := parsed(k, *got.SecretString); *got.VersionId != token || !k.db.knows("app", l.Password) {
		t.Error("the replica has another value")
	}
	versions, err := far.ListSecretVersionIds(t.Context(), &secretsmanagerapi.ListSecretVersionIdsRequest{SecretId: new("app")})
	k.must(err)
	for _, v := range versions.Versions {
		if !slices.Equal(v.KmsKeyIds, []string{*there.KeyMetadata.Arn}) {
			t.Errorf("version %s of the replica is under %v", *v.VersionId, v.KmsKeyIds)
		}
	}
}

// A key that is disabled when the database has the new password, and the secret not yet:
// nothing can be read, and nothing is lost.
func TestAKeyDisabledWithinARotationLosesNothing(t *testing.T) {
	k := newKeyed(t)
	arn := k.make("app")
	k.db.changed = k.disable
	token, err := k.rotate(arn)
	k.must(err)
	k.drain()
	k.db.changed = nil
	if got := k.labels(arn)[token]; !slices.Equal(got, []string{"AWSPENDING"}) {
		t.Errorf("labels %v", got)
	}
	_, err = k.value(k.admin(), arn, "AWSCURRENT")
	k.want(err, "DecryptionFailure", "")
	k.enable()
	k.clock.Advance(time.Minute) // the next attempt
	k.drain()
	k.agree("app", arn)
	if got := k.labels(arn)[token]; !slices.Equal(got, []string{"AWSCURRENT"}) {
		t.Errorf("labels %v", got)
	}
	if k.db.changes != 2 { // the first password, and one more
		t.Errorf("the database changed %d times", k.db.changes)
	}
}

func TestARotationUnderADisabledKeyFailsAndIsReattempted(t *testing.T) {
	k := newKeyed(t)
	arn := k.make("app")
	k.disable()
	token, err := k.rotate(arn)
	k.must(err)
	for range maxRotationRetries + 1 {
		k.drain()
		k.clock.Advance(2 * time.Hour)
	}
	if got := k.eventNames(testRegion); !slices.Equal(got, []string{"RotationStarted", "RotationFailed"}) {
		t.Errorf("events %v", got)
	}
	if k.db.changes != 1 {
		t.Error("the database changed")
	}
	k.enable()
	k.agree("app", arn)
	_, err = k.rotate(arn)
	k.want(err, "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.")
	k.must(k.service.rotation.restart(t.Context(), <-k.service.rotation.again))
	k.drain()
	k.agree("app", arn)
	if got := k.labels(arn)[token]; !slices.Equal(got, []string{"AWSCURRENT"}) {
		t.Errorf("labels %v", got)
	}
}

// What a built-in function may do with a key is what the key policy gives to the account,
// or to Secrets Manager.
func TestTheKeyPolicyDecidesOnRotation(t *testing.T) {
	const admin = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/keeper"},"Action":"kms:*","Resource":"*"}`
	const account = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}`
	for _, c := range []struct {
		name, statements string
		rotates          bool
	}{
		{"to one user alone", admin, false},
		{"to the account", admin + "," + account, true},
		{"to the account, without data keys", admin + `,{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Decrypt","Resource":"*"}`, false},
		{"to the account, through Secrets Manager", admin + `,{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*",
			"Condition":{"StringEquals":{"kms:ViaService":"secretsmanager.us-east-1.amazonaws.com"}}}`, true},
		{"to the account, through another service", admin + `,{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*",
			"Condition":{"StringEquals":{"kms:ViaService":"ssm.us-east-1.amazonaws.com"}}}`, false},
		{"to Secrets Manager for the account's secrets", admin + `,{"Effect":"Allow","Principal":{"Service":"secretsmanager.amazonaws.com"},"Action":["kms:Decrypt","kms:GenerateDataKey"],
			"Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:secretsmanager:us-east-1:111122223333:secret:*"}}}`, true},
		{"to the account, but denied", admin + "," + account + `,{"Effect":"Deny","Principal":"*","Action":"kms:GenerateDataKey","Resource":"*",
			"Condition":{"StringEquals":{"kms:ViaService":"secretsmanager.us-east-1.amazonaws.com"}}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKeyed(t)
			arn := k.make("app")
			_, err := k.kmsAs(root(testAccount), testRegion).PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{
				KeyId: &k.key, Policy: new(`{"Version":"2012-10-17","Statement":[` + c.statements + `]}`), BypassPolicyLockoutSafetyCheck: new(true),
			})
			k.must(err)
			token, err := k.rotate(arn)
			k.must(err)
			k.drain()
			if got := slices.Equal(k.labels(arn)[token], []string{"AWSCURRENT"}); got != c.rotates {
				t.Errorf("rotated %v, journal says %q", got, k.failure("app"))
			}
		})
	}
}

// The permission is for the secret that is rotated, not for what else is under the key.
func TestARotationUsesItsKeyForItsSecretAlone(t *testing.T) {
	k := newKeyed(t)
	arn := k.make("app")
	ctx := k.service.rotation.asService(t.Context(), testAccount, testRegion, strings.TrimPrefix(arn, "arn:aws:secretsmanager:us-east-1:111122223333:secret:"))
	direct := kmsapi.NewClient(&fronttest.Later{Door: k.door})
	_, err := direct.GenerateDataKey(ctx, &kmsapi.GenerateDataKeyRequest{
		KeyId: &k.key, KeySpec: new(kmsapi.DataKeySpecAES256), EncryptionContext: map[string]string{"SecretARN": arn},
	})
	var common *wire.CommonError
	if !errors.As(err, &common) || common.Kind != wire.AccessDenied {
		t.Errorf("not through Secrets Manager: %v", err)
	}
	other := k.make("other")
	_, err = k.service.rotation.value(ctx, other, stageCurrent, "")
	k.want(err, "AccessDeniedException", "")
}

// failure is what the journal of a rotation says.
func (k *keyed) failure(name string) (text string) {
	k.Helper()
	k.must(k.store.View(k.Context(), func(r store.Reader) error {
		s, err := k.service.tables.secret(r, secretName{testAccount, testRegion, name})
		if err != nil {
			return err
		}
		j, err := k.service.tables.rotation(r, s)
		if j != nil {
			text = j.Error
		}
		return err
	}))
	return text
}

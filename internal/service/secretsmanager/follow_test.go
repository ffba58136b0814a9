package secretsmanager

import (
	"testing"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/store/follow/followtest"
)

func TestChangesOfAnotherProcessAreFollowed(t *testing.T) {
	here := newHarness(t, func(c *Config) { c.MaxSecrets = 2 })
	there := here.beside()
	seen := followtest.Run(t, here.store, there.service.Memory())
	ctx := t.Context()
	arn := *here.create("db", "one").ARN
	reads := func(want string) {
		t.Helper()
		if got, err := there.value(there.admin(), "db", ""); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	seen()
	reads("one")
	here.put("db", "two", 2)
	seen()
	reads("two")
	there.put("db", "three", 3)
	reads("three") // at once: a process reads what it wrote

	alice := user(testAccount, "alice")
	get := func() error {
		_, err := there.value(there.as(alice, testRegion), arn, "")
		return err
	}
	if get() == nil {
		t.Error("alice reads without permission")
	}
	_, err := here.admin().PutResourcePolicy(ctx, &secretsmanagerapi.PutResourcePolicyRequest{SecretId: &arn, ResourcePolicy: new(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + alice.ARN + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}`,
	)})
	here.must(err)
	here.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}`)
	seen()
	here.must(get())

	there.create("second", "x")
	_, err = here.admin().DeleteSecret(ctx, &secretsmanagerapi.DeleteSecretRequest{SecretId: new("second"), ForceDeleteWithoutRecovery: new(true)})
	here.must(err)
	here.runJobs()
	here.create("third", "x")
	seen()
	_, err = there.admin().CreateSecret(ctx, &secretsmanagerapi.CreateSecretRequest{Name: new("fourth")})
	here.want(err, "LimitExceededException", "You've exceeded the quota of 2 secrets for this account in this Region.")
	if _, err := there.value(there.admin(), "second", ""); err == nil {
		t.Error("a deleted secret is read")
	}
}

func TestAfterAGapEverythingIsReadAgain(t *testing.T) {
	here := newHarness(t)
	there := here.beside()
	here.create("db", "one")
	if got, err := there.value(there.admin(), "db", ""); err != nil || got != "one" {
		t.Fatalf("%q, %v", got, err)
	}
	here.put("db", "two", 2)
	here.must(there.service.forget(t.Context()))
	if got, err := there.value(there.admin(), "db", ""); err != nil || got != "two" {
		t.Errorf("%q, %v", got, err)
	}
	if n := there.service.directory.bytes.Load(); n <= 0 || n > 1<<20 {
		t.Errorf("%d bytes are counted for one secret", n)
	}
}

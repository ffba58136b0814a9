package secretsmanager

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	api "fastness/internal/api/secretsmanagerapi"
	"fastness/internal/wire"
)

func TestASecretIsReadAsItWasStored(t *testing.T) {
	h := newHarness(t)
	made := h.create("app/db", `{"password":"geheim"}`)
	if !strings.HasPrefix(*made.ARN, "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-") || len(*made.ARN) != len("arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-XXXXXX") {
		t.Errorf("ARN %s", *made.ARN)
	}
	if *made.VersionId != *token(1) || *made.Name != "app/db" {
		t.Errorf("made %+v", made)
	}
	for _, id := range []string{"app/db", *made.ARN, strings.TrimSuffix(*made.ARN, (*made.ARN)[len(*made.ARN)-7:])} {
		out, err := h.admin().GetSecretValue(t.Context(), &api.GetSecretValueRequest{SecretId: &id})
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if *out.SecretString != `{"password":"geheim"}` || out.SecretBinary != nil || *out.VersionId != *token(1) ||
			!slices.Equal(out.VersionStages, []string{stageCurrent}) || !out.CreatedDate.Equal(h.clock.Now()) || *out.ARN != *made.ARN {
			t.Errorf("%s: %+v", id, out)
		}
	}
	binary, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("bytes"), SecretBinary: []byte{0, 255}, ClientRequestToken: token(1)})
	h.must(err)
	out, err := h.admin().GetSecretValue(t.Context(), &api.GetSecretValueRequest{SecretId: binary.ARN})
	h.must(err)
	if string(out.SecretBinary) != "\x00\xff" || out.SecretString != nil {
		t.Errorf("binary %+v", out)
	}
}

func TestWhatIsNotThereIsSaidInAWSsWords(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	get := func(in *api.GetSecretValueRequest) error {
		_, err := h.admin().GetSecretValue(t.Context(), in)
		return err
	}
	const code = "ResourceNotFoundException"
	h.want(get(&api.GetSecretValueRequest{SecretId: new("b")}), code, "Secrets Manager can't find the specified secret.")
	h.want(get(&api.GetSecretValueRequest{SecretId: new("a"), VersionStage: new("AWSPREVIOUS")}), code,
		"Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS")
	h.want(get(&api.GetSecretValueRequest{SecretId: new("a"), VersionStage: new("AWSPENDING")}), code,
		"Secrets Manager can't find the specified secret value for staging label: AWSPENDING")
	h.want(get(&api.GetSecretValueRequest{SecretId: new("a"), VersionId: token(7)}), code,
		"Secrets Manager can't find the specified secret value for VersionId: "+*token(7))
	_, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("empty")})
	h.must(err)
	h.want(get(&api.GetSecretValueRequest{SecretId: new("empty")}), code,
		"Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	h.put("a", "y", 2)
	h.want(get(&api.GetSecretValueRequest{SecretId: new("a"), VersionId: token(2), VersionStage: new("AWSPREVIOUS")}),
		"InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.")
	if v, err := h.value(h.admin(), "a", "AWSPREVIOUS"); err != nil || v != "x" {
		t.Errorf("previous %q: %v", v, err)
	}
}

func TestNamesAreChecked(t *testing.T) {
	h := newHarness(t)
	for _, name := range []string{"a b", "ä", "a:b", "a*", "a\x00"} {
		_, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: &name})
		h.want(err, "ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	h.create("aZ09/_+=.@!-x", "v")
}

func TestTokensMakeRequestsRepeatable(t *testing.T) {
	h := newHarness(t)
	made := h.create("a", "x")
	if again := h.create("a", "x"); *again.ARN != *made.ARN {
		t.Errorf("another secret: %s", *again.ARN)
	}
	inUse := "You can't use ClientRequestToken " + *token(1) + " because that value is already in use for a version of secret " + *made.ARN + "."
	create := func(value string, n int) error {
		_, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("a"), SecretString: &value, ClientRequestToken: token(n)})
		return err
	}
	h.want(create("y", 1), "ResourceExistsException", inUse)
	h.want(create("x", 2), "ResourceExistsException", "The operation failed because the secret a already exists.")
	h.put("a", "x", 1)
	put := func(in *api.PutSecretValueRequest) error {
		in.SecretId = new("a")
		_, err := h.admin().PutSecretValue(t.Context(), in)
		return err
	}
	h.want(put(&api.PutSecretValueRequest{SecretString: new("X"), ClientRequestToken: token(1)}), "ResourceExistsException", inUse)
	// The same bytes, but not a string.
	h.want(put(&api.PutSecretValueRequest{SecretBinary: []byte("x"), ClientRequestToken: token(1)}), "ResourceExistsException", inUse)
	const noToken = "You must provide a ClientRequestToken value. We recommend a UUID-type value."
	h.want(put(&api.PutSecretValueRequest{SecretString: new("X")}), "InvalidRequestException", noToken)
	_, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("b"), SecretString: new("x")})
	h.want(err, "InvalidRequestException", noToken)
	_, err = h.admin().UpdateSecret(t.Context(), &api.UpdateSecretRequest{SecretId: new("a"), SecretString: new("x")})
	h.want(err, "InvalidRequestException", noToken)
	list, err := h.admin().ListSecretVersionIds(t.Context(), &api.ListSecretVersionIdsRequest{SecretId: new("a"), IncludeDeprecated: new(true)})
	h.must(err)
	if len(list.Versions) != 1 || !slices.Equal(list.Versions[0].KmsKeyIds, []string{"DefaultEncryptionKey"}) {
		t.Errorf("versions %+v", list.Versions)
	}
}

func TestLabelsMove(t *testing.T) {
	h := newHarness(t)
	h.create("a", "1")
	stages := func() map[string][]string {
		out, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
		h.must(err)
		return out.VersionIdsToStages
	}
	check := func(want map[int][]string) {
		t.Helper()
		got := stages()
		for n, labels := range want {
			if !slices.Equal(got[*token(n)], labels) {
				t.Errorf("version %d: %v, want %v", n, got[*token(n)], labels)
			}
		}
		if len(got) != len(want) {
			t.Errorf("stages %v", got)
		}
	}
	h.put("a", "2", 2)
	check(map[int][]string{1: {stagePrevious}, 2: {stageCurrent}})
	h.put("a", "3", 3, stagePending, "mine")
	check(map[int][]string{1: {stagePrevious}, 2: {stageCurrent}, 3: {stagePending, "mine"}})
	move := func(label string, from, to int) error {
		in := &api.UpdateSecretVersionStageRequest{SecretId: new("a"), VersionStage: &label}
		if from > 0 {
			in.RemoveFromVersionId = token(from)
		}
		if to > 0 {
			in.MoveToVersionId = token(to)
		}
		_, err := h.admin().UpdateSecretVersionStage(t.Context(), in)
		return err
	}
	h.want(move(stageCurrent, 0, 3), "InvalidParameterException", "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version "+*token(2)+
		", so you must explicitly reference that version in RemoveFromVersionId.")
	h.want(move(stageCurrent, 1, 3), "InvalidParameterException", "")
	h.want(move(stageCurrent, 2, 0), "InvalidParameterException", "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.")
	h.want(move("mine", 0, 9), "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: "+*token(9))
	h.must(move(stageCurrent, 2, 3))
	check(map[int][]string{2: {stagePrevious}, 3: {stageCurrent, stagePending, "mine"}})
	h.must(move("mine", 3, 0))
	h.must(move(stagePending, 3, 0))
	h.must(move("mine", 0, 1))
	check(map[int][]string{1: {"mine"}, 2: {stagePrevious}, 3: {stageCurrent}})
	// Back again: the version that was current becomes the previous one.
	h.must(move(stageCurrent, 3, 2))
	check(map[int][]string{1: {"mine"}, 2: {stageCurrent}, 3: {stagePrevious}})
}

func TestAVersionHasAtMostTwentyLabels(t *testing.T) {
	h := newHarness(t)
	h.create("a", "1")
	for i := range 19 {
		label := "l" + string(rune('a'+i))
		_, err := h.admin().UpdateSecretVersionStage(t.Context(), &api.UpdateSecretVersionStageRequest{SecretId: new("a"), VersionStage: &label, MoveToVersionId: token(1)})
		h.must(err)
	}
	_, err := h.admin().UpdateSecretVersionStage(t.Context(), &api.UpdateSecretVersionStageRequest{SecretId: new("a"), VersionStage: new("more"), MoveToVersionId: token(1)})
	h.want(err, "LimitExceededException", "")
}

func TestOldVersionsWithoutLabelsAreRemovedButNoYoungOnes(t *testing.T) {
	h := newHarness(t)
	h.create("a", "1")
	for n := 2; n <= 105; n++ {
		h.put("a", "v", n)
	}
	count := func() int {
		n := 0
		var next *string
		for {
			out, err := h.admin().ListSecretVersionIds(t.Context(), &api.ListSecretVersionIdsRequest{SecretId: new("a"), IncludeDeprecated: new(true), NextToken: next, MaxResults: new(int32(40))})
			h.must(err)
			n += len(out.Versions)
			if next = out.NextToken; next == nil {
				return n
			}
		}
	}
	if n := count(); n != 105 {
		t.Errorf("%d versions on the first day", n)
	}
	h.clock.Advance(25 * time.Hour)
	h.put("a", "v", 106)
	if n := count(); n != 100 {
		t.Errorf("%d versions on the second", n)
	}
	if _, err := h.admin().GetSecretValue(t.Context(), &api.GetSecretValueRequest{SecretId: new("a"), VersionId: token(50)}); err != nil {
		t.Error(err)
	}
	_, err := h.admin().GetSecretValue(t.Context(), &api.GetSecretValueRequest{SecretId: new("a"), VersionId: token(3)})
	h.want(err, "ResourceNotFoundException", "")
	if names := h.eventNames(testRegion); len(names) != 6 || names[0] != "SecretVersionDeletion" {
		t.Errorf("events %v", names)
	}
}

func TestDeletionCanBeTakenBack(t *testing.T) {
	h := newHarness(t)
	made := h.create("a", "x")
	del := func(in *api.DeleteSecretRequest) (*api.DeleteSecretResponse, error) {
		in.SecretId = new("a")
		return h.admin().DeleteSecret(t.Context(), in)
	}
	const days = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
	for _, n := range []int64{0, 6, 31} {
		_, err := del(&api.DeleteSecretRequest{RecoveryWindowInDays: &n})
		h.want(err, "InvalidParameterException", days)
	}
	_, err := del(&api.DeleteSecretRequest{RecoveryWindowInDays: new(int64(7)), ForceDeleteWithoutRecovery: new(true)})
	h.want(err, "InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	out, err := del(&api.DeleteSecretRequest{RecoveryWindowInDays: new(int64(7))})
	h.must(err)
	if want := h.clock.Now().AddDate(0, 0, 7); !out.DeletionDate.Equal(want) {
		t.Errorf("date %v, want %v", out.DeletionDate, want)
	}
	const marked = "You can't perform this operation on the secret because it was marked for deletion."
	ctx, c := t.Context(), h.admin()
	for name, try := range map[string]func() error{
		"GetSecretValue": func() error {
			_, err := c.GetSecretValue(ctx, &api.GetSecretValueRequest{SecretId: new("a")})
			return err
		},
		"PutSecretValue": func() error {
			_, err := c.PutSecretValue(ctx, &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new("y"), ClientRequestToken: token(2)})
			return err
		},
		"UpdateSecret": func() error {
			_, err := c.UpdateSecret(ctx, &api.UpdateSecretRequest{SecretId: new("a"), Description: new("y")})
			return err
		},
		"DeleteSecret": func() error { _, err := del(&api.DeleteSecretRequest{}); return err },
		"RotateSecret": func() error {
			_, err := c.RotateSecret(ctx, &api.RotateSecretRequest{SecretId: new("a"), ClientRequestToken: token(2)})
			return err
		},
		"CancelRotateSecret": func() error {
			_, err := c.CancelRotateSecret(ctx, &api.CancelRotateSecretRequest{SecretId: new("a")})
			return err
		},
		"TagResource": func() error {
			_, err := c.TagResource(ctx, &api.TagResourceRequest{SecretId: new("a"), Tags: []api.Tag{{Key: new("k"), Value: new("v")}}})
			return err
		},
		"UpdateSecretVersionStage": func() error {
			_, err := c.UpdateSecretVersionStage(ctx, &api.UpdateSecretVersionStageRequest{SecretId: new("a"), VersionStage: new("l"), MoveToVersionId: token(1)})
			return err
		},
		"GetResourcePolicy": func() error {
			_, err := c.GetResourcePolicy(ctx, &api.GetResourcePolicyRequest{SecretId: new("a")})
			return err
		},
	} {
		t.Log(name)
		h.want(try(), "InvalidRequestException", marked)
	}
	_, err = c.CreateSecret(ctx, &api.CreateSecretRequest{Name: new("a"), SecretString: new("x"), ClientRequestToken: token(1)})
	h.want(err, "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
	described, err := c.DescribeSecret(ctx, &api.DescribeSecretRequest{SecretId: new("a")})
	h.must(err)
	if !described.DeletedDate.Equal(h.clock.Now()) {
		t.Errorf("DeletedDate %v", described.DeletedDate)
	}
	_, err = c.RestoreSecret(ctx, &api.RestoreSecretRequest{SecretId: made.ARN})
	h.must(err)
	h.clock.Advance(8 * 24 * time.Hour)
	h.runJobs()
	if v, err := h.value(c, "a", ""); v != "x" {
		t.Errorf("restored %q: %v", v, err)
	}
	if names := h.eventNames(testRegion); !slices.Equal(names, []string{"StartSecretVersionDelete", "CancelSecretVersionDelete"}) {
		t.Errorf("events %v", names)
	}
}

func TestASecretIsGoneAtTheEndOfItsWindow(t *testing.T) {
	h := newHarness(t)
	first := h.create("a", "x")
	for n := 2; n < 50; n++ {
		h.put("a", "x", n)
	}
	_, err := h.admin().DeleteSecret(t.Context(), &api.DeleteSecretRequest{SecretId: new("a")})
	h.must(err)
	h.clock.Advance(30*24*time.Hour - time.Second)
	h.runJobs()
	if _, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")}); err != nil {
		t.Errorf("a second before: %v", err)
	}
	h.clock.Advance(time.Second)
	h.runJobs()
	_, err = h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
	h.want(err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	ends := 0
	for _, n := range h.eventNames(testRegion) {
		if n == "EndSecretVersionDelete" {
			ends++
		}
	}
	if ends != 49 {
		t.Errorf("%d versions ended", ends)
	}
	if again := h.create("a", "z"); *again.ARN == *first.ARN {
		t.Error("the new secret has the old one's ARN")
	}
	_, err = h.value(h.admin(), *first.ARN, "")
	h.want(err, "ResourceNotFoundException", "")
}

func TestForcedDeletionFreesTheNameAtOnce(t *testing.T) {
	h := newHarness(t)
	first := h.create("a", "x")
	_, err := h.admin().DeleteSecret(t.Context(), &api.DeleteSecretRequest{SecretId: new("a"), ForceDeleteWithoutRecovery: new(true)})
	h.must(err)
	second := h.create("a", "y")
	h.runJobs()
	if v, err := h.value(h.admin(), "a", ""); v != "y" {
		t.Errorf("%q: %v", v, err)
	}
	if *first.ARN == *second.ARN {
		t.Error("the same ARN")
	}
	out, err := h.admin().DeleteSecret(t.Context(), &api.DeleteSecretRequest{SecretId: new("nothing"), ForceDeleteWithoutRecovery: new(true)})
	h.must(err)
	if *out.Name != "nothing" || !strings.HasPrefix(*out.ARN, "arn:aws:secretsmanager:us-east-1:111122223333:secret:nothing-") || out.DeletionDate == nil {
		t.Errorf("%+v", out)
	}
	_, err = h.admin().DeleteSecret(t.Context(), &api.DeleteSecretRequest{SecretId: new("nothing")})
	h.want(err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

func TestANameThatEndsLikeAnARN(t *testing.T) {
	h := newHarness(t)
	h.create("a", "short")
	long := h.create("a-AbCdEf", "long")
	prefix := "arn:aws:secretsmanager:us-east-1:111122223333:secret:"
	for id, want := range map[string]string{"a": "short", "a-AbCdEf": "long", prefix + "a-AbCdEf": "long", prefix + "a": "short", *long.ARN: "long"} {
		if v, err := h.value(h.admin(), id, ""); v != want {
			t.Errorf("%s: %q, %v", id, v, err)
		}
	}
	_, err := h.value(h.admin(), strings.Replace(*long.ARN, testRegion, farRegion, 1), "")
	h.want(err, "ResourceNotFoundException", "")
}

func TestUpdateSecretChangesWhatItIsGiven(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	key, err := h.kmsAs(root(testAccount), testRegion).CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})
	h.must(err)
	before, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
	h.must(err)
	if before.KmsKeyId != nil || before.RotationEnabled != nil || before.Description != nil {
		t.Errorf("described %+v", before)
	}
	h.put("a", "y", 2)
	h.clock.Advance(time.Minute)
	out, err := h.admin().UpdateSecret(t.Context(), &api.UpdateSecretRequest{SecretId: new("a"), Description: new("mine"), KmsKeyId: key.KeyMetadata.Arn})
	h.must(err)
	if out.VersionId != nil {
		t.Errorf("a version without a value: %s", *out.VersionId)
	}
	after, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
	h.must(err)
	if *after.Description != "mine" || *after.KmsKeyId != *key.KeyMetadata.Arn || !after.LastChangedDate.Equal(h.clock.Now()) {
		t.Errorf("described %+v", after)
	}
	list, err := h.admin().ListSecretVersionIds(t.Context(), &api.ListSecretVersionIdsRequest{SecretId: new("a")})
	h.must(err)
	for _, v := range list.Versions {
		if !slices.Equal(v.KmsKeyIds, []string{*key.KeyMetadata.Arn}) {
			t.Errorf("version %s under %v", *v.VersionId, v.KmsKeyIds)
		}
	}
	// The old key is not needed any more: there is none of the values left under it.
	for stage, want := range map[string]string{stageCurrent: "y", stagePrevious: "x"} {
		if v, err := h.value(h.admin(), "a", stage); v != want {
			t.Errorf("%s: %q, %v", stage, v, err)
		}
	}
	updated, err := h.admin().UpdateSecret(t.Context(), &api.UpdateSecretRequest{SecretId: new("a"), SecretString: new("z"), ClientRequestToken: token(3)})
	h.must(err)
	if wire.Value(updated.VersionId) != *token(3) {
		t.Errorf("updated %+v", updated)
	}
	if v, err := h.value(h.admin(), "a", stagePrevious); v != "y" {
		t.Errorf("previous %q: %v", v, err)
	}
}

// What a client's own check lets through the service refuses, as what API it is: moto's tests of
// RotateSecret have these sentences.
func TestClientRequestTokensHave32To64Characters(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	const sentence = "ClientRequestToken must be 32-64 characters long."
	for _, n := range []int{0, 31, 65} {
		bad := new(strings.Repeat("t", n))
		_, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("b"), SecretString: new("x"), ClientRequestToken: bad})
		h.want(err, "InvalidParameterException", sentence)
		_, err = h.admin().PutSecretValue(t.Context(), &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new("y"), ClientRequestToken: bad})
		h.want(err, "InvalidParameterException", sentence)
		_, err = h.admin().UpdateSecret(t.Context(), &api.UpdateSecretRequest{SecretId: new("a"), SecretString: new("y"), ClientRequestToken: bad})
		h.want(err, "InvalidParameterException", sentence)
		_, err = h.admin().RotateSecret(t.Context(), &api.RotateSecretRequest{SecretId: new("a"), ClientRequestToken: bad})
		h.want(err, "InvalidParameterException", sentence)
	}
	for _, n := range []int{32, 64} {
		_, err := h.admin().PutSecretValue(t.Context(), &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new("y"), ClientRequestToken: new(strings.Repeat("t", n))})
		h.must(err)
	}
	for _, days := range []int64{-1, 0, 1001} {
		_, err := h.admin().RotateSecret(t.Context(), &api.RotateSecretRequest{
			SecretId: new("a"), ClientRequestToken: token(2), RotationRules: &api.RotationRulesType{AutomaticallyAfterDays: &days},
		})
		h.want(err, "InvalidParameterException", "RotationRules.AutomaticallyAfterDays must be within 1-1000.")
	}
}

// A key is tried when a secret gets it, though nothing is encrypted yet, for both of what it will
// have to do.
func TestAKeyIsTriedBeforeASecretGetsIt(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	// The beginning is AWS's: https://github.com/hashicorp/terraform-provider-aws/pull/13303.
	unusable := "The operation failed because of an invalid KMS key: Alias " + "arn:aws:kms:" + testRegion + ":" + testAccount + ":alias/none" + " is not found."
	_, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("b"), KmsKeyId: new("alias/none")})
	h.want(err, "InvalidParameterException", unusable)
	key := h.ownKey(testRegion).Arn
	_, err = h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("b"), KmsKeyId: key})
	h.must(err)
	_, err = h.admin().UpdateSecret(t.Context(), &api.UpdateSecretRequest{SecretId: new("b"), KmsKeyId: new("alias/none")})
	h.want(err, "InvalidParameterException", unusable)
	alice := user(testAccount, "alice")
	h.allow(alice, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"},
		{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:SecretVersionId":"RequestToValidateKeyAccess"}}}]}`)
	_, err = h.as(alice, testRegion).CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("c"), KmsKeyId: key})
	h.want(err, "AccessDeniedException", "Access to KMS is not allowed")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:SecretVersionId":"RequestToValidateKeyAccess"}}}}`)
	_, err = h.as(alice, testRegion).CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("c"), KmsKeyId: key})
	h.must(err)
}

// LastChangedDate is the date of any modification (API reference, DescribeSecret).
func TestWhateverModifiesASecretChangesItsDate(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	c := h.admin()
	for name, change := range map[string]func() error{
		"TagResource": func() error {
			_, err := c.TagResource(bg, &api.TagResourceRequest{SecretId: new("a"), Tags: []api.Tag{{Key: new("k"), Value: new("v")}}})
			return err
		},
		"UntagResource": func() error {
			_, err := c.UntagResource(bg, &api.UntagResourceRequest{SecretId: new("a"), TagKeys: []string{"k"}})
			return err
		},
		"PutResourcePolicy": func() error {
			_, err := c.PutResourcePolicy(bg, &api.PutResourcePolicyRequest{SecretId: new("a"), ResourcePolicy: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}`)})
			return err
		},
		"DeleteResourcePolicy": func() error {
			_, err := c.DeleteResourcePolicy(bg, &api.DeleteResourcePolicyRequest{SecretId: new("a")})
			return err
		},
		"UpdateSecret": func() error {
			_, err := c.UpdateSecret(bg, &api.UpdateSecretRequest{SecretId: new("a"), Description: new("d")})
			return err
		},
		"DeleteSecret and RestoreSecret": func() error {
			if err := remove("a", 7)(c); err != nil {
				return err
			}
			_, err := c.RestoreSecret(bg, &api.RestoreSecretRequest{SecretId: new("a")})
			return err
		},
		"PutSecretValue": func() error {
			_, err := c.PutSecretValue(bg, &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new("y"), ClientRequestToken: token(7)})
			return err
		},
	} {
		h.clock.Advance(time.Minute)
		h.must(change())
		out, err := c.DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
		h.must(err)
		if !out.LastChangedDate.Equal(h.clock.Now()) {
			t.Errorf("%s: LastChangedDate %v, now %v", name, out.LastChangedDate, h.clock.Now())
		}
	}
}

func TestSystemTagsAreRefused(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	const sentence = "You can't modify system tags. Tag key: 'aws:cloudformation:stack-name'."
	tags := []api.Tag{{Key: new("aws:cloudformation:stack-name"), Value: new("s")}}
	_, err := h.admin().TagResource(t.Context(), &api.TagResourceRequest{SecretId: new("a"), Tags: tags})
	h.want(err, "InvalidParameterException", sentence)
	_, err = h.admin().UntagResource(t.Context(), &api.UntagResourceRequest{SecretId: new("a"), TagKeys: []string{"k", "aws:cloudformation:stack-name"}})
	h.want(err, "InvalidParameterException", sentence)
	_, err = h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("b"), Tags: tags})
	h.want(err, "InvalidParameterException", sentence)
}

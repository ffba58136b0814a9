package secretsmanager

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	api "fastness/internal/api/secretsmanagerapi"
	"fastness/internal/audit"
	"fastness/internal/store"
)

const allowSecrets = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}}`

// ownKey makes a customer managed key.
func (h *harness) ownKey(region string) *kmsapi.KeyMetadata {
	h.Helper()
	key, err := h.kmsAs(root(testAccount), region).CreateKey(h.Context(), &kmsapi.CreateKeyRequest{})
	h.must(err)
	return key.KeyMetadata
}

func (h *harness) createUnder(name, value string, key *string) *api.CreateSecretResponse {
	h.Helper()
	out, err := h.admin().CreateSecret(h.Context(), &api.CreateSecretRequest{Name: &name, SecretString: &value, ClientRequestToken: token(1), KmsKeyId: key})
	h.must(err)
	return out
}

func TestADisabledKeyStopsReadersAtOnce(t *testing.T) {
	h := newHarness(t)
	key := h.ownKey(testRegion)
	h.createUnder("a", "x", key.Arn)
	keys := h.kmsAs(root(testAccount), testRegion)
	if v, err := h.value(h.admin(), "a", ""); v != "x" {
		t.Fatalf("%q: %v", v, err)
	}
	_, err := keys.DisableKey(t.Context(), &kmsapi.DisableKeyRequest{KeyId: key.KeyId})
	h.must(err)
	_, err = h.value(h.admin(), "a", "")
	h.want(err, "DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
	_, err = h.admin().PutSecretValue(t.Context(), &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new("y"), ClientRequestToken: token(2)})
	h.want(err, "EncryptionFailure", "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.")
	_, err = keys.EnableKey(t.Context(), &kmsapi.EnableKeyRequest{KeyId: key.KeyId})
	h.must(err)
	if v, err := h.value(h.admin(), "a", ""); v != "x" {
		t.Errorf("enabled again: %q, %v", v, err)
	}
	_, err = h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("b"), SecretString: new("x"), ClientRequestToken: token(1), KmsKeyId: new("alias/none")})
	h.want(err, "InvalidParameterException", "The operation failed because of an invalid KMS key: Alias "+"arn:aws:kms:"+testRegion+":"+testAccount+":alias/none"+" is not found.")
	_, err = h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("b")})
	h.want(err, "ResourceNotFoundException", "")
}

func TestTheCallersOwnPermissionsOnTheKeyCount(t *testing.T) {
	h := newHarness(t)
	key := h.ownKey(testRegion)
	h.createUnder("own", "x", key.Arn)
	h.create("default", "y")
	alice := user(testAccount, "alice")
	h.allow(alice, allowSecrets)
	asAlice := h.as(alice, testRegion)
	// The key of the service is open to whoever may use the service.
	if v, err := h.value(asAlice, "default", ""); v != "y" {
		t.Errorf("default key: %q, %v", v, err)
	}
	_, err := h.value(asAlice, "own", "")
	h.want(err, "AccessDeniedException", "Access to KMS is not allowed")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
		"Condition":{"StringEquals":{"kms:ViaService":"secretsmanager.us-east-1.amazonaws.com","kms:EncryptionContext:SecretVersionId":"`+*token(1)+`"}}}}`)
	if v, err := h.value(asAlice, "own", ""); v != "x" {
		t.Errorf("with kms:Decrypt: %q, %v", v, err)
	}
	_, err = asAlice.PutSecretValue(t.Context(), &api.PutSecretValueRequest{SecretId: new("own"), SecretString: new("z"), ClientRequestToken: token(2)})
	h.want(err, "AccessDeniedException", "Access to KMS is not allowed")
	// Via the service only.
	_, err = h.kmsAs(alice, testRegion).GenerateDataKey(t.Context(), &kmsapi.GenerateDataKeyRequest{KeyId: new(defaultKeyAlias), KeySpec: new(kmsapi.DataKeySpecAES256)})
	h.want(err, "AccessDeniedException", "")
}

func TestAnotherAccountReadsWithTheSecretsPolicyAndItsKeys(t *testing.T) {
	h := newHarness(t)
	key := h.ownKey(testRegion)
	made := h.createUnder("shared", "x", key.Arn)
	bob := user(otherAccount, "bob")
	h.allow(bob, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["secretsmanager:*","kms:*"],"Resource":"*"}}`)
	asBob := h.as(bob, testRegion)
	_, err := h.value(asBob, *made.ARN, "")
	h.want(err, "AccessDeniedException", "")
	_, err = h.admin().PutResourcePolicy(t.Context(), &api.PutResourcePolicyRequest{SecretId: new("shared"), BlockPublicPolicy: new(true),
		ResourcePolicy: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + otherAccount + `:root"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}`)})
	h.must(err)
	_, err = h.value(asBob, *made.ARN, "")
	h.want(err, "AccessDeniedException", "Access to KMS is not allowed")
	_, err = h.kmsAs(root(testAccount), testRegion).PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: key.KeyId, Policy: new(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + otherAccount + `:root"},"Action":"kms:Decrypt","Resource":"*"}]}`)})
	h.must(err)
	if v, err := h.value(asBob, *made.ARN, ""); v != "x" {
		t.Errorf("%q: %v", v, err)
	}
	// By name alone bob means his own account.
	_, err = h.value(asBob, "shared", "")
	h.want(err, "ResourceNotFoundException", "")
	_, err = asBob.DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: made.ARN})
	h.want(err, "AccessDeniedException", "")
}

func TestConditionKeysOfRequestsAndSecrets(t *testing.T) {
	h := newHarness(t)
	_, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("tagged"), SecretString: new("x"), ClientRequestToken: token(1),
		Tags: []api.Tag{{Key: new("Team"), Value: new("red")}}})
	h.must(err)
	h.put("tagged", "y", 2)
	h.create("plain", "x")
	for _, c := range []struct {
		name, condition string
		try             func(c *api.Client) error
		allowed         bool
	}{
		{"aws:ResourceTag", `{"StringEquals":{"aws:ResourceTag/Team":"red"}}`, describe("tagged"), true},
		{"aws:ResourceTag of another", `{"StringEquals":{"aws:ResourceTag/Team":"red"}}`, describe("plain"), false},
		{"secretsmanager:ResourceTag", `{"StringEquals":{"secretsmanager:ResourceTag/Team":"red"}}`, describe("tagged"), true},
		{"secretsmanager:SecretId", `{"ArnLike":{"secretsmanager:SecretId":"arn:aws:secretsmanager:*:*:secret:tagged-*"}}`, describe("tagged"), true},
		{"secretsmanager:SecretId of another", `{"ArnLike":{"secretsmanager:SecretId":"arn:aws:secretsmanager:*:*:secret:tagged-*"}}`, describe("plain"), false},
		{"VersionStage by default", `{"ForAnyValue:StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}`, get("tagged", ""), true},
		{"VersionStage of another", `{"ForAnyValue:StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}`, get("tagged", stagePrevious), false},
		{"Name", `{"StringLike":{"secretsmanager:Name":"dev/*"}}`, create("dev/a", nil), true},
		{"another Name", `{"StringLike":{"secretsmanager:Name":"dev/*"}}`, create("prod/a", nil), false},
		{"RequestTag", `{"StringEquals":{"aws:RequestTag/Team":"red"}}`, create("t1", []api.Tag{{Key: new("Team"), Value: new("red")}}), true},
		{"another RequestTag", `{"StringEquals":{"aws:RequestTag/Team":"red"}}`, create("t2", []api.Tag{{Key: new("Team"), Value: new("blue")}}), false},
		{"BlockPublicPolicy", `{"Bool":{"secretsmanager:BlockPublicPolicy":"true"}}`, putPolicy("plain", true), true},
		{"no BlockPublicPolicy", `{"Bool":{"secretsmanager:BlockPublicPolicy":"true"}}`, putPolicy("plain", false), false},
		{"RecoveryWindowInDays", `{"NumericGreaterThan":{"secretsmanager:RecoveryWindowInDays":"10"}}`, remove("plain", 7), false},
		{"no force", `{"Bool":{"secretsmanager:ForceDeleteWithoutRecovery":"false"}}`, force("plain"), false},
		{"AddReplicaRegions", `{"ForAllValues:StringEquals":{"secretsmanager:AddReplicaRegions":"eu-west-1"}}`, replicateTo("plain", farRegion), false},
		{"AddReplicaRegions allowed", `{"ForAllValues:StringEquals":{"secretsmanager:AddReplicaRegions":"` + farRegion + `"}}`, replicateTo("plain", farRegion), true},
	} {
		who := user(testAccount, "u-"+strings.ReplaceAll(c.name, " ", ""))
		h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+c.condition+`}}`)
		h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
		if err := c.try(h.as(who, testRegion)); (err == nil) != c.allowed {
			t.Errorf("%s: %v, want allowed %v", c.name, err, c.allowed)
		} else if !c.allowed {
			h.want(err, "AccessDeniedException", "")
		}
	}
}

type try = func(c *api.Client) error

func describe(id string) try {
	return func(c *api.Client) error {
		_, err := c.DescribeSecret(bg, &api.DescribeSecretRequest{SecretId: &id})
		return err
	}
}

func get(id, stage string) try {
	return func(c *api.Client) error {
		in := &api.GetSecretValueRequest{SecretId: &id}
		if stage != "" {
			in.VersionStage = &stage
		}
		_, err := c.GetSecretValue(bg, in)
		return err
	}
}

func create(name string, tags []api.Tag) try {
	return func(c *api.Client) error {
		_, err := c.CreateSecret(bg, &api.CreateSecretRequest{Name: &name, Tags: tags})
		return err
	}
}

func putPolicy(id string, block bool) try {
	return func(c *api.Client) error {
		_, err := c.PutResourcePolicy(bg, &api.PutResourcePolicyRequest{SecretId: &id, BlockPublicPolicy: &block,
			ResourcePolicy: new(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}}`)})
		return err
	}
}

func remove(id string, days int64) try {
	return func(c *api.Client) error {
		_, err := c.DeleteSecret(bg, &api.DeleteSecretRequest{SecretId: &id, RecoveryWindowInDays: &days})
		return err
	}
}

func force(id string) try {
	return func(c *api.Client) error {
		_, err := c.DeleteSecret(bg, &api.DeleteSecretRequest{SecretId: &id, ForceDeleteWithoutRecovery: new(true)})
		return err
	}
}

func replicateTo(id, region string) try {
	return func(c *api.Client) error {
		_, err := c.ReplicateSecretToRegions(bg, &api.ReplicateSecretToRegionsRequest{SecretId: &id, AddReplicaRegions: []api.ReplicaRegionType{{Region: &region}}})
		return err
	}
}

func TestResourcePolicies(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	put := func(document string, block bool) error {
		_, err := h.admin().PutResourcePolicy(t.Context(), &api.PutResourcePolicyRequest{SecretId: new("a"), ResourcePolicy: &document, BlockPublicPolicy: &block})
		return err
	}
	const public = `{"Version":"2012-10-17","Statement":[{"Sid":"Everybody","Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`
	h.want(put("no json", false), "MalformedPolicyDocumentException", "")
	h.want(put(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}]}`, false), "MalformedPolicyDocumentException", "")
	h.want(put(public, true), "PublicPolicyException", `The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret: `+
		`statement 1 ("Everybody") allows everybody, even callers without credentials.`)
	h.want(put(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:*","Resource":"*"}]}`, false),
		"MalformedPolicyDocumentException", "This resource policy will not allow you to manage this secret in the future.")
	h.must(put(public, false))
	out, err := h.admin().GetResourcePolicy(t.Context(), &api.GetResourcePolicyRequest{SecretId: new("a")})
	h.must(err)
	if *out.ResourcePolicy != public {
		t.Errorf("policy %s", *out.ResourcePolicy)
	}
	_, err = h.admin().DeleteResourcePolicy(t.Context(), &api.DeleteResourcePolicyRequest{SecretId: new("a")})
	h.must(err)
	if out, err = h.admin().GetResourcePolicy(t.Context(), &api.GetResourcePolicyRequest{SecretId: new("a")}); err != nil || out.ResourcePolicy != nil {
		t.Errorf("after its deletion: %+v, %v", out, err)
	}
	validate := func(document string) *api.ValidateResourcePolicyResponse {
		out, err := h.admin().ValidateResourcePolicy(t.Context(), &api.ValidateResourcePolicyRequest{SecretId: new("a"), ResourcePolicy: &document})
		h.must(err)
		return out
	}
	if v := validate(public); *v.PolicyValidationPassed || len(v.ValidationErrors) != 1 || !strings.Contains(*v.ValidationErrors[0].ErrorMessage, `"Everybody"`) {
		t.Errorf("public: %+v", v)
	}
	if v := validate("{"); *v.PolicyValidationPassed || *v.ValidationErrors[0].CheckName != checkSyntax {
		t.Errorf("syntax: %+v", v)
	}
	if v := validate(strings.Replace(public, `"*",`, `{"AWS":"arn:aws:iam::444455556666:root"},`, 1)); !*v.PolicyValidationPassed || len(v.ValidationErrors) != 0 {
		t.Errorf("an account: %+v", v)
	}
}

// TestSecretsAreNowhereInTheClear looks for values in all that is kept: the store as it is
// on disk and as it is opened, events, the history and the log.
func TestSecretsAreNowhereInTheClear(t *testing.T) {
	h := newHarness(t)
	const canary = "kanarienvogel-7f3a9"
	h.create("a", canary+"-1")
	h.put("a", canary+"-2", 2)
	_, err := h.admin().UpdateSecret(t.Context(), &api.UpdateSecretRequest{SecretId: new("a"), SecretBinary: []byte(canary + "-3"), ClientRequestToken: token(3)})
	h.must(err)
	h.must(replicateTo("a", farRegion)(h.admin()))
	_, err = h.admin().PutSecretValue(t.Context(), &api.PutSecretValueRequest{SecretId: new("a"), SecretString: new(canary), ClientRequestToken: token(1)})
	h.want(err, "ResourceExistsException", "")
	for _, stage := range []string{stageCurrent, stagePrevious} {
		_, _ = h.value(h.admin(), "a", stage)
	}
	_, err = h.admin().BatchGetSecretValue(t.Context(), &api.BatchGetSecretValueRequest{SecretIdList: []string{"a"}})
	h.must(err)
	h.want(remove("a", 7)(h.as(root(testAccount), "eu-west-1")), "ResourceNotFoundException", "")
	_, err = h.events.Sequence(t.Context())
	h.must(err)
	h.must(h.service.FlushReads(t.Context()))
	encoded := []byte("a2FuYXJpZW52b2dlb") // its beginning in Base64, whatever follows
	for name, s := range map[string]store.Store{"the sealed store": h.inner, "the opened store": h.store} {
		n := 0
		h.must(s.View(t.Context(), func(r store.Reader) error {
			for item, err := range r.Scan(store.Range{}) {
				if err != nil {
					return err
				}
				n++
				for _, b := range [][]byte{item.Key, item.Value} {
					if bytes.Contains(b, []byte(canary)) || bytes.Contains(b, encoded) {
						t.Errorf("%s has it under %q", name, item.Key)
					}
				}
			}
			return nil
		}))
		if n == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	if bytes.Contains(h.log.Bytes(), []byte(canary)) {
		t.Error("the log has it")
	}
	page, err := h.audit.Lookup(t.Context(), audit.Query{Account: testAccount, Region: testRegion, Start: h.clock.Now().Add(-time.Hour), End: h.clock.Now().Add(time.Hour), Limit: 50})
	h.must(err)
	for _, e := range page.Events {
		if bytes.Contains(e.JSON, []byte(canary)) || bytes.Contains(e.JSON, encoded) {
			t.Errorf("the history has it: %s", e.JSON)
		}
	}
	if len(page.Events) == 0 {
		t.Error("there is no history")
	}
}

// The expected members are those of records that users quote: NextWork, "Build a Security
// Monitoring System" (CreateSecret, DescribeSecret), and external-secrets, reloader, "Default
// AWS SQS Message Schema" (PutSecretValue).
func TestRecordsNameTheSecretAndNothingOfItsValue(t *testing.T) {
	h := newHarness(t)
	made := h.create("TopSecretInfo", "x")
	h.put(*made.ARN, "y", 2)
	_, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("TopSecretInfo")})
	h.must(err)
	answer := map[string]any{"arn": *made.ARN}
	for name, want := range map[string][2]map[string]any{
		"CreateSecret":   {{"name": "TopSecretInfo", "clientRequestToken": *made.VersionId}, answer},
		"PutSecretValue": {{"secretId": *made.ARN, "clientRequestToken": *token(2)}, answer},
		"DescribeSecret": {{"secretId": "TopSecretInfo"}, nil},
	} {
		page, err := h.audit.Lookup(t.Context(), audit.Query{
			Account: testAccount, Region: testRegion, Start: h.clock.Now().Add(-time.Hour), End: h.clock.Now().Add(time.Hour), Limit: 50,
			Match: func(e *audit.Event) bool { return e.Name == name },
		})
		h.must(err)
		if len(page.Events) != 1 {
			t.Errorf("%s: %d records", name, len(page.Events))
			continue
		}
		var r struct {
			RequestParameters, ResponseElements map[string]any
			Resources                           any
		}
		h.must(json.Unmarshal(page.Events[0].JSON, &r))
		if !reflect.DeepEqual([2]map[string]any{r.RequestParameters, r.ResponseElements}, want) || r.Resources != nil {
			t.Errorf("%s: %s", name, page.Events[0].JSON)
		}
	}
}

// A refusal names the secret as the request did: "secretsmanager:GetSecretValue on resource:
// prod/db", and "secretsmanager:CreateSecret on resource: MySecret", as users quote AWS.
func TestARefusalNamesTheSecretAsTheRequestDid(t *testing.T) {
	h := newHarness(t)
	made := h.create("prod/db", "x")
	alice := user(testAccount, "alice")
	asAlice := h.as(alice, testRegion)
	refused := func(action, resource string, err error) {
		t.Helper()
		action = "secretsmanager:" + action
		h.want(err, "AccessDeniedException", "User: "+alice.ARN+" is not authorized to perform: "+action+" on resource: "+resource+
			" because no identity-based policy allows the "+action+" action")
	}
	for _, id := range []string{"prod/db", "none", *made.ARN} {
		_, err := h.value(asAlice, id, "")
		refused("GetSecretValue", id, err)
	}
	_, err := asAlice.CreateSecret(t.Context(), &api.CreateSecretRequest{Name: new("MySecret"), SecretString: new("x"), ClientRequestToken: token(1)})
	refused("CreateSecret", "MySecret", err)
	// The permission is asked for the ARN all the same.
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"`+*made.ARN+`"}}`)
	if v, err := h.value(asAlice, "prod/db", ""); v != "x" {
		t.Errorf("by name: %q, %v", v, err)
	}
}

// https://github.com/aws/aws-cli/issues/6053 quotes AWS's answer to such a SecretId.
func TestASecretIdThatIsNoNameIsInvalid(t *testing.T) {
	h := newHarness(t)
	for _, id := range []string{"C:/Program Files/Git/secret", "a b", "a$", "ärger", strings.Repeat("a", 513)} {
		_, err := h.value(h.admin(), id, "")
		h.want(err, "ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
		_, err = h.admin().RotateSecret(t.Context(), &api.RotateSecretRequest{SecretId: &id, ClientRequestToken: token(1)})
		h.want(err, "ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
}

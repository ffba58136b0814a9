package clients

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// TestSuccessorInheritsNothing deletes a user whom a key policy and a grant name, and
// makes another one of the same name.
func TestSuccessorInheritsNothing(t *testing.T) {
	const name, arn = "successor", "arn:aws:iam::" + account + ":user/successor"
	ctx, client := t.Context(), kmsClient()
	first := newUser(t, name, "")
	firstID := *must[*iam.GetUserOutput](t)(iamClient().GetUser(ctx, &iam.GetUserInput{UserName: aws.String(name)})).User.UserId
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":"kms:*","Resource":"*"},` +
		`{"Effect":"Allow","Principal":{"AWS":"` + arn + `"},"Action":"kms:Encrypt","Resource":"*"}]}`
	named := createKey(t, &kms.CreateKeyInput{Policy: &policy})
	granted := createKey(t, &kms.CreateKeyInput{})
	grant := &kms.CreateGrantInput{KeyId: &granted.id, GranteePrincipal: aws.String(arn), Operations: []types.GrantOperation{types.GrantOperationEncrypt}}
	must[*kms.CreateGrantOutput](t)(client.CreateGrant(ctx, grant))
	encrypt := func(as aws.Credentials, k *kmsKey) error {
		_, err := kmsIn(server, region, as).Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: message})
		return err
	}
	shown := func() string {
		return *must[*kms.GetKeyPolicyOutput](t)(client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &named.id})).Policy
	}
	grantee := func() string {
		return *must[*kms.ListGrantsOutput](t)(client.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &granted.id})).Grants[0].GranteePrincipal
	}
	for _, k := range []*kmsKey{named, granted} {
		if err := encrypt(first, k); err != nil {
			t.Errorf("the user whom the key names: %v", err)
		}
	}
	if got := shown(); !sameJSON(t, got, policy) {
		t.Errorf("the key policy is shown as %s", got)
	}
	if got := grantee(); got != arn {
		t.Errorf("the grantee is shown as %s", got)
	}

	must[*iam.DeleteAccessKeyOutput](t)(iamClient().DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String(name), AccessKeyId: &first.AccessKeyID}))
	must[*iam.DeleteUserOutput](t)(iamClient().DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String(name)}))
	_, err := client.CreateGrant(ctx, grant)
	wantCode(t, err, "InvalidArnException")
	_, err = client.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &named.id, Policy: &policy})
	wantCode(t, err, "MalformedPolicyDocumentException")

	second := newUser(t, name, "")
	for _, k := range []*kmsKey{named, granted} {
		wantCode(t, encrypt(second, k), "AccessDeniedException")
	}
	if got := shown(); !strings.Contains(got, firstID) || strings.Contains(got, arn) {
		t.Errorf("the key policy is shown as %s", got)
	}
	if got := grantee(); got != firstID {
		t.Errorf("the grantee is shown as %s", got)
	}
}

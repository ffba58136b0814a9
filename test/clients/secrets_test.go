package clients

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func secretsClient(inRegion string) *secretsmanager.Client {
	return secretsmanager.NewFromConfig(server.config(server.credentials, inRegion))
}

// TestSecretsManager calls every operation of Secrets Manager by the SDK for Go.
func TestSecretsManager(t *testing.T) {
	client, ctx := secretsClient(region), t.Context()
	const name = "sdk/go"
	const elsewhere = "eu-west-1"
	id := aws.String(name)
	made := must[*secretsmanager.CreateSecretOutput](t)(client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: id, SecretString: aws.String("one"), Description: aws.String("of the SDK"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}))
	if !strings.HasPrefix(*made.ARN, "arn:aws:secretsmanager:"+region+":"+account+":secret:"+name+"-") {
		t.Errorf("ARN %s", *made.ARN)
	}
	read := func(c *secretsmanager.Client, in *secretsmanager.GetSecretValueInput) string {
		t.Helper()
		in.SecretId = id
		return aws.ToString(must[*secretsmanager.GetSecretValueOutput](t)(c.GetSecretValue(ctx, in)).SecretString)
	}
	if got := read(client, &secretsmanager.GetSecretValueInput{}); got != "one" {
		t.Errorf("value %q", got)
	}
	put := must[*secretsmanager.PutSecretValueOutput](t)(client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: aws.String("two")}))
	must[*secretsmanager.UpdateSecretOutput](t)(client.UpdateSecret(ctx, &secretsmanager.UpdateSecretInput{SecretId: id, SecretBinary: []byte{1, 2, 3}}))
	if got := read(client, &secretsmanager.GetSecretValueInput{VersionStage: aws.String("AWSPREVIOUS")}); got != "two" {
		t.Errorf("previous value %q", got)
	}
	if got := read(client, &secretsmanager.GetSecretValueInput{VersionId: made.VersionId}); got != "one" {
		t.Errorf("deprecated value %q", got)
	}
	versions := must[*secretsmanager.ListSecretVersionIdsOutput](t)(client.ListSecretVersionIds(ctx, &secretsmanager.ListSecretVersionIdsInput{SecretId: id, IncludeDeprecated: aws.Bool(true)}))
	if len(versions.Versions) != 3 || !slices.Equal(versions.Versions[0].KmsKeyIds, []string{"DefaultEncryptionKey"}) {
		t.Errorf("versions %+v", versions.Versions)
	}
	current := must[*secretsmanager.GetSecretValueOutput](t)(client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: id}))
	must[*secretsmanager.UpdateSecretVersionStageOutput](t)(client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: id, VersionStage: aws.String("AWSCURRENT"), RemoveFromVersionId: current.VersionId, MoveToVersionId: put.VersionId,
	}))
	batch := must[*secretsmanager.BatchGetSecretValueOutput](t)(client.BatchGetSecretValue(ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: []string{name, "nowhere"}}))
	if len(batch.SecretValues) != 1 || *batch.SecretValues[0].SecretString != "two" || len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("batch %+v", batch)
	}
	password := must[*secretsmanager.GetRandomPasswordOutput](t)(client.GetRandomPassword(ctx, &secretsmanager.GetRandomPasswordInput{PasswordLength: aws.Int64(20), ExcludePunctuation: aws.Bool(true)}))
	if len(*password.RandomPassword) != 20 {
		t.Errorf("password of %d characters", len(*password.RandomPassword))
	}

	must[*secretsmanager.TagResourceOutput](t)(client.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: id, Tags: []types.Tag{{Key: aws.String("l"), Value: aws.String("w")}}}))
	must[*secretsmanager.UntagResourceOutput](t)(client.UntagResource(ctx, &secretsmanager.UntagResourceInput{SecretId: id, TagKeys: []string{"k"}}))
	const document = `{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`
	verdict := must[*secretsmanager.ValidateResourcePolicyOutput](t)(client.ValidateResourcePolicy(ctx, &secretsmanager.ValidateResourcePolicyInput{SecretId: id, ResourcePolicy: aws.String(document)}))
	if verdict.PolicyValidationPassed || len(verdict.ValidationErrors) != 1 {
		t.Errorf("verdict %+v", verdict)
	}
	_, err := client.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: id, ResourcePolicy: aws.String(document), BlockPublicPolicy: aws.Bool(true)})
	wantCode(t, err, "PublicPolicyException")
	narrow := strings.Replace(document, `"*",`, `{"AWS":"arn:aws:iam::`+account+`:root"},`, 1)
	must[*secretsmanager.PutResourcePolicyOutput](t)(client.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: id, ResourcePolicy: &narrow, BlockPublicPolicy: aws.Bool(true)}))
	if got := must[*secretsmanager.GetResourcePolicyOutput](t)(client.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: id})); !sameJSON(t, *got.ResourcePolicy, narrow) {
		t.Errorf("policy %s", *got.ResourcePolicy)
	}
	must[*secretsmanager.DeleteResourcePolicyOutput](t)(client.DeleteResourcePolicy(ctx, &secretsmanager.DeleteResourcePolicyInput{SecretId: id}))

	_, err = client.RotateSecret(ctx, &secretsmanager.RotateSecretInput{SecretId: id})
	wantCode(t, err, "InvalidRequestException")
	_, err = client.CancelRotateSecret(ctx, &secretsmanager.CancelRotateSecretInput{SecretId: id})
	wantCode(t, err, "InvalidRequestException")

	replicated := must[*secretsmanager.ReplicateSecretToRegionsOutput](t)(client.ReplicateSecretToRegions(ctx, &secretsmanager.ReplicateSecretToRegionsInput{
		SecretId: id, AddReplicaRegions: []types.ReplicaRegionType{{Region: aws.String(elsewhere)}, {Region: aws.String("us-west-2")}},
	}))
	if len(replicated.ReplicationStatus) != 2 || replicated.ReplicationStatus[0].Status != types.StatusTypeInSync {
		t.Errorf("replication %+v", replicated.ReplicationStatus)
	}
	there := secretsClient(elsewhere)
	if got := read(there, &secretsmanager.GetSecretValueInput{}); got != "two" {
		t.Errorf("the replica's value %q", got)
	}
	must[*secretsmanager.RemoveRegionsFromReplicationOutput](t)(client.RemoveRegionsFromReplication(ctx, &secretsmanager.RemoveRegionsFromReplicationInput{SecretId: id, RemoveReplicaRegions: []string{"us-west-2"}}))
	must[*secretsmanager.StopReplicationToReplicaOutput](t)(there.StopReplicationToReplica(ctx, &secretsmanager.StopReplicationToReplicaInput{SecretId: id}))
	must[*secretsmanager.DeleteSecretOutput](t)(there.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}))

	described := must[*secretsmanager.DescribeSecretOutput](t)(client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: made.ARN}))
	if *described.Description != "of the SDK" || len(described.Tags) != 1 || len(described.VersionIdsToStages) != 2 || described.LastAccessedDate == nil {
		t.Errorf("described %+v", described)
	}
	pages := secretsmanager.NewListSecretsPaginator(client, &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(1), SortBy: types.SortByTypeName})
	found := false
	for pages.HasMorePages() {
		for _, s := range must[*secretsmanager.ListSecretsOutput](t)(pages.NextPage(ctx)).SecretList {
			found = found || *s.ARN == *made.ARN
		}
	}
	if !found {
		t.Error("the secret is not in the list")
	}
	must[*secretsmanager.DeleteSecretOutput](t)(client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}))
	_, err = client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: id})
	wantCode(t, err, "InvalidRequestException")
	must[*secretsmanager.RestoreSecretOutput](t)(client.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: id}))
	if record := eventOf(t, "PutSecretValue", name); record == "" || strings.Contains(record, `"two"`) {
		t.Errorf("record %s", record)
	}
	must[*secretsmanager.DeleteSecretOutput](t)(client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}))
}

func TestAWSCLISecrets(t *testing.T) {
	need(t, "aws")
	need(t, "bash")
	succeed(t, t.TempDir(), server.environment(server.credentials), "bash", absolute(t, "testdata", "awscli_secrets.sh"))
}

func TestBoto3Secrets(t *testing.T) {
	succeed(t, t.TempDir(), server.environment(server.credentials), pythonWithBoto3(t), absolute(t, "testdata", "boto3_secrets.py"))
}

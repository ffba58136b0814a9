package clients

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cloudtrailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// newUser makes an IAM user with an inline policy and returns its credentials.
func newUser(t *testing.T, name, policy string) aws.Credentials {
	t.Helper()
	client, ctx := iamClient(), t.Context()
	must[*iam.CreateUserOutput](t)(client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}))
	if policy != "" {
		must[*iam.PutUserPolicyOutput](t)(client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("inline"), PolicyDocument: &policy}))
	}
	key := must[*iam.CreateAccessKeyOutput](t)(client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})).AccessKey
	return aws.Credentials{AccessKeyID: *key.AccessKeyId, SecretAccessKey: *key.SecretAccessKey}
}

func TestUserIsHeldToItsPolicy(t *testing.T) {
	ctx := t.Context()
	k := sharedKey(t, symmetric, enabled)
	user := newUser(t, "encrypter", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"`+k.arn+`"}]}`)

	who := must[*sts.GetCallerIdentityOutput](t)(stsClient(user).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))
	arn := "arn:aws:iam::" + account + ":user/encrypter"
	if *who.Arn != arn || *who.Account != account {
		t.Errorf("the caller is %s of %s", *who.Arn, *who.Account)
	}
	client := kmsIn(server, region, user)
	blob := must[*kms.EncryptOutput](t)(client.Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: message})).CiphertextBlob
	_, err := client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})
	wantCode(t, err, "AccessDeniedException")
	var denied smithy.APIError
	want := "User: " + arn + " is not authorized to perform: kms:Decrypt on resource: " + k.arn + " because no identity-based policy allows the kms:Decrypt action"
	if errors.As(err, &denied) && denied.ErrorMessage() != want {
		t.Errorf("the denial reads\n%s\nnot\n%s", denied.ErrorMessage(), want)
	}
}

func TestAssumedRole(t *testing.T) {
	client, ctx := iamClient(), t.Context()
	must[*iam.CreateRoleOutput](t)(client.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 aws.String("decrypter"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":"sts:AssumeRole"}]}`),
	}))
	must[*iam.PutRolePolicyOutput](t)(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("decrypter"), PolicyName: aws.String("inline"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`),
	}))
	user := newUser(t, "assumer", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	assumed := must[*sts.AssumeRoleOutput](t)(stsClient(user).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/decrypter"), RoleSessionName: aws.String("tests"),
	})).Credentials
	session := aws.Credentials{AccessKeyID: *assumed.AccessKeyId, SecretAccessKey: *assumed.SecretAccessKey, SessionToken: *assumed.SessionToken}
	who := must[*sts.GetCallerIdentityOutput](t)(stsClient(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))
	if want := "arn:aws:sts::" + account + ":assumed-role/decrypter/tests"; *who.Arn != want {
		t.Errorf("the caller is %s, not %s", *who.Arn, want)
	}
	k := sharedKey(t, symmetric, enabled)
	must[*kms.DecryptOutput](t)(kmsIn(server, region, session).Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: k.blob}))
	_, err := kmsIn(server, region, session).Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: message})
	wantCode(t, err, "AccessDeniedException")
}

func TestWrongSecretIsRefused(t *testing.T) {
	wrong := server.credentials
	wrong.SecretAccessKey = "x" + wrong.SecretAccessKey[1:] + "y"
	_, err := kmsIn(server, region, wrong).ListKeys(t.Context(), &kms.ListKeysInput{})
	if got := code(err); got != "InvalidSignatureException" && got != "SignatureDoesNotMatch" {
		t.Errorf("got %v", err)
	}
	_, err = kmsIn(server, region, aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret"}).ListKeys(t.Context(), &kms.ListKeysInput{})
	wantCode(t, err, "UnrecognizedClientException")
}

func TestPresignedCallerIdentity(t *testing.T) {
	presigned, err := sts.NewPresignClient(stsClient(server.credentials)).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), presigned.Method, presigned.URL, nil))
	req.Header = presigned.SignedHeader
	res := must[*http.Response](t)(http.DefaultClient.Do(req))
	defer res.Body.Close()
	body := must[[]byte](t)(io.ReadAll(res.Body))
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), "<Arn>"+rootARN+"</Arn>") {
		t.Errorf("%s: %s", res.Status, body)
	}
}

// TestCallAppearsInCloudTrail looks a call up within a second of its answer: AWS takes
// up to 15 minutes.
func TestCallAppearsInCloudTrail(t *testing.T) {
	ctx := t.Context()
	k := createKey(t, &kms.CreateKeyInput{})
	must[*kms.EncryptOutput](t)(kmsClient().Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: []byte("a secret that no log may hold"), EncryptionContext: map[string]string{"purpose": "audit"}}))
	called := time.Now()
	record := eventOf(t, "Encrypt", k.arn)
	if record == "" {
		t.Fatalf("the call is not in the event history after %v", time.Since(called))
	}
	var parsed struct {
		EventVersion, EventSource, EventName, RecipientAccountId string
		RequestParameters                                        struct{ EncryptionContext map[string]string }
		ResponseElements                                         any
	}
	if err := json.Unmarshal([]byte(record), &parsed); err != nil {
		t.Fatal(err)
	}
	if parsed.EventSource != "kms.amazonaws.com" || parsed.RequestParameters.EncryptionContext["purpose"] != "audit" || parsed.RecipientAccountId != account {
		t.Errorf("record %s", record)
	}
	if strings.Contains(record, "a secret") || strings.Contains(strings.ToLower(record), "plaintext") {
		t.Errorf("the record has the plaintext: %s", record)
	}
}

// eventOf looks for an event of a name that mentions a text, for at most a second.
func eventOf(t *testing.T, name, mentions string) string {
	t.Helper()
	client := cloudTrailClient()
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		out := must[*cloudtrail.LookupEventsOutput](t)(client.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
			LookupAttributes: []cloudtrailtypes.LookupAttribute{{AttributeKey: cloudtrailtypes.LookupAttributeKeyEventName, AttributeValue: &name}},
		}))
		i := slices.IndexFunc(out.Events, func(e cloudtrailtypes.Event) bool {
			return strings.Contains(aws.ToString(e.CloudTrailEvent), mentions)
		})
		if i >= 0 {
			return *out.Events[i].CloudTrailEvent
		}
	}
	return ""
}

// TestHTTPS reaches the same port by TLS, with the server's own authority trusted as
// every AWS client does it: by AWS_CA_BUNDLE.
func TestHTTPS(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", server.caFile())
	t.Setenv("AWS_CONFIG_FILE", server.configFile())
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", server.credentialFile())
	t.Setenv("AWS_ENDPOINT_URL", server.https())
	for _, protocol := range []string{"http/1.1", "h2"} {
		loaded := must[aws.Config](t)(config.LoadDefaultConfig(t.Context(), config.WithHTTPClient(
			awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
				tr.TLSClientConfig.NextProtos = []string{protocol}
				tr.ForceAttemptHTTP2 = protocol == "h2"
			}))))
		must[*kms.ListKeysOutput](t)(kms.NewFromConfig(loaded).ListKeys(t.Context(), &kms.ListKeysInput{}))
		must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(loaded).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	}
}

package clients

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func ssmIn(p *process, c aws.Credentials) *ssm.Client { return ssm.NewFromConfig(p.config(c, region)) }

// TestParameterStoreOperations calls every operation of Parameter Store.
func TestParameterStoreOperations(t *testing.T) {
	client, ctx := ssmIn(server, server.credentials), t.Context()
	name, arn := aws.String("/clients/ops/one"), aws.String("arn:aws:ssm:"+region+":"+account+":parameter/clients/ops/one")
	put := must[*ssm.PutParameterOutput](t)(client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: name, Value: aws.String("first"), Type: types.ParameterTypeString, Tier: types.ParameterTierAdvanced, Description: aws.String("of the tests"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}},
	}))
	if put.Version != 1 || put.Tier != types.ParameterTierAdvanced {
		t.Errorf("%+v", put)
	}
	must[*ssm.PutParameterOutput](t)(client.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Value: aws.String("second"), Overwrite: aws.Bool(true)}))
	must[*ssm.PutParameterOutput](t)(client.PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/clients/ops/two"), Value: aws.String("a,b"), Type: types.ParameterTypeStringList}))

	label := must[*ssm.LabelParameterVersionOutput](t)(client.LabelParameterVersion(ctx, &ssm.LabelParameterVersionInput{Name: name, ParameterVersion: aws.Int64(1), Labels: []string{"good", "aws"}}))
	if !slices.Equal(label.InvalidLabels, []string{"aws"}) {
		t.Errorf("invalid labels %v", label.InvalidLabels)
	}
	got := must[*ssm.GetParameterOutput](t)(client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(*name + ":good")})).Parameter
	if *got.Value != "first" || *got.ARN != *arn || *got.Selector != ":good" || time.Since(*got.LastModifiedDate) > time.Hour {
		t.Errorf("%+v", got)
	}
	many := must[*ssm.GetParametersOutput](t)(client.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{*name, "/clients/ops/two", "none"}}))
	if len(many.Parameters) != 2 || !slices.Equal(many.InvalidParameters, []string{"none"}) {
		t.Errorf("%+v", many)
	}
	pages := ssm.NewGetParametersByPathPaginator(client, &ssm.GetParametersByPathInput{Path: aws.String("/clients/ops"), MaxResults: aws.Int32(1)})
	var names []string
	for pages.HasMorePages() {
		for _, p := range must[*ssm.GetParametersByPathOutput](t)(pages.NextPage(ctx)).Parameters {
			names = append(names, *p.Name)
		}
	}
	if !slices.Equal(names, []string{"/clients/ops/one", "/clients/ops/two"}) {
		t.Errorf("%v", names)
	}
	history := must[*ssm.GetParameterHistoryOutput](t)(client.GetParameterHistory(ctx, &ssm.GetParameterHistoryInput{Name: name}))
	if len(history.Parameters) != 2 || !slices.Equal(history.Parameters[0].Labels, []string{"good"}) || *history.Parameters[0].LastModifiedUser != rootARN {
		t.Errorf("%+v", history.Parameters)
	}
	described := must[*ssm.DescribeParametersOutput](t)(client.DescribeParameters(ctx, &ssm.DescribeParametersInput{
		ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("tag:team"), Values: []string{"red"}}},
	}))
	if len(described.Parameters) != 1 || *described.Parameters[0].Description != "of the tests" {
		t.Errorf("%+v", described.Parameters)
	}
	unlabel := must[*ssm.UnlabelParameterVersionOutput](t)(client.UnlabelParameterVersion(ctx, &ssm.UnlabelParameterVersionInput{Name: name, ParameterVersion: aws.Int64(1), Labels: []string{"good"}}))
	if !slices.Equal(unlabel.RemovedLabels, []string{"good"}) {
		t.Errorf("%+v", unlabel)
	}

	kind := types.ResourceTypeForTaggingParameter
	must[*ssm.AddTagsToResourceOutput](t)(client.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{ResourceType: kind, ResourceId: name, Tags: []types.Tag{{Key: aws.String("env"), Value: aws.String("test")}}}))
	must[*ssm.RemoveTagsFromResourceOutput](t)(client.RemoveTagsFromResource(ctx, &ssm.RemoveTagsFromResourceInput{ResourceType: kind, ResourceId: name, TagKeys: []string{"team"}}))
	tags := must[*ssm.ListTagsForResourceOutput](t)(client.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: kind, ResourceId: name})).TagList
	if len(tags) != 1 || *tags[0].Key != "env" {
		t.Errorf("%+v", tags)
	}

	setting := aws.String("/ssm/parameter-store/high-throughput-enabled")
	must[*ssm.UpdateServiceSettingOutput](t)(client.UpdateServiceSetting(ctx, &ssm.UpdateServiceSettingInput{SettingId: setting, SettingValue: aws.String("true")}))
	if s := must[*ssm.GetServiceSettingOutput](t)(client.GetServiceSetting(ctx, &ssm.GetServiceSettingInput{SettingId: setting})).ServiceSetting; *s.SettingValue != "true" {
		t.Errorf("%+v", s)
	}
	if s := must[*ssm.ResetServiceSettingOutput](t)(client.ResetServiceSetting(ctx, &ssm.ResetServiceSettingInput{SettingId: setting})).ServiceSetting; *s.SettingValue != "false" {
		t.Errorf("%+v", s)
	}

	policy := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":["ssm:GetParameter","ssm:DescribeParameters"],"Resource":"` + *arn + `"}}`
	shared := must[*ssm.PutResourcePolicyOutput](t)(client.PutResourcePolicy(ctx, &ssm.PutResourcePolicyInput{ResourceArn: arn, Policy: &policy}))
	list := must[*ssm.GetResourcePoliciesOutput](t)(client.GetResourcePolicies(ctx, &ssm.GetResourcePoliciesInput{ResourceArn: arn})).Policies
	if len(list) != 1 || *list[0].PolicyId != *shared.PolicyId || *list[0].Policy != policy {
		t.Errorf("%+v", list)
	}
	must[*ssm.DeleteResourcePolicyOutput](t)(client.DeleteResourcePolicy(ctx, &ssm.DeleteResourcePolicyInput{ResourceArn: arn, PolicyId: shared.PolicyId, PolicyHash: shared.PolicyHash}))

	must[*ssm.DeleteParameterOutput](t)(client.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: name}))
	_, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: name})
	var missing *types.ParameterNotFound
	if !errors.As(err, &missing) || missing.ErrorMessage() != "" {
		t.Errorf("%v", err)
	}
	deleted := must[*ssm.DeleteParametersOutput](t)(client.DeleteParameters(ctx, &ssm.DeleteParametersInput{Names: []string{"/clients/ops/two", *name}}))
	if !slices.Equal(deleted.DeletedParameters, []string{"/clients/ops/two"}) || !slices.Equal(deleted.InvalidParameters, []string{*name}) {
		t.Errorf("%+v", deleted)
	}
	// What Systems Manager has besides is not there, and says so.
	_, err = client.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{})
	wantCode(t, err, "UnknownOperationException")
}

func TestSecureStringsAreBoundToKMS(t *testing.T) {
	client, ctx := ssmIn(server, server.credentials), t.Context()
	keys := kms.NewFromConfig(server.config(server.credentials, region))
	key := must[*kms.CreateKeyOutput](t)(keys.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.KeyId
	const secret = "canary-of-the-clients-5d1f"
	for tier, size := range map[types.ParameterTier]int{types.ParameterTierStandard: 4096, types.ParameterTierAdvanced: 8192} {
		name, value := aws.String("/clients/secret/"+string(tier)), strings.Repeat(secret, size)[:size]
		must[*ssm.PutParameterOutput](t)(client.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Value: &value, Type: types.ParameterTypeSecureString, KeyId: key, Tier: tier}))
		read := func() (*ssm.GetParameterOutput, error) {
			return client.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
		}
		if got := must[*ssm.GetParameterOutput](t)(read()); *got.Parameter.Value != value {
			t.Errorf("%s: another value", tier)
		}
		blob := *must[*ssm.GetParameterOutput](t)(client.GetParameter(ctx, &ssm.GetParameterInput{Name: name})).Parameter.Value
		if _, err := base64.StdEncoding.DecodeString(blob); err != nil || strings.Contains(blob, secret) {
			t.Errorf("%s: the ciphertext is %.40s", tier, blob)
		}
		must[*kms.DisableKeyOutput](t)(keys.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key}))
		_, err := read()
		wantCode(t, err, "InvalidKeyId")
		must[*kms.EnableKeyOutput](t)(keys.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key}))
		must[*ssm.GetParameterOutput](t)(read())
	}
	if err := filepath.WalkDir(filepath.Dir(server.dataDir), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), secret) {
			t.Errorf("%s holds the plaintext", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestExpirationsAreOnTime lets parameters expire, the last after a restart of the server.
func TestExpirationsAreOnTime(t *testing.T) {
	dir := t.TempDir()
	own := must[*process](t)(start(program, dir))
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = own.kill()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	put := func(client *ssm.Client, name string, in time.Duration) time.Time {
		at := time.Now().Add(in).UTC()
		must[*ssm.PutParameterOutput](t)(client.PutParameter(ctx, &ssm.PutParameterInput{
			Name: &name, Value: aws.String("x"), Type: types.ParameterTypeString, Tier: types.ParameterTierAdvanced,
			Policies: aws.String(fmt.Sprintf(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":%q}}]`, at.Format("2006-01-02T15:04:05.000Z"))),
		}))
		return at
	}
	client := ssmIn(own, own.credentials)
	expired := func(name string, at time.Time) {
		t.Helper()
		for {
			asked := time.Now()
			_, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
			if code(err) == "ParameterNotFound" {
				if time.Now().Before(at) {
					t.Errorf("%s expired early", name)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if late := asked.Sub(at); late > time.Second {
				t.Fatalf("%s is there %v after its expiration", name, late)
			}
		}
	}
	expired("soon", put(client, "soon", 1500*time.Millisecond))
	put(client, "meanwhile", 500*time.Millisecond)
	later := put(client, "later", 5*time.Second)
	if err := own.stop(); err != nil {
		t.Fatal(err)
	}
	stopped = true
	own = must[*process](t)(start(program, dir))
	stopped = false
	client = ssmIn(own, own.credentials)
	expired("meanwhile", time.Now().Add(-time.Millisecond))
	expired("later", later)
	for name, want := range map[string]int{"soon": 1, "meanwhile": 1, "later": 1} {
		out := must[[]byte](t)(exec.CommandContext(ctx, program, "events", "tail", "--data", own.dataDir, "-n", "100").CombinedOutput())
		if got := strings.Count(string(out), `"parameter-name":"`+name+`"`); got != want {
			t.Errorf("%s: %d events", name, got)
		}
	}
	if err := own.stop(); err != nil {
		t.Fatal(err)
	}
	stopped = true
}

func TestParametersFromFiles(t *testing.T) {
	dir := t.TempDir()
	parameters, images := filepath.Join(dir, "parameters.json"), filepath.Join(dir, "images.json")
	for file, content := range map[string]string{
		parameters: `{"parameters":[{"name":"/aws/service/example/latest","value":"1.2.3"}]}`, images: `{"images":[{"id":"ami-0123456789abcdef0"}]}`,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := must[*process](t)(start(program, dir, "--ssm-parameters", parameters, "--ssm-images", images))
	defer func() {
		if err := own.stop(); err != nil {
			t.Error(err)
		}
	}()
	client, ctx := ssmIn(own, own.credentials), t.Context()
	if p := must[*ssm.GetParameterOutput](t)(client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/service/example/latest")})).Parameter; *p.Value != "1.2.3" {
		t.Errorf("%+v", p)
	}
	name := aws.String("golden")
	must[*ssm.PutParameterOutput](t)(client.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Value: aws.String("ami-0123456789abcdef0"), Type: types.ParameterTypeString, DataType: aws.String("aws:ec2:image")}))
	deadline := time.Now().Add(10 * time.Second)
	for {
		out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: name})
		if err == nil {
			if *out.Parameter.DataType != "aws:ec2:image" {
				t.Errorf("%+v", out.Parameter)
			}
			return
		}
		if code(err) != "ParameterNotFound" || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

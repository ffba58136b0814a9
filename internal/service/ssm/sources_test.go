package ssm

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
)

const (
	goldenAMI  = "ami-0123456789abcdef0"
	privateAMI = "ami-0fedcba9876543210"
)

func withImages(t *testing.T) func(*Config) {
	images, err := ReadImages(strings.NewReader(`{"images":[{"id":"` + goldenAMI + `","regions":["us-east-1"]},{"id":"` + privateAMI + `","accounts":["` + otherAccount + `"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Images = images }
}

func image(in *ssmapi.PutParameterRequest) { in.DataType = new(dataImage) }

func TestImagesAreValidatedBehindTheCall(t *testing.T) {
	h := newHarness(t, withImages(t))
	if out := h.put("/ami", goldenAMI, image); *out.Version != 1 {
		t.Errorf("version %d", *out.Version)
	}
	if got := h.getError("/ami"); got != "ParameterNotFound: " {
		t.Errorf("before the validation: %s", got)
	}
	if _, err := h.tryPut("ami", goldenAMI, image); codeOf(err) != "TooManyUpdates" {
		t.Errorf("a second change: %v", err)
	}
	if e := h.take(); len(e) != 0 {
		t.Errorf("early events %v", e)
	}
	h.runJobs()
	if p := h.get("/ami"); *p.Value != goldenAMI || *p.DataType != "aws:ec2:image" {
		t.Errorf("%+v", p)
	}
	if e := h.take(); len(e) != 1 || string(e[0].Detail) != `{"dataType":"aws:ec2:image","name":"/ami","type":"String","operation":"Create"}` {
		t.Errorf("%+v", e)
	}
	// One of another account, one that is none, and one that does not exist.
	for i, bad := range []string{privateAMI, "ami-nonsense", "ami-00000000000000000"} {
		if out := h.put("/ami", bad, image, overwrite); *out.Version != int64(i+2) {
			t.Errorf("version %d", *out.Version)
		}
		h.runJobs()
		if e := h.take(); len(e) != 1 || string(e[0].Detail) != `{"exception":"Unable to Describe Resource","dataType":"aws:ec2:image","name":"/ami","type":"String","operation":"Update"}` {
			t.Errorf("%+v", e)
		}
		if p := h.get("/ami"); *p.Value != goldenAMI || *p.Version != 1 {
			t.Errorf("%+v", p)
		}
	}
	if out := h.put("/ami", goldenAMI, image, overwrite); *out.Version != 5 {
		t.Errorf("version %d", *out.Version)
	}
	h.runJobs()
	if p := h.get("/ami"); *p.Version != 5 {
		t.Errorf("version %d", *p.Version)
	}
	h.put("/never", "ami-00000000", image)
	h.runJobs()
	if got := h.getError("/never"); got != "ParameterNotFound: " {
		t.Error(got)
	}
	if _, err := h.tryPut("/ami", "x", overwrite, func(in *ssmapi.PutParameterRequest) { in.DataType = new("text") }); codeOf(err) != "ValidationException" {
		t.Errorf("another data type: %v", err)
	}
	h.put("/gone", goldenAMI, image)
	h.runJobs()
	h.put("/gone", goldenAMI, image, overwrite)
	h.delete("/gone")
	h.runJobs()
	if got := h.getError("/gone"); got != "ParameterNotFound: " {
		t.Error(got)
	}
	h.consistent()
}

const publicFile = `{"parameters":[
	{"name":"/aws/service/z/version","value":"9","version":7,"lastModified":"2026-01-02T03:04:05Z","description":"An example"},
	{"name":"/aws/service/a/one","value":"1"},
	{"name":"/aws/service/a/list","value":"x,y","type":"StringList"},
	{"name":"/aws/service/a/ami","value":"ami-0123456789abcdef0","dataType":"aws:ec2:image","regions":["us-east-1"]},
	{"name":"/aws/service/a/ami","value":"ami-0fedcba9876543210","dataType":"aws:ec2:image","regions":["eu-west-1"]},
	{"name":"/aws/service/a/b/c","value":"deep"}]}`

func TestPublicParameters(t *testing.T) {
	public, err := ReadPublic(strings.NewReader(publicFile))
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, func(c *Config) { c.Public = public })
	p := h.get("/aws/service/z/version")
	if *p.Value != "9" || *p.Version != 7 || *p.ARN != "arn:aws:ssm:us-east-1::parameter/aws/service/z/version" || p.LastModifiedDate.Year() != 2026 {
		t.Errorf("%+v", p)
	}
	if p := h.get("/aws/service/z/version:7"); *p.Selector != ":7" {
		t.Errorf("%+v", p)
	}
	if p := h.get("arn:aws:ssm:us-east-1::parameter/aws/service/a/ami"); *p.Value != goldenAMI {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string]string{
		"/aws/service/none":        "ParameterNotFound: ",
		"/aws/service/z/version:8": "ParameterVersionNotFound: Systems Manager could not find version 8 of /aws/service/z/version. Verify the version and try again.",
	} {
		if got := h.getError(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for path, want := range map[string]string{
		"/aws/service/a": "/aws/service/a/ami /aws/service/a/list /aws/service/a/one",
		"/aws/service":   "",
	} {
		for size := int32(1); size < 4; size++ {
			if got := strings.Join(h.below(path, false, size), " "); got != want {
				t.Errorf("%s: %s", path, got)
			}
		}
	}
	if got := h.below("/aws/service/", true, 2); len(got) != 5 || !slices.IsSorted(got) {
		t.Errorf("%v", got)
	}
	if got := h.below("/aws/service/a", true, 2, where("Type", "", "StringList")); !slices.Equal(got, []string{"/aws/service/a/list"}) {
		t.Errorf("%v", got)
	}
	out, err := h.admin().GetParameterHistory(t.Context(), &ssmapi.GetParameterHistoryRequest{Name: new("/aws/service/z/version")})
	if codeOf(err) != "ParameterNotFound" {
		t.Errorf("the history of a public parameter: %+v, %v", out, err)
	}
	alice := user(testAccount, "alice")
	h.allow(alice, allowing("Allow", "ssm:GetParameter", "arn:aws:ssm:*::parameter/aws/service/*", ""))
	if _, err := h.as(alice).GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: new("/aws/service/a/one")}); err != nil {
		t.Error(err)
	}
	for _, do := range []error{
		func() error { _, err := h.tryPut("/aws/service/a/one", "2"); return err }(),
		func() error {
			_, err := h.admin().DeleteParameter(t.Context(), &ssmapi.DeleteParameterRequest{Name: new("/aws/service/a/one")})
			return err
		}(),
	} {
		if do == nil {
			t.Error("a public parameter was changed")
		}
	}
}

func TestFilesAreRefused(t *testing.T) {
	for _, bad := range []string{
		"", "[]", `{"parameters":[{"name":"/other","value":"x"}]}`, `{"parameters":[{"name":"/aws/service/x"}]}`,
		`{"parameters":[{"name":"/aws/service/x","value":"x","type":"SecureString"}]}`, `{"parameters":[{"name":"/aws/service//x","value":"x"}]}`,
		`{"parameters":[{"name":"/aws/service/x","value":"x","version":-1}]}`, `{"parameters":[{"name":"/aws/service/x","value":"x","kind":1}]}`,
		`{"parameters":[]} {}`,
	} {
		if _, err := ReadPublic(strings.NewReader(bad)); err == nil {
			t.Errorf("parameters %s", bad)
		}
	}
	for _, bad := range []string{"", `{"images":[{"id":"i-1"}]}`, `{"images":[{"id":"` + goldenAMI + `","accounts":["me"]}]}`} {
		if _, err := ReadImages(strings.NewReader(bad)); err == nil {
			t.Errorf("images %s", bad)
		}
	}
}

// secrets answers GetSecretValue as Secrets Manager does; nothing else is called.
type secrets struct{ secretsmanagerapi.Service }

func (secrets) GetSecretValue(_ context.Context, in *secretsmanagerapi.GetSecretValueRequest) (*secretsmanagerapi.GetSecretValueResponse, error) {
	if *in.SecretId != "db/prod" || value(in.VersionStage) == "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1" {
		return nil, &secretsmanagerapi.ResourceNotFoundException{Message: new("Secrets Manager can't find the specified secret.")}
	}
	return &secretsmanagerapi.GetSecretValueResponse{
		ARN: new("arn:aws:secretsmanager:us-east-1:111122223333:secret:db/prod-AbCdEf"), Name: in.SecretId, CreatedDate: new(time.UnixMilli(1526334434743)),
		SecretString: new(value(in.VersionStage) + "/" + value(in.VersionId)), VersionId: new("v"), VersionStages: []string{"AWSCURRENT"},
	}, nil
}

func TestReferencesToSecrets(t *testing.T) {
	h := newHarness(t)
	const prefix = "/aws/reference/secretsmanager/"
	for name, want := range map[string]string{
		"db/prod": "/", "db/prod:AWSPREVIOUS": "AWSPREVIOUS/", "db/prod:11111111-2222-3333-4444-555555555555": "/11111111-2222-3333-4444-555555555555",
		"db/prod:EXAMPLE1-90ab-cdef-fedc-ba987SECRET1": "/EXAMPLE1-90ab-cdef-fedc-ba987SECRET1",
	} {
		p := h.get(prefix + name)
		if *p.Value != want || *p.Type != "SecureString" || *p.Name != prefix+"db/prod" || *p.Version != 0 || !strings.Contains(*p.SourceResult, `"CreatedDate":1526334434.743,"Name":"db/prod"`) || *p.ARN != "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/prod-AbCdEf" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if got := h.getError(prefix + "none"); got != "ParameterNotFound: An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret /aws/reference/secretsmanager/none not found." {
		t.Error(got)
	}
	_, err := h.admin().GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: new(prefix + "db/prod")})
	if textOf(err) != "ValidationException: WithDecryption flag must be True for retrieving a Secret Manager secret." {
		t.Error(textOf(err))
	}
	out, err := h.admin().GetParameters(t.Context(), &ssmapi.GetParametersRequest{Names: []string{prefix + "db/prod", prefix + "none"}, WithDecryption: new(true)})
	if err != nil || len(out.Parameters) != 1 || len(out.InvalidParameters) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

package ssm

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/ssmapi"
)

func TestPutMakesVersionsThatGetFinds(t *testing.T) {
	h := newHarness(t)
	for i := range 3 {
		out := h.put("/a/b", fmt.Sprintf("value %d", i+1), overwrite)
		if *out.Version != int64(i+1) || *out.Tier != ssmapi.ParameterTierStandard {
			t.Errorf("version %d, tier %s", *out.Version, *out.Tier)
		}
	}
	const arn = "arn:aws:ssm:us-east-1:111122223333:parameter/a/b"
	for _, c := range []struct {
		name, value, selector string
		version               int64
	}{
		{"/a/b", "value 3", "", 3}, {"/a/b:1", "value 1", ":1", 1}, {"/a/b:3", "value 3", ":3", 3},
		{arn, "value 3", "", 3}, {arn + ":2", "value 2", ":2", 2}, {"  /a/b ", "value 3", "", 3},
	} {
		p := h.get(c.name)
		if *p.Value != c.value || *p.Version != c.version || value(p.Selector) != c.selector || *p.Name != "/a/b" || *p.ARN != arn || *p.DataType != "text" || *p.Type != "String" {
			t.Errorf("%q: %s %d %s %s", c.name, *p.Value, *p.Version, value(p.Selector), *p.Name)
		}
	}
	for name, want := range map[string]string{
		"/a/c":     "ParameterNotFound: ",
		"/a/b:4":   "ParameterVersionNotFound: Systems Manager could not find version 4 of /a/b. Verify the version and try again.",
		"/a/b:0":   "ParameterVersionNotFound: Systems Manager could not find version 0 of /a/b. Verify the version and try again.",
		"/a/b:old": "ParameterVersionNotFound: Systems Manager could not find label old of /a/b. Verify the label and try again.",
		"{a}":      "ValidationException: " + nameRule,
		"/a/b:1:2": "ParameterNotFound: ",
	} {
		if got := h.getError(name); got != want {
			t.Errorf("%q: %s", name, got)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	h := newHarness(t)
	h.put("there", "x")
	h.put("advanced", "x", advanced)
	h.put("secret", "x", secure, under(h.key()))
	list := func(in *ssmapi.PutParameterRequest) { in.Type = new(ssmapi.ParameterTypeStringList) }
	noType := func(in *ssmapi.PutParameterRequest) { in.Type = nil }
	tagged := func(in *ssmapi.PutParameterRequest) { in.Tags = []ssmapi.Tag{{Key: new("k"), Value: new("v")}} }
	pattern := func(p string) func(*ssmapi.PutParameterRequest) {
		return func(in *ssmapi.PutParameterRequest) { in.AllowedPattern = &p }
	}
	dataType := func(d string) func(*ssmapi.PutParameterRequest) {
		return func(in *ssmapi.PutParameterRequest) { in.DataType = &d }
	}
	type changes = []func(*ssmapi.PutParameterRequest)
	const (
		prefixed = `ValidationException: Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`
		invalid  = `ValidationException: Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
	)
	for _, c := range []struct {
		name, value string
		changes     changes
		want        string
	}{
		{"there", "x", nil, "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true."},
		{"new", "x", changes{overwrite, tagged}, "ValidationException: Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource."},
		{"new", "", nil, "ValidationException: 1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1."},
		{"new", "x", changes{noType}, "ValidationException: A parameter type is required when you create a parameter."},
		{"new", "a {{ssm:b}}", nil, `ValidationException: Parameter value can't nest another parameter. Do not use "{{}}" in the value.`},
		{"there", "x", changes{overwrite, list}, "HierarchyTypeMismatchException: Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter."},
		{"new", "x", changes{under("alias/k")}, "ValidationException: KeyId is required for SecureString type parameter only."},
		{"new", "x", changes{secure, under("alias/none")}, "InvalidKeyId: Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found." + fromKMS("NotFoundException")},
		{"new", "12a", changes{pattern(`^\d+$`)}, `ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: ^\d+$`},
		{"new", "12a", changes{pattern(`(`)}, "InvalidAllowedPatternException: The request doesn't meet the regular expression requirement."},
		{"new", "x", changes{dataType("Text")}, "ValidationException: The following data type is not supported: Text (Data type names are all lowercase.)"},
		{"advanced", "x", changes{overwrite, func(in *ssmapi.PutParameterRequest) { in.Tier = new(ssmapi.ParameterTierStandard) }}, "ValidationException: This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter."},
		{"new", strings.Repeat("x", 4097), nil, "ValidationException: Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"},
		{"new", strings.Repeat("ä", 2049), nil, "ValidationException: Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"},
		{"new", strings.Repeat("x", 8193), changes{advanced}, "ValidationException: Advanced tier parameters support a maximum parameter value of 8192 characters."},
		{"aws", "x", nil, prefixed},
		{"AWSthing", "x", nil, prefixed},
		{"/ssm", "x", nil, prefixed},
		{"/aws/thing", "x", nil, "AccessDeniedException: No access to reserved parameter name: /aws/thing."},
		{"/ssm/thing", "x", nil, invalid},
		{"a b", "x", nil, invalid},
		{"/a//b", "x", nil, invalid},
		{"/a/", "x", nil, invalid},
		{"arn:aws:ssm:us-east-1:111122223333:parameter/a", "x", nil, invalid},
		{"a/b", "x", nil, "ValidationException: Parameter name must be a fully qualified name."},
		{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "x", nil, "HierarchyLevelLimitExceededException: A hierarchy can have a maximum of 15 levels. For more information, see Requirements and constraints for parameter names in the AWS Systems Manager User Guide."},
	} {
		_, err := h.tryPut(c.name, c.value, c.changes...)
		if got := textOf(err); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
	h.put("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "x")
	// 1011 characters with the ARN.
	longest := strings.Repeat("n", 1011-len("arn:aws:ssm:us-east-1:111122223333:parameter/"))
	h.put(longest, "x")
	if _, err := h.tryPut(longest+"n", "x"); codeOf(err) != "ValidationException" {
		t.Errorf("a name that is too long: %v", err)
	}
}

func TestOverwriteKeepsWhatItDoesNotName(t *testing.T) {
	h := newHarness(t)
	h.put("p", "1", func(in *ssmapi.PutParameterRequest) {
		in.Description, in.AllowedPattern = new("described"), new("[0-9]+")
		in.Tags = []ssmapi.Tag{{Key: new("k"), Value: new("v")}}
	})
	h.put("p", "2", overwrite, func(in *ssmapi.PutParameterRequest) { in.Type = nil })
	m := h.describe("p")
	if *m.Description != "described" || *m.AllowedPattern != "[0-9]+" || *m.Version != 2 || *m.Type != "String" || *m.LastModifiedUser != root(testAccount).ARN {
		t.Errorf("%+v", m)
	}
	if _, err := h.tryPut("p", "three", overwrite); codeOf(err) != "ParameterPatternMismatchException" {
		t.Errorf("the pattern of the version before: %v", err)
	}
	h.put("p", "three", overwrite, func(in *ssmapi.PutParameterRequest) { in.AllowedPattern = new("") })
}

func TestConcurrentPutsGetConsecutiveVersions(t *testing.T) {
	h := newHarness(t)
	const writers, each = 8, 5
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []int64
	for range writers {
		wg.Go(func() {
			for range each {
				for {
					out, err := h.tryPut("p", "x", overwrite)
					if codeOf(err) == "ServiceUnavailableException" || codeOf(err) == "ServiceUnavailable" {
						continue // too many conflicts: nothing was written
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					got = append(got, *out.Version)
					mu.Unlock()
					break
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	for i, v := range got {
		if v != int64(i+1) {
			t.Fatalf("versions %v", got)
		}
	}
	if p := h.get("p"); *p.Version != writers*each {
		t.Errorf("latest version %d", *p.Version)
	}
}

func TestTheOldestVersionGoesUnlessItIsLabelled(t *testing.T) {
	h := newHarness(t)
	for range maxVersions + 1 {
		h.put("p", "x", overwrite)
	}
	if got := h.getError("p:1"); !strings.HasPrefix(got, "ParameterVersionNotFound") {
		t.Errorf("version 1: %s", got)
	}
	h.label("p", 2, "kept")
	_, err := h.tryPut("p", "x", overwrite)
	if want := "ParameterMaxVersionLimitExceeded: You attempted to create a new version of p by calling the PutParameter API with the overwrite flag. Version 2, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again."; textOf(err) != want {
		t.Errorf("%s", textOf(err))
	}
	h.label("p", 3, "kept")
	if out := h.put("p", "x", overwrite); *out.Version != maxVersions+2 {
		t.Errorf("version %d", *out.Version)
	}
}

func TestTiers(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.MaxStandard, c.MaxAdvanced = 3, 3 })
	intelligent := func(in *ssmapi.PutParameterRequest) { in.Tier = new(ssmapi.ParameterTierIntelligentTiering) }
	check := func(out *ssmapi.PutParameterResult, want ssmapi.ParameterTier) {
		t.Helper()
		if *out.Tier != want {
			t.Errorf("tier %s, want %s", *out.Tier, want)
		}
	}
	large := strings.Repeat("x", 4097)
	check(h.put("small", "x", intelligent), ssmapi.ParameterTierStandard)
	check(h.put("large", large, intelligent), ssmapi.ParameterTierAdvanced)
	check(h.put("large", "x", overwrite, intelligent), ssmapi.ParameterTierAdvanced)
	check(h.put("large", "x", overwrite), ssmapi.ParameterTierAdvanced)
	check(h.put("small", "y", overwrite, advanced), ssmapi.ParameterTierAdvanced)
	for i := range 3 {
		check(h.put(fmt.Sprintf("s%d", i), "x"), ssmapi.ParameterTierStandard)
	}
	_, err := h.tryPut("one-more", "x")
	if want := "ParameterLimitExceeded: You have reached the maximum number of standard parameters for this AWS account and Region (3). To add more parameters, either delete existing parameters or upgrade to the advanced-parameter tier (charges apply)."; textOf(err) != want {
		t.Errorf("%s", textOf(err))
	}
	check(h.put("one-more", "x", intelligent), ssmapi.ParameterTierAdvanced)
	if _, err := h.tryPut("and-more", "x", intelligent); codeOf(err) != "ParameterLimitExceeded" {
		t.Errorf("above both quotas: %v", err)
	}
	h.delete("s0")
	check(h.put("one-again", "x"), ssmapi.ParameterTierStandard)
}

// key makes a customer managed key and returns its id.
func (h *harness) key() string {
	h.Helper()
	out, err := h.kmsAs(root(testAccount)).CreateKey(h.Context(), &kmsapi.CreateKeyRequest{})
	if err != nil {
		h.Fatal(err)
	}
	return *out.KeyMetadata.KeyId
}

func (h *harness) describe(name string) *ssmapi.ParameterMetadata {
	h.Helper()
	out, err := h.admin().DescribeParameters(h.Context(), &ssmapi.DescribeParametersRequest{ParameterFilters: []ssmapi.ParameterStringFilter{{Key: new("Name"), Values: []string{name}}}})
	if err != nil {
		h.Fatal(err)
	}
	if len(out.Parameters) != 1 {
		h.Fatalf("%d parameters are called %s", len(out.Parameters), name)
	}
	return &out.Parameters[0]
}

func (h *harness) label(name string, number int64, labels ...string) *ssmapi.LabelParameterVersionResult {
	h.Helper()
	out, err := h.admin().LabelParameterVersion(h.Context(), &ssmapi.LabelParameterVersionRequest{Name: &name, ParameterVersion: &number, Labels: labels})
	if err != nil {
		h.Fatal(err)
	}
	return out
}

func (h *harness) delete(name string) {
	h.Helper()
	if _, err := h.admin().DeleteParameter(h.Context(), &ssmapi.DeleteParameterRequest{Name: &name}); err != nil {
		h.Fatal(err)
	}
}

func TestDataTypesOfSystemsManager(t *testing.T) {
	h := newHarness(t)
	const hooks = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/"
	dataType := func(d string) func(*ssmapi.PutParameterRequest) {
		return func(in *ssmapi.PutParameterRequest) { in.DataType = &d }
	}
	hook, image, text := dataType("aws:ssm:integration"), dataType("aws:ec2:image"), dataType("text")
	key := under(h.key())
	type changes = []func(*ssmapi.PutParameterRequest)
	h.put(hooks+"there", "https://example.com", secure, key, hook)
	h.put("words", "x")
	for _, c := range []struct {
		name    string
		changes changes
		want    string
	}{
		{hooks + "there", changes{overwrite, secure, key, hook}, ""},
		// What an overwrite does not name stays.
		{hooks + "there", changes{overwrite, secure, key}, ""},
		{hooks + "there", changes{overwrite, secure, key, text}, "ValidationException: You can't change the data type of a parameter from aws:ssm:integration to text."},
		{hooks + "new", changes{hook}, "ValidationException: The data type aws:ssm:integration is only supported for parameters of type SecureString in the path of integrations."},
		{"/webhook/new", changes{secure, key, hook}, "ValidationException: The data type aws:ssm:integration is only supported for parameters of type SecureString in the path of integrations."},
		{"new", changes{secure, key, image}, "ValidationException: The data type aws:ec2:image is only supported for parameters of type String."},
		{"words", changes{overwrite, image}, "ValidationException: You can't change the data type of a parameter from text to aws:ec2:image."},
	} {
		_, err := h.tryPut(c.name, "https://example.com", c.changes...)
		got := ""
		if err != nil {
			got = textOf(err)
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

package ssm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
)

const parameterPrefix = "arn:aws:ssm:us-east-1:111122223333:parameter/"

// allowing is a policy of one statement; more is further members of it.
func allowing(effect, action, resource, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Action":%q,"Resource":%q%s}}`, effect, action, resource, more)
}

func TestEveryOperationNeedsItsAction(t *testing.T) {
	h := newHarness(t)
	h.put("/a/p", "x", advanced)
	const arn = parameterPrefix + "a/p"
	const settingARN = "arn:aws:ssm:us-east-1:111122223333:servicesetting/ssm/parameter-store/default-parameter-tier"
	name, setting := new("/a/p"), new(settingTier)
	kind := new(ssmapi.ResourceTypeForTaggingParameter)
	calls := map[string]func(c *ssmapi.Client) error{
		"GetParameter on " + arn: func(c *ssmapi.Client) error {
			_, err := c.GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: name})
			return err
		},
		"GetParameters on " + arn: func(c *ssmapi.Client) error {
			_, err := c.GetParameters(t.Context(), &ssmapi.GetParametersRequest{Names: []string{*name}})
			return err
		},
		"GetParametersByPath on " + parameterPrefix + "a/": func(c *ssmapi.Client) error {
			_, err := c.GetParametersByPath(t.Context(), &ssmapi.GetParametersByPathRequest{Path: new("/a/")})
			return err
		},
		"GetParameterHistory on " + arn: func(c *ssmapi.Client) error {
			_, err := c.GetParameterHistory(t.Context(), &ssmapi.GetParameterHistoryRequest{Name: name})
			return err
		},
		"DescribeParameters on arn:aws:ssm:us-east-1:111122223333:*": func(c *ssmapi.Client) error {
			_, err := c.DescribeParameters(t.Context(), &ssmapi.DescribeParametersRequest{})
			return err
		},
		"PutParameter on " + arn: func(c *ssmapi.Client) error {
			_, err := c.PutParameter(t.Context(), &ssmapi.PutParameterRequest{Name: name, Value: new("y"), Overwrite: new(true)})
			return err
		},
		"LabelParameterVersion on " + arn: func(c *ssmapi.Client) error {
			_, err := c.LabelParameterVersion(t.Context(), &ssmapi.LabelParameterVersionRequest{Name: name, Labels: []string{"l"}})
			return err
		},
		"UnlabelParameterVersion on " + arn: func(c *ssmapi.Client) error {
			_, err := c.UnlabelParameterVersion(t.Context(), &ssmapi.UnlabelParameterVersionRequest{Name: name, ParameterVersion: new(int64(1)), Labels: []string{"l"}})
			return err
		},
		"AddTagsToResource on " + arn: func(c *ssmapi.Client) error {
			_, err := c.AddTagsToResource(t.Context(), &ssmapi.AddTagsToResourceRequest{ResourceType: kind, ResourceId: name, Tags: []ssmapi.Tag{{Key: new("k"), Value: new("v")}}})
			return err
		},
		"RemoveTagsFromResource on " + arn: func(c *ssmapi.Client) error {
			_, err := c.RemoveTagsFromResource(t.Context(), &ssmapi.RemoveTagsFromResourceRequest{ResourceType: kind, ResourceId: name, TagKeys: []string{"k"}})
			return err
		},
		"ListTagsForResource on " + arn: func(c *ssmapi.Client) error {
			_, err := c.ListTagsForResource(t.Context(), &ssmapi.ListTagsForResourceRequest{ResourceType: kind, ResourceId: name})
			return err
		},
		"GetResourcePolicies on " + arn: func(c *ssmapi.Client) error {
			_, err := c.GetResourcePolicies(t.Context(), &ssmapi.GetResourcePoliciesRequest{ResourceArn: new(arn)})
			return err
		},
		"GetServiceSetting on " + settingARN: func(c *ssmapi.Client) error {
			_, err := c.GetServiceSetting(t.Context(), &ssmapi.GetServiceSettingRequest{SettingId: setting})
			return err
		},
		"UpdateServiceSetting on " + settingARN: func(c *ssmapi.Client) error {
			_, err := c.UpdateServiceSetting(t.Context(), &ssmapi.UpdateServiceSettingRequest{SettingId: setting, SettingValue: new("Standard")})
			return err
		},
		"ResetServiceSetting on " + settingARN: func(c *ssmapi.Client) error {
			_, err := c.ResetServiceSetting(t.Context(), &ssmapi.ResetServiceSettingRequest{SettingId: setting})
			return err
		},
	}
	nobody := user(testAccount, "nobody")
	for what, do := range calls {
		action, resource, _ := strings.Cut(what, " on ")
		err := do(h.as(nobody))
		if want := "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: ssm:" + action + " on resource: " + resource + " because no identity-based policy allows the ssm:" + action + " action"; textOf(err) != "AccessDeniedException: "+want {
			t.Errorf("%s: %s", what, textOf(err))
		}
		somebody := user(testAccount, "may-"+action)
		h.allow(somebody, allowing("Allow", "ssm:"+action, resource, ""))
		if err := do(h.as(somebody)); err != nil {
			t.Errorf("%s, allowed: %v", what, err)
		}
	}
}

func TestAPathGivesAwayWhatIsBelow(t *testing.T) {
	h := newHarness(t)
	h.put("/a/b/c", "x")
	alice := user(testAccount, "alice")
	h.allow(alice, allowing("Allow", "ssm:GetParametersByPath", parameterPrefix+"a", ""))
	h.allow(alice, allowing("Deny", "ssm:GetParameter*", parameterPrefix+"a/b/c", ""))
	out, err := h.as(alice).GetParametersByPath(t.Context(), &ssmapi.GetParametersByPathRequest{Path: new("/a"), Recursive: new(true)})
	if err != nil || len(out.Parameters) != 1 {
		t.Errorf("%v, %v", out, err)
	}
	if _, err := h.as(alice).GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: new("/a/b/c")}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("%v", err)
	}
}

func TestConditionKeys(t *testing.T) {
	h := newHarness(t)
	h.put("/red", "x", func(in *ssmapi.PutParameterRequest) { in.Tags = []ssmapi.Tag{{Key: new("Team"), Value: new("red")}} })
	h.put("/blue", "x")
	get := func(c *ssmapi.Client, name string) error {
		_, err := c.GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: &name})
		return err
	}
	for i, key := range []string{"aws:ResourceTag/Team", "ssm:resourceTag/Team"} {
		who := user(testAccount, fmt.Sprint("tagged", i))
		h.allow(who, allowing("Allow", "ssm:GetParameter", "*", `"Condition":{"StringEquals":{"`+key+`":"red"}}`))
		if err := get(h.as(who), "/red"); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if err := get(h.as(who), "/blue"); codeOf(err) != "AccessDeniedException" {
			t.Errorf("%s, without the tag: %v", key, err)
		}
	}
	writer := user(testAccount, "writer")
	h.allow(writer, allowing("Allow", "ssm:*", "*", ""))
	h.allow(writer, allowing("Deny", "ssm:PutParameter", "*", `"Condition":{"StringEquals":{"ssm:Overwrite":"true"}}`))
	h.allow(writer, allowing("Deny", "ssm:PutParameter", "*", `"Condition":{"StringEquals":{"ssm:Policies":"true"}}`))
	h.allow(writer, allowing("Deny", "ssm:GetParametersByPath", "*", `"Condition":{"StringEquals":{"ssm:Recursive":"true"}}`))
	h.allow(writer, allowing("Deny", "ssm:PutParameter", "*", `"Condition":{"StringEquals":{"aws:RequestTag/Team":"blue"}}`))
	put := func(change func(in *ssmapi.PutParameterRequest)) error {
		in := &ssmapi.PutParameterRequest{Name: new("/new"), Value: new("x"), Type: new(ssmapi.ParameterTypeString)}
		change(in)
		_, err := h.as(writer).PutParameter(t.Context(), in)
		return err
	}
	for name, change := range map[string]func(in *ssmapi.PutParameterRequest){
		"overwrite": overwrite, "policies": policies("[" + unchanged + "]"),
		"tag": func(in *ssmapi.PutParameterRequest) { in.Tags = []ssmapi.Tag{{Key: new("Team"), Value: new("blue")}} },
	} {
		if err := put(change); codeOf(err) != "AccessDeniedException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := put(func(*ssmapi.PutParameterRequest) {}); err != nil {
		t.Error(err)
	}
	for _, recursive := range []bool{false, true} {
		_, err := h.as(writer).GetParametersByPath(t.Context(), &ssmapi.GetParametersByPathRequest{Path: new("/"), Recursive: &recursive})
		if denied := codeOf(err) == "AccessDeniedException"; denied != recursive {
			t.Errorf("recursive %v: %v", recursive, err)
		}
	}
	// Tags at the creation need the right to tag.
	plain := user(testAccount, "plain")
	h.allow(plain, allowing("Allow", "ssm:PutParameter", "*", ""))
	_, err := h.as(plain).PutParameter(t.Context(), &ssmapi.PutParameterRequest{
		Name: new("/tagged"), Value: new("x"), Type: new(ssmapi.ParameterTypeString), Tags: []ssmapi.Tag{{Key: new("k"), Value: new("v")}},
	})
	if codeOf(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "ssm:AddTagsToResource") {
		t.Errorf("%v", err)
	}
}

func TestTags(t *testing.T) {
	h := newHarness(t)
	h.put("/p", "x")
	kind := new(ssmapi.ResourceTypeForTaggingParameter)
	add := func(id string, tags ...ssmapi.Tag) error {
		_, err := h.admin().AddTagsToResource(t.Context(), &ssmapi.AddTagsToResourceRequest{ResourceType: kind, ResourceId: &id, Tags: tags})
		return err
	}
	if err := add("p", ssmapi.Tag{Key: new("b"), Value: new("1")}, ssmapi.Tag{Key: new("a"), Value: new("2")}); err != nil {
		t.Fatal(err)
	}
	if err := add("/p", ssmapi.Tag{Key: new("b"), Value: new("3")}); err != nil {
		t.Fatal(err)
	}
	list := func() string {
		out, err := h.admin().ListTagsForResource(t.Context(), &ssmapi.ListTagsForResourceRequest{ResourceType: kind, ResourceId: new("/p")})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, t := range out.TagList {
			all = append(all, *t.Key+"="+*t.Value)
		}
		return strings.Join(all, " ")
	}
	if got := list(); got != "a=2 b=3" {
		t.Error(got)
	}
	if _, err := h.admin().RemoveTagsFromResource(t.Context(), &ssmapi.RemoveTagsFromResourceRequest{ResourceType: kind, ResourceId: new("p"), TagKeys: []string{"b", "none"}}); err != nil {
		t.Error(err)
	}
	if got := list(); got != "a=2" {
		t.Error(got)
	}
	var many []ssmapi.Tag
	for i := range 50 {
		many = append(many, ssmapi.Tag{Key: new(fmt.Sprint("k", i)), Value: new("")})
	}
	if err := add("p", many...); codeOf(err) != "TooManyTagsError" {
		t.Errorf("51 tags: %v", err)
	}
	for _, id := range []string{"none", "{}"} {
		if err := add(id, many[0]); codeOf(err) != "InvalidResourceId" {
			t.Errorf("%s: %v", id, err)
		}
	}
	_, err := h.admin().ListTagsForResource(t.Context(), &ssmapi.ListTagsForResourceRequest{ResourceType: new(ssmapi.ResourceTypeForTaggingDocument), ResourceId: new("/p")})
	if codeOf(err) != "InvalidResourceId" {
		t.Errorf("a document: %v", err)
	}
	_, err = h.admin().ListTagsForResource(t.Context(), &ssmapi.ListTagsForResourceRequest{ResourceType: new(ssmapi.ResourceTypeForTagging("foo")), ResourceId: new("/p")})
	if codeOf(err) != "InvalidResourceType" {
		t.Errorf("a type that is none: %v", err)
	}
}

func TestServiceSettings(t *testing.T) {
	h := newHarness(t)
	get := func(id string) *ssmapi.ServiceSetting {
		t.Helper()
		out, err := h.admin().GetServiceSetting(t.Context(), &ssmapi.GetServiceSettingRequest{SettingId: &id})
		if err != nil {
			t.Fatal(err)
		}
		return out.ServiceSetting
	}
	if s := get(settingTier); *s.SettingValue != "Standard" || *s.Status != "Default" || *s.ARN != "arn:aws:ssm:us-east-1:111122223333:servicesetting/ssm/parameter-store/default-parameter-tier" {
		t.Errorf("%+v", s)
	}
	if s := get(settingThroughput); *s.SettingValue != "false" {
		t.Errorf("%+v", s)
	}
	update := func(id, v string) error {
		_, err := h.admin().UpdateServiceSetting(t.Context(), &ssmapi.UpdateServiceSettingRequest{SettingId: &id, SettingValue: &v})
		return err
	}
	if err := update("arn:aws:ssm:us-east-1:111122223333:servicesetting"+settingTier, "Advanced"); err != nil {
		t.Error(err)
	}
	if s := get(settingTier); *s.SettingValue != "Advanced" || *s.Status != "Customized" || *s.LastModifiedUser != root(testAccount).ARN {
		t.Errorf("%+v", s)
	}
	if out := h.put("p", "x"); *out.Tier != "Advanced" {
		t.Errorf("tier %s", *out.Tier)
	}
	if err := update(settingTier, "Basic"); codeOf(err) != "ValidationException" {
		t.Errorf("%v", err)
	}
	if err := update("/ssm/none", "x"); codeOf(err) != "ServiceSettingNotFound" {
		t.Errorf("%v", err)
	}
	out, err := h.admin().ResetServiceSetting(t.Context(), &ssmapi.ResetServiceSettingRequest{SettingId: new(settingTier)})
	if err != nil || *out.ServiceSetting.SettingValue != "Standard" {
		t.Errorf("%+v, %v", out, err)
	}
	if out := h.put("q", "x"); *out.Tier != "Standard" {
		t.Errorf("tier %s", *out.Tier)
	}
}

func sharingPolicy(resource string, principals ...string) string {
	b, _ := json.Marshal(principals)
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":` + string(b) + `},"Action":["ssm:DescribeParameters","ssm:GetParameter","ssm:GetParameters","ssm:GetParameterHistory"],"Resource":"` + resource + `"}]}`
}

func TestSharing(t *testing.T) {
	h := newHarness(t)
	key := h.key()
	h.put("/shared", canary, secure, advanced, under(key))
	h.put("/standard", "x")
	const arn = parameterPrefix + "shared"
	other := root(otherAccount)
	get := func(who *call.Principal) error {
		_, err := h.as(who).GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: new(arn), WithDecryption: new(true)})
		return err
	}
	if err := get(other); codeOf(err) != "AccessDeniedException" {
		t.Errorf("before it is shared: %v", err)
	}
	put, err := h.admin().PutResourcePolicy(t.Context(), &ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(sharingPolicy(arn, otherAccount))})
	if err != nil {
		t.Fatal(err)
	}
	if err := get(other); codeOf(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "kms:Decrypt") {
		t.Errorf("the key is not shared: %v", err)
	}
	if _, err := h.kmsAs(root(testAccount)).PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: &key, Policy: new(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + testAccount + `:root","arn:aws:iam::` + otherAccount + `:root"]},"Action":"kms:*","Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	if err := get(other); err != nil {
		t.Errorf("shared: %v", err)
	}
	if _, err := h.as(other).GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: new("/shared")}); textOf(err) != "ParameterNotFound: " {
		t.Errorf("by its name: %v", err)
	}
	history, err := h.as(other).GetParameterHistory(t.Context(), &ssmapi.GetParameterHistoryRequest{Name: new(arn)})
	if err != nil || len(history.Parameters) != 1 {
		t.Errorf("%v, %v", history, err)
	}
	shared := func(who *call.Principal) (names []string) {
		t.Helper()
		out, err := h.as(who).DescribeParameters(t.Context(), &ssmapi.DescribeParametersRequest{Shared: new(true)})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Parameters {
			names = append(names, *p.ARN)
		}
		return names
	}
	if got := shared(other); !slices.Equal(got, []string{arn}) {
		t.Errorf("%v", got)
	}
	if got := shared(root(testAccount)); got != nil {
		t.Errorf("one's own: %v", got)
	}
	if _, err := h.as(other).DeleteParameter(t.Context(), &ssmapi.DeleteParameterRequest{Name: new(arn)}); err == nil {
		t.Error("another account deleted it")
	}
	// A user of the other account needs a policy of its own.
	bob := user(otherAccount, "bob")
	if err := get(bob); codeOf(err) != "AccessDeniedException" {
		t.Errorf("%v", err)
	}
	list, err := h.admin().GetResourcePolicies(t.Context(), &ssmapi.GetResourcePoliciesRequest{ResourceArn: new(arn)})
	if err != nil || len(list.Policies) != 1 || *list.Policies[0].PolicyHash != *put.PolicyHash {
		t.Errorf("%+v, %v", list, err)
	}
	for what, c := range map[string]struct {
		in   *ssmapi.PutResourcePolicyRequest
		want string
	}{
		"a Standard parameter": {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(parameterPrefix + "standard"), Policy: new(sharingPolicy(parameterPrefix+"standard", otherAccount))}, "ResourcePolicyInvalidParameterException"},
		"no parameter":         {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(parameterPrefix + "none"), Policy: new(sharingPolicy(parameterPrefix+"none", otherAccount))}, "ResourceNotFoundException"},
		"no ARN":               {&ssmapi.PutResourcePolicyRequest{ResourceArn: new("a-name-that-is-long-enough"), Policy: new("{}")}, "ResourcePolicyInvalidParameterException"},
		"nonsense":             {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new("{}")}, "MalformedResourcePolicyDocumentException"},
		"everybody":            {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(sharingPolicy(arn, "*"))}, "MalformedResourcePolicyDocumentException"},
		"another resource":     {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(sharingPolicy(arn+"x", otherAccount))}, "MalformedResourcePolicyDocumentException"},
		"writing":              {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(strings.Replace(sharingPolicy(arn, otherAccount), "ssm:GetParameters", "ssm:PutParameter", 1))}, "MalformedResourcePolicyDocumentException"},
		"too long":             {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(sharingPolicy(arn, otherAccount) + strings.Repeat(" ", 1024))}, "ResourcePolicyLimitExceededException"},
		"an old hash":          {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(sharingPolicy(arn, otherAccount)), PolicyId: put.PolicyId, PolicyHash: new("00")}, "ResourcePolicyConflictException"},
		"an unknown id":        {&ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(sharingPolicy(arn, otherAccount)), PolicyId: new("x"), PolicyHash: put.PolicyHash}, "ResourcePolicyNotFoundException"},
	} {
		if _, err := h.admin().PutResourcePolicy(t.Context(), c.in); codeOf(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := h.admin().DeleteResourcePolicy(t.Context(), &ssmapi.DeleteResourcePolicyRequest{ResourceArn: new(arn), PolicyId: put.PolicyId, PolicyHash: put.PolicyHash}); err != nil {
		t.Error(err)
	}
	if err := get(other); codeOf(err) != "AccessDeniedException" {
		t.Errorf("no longer shared: %v", err)
	}
	if got := shared(other); got != nil {
		t.Errorf("no longer shared: %v", got)
	}
	if _, err := h.admin().PutResourcePolicy(t.Context(), &ssmapi.PutResourcePolicyRequest{ResourceArn: new(arn), Policy: new(sharingPolicy(arn, "arn:aws:iam::"+otherAccount+":role/reader"))}); err != nil {
		t.Error(err)
	}
	h.delete("/shared")
	if got := shared(other); got != nil {
		t.Errorf("deleted: %v", got)
	}
	h.consistent()
}

func TestTheLargestDeletionFitsIntoATransaction(t *testing.T) {
	h := newHarness(t)
	var names []string
	for i := range 10 {
		name := fmt.Sprintf("/large/%d", i)
		names = append(names, name)
		h.put(name, "x", advanced, policies("["+strings.TrimSuffix(strings.Repeat(unchanged+",", 10), ",")+"]"))
		arn := parameterPrefix + name[1:]
		for first := 0; first < 30; first += 10 {
			var accounts []string
			for a := range 10 {
				accounts = append(accounts, fmt.Sprintf("%012d", 1+first+a))
			}
			if _, err := h.admin().PutResourcePolicy(t.Context(), &ssmapi.PutResourcePolicyRequest{ResourceArn: &arn, Policy: new(sharingPolicy(arn, accounts...))}); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := h.admin().DeleteParameters(t.Context(), &ssmapi.DeleteParametersRequest{Names: names})
	if err != nil || len(out.DeletedParameters) != 10 {
		t.Fatalf("%+v, %v", out, err)
	}
	shared := func() int {
		out, err := h.as(root("000000000001")).DescribeParameters(t.Context(), &ssmapi.DescribeParametersRequest{Shared: new(true)})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Parameters)
	}
	if n := shared(); n != 0 {
		t.Errorf("%d are still shared", n)
	}
	// A successor that is shared as well keeps what it has.
	h.put(names[0], "x", advanced)
	arn := parameterPrefix + names[0][1:]
	if _, err := h.admin().PutResourcePolicy(t.Context(), &ssmapi.PutResourcePolicyRequest{ResourceArn: &arn, Policy: new(sharingPolicy(arn, "000000000001"))}); err != nil {
		t.Fatal(err)
	}
	h.runJobs()
	if n := shared(); n != 1 {
		t.Errorf("%d are shared", n)
	}
	h.consistent()
}

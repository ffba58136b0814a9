package iam_test

import (
	"testing"

	sdkiam "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// The words are AWS's, quoted by users: see refusals.go.
func TestRefusalsNameResourcesInWordsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	w.user("bob")
	managed := w.policy("limit", allow("s3:*"))
	arn := func(rest string) string { return "arn:aws:iam::" + account + ":" + rest }
	for _, test := range []struct {
		action, resource string
		err              func() error
	}{
		{"GetUser", "user bob", func() error { _, err := alice.iam.GetUser(ctx, &sdkiam.GetUserInput{UserName: s("bob")}); return err }},
		{"CreateUser", arn("user/x/carl"), func() error {
			_, err := alice.iam.CreateUser(ctx, &sdkiam.CreateUserInput{UserName: s("carl"), Path: s("/x/")})
			return err
		}},
		{"AttachUserPolicy", "user bob", func() error {
			_, err := alice.iam.AttachUserPolicy(ctx, &sdkiam.AttachUserPolicyInput{UserName: s("bob"), PolicyArn: &managed})
			return err
		}},
		{"CreateAccessKey", "user bob", func() error {
			_, err := alice.iam.CreateAccessKey(ctx, &sdkiam.CreateAccessKeyInput{UserName: s("bob")})
			return err
		}},
		{"CreateGroup", arn("group/g"), func() error {
			_, err := alice.iam.CreateGroup(ctx, &sdkiam.CreateGroupInput{GroupName: s("g")})
			return err
		}},
		{"AddUserToGroup", "group Admin", func() error {
			_, err := alice.iam.AddUserToGroup(ctx, &sdkiam.AddUserToGroupInput{GroupName: s("Admin"), UserName: s("bob")})
			return err
		}},
		{"CreatePolicy", "policy p", func() error {
			_, err := alice.iam.CreatePolicy(ctx, &sdkiam.CreatePolicyInput{PolicyName: s("p"), PolicyDocument: s(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)})
			return err
		}},
		{"ListRoles", arn("role/aws-service-role/"), func() error {
			_, err := alice.iam.ListRoles(ctx, &sdkiam.ListRolesInput{PathPrefix: s("/aws-service-role/")})
			return err
		}},
		{"ListPolicies", "policy path /", func() error { _, err := alice.iam.ListPolicies(ctx, &sdkiam.ListPoliciesInput{}); return err }},
		{"TagUser", arn("user/bob"), func() error {
			_, err := alice.iam.TagUser(ctx, &sdkiam.TagUserInput{UserName: s("bob"), Tags: []iamtypes.Tag{{Key: s("a"), Value: s("b")}}})
			return err
		}},
	} {
		expect(t, test.err(), "AccessDenied: User: "+arn("user/alice")+" is not authorized to perform: iam:"+test.action+
			" on resource: "+test.resource+" because no identity-based policy allows the iam:"+test.action+" action")
	}
}

func TestNamesAndPathsThatAreNoneAreRefusedInWordsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	const nameWords = " is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
	type c = sdkiam.Client
	w.steps(t, []step{
		{"role", run((*c).GetRole, &sdkiam.GetRoleInput{RoleName: s("service-role/x")}), "ValidationError: The specified value for roleName" + nameWords},
		{"policy", run((*c).DeleteGroupPolicy, &sdkiam.DeleteGroupPolicyInput{GroupName: s("g"), PolicyName: s(admin)}), "ValidationError: The specified value for policyName" + nameWords},
		{"path", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("x"), Path: s("bad")}),
			"ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."},
	})
}

package iam_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/iamapi"
	"fastness/internal/sigv4"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// step is one call by the root user and the error it must end with.
type step struct {
	name string
	call func(context.Context, *sdkiam.Client) error
	want string
}

// run is for calls whose answer does not matter.
func run[I, O any](f func(*sdkiam.Client, context.Context, *I, ...func(*sdkiam.Options)) (*O, error), in *I) func(context.Context, *sdkiam.Client) error {
	return func(ctx context.Context, c *sdkiam.Client) error {
		_, err := f(c, ctx, in)
		return err
	}
}

func (w *world) steps(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		err := s.call(t.Context(), w.root.iam)
		before := t.Failed()
		expect(t, err, s.want)
		if t.Failed() && !before {
			t.Fatalf("in step %q", s.name)
		}
	}
}

var s = aws.String

func policyARN(name string) *string { return s("arn:aws:iam::" + account + ":policy/" + name) }

const admin = "arn:aws:iam::aws:policy/AdministratorAccess"

func TestUserOperations(t *testing.T) {
	w := newWorld(t)
	type c = sdkiam.Client
	w.steps(t, []step{
		{"create", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("Ann"), Path: s("/a/")}), ""},
		{"same name in other case", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("ann")}), "EntityAlreadyExists: User with name ann already exists."},
		{"bad name", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("a b")}), "ValidationError: The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{"bad boundary", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("Bob"), PermissionsBoundary: policyARN("none")}), "NoSuchEntity: Policy arn:aws:iam::" + account + ":policy/none does not exist or is not attachable."},
		{"get unknown", run((*c).GetUser, &sdkiam.GetUserInput{UserName: s("none")}), "NoSuchEntity: The user with name none cannot be found."},
		{"rename unknown", run((*c).UpdateUser, &sdkiam.UpdateUserInput{UserName: s("none"), NewUserName: s("x")}), "NoSuchEntity: The user with name none cannot be found."},
		{"second", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("Bob")}), ""},
		{"rename onto another", run((*c).UpdateUser, &sdkiam.UpdateUserInput{UserName: s("Bob"), NewUserName: s("ANN")}), "EntityAlreadyExists: User with name ANN already exists."},
		{"rename", run((*c).UpdateUser, &sdkiam.UpdateUserInput{UserName: s("Bob"), NewUserName: s("Carl"), NewPath: s("/b/")}), ""},
		{"change the case", run((*c).UpdateUser, &sdkiam.UpdateUserInput{UserName: s("Carl"), NewUserName: s("carl")}), ""},
		{"under the old name", run((*c).GetUser, &sdkiam.GetUserInput{UserName: s("Bob")}), "NoSuchEntity"},
		{"key", run((*c).CreateAccessKey, &sdkiam.CreateAccessKeyInput{UserName: s("carl")}), ""},
		{"second key", run((*c).CreateAccessKey, &sdkiam.CreateAccessKeyInput{UserName: s("carl")}), ""},
		{"third key", run((*c).CreateAccessKey, &sdkiam.CreateAccessKeyInput{UserName: s("carl")}), "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2"},
		{"key of nobody", run((*c).CreateAccessKey, &sdkiam.CreateAccessKeyInput{UserName: s("none")}), "NoSuchEntity: The user with name none cannot be found."},
		{"unknown key", run((*c).DeleteAccessKey, &sdkiam.DeleteAccessKeyInput{UserName: s("carl"), AccessKeyId: s("AKIAQQQQQQQQQQQQQQQQ")}), "NoSuchEntity: The Access Key with id AKIAQQQQQQQQQQQQQQQQ cannot be found."},
		{"delete with keys", run((*c).DeleteUser, &sdkiam.DeleteUserInput{UserName: s("carl")}), "DeleteConflict: Cannot delete entity, must delete access keys first."},
		{"attach", run((*c).AttachUserPolicy, &sdkiam.AttachUserPolicyInput{UserName: s("Ann"), PolicyArn: s(admin)}), ""},
		{"attach again", run((*c).AttachUserPolicy, &sdkiam.AttachUserPolicyInput{UserName: s("Ann"), PolicyArn: s(admin)}), ""},
		{"attach unknown", run((*c).AttachUserPolicy, &sdkiam.AttachUserPolicyInput{UserName: s("Ann"), PolicyArn: policyARN("none")}), "NoSuchEntity: Policy arn:aws:iam::" + account + ":policy/none does not exist or is not attachable."},
		{"detach what is not attached", run((*c).DetachUserPolicy, &sdkiam.DetachUserPolicyInput{UserName: s("Ann"), PolicyArn: policyARN("none")}), "NoSuchEntity: Policy arn:aws:iam::" + account + ":policy/none was not found."},
		{"delete with policy", run((*c).DeleteUser, &sdkiam.DeleteUserInput{UserName: s("Ann")}), "DeleteConflict: Cannot delete entity, must detach all policies first."},
		{"detach", run((*c).DetachUserPolicy, &sdkiam.DetachUserPolicyInput{UserName: s("Ann"), PolicyArn: s(admin)}), ""},
		{"malformed inline", run((*c).PutUserPolicy, &sdkiam.PutUserPolicyInput{UserName: s("Ann"), PolicyName: s("p"), PolicyDocument: s("{}")}), "MalformedPolicyDocument: "},
		{"inline", run((*c).PutUserPolicy, &sdkiam.PutUserPolicyInput{UserName: s("Ann"), PolicyName: s("p"), PolicyDocument: s(doc(allow("s3:*")))}), ""},
		{"too much inline", run((*c).PutUserPolicy, &sdkiam.PutUserPolicyInput{UserName: s("Ann"), PolicyName: s("q"), PolicyDocument: s(doc(allow("s3:" + strings.Repeat("x", 1990))))}), "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user Ann"},
		{"unknown inline", run((*c).GetUserPolicy, &sdkiam.GetUserPolicyInput{UserName: s("Ann"), PolicyName: s("x")}), "NoSuchEntity: The user policy with name x cannot be found."},
		{"delete unknown inline", run((*c).DeleteUserPolicy, &sdkiam.DeleteUserPolicyInput{UserName: s("Ann"), PolicyName: s("x")}), "NoSuchEntity: The user policy with name x cannot be found."},
		{"delete with inline", run((*c).DeleteUser, &sdkiam.DeleteUserInput{UserName: s("Ann")}), "DeleteConflict: Cannot delete entity, must delete policies first."},
		{"delete inline", run((*c).DeleteUserPolicy, &sdkiam.DeleteUserPolicyInput{UserName: s("Ann"), PolicyName: s("p")}), ""},
		{"delete", run((*c).DeleteUser, &sdkiam.DeleteUserInput{UserName: s("Ann")}), ""},
		{"delete again", run((*c).DeleteUser, &sdkiam.DeleteUserInput{UserName: s("Ann")}), "NoSuchEntity: The user with name Ann cannot be found."},
	})
	got, err := w.root.iam.GetUser(t.Context(), &sdkiam.GetUserInput{UserName: s("carl")})
	must(t, err)
	if u := got.User; *u.Arn != "arn:aws:iam::"+account+":user/b/carl" || *u.Path != "/b/" || !strings.HasPrefix(*u.UserId, "AIDA") || len(*u.UserId) != 21 {
		t.Errorf("%s %s %s", *u.Arn, *u.Path, *u.UserId)
	}
}

func TestGroupOperations(t *testing.T) {
	w := newWorld(t)
	type c = sdkiam.Client
	w.steps(t, []step{
		{"create", run((*c).CreateGroup, &sdkiam.CreateGroupInput{GroupName: s("Staff")}), ""},
		{"again", run((*c).CreateGroup, &sdkiam.CreateGroupInput{GroupName: s("STAFF")}), "EntityAlreadyExists: Group with name STAFF already exists."},
		{"user", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("ann")}), ""},
		{"add to unknown", run((*c).AddUserToGroup, &sdkiam.AddUserToGroupInput{GroupName: s("none"), UserName: s("ann")}), "NoSuchEntity: The group with name none cannot be found."},
		{"add unknown", run((*c).AddUserToGroup, &sdkiam.AddUserToGroupInput{GroupName: s("Staff"), UserName: s("none")}), "NoSuchEntity: The user with name none cannot be found."},
		{"add", run((*c).AddUserToGroup, &sdkiam.AddUserToGroupInput{GroupName: s("Staff"), UserName: s("ann")}), ""},
		{"add again", run((*c).AddUserToGroup, &sdkiam.AddUserToGroupInput{GroupName: s("Staff"), UserName: s("ann")}), ""},
		{"delete user in group", run((*c).DeleteUser, &sdkiam.DeleteUserInput{UserName: s("ann")}), "DeleteConflict: Cannot delete entity, must remove users from group first."},
		{"delete with member", run((*c).DeleteGroup, &sdkiam.DeleteGroupInput{GroupName: s("Staff")}), "DeleteConflict: Cannot delete entity, must remove users from group first."},
		{"rename", run((*c).UpdateGroup, &sdkiam.UpdateGroupInput{GroupName: s("Staff"), NewGroupName: s("Crew"), NewPath: s("/x/")}), ""},
		{"still a member", run((*c).DeleteGroup, &sdkiam.DeleteGroupInput{GroupName: s("Crew")}), "DeleteConflict"},
	})
	got, err := w.root.iam.GetGroup(t.Context(), &sdkiam.GetGroupInput{GroupName: s("Crew")})
	must(t, err)
	if len(got.Users) != 1 || *got.Users[0].UserName != "ann" || *got.Group.Arn != "arn:aws:iam::"+account+":group/x/Crew" {
		t.Errorf("%+v", got)
	}
	of, err := w.root.iam.ListGroupsForUser(t.Context(), &sdkiam.ListGroupsForUserInput{UserName: s("ann")})
	must(t, err)
	if len(of.Groups) != 1 || *of.Groups[0].GroupName != "Crew" {
		t.Errorf("%+v", of.Groups)
	}
	w.steps(t, []step{
		{"inline", run((*c).PutGroupPolicy, &sdkiam.PutGroupPolicyInput{GroupName: s("Crew"), PolicyName: s("p"), PolicyDocument: s(doc(allow("s3:*")))}), ""},
		{"remove", run((*c).RemoveUserFromGroup, &sdkiam.RemoveUserFromGroupInput{GroupName: s("Crew"), UserName: s("ann")}), ""},
		{"remove again", run((*c).RemoveUserFromGroup, &sdkiam.RemoveUserFromGroupInput{GroupName: s("Crew"), UserName: s("ann")}), "NoSuchEntity"},
		{"delete with inline", run((*c).DeleteGroup, &sdkiam.DeleteGroupInput{GroupName: s("Crew")}), "DeleteConflict: Cannot delete entity, must delete policies first."},
		{"unknown inline", run((*c).GetGroupPolicy, &sdkiam.GetGroupPolicyInput{GroupName: s("Crew"), PolicyName: s("x")}), "NoSuchEntity: The group policy with name x cannot be found."},
		{"delete inline", run((*c).DeleteGroupPolicy, &sdkiam.DeleteGroupPolicyInput{GroupName: s("Crew"), PolicyName: s("p")}), ""},
		{"delete", run((*c).DeleteGroup, &sdkiam.DeleteGroupInput{GroupName: s("Crew")}), ""},
		{"gone", run((*c).GetGroup, &sdkiam.GetGroupInput{GroupName: s("Crew")}), "NoSuchEntity: The group with name Crew cannot be found."},
	})
}

func TestRoleOperations(t *testing.T) {
	w := newWorld(t)
	type c = sdkiam.Client
	alice := "arn:aws:iam::" + account + ":user/alice"
	w.steps(t, []step{
		{"trusting nobody who exists", run((*c).CreateRole, &sdkiam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trust(alice))}), `MalformedPolicyDocument: Invalid principal in policy: "AWS":"` + alice + `"`},
		{"user", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("alice")}), ""},
		{"create", run((*c).CreateRole, &sdkiam.CreateRoleInput{RoleName: s("r"), Path: s("/svc/"), AssumeRolePolicyDocument: s(trust(alice)), Description: s("d"), MaxSessionDuration: aws.Int32(7200)}), ""},
		{"again", run((*c).CreateRole, &sdkiam.CreateRoleInput{RoleName: s("R"), AssumeRolePolicyDocument: s(trust(account))}), "EntityAlreadyExists: Role with name R already exists."},
		{"malformed", run((*c).CreateRole, &sdkiam.CreateRoleInput{RoleName: s("x"), AssumeRolePolicyDocument: s(doc(allow("sts:AssumeRole")))}), "MalformedPolicyDocument: Has prohibited field Resource"},
		{"too long a trust policy", run((*c).CreateRole, &sdkiam.CreateRoleInput{RoleName: s("x"), AssumeRolePolicyDocument: s(doc(`{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:` + strings.Repeat("A", 2000) + `"}`))}), "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048"},
		{"session too short", run((*c).UpdateRole, &sdkiam.UpdateRoleInput{RoleName: s("r"), MaxSessionDuration: aws.Int32(3599)}), "ValidationError"},
		{"update", run((*c).UpdateRole, &sdkiam.UpdateRoleInput{RoleName: s("r"), Description: s("e"), MaxSessionDuration: aws.Int32(3600)}), ""},
		{"update unknown", run((*c).UpdateRole, &sdkiam.UpdateRoleInput{RoleName: s("none")}), "NoSuchEntity: The role with name none cannot be found."},
		{"describe", run((*c).UpdateRoleDescription, &sdkiam.UpdateRoleDescriptionInput{RoleName: s("r"), Description: s("f")}), ""},
		{"boundary", run((*c).PutRolePermissionsBoundary, &sdkiam.PutRolePermissionsBoundaryInput{RoleName: s("r"), PermissionsBoundary: s(admin)}), ""},
	})
	got, err := w.root.iam.GetRole(t.Context(), &sdkiam.GetRoleInput{RoleName: s("r")})
	must(t, err)
	shown, err := url.PathUnescape(*got.Role.AssumeRolePolicyDocument)
	must(t, err)
	if r := got.Role; shown != trust(alice) || *r.Arn != "arn:aws:iam::"+account+":role/svc/r" || *r.Description != "f" || *r.MaxSessionDuration != 3600 || r.PermissionsBoundary == nil {
		t.Errorf("%+v %s", r, shown)
	}
	// AWS CLI, create-role, example 2: neither of these is in the answer.
	made, err := w.root.iam.CreateRole(t.Context(), &sdkiam.CreateRoleInput{RoleName: s("made"), AssumeRolePolicyDocument: s(trust(account)), Description: s("d"), MaxSessionDuration: aws.Int32(7200)})
	must(t, err)
	if made.Role.Description != nil || made.Role.MaxSessionDuration != nil {
		t.Errorf("CreateRole: %+v", made.Role)
	}
	// Deleted and made again, the user is not the one the role trusts.
	w.steps(t, []step{
		{"delete user", run((*c).DeleteUser, &sdkiam.DeleteUserInput{UserName: s("alice")}), ""},
		{"make user again", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("alice")}), ""},
	})
	got, err = w.root.iam.GetRole(t.Context(), &sdkiam.GetRoleInput{RoleName: s("r")})
	must(t, err)
	if shown, _ := url.PathUnescape(*got.Role.AssumeRolePolicyDocument); !strings.Contains(shown, `"AWS":"AIDA`) {
		t.Errorf("the deleted user is shown as %s", shown)
	}
	w.steps(t, []step{
		{"trust", run((*c).UpdateAssumeRolePolicy, &sdkiam.UpdateAssumeRolePolicyInput{RoleName: s("r"), PolicyDocument: s(trust(alice))}), ""},
		{"attach", run((*c).AttachRolePolicy, &sdkiam.AttachRolePolicyInput{RoleName: s("r"), PolicyArn: s(admin)}), ""},
		{"inline", run((*c).PutRolePolicy, &sdkiam.PutRolePolicyInput{RoleName: s("r"), PolicyName: s("p"), PolicyDocument: s(doc(allow("s3:*")))}), ""},
		{"delete with policies", run((*c).DeleteRole, &sdkiam.DeleteRoleInput{RoleName: s("r")}), "DeleteConflict: Cannot delete entity, must detach all policies first."},
		{"detach", run((*c).DetachRolePolicy, &sdkiam.DetachRolePolicyInput{RoleName: s("r"), PolicyArn: s(admin)}), ""},
		{"delete with inline", run((*c).DeleteRole, &sdkiam.DeleteRoleInput{RoleName: s("r")}), "DeleteConflict: Cannot delete entity, must delete policies first."},
		{"unknown inline", run((*c).GetRolePolicy, &sdkiam.GetRolePolicyInput{RoleName: s("r"), PolicyName: s("x")}), "NoSuchEntity: The role policy with name x cannot be found."},
		{"delete inline", run((*c).DeleteRolePolicy, &sdkiam.DeleteRolePolicyInput{RoleName: s("r"), PolicyName: s("p")}), ""},
		{"no boundary", run((*c).DeleteRolePermissionsBoundary, &sdkiam.DeleteRolePermissionsBoundaryInput{RoleName: s("r")}), ""},
		{"delete", run((*c).DeleteRole, &sdkiam.DeleteRoleInput{RoleName: s("r")}), ""},
	})
}

func TestPolicyOperations(t *testing.T) {
	w := newWorld(t)
	type c = sdkiam.Client
	version := func(def bool) func(context.Context, *sdkiam.Client) error {
		return run((*c).CreatePolicyVersion, &sdkiam.CreatePolicyVersionInput{PolicyArn: policyARN("p"), PolicyDocument: s(doc(allow("s3:*"))), SetAsDefault: def})
	}
	w.steps(t, []step{
		{"create", run((*c).CreatePolicy, &sdkiam.CreatePolicyInput{PolicyName: s("p"), PolicyDocument: s(doc(allow("s3:Get*"))), Description: s("d")}), ""},
		{"again", run((*c).CreatePolicy, &sdkiam.CreatePolicyInput{PolicyName: s("P"), PolicyDocument: s(doc(allow("s3:*")))}), "EntityAlreadyExists: A policy called P already exists. Duplicate names are not allowed."},
		{"malformed", run((*c).CreatePolicy, &sdkiam.CreatePolicyInput{PolicyName: s("q"), PolicyDocument: s("{")}), "MalformedPolicyDocument: "},
		{"too large", run((*c).CreatePolicy, &sdkiam.CreatePolicyInput{PolicyName: s("q"), PolicyDocument: s(doc(allow("s3:" + strings.Repeat("x", 6144))))}), "LimitExceeded: Cannot exceed quota for PolicySize: 6144"},
		{"v2", version(true), ""}, {"v3", version(false), ""}, {"v4", version(false), ""}, {"v5", version(false), ""},
		{"v6", version(false), "LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."},
		{"delete default", run((*c).DeletePolicyVersion, &sdkiam.DeletePolicyVersionInput{PolicyArn: policyARN("p"), VersionId: s("v2")}), "DeleteConflict: Cannot delete the default version of a policy."},
		{"delete version", run((*c).DeletePolicyVersion, &sdkiam.DeletePolicyVersionInput{PolicyArn: policyARN("p"), VersionId: s("v1")}), ""},
		{"numbers are not used again", version(false), ""},
		{"unknown version", run((*c).GetPolicyVersion, &sdkiam.GetPolicyVersionInput{PolicyArn: policyARN("p"), VersionId: s("v1")}), "NoSuchEntity: Policy arn:aws:iam::" + account + ":policy/p version v1 does not exist or is not attachable."},
		{"default unknown", run((*c).SetDefaultPolicyVersion, &sdkiam.SetDefaultPolicyVersionInput{PolicyArn: policyARN("p"), VersionId: s("v9")}), "NoSuchEntity"},
		{"delete with versions", run((*c).DeletePolicy, &sdkiam.DeletePolicyInput{PolicyArn: policyARN("p")}), "DeleteConflict: This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."},
		{"unknown", run((*c).GetPolicy, &sdkiam.GetPolicyInput{PolicyArn: policyARN("none")}), "NoSuchEntity: Policy arn:aws:iam::" + account + ":policy/none was not found."},
		{"AWS's", run((*c).DeletePolicy, &sdkiam.DeletePolicyInput{PolicyArn: s(admin)}), "InvalidInput"},
		{"not an ARN", run((*c).GetPolicy, &sdkiam.GetPolicyInput{PolicyArn: s("this-is-no-arn-at-all")}), "ValidationError: ARN this-is-no-arn-at-all is not valid."},
		{"user", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("ann"), PermissionsBoundary: policyARN("p")}), ""},
		{"attach", run((*c).AttachUserPolicy, &sdkiam.AttachUserPolicyInput{UserName: s("ann"), PolicyArn: policyARN("p")}), ""},
		{"delete in use", run((*c).DeletePolicy, &sdkiam.DeletePolicyInput{PolicyArn: policyARN("p")}), "DeleteConflict: Cannot delete a policy attached to entities."},
	})
	got, err := w.root.iam.GetPolicy(t.Context(), &sdkiam.GetPolicyInput{PolicyArn: policyARN("p")})
	must(t, err)
	if p := got.Policy; *p.AttachmentCount != 1 || *p.PermissionsBoundaryUsageCount != 1 || *p.DefaultVersionId != "v2" || !strings.HasPrefix(*p.PolicyId, "ANPA") {
		t.Errorf("%+v", p)
	}
	versions, err := w.root.iam.ListPolicyVersions(t.Context(), &sdkiam.ListPolicyVersionsInput{PolicyArn: policyARN("p")})
	must(t, err)
	var ids []string
	for _, v := range versions.Versions {
		ids = append(ids, *v.VersionId)
	}
	if got := strings.Join(ids, " "); got != "v6 v5 v4 v3 v2" {
		t.Errorf("versions %s", got)
	}
	users, err := w.root.iam.ListEntitiesForPolicy(t.Context(), &sdkiam.ListEntitiesForPolicyInput{PolicyArn: policyARN("p")})
	must(t, err)
	if len(users.PolicyUsers) != 1 || len(users.PolicyRoles) != 0 || *users.PolicyUsers[0].UserName != "ann" {
		t.Errorf("%+v", users)
	}
	w.steps(t, []step{
		{"detach", run((*c).DetachUserPolicy, &sdkiam.DetachUserPolicyInput{UserName: s("ann"), PolicyArn: policyARN("p")}), ""},
		{"boundary in use", run((*c).DeletePolicy, &sdkiam.DeletePolicyInput{PolicyArn: policyARN("p")}), "DeleteConflict: Cannot delete a policy attached to entities."},
		{"no boundary", run((*c).DeleteUserPermissionsBoundary, &sdkiam.DeleteUserPermissionsBoundaryInput{UserName: s("ann")}), ""},
	})
	for _, v := range []string{"v6", "v5", "v4", "v3"} {
		must(t, run((*c).DeletePolicyVersion, &sdkiam.DeletePolicyVersionInput{PolicyArn: policyARN("p"), VersionId: &v})(t.Context(), w.root.iam))
	}
	must(t, run((*c).DeletePolicy, &sdkiam.DeletePolicyInput{PolicyArn: policyARN("p")})(t.Context(), w.root.iam))
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	type c = sdkiam.Client
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	many := make([]types.Tag, 50)
	for i := range many {
		many[i] = tag(fmt.Sprint("t", i), "")
	}
	w.steps(t, []step{
		{"create", run((*c).CreateUser, &sdkiam.CreateUserInput{UserName: s("ann"), Tags: []types.Tag{tag("Team", "red")}}), ""},
		{"twice", run((*c).TagUser, &sdkiam.TagUserInput{UserName: s("ann"), Tags: []types.Tag{tag("a", "1"), tag("A", "2")}}), "InvalidInput: Duplicate tag keys found."},
		{"too many", run((*c).TagUser, &sdkiam.TagUserInput{UserName: s("ann"), Tags: many}), "LimitExceeded: Cannot exceed quota for TagsPerUser: 50"},
		// In one request the model's own bound comes first.
		{"too many at once", run((*c).TagUser, &sdkiam.TagUserInput{UserName: s("ann"), Tags: append(many, tag("t50", ""))}), "ValidationError: 1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"reserved", run((*c).TagUser, &sdkiam.TagUserInput{UserName: s("ann"), Tags: []types.Tag{tag("aws:x", "")}}), "InvalidInput"},
		{"change", run((*c).TagUser, &sdkiam.TagUserInput{UserName: s("ann"), Tags: []types.Tag{tag("team", "blue"), tag("desk", "7")}}), ""},
		{"remove", run((*c).UntagUser, &sdkiam.UntagUserInput{UserName: s("ann"), TagKeys: []string{"DESK", "none"}}), ""},
		{"unknown", run((*c).ListUserTags, &sdkiam.ListUserTagsInput{UserName: s("none")}), "NoSuchEntity"},
		{"role", run((*c).CreateRole, &sdkiam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trust(account))}), ""},
		{"tag role", run((*c).TagRole, &sdkiam.TagRoleInput{RoleName: s("r"), Tags: []types.Tag{tag("k", "v")}}), ""},
		{"untag role", run((*c).UntagRole, &sdkiam.UntagRoleInput{RoleName: s("r"), TagKeys: []string{"k"}}), ""},
		{"policy", run((*c).CreatePolicy, &sdkiam.CreatePolicyInput{PolicyName: s("p"), PolicyDocument: s(doc(allow("s3:*")))}), ""},
		{"tag policy", run((*c).TagPolicy, &sdkiam.TagPolicyInput{PolicyArn: policyARN("p"), Tags: []types.Tag{tag("k", "v")}}), ""},
		{"untag policy", run((*c).UntagPolicy, &sdkiam.UntagPolicyInput{PolicyArn: policyARN("p"), TagKeys: []string{"K"}}), ""},
		{"tag AWS's", run((*c).TagPolicy, &sdkiam.TagPolicyInput{PolicyArn: s(admin), Tags: []types.Tag{tag("k", "v")}}), "InvalidInput"},
	})
	got, err := w.root.iam.ListUserTags(t.Context(), &sdkiam.ListUserTagsInput{UserName: s("ann")})
	must(t, err)
	if len(got.Tags) != 1 || *got.Tags[0].Key != "team" || *got.Tags[0].Value != "blue" {
		t.Errorf("%+v", got.Tags)
	}
	for name, n := range map[string]func() (int, error){
		"role": func() (int, error) {
			out, err := w.root.iam.ListRoleTags(t.Context(), &sdkiam.ListRoleTagsInput{RoleName: s("r")})
			return len(out.Tags), err
		},
		"policy": func() (int, error) {
			out, err := w.root.iam.ListPolicyTags(t.Context(), &sdkiam.ListPolicyTagsInput{PolicyArn: policyARN("p")})
			return len(out.Tags), err
		},
	} {
		if n, err := n(); err != nil || n != 0 {
			t.Errorf("%s: %d tags, %v", name, n, err)
		}
	}
}

func TestPaging(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("u%d", i)
		want = append(want, name)
		_, err := w.root.iam.CreateUser(ctx, &sdkiam.CreateUserInput{UserName: &name, Path: s("/in/")})
		must(t, err)
	}
	_, err := w.root.iam.CreateUser(ctx, &sdkiam.CreateUserInput{UserName: s("u1x"), Path: s("/out/")})
	must(t, err)
	var got []string
	pages := sdkiam.NewListUsersPaginator(w.root.iam, &sdkiam.ListUsersInput{PathPrefix: s("/in/"), MaxItems: aws.Int32(3)})
	var marker *string
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		for _, u := range out.Users {
			got = append(got, *u.UserName)
		}
		if out.Marker != nil {
			marker = out.Marker
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	_, err = w.root.iam.ListUsers(ctx, &sdkiam.ListUsersInput{PathPrefix: s("/other/"), Marker: marker})
	expect(t, err, "ValidationError: Invalid Marker.")
	_, err = w.root.iam.ListRoles(ctx, &sdkiam.ListRolesInput{Marker: marker})
	expect(t, err, "ValidationError: Invalid Marker.")
}

func TestListPolicies(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.policy("mine", allow("s3:*"))
	_, err := w.root.iam.CreateGroup(ctx, &sdkiam.CreateGroupInput{GroupName: s("g")})
	must(t, err)
	_, err = w.root.iam.AttachGroupPolicy(ctx, &sdkiam.AttachGroupPolicyInput{GroupName: s("g"), PolicyArn: s(admin)})
	must(t, err)
	for name, c := range map[string]struct {
		in   sdkiam.ListPoliciesInput
		want string
	}{
		"local":    {sdkiam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}, "mine"},
		"attached": {sdkiam.ListPoliciesInput{OnlyAttached: true}, "AdministratorAccess"},
		"bounding": {sdkiam.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary}, ""},
	} {
		out, err := w.root.iam.ListPolicies(ctx, &c.in)
		must(t, err)
		var got []string
		for _, p := range out.Policies {
			got = append(got, *p.PolicyName)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	list := w.query(t, url.Values{"Action": {"ListPolicies"}, "Scope": {"AWS"}, "MaxItems": {"1000"}})
	if n := strings.Count(list, "<PolicyId>"); n < 160 {
		t.Errorf("%d AWS managed policies", n)
	}
	for _, arn := range []string{admin, "arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"} {
		_, after, _ := strings.Cut(list, "<Arn>"+arn+"</Arn>")
		_, after, _ = strings.Cut(after, "<DefaultVersionId>")
		version, _, _ := strings.Cut(after, "</DefaultVersionId>")
		answer := w.query(t, url.Values{"Action": {"GetPolicyVersion"}, "PolicyArn": {arn}, "VersionId": {version}})
		if _, d, _ := strings.Cut(answer, "<Document>"); !strings.Contains(d, "2012-10-17") {
			t.Errorf("%s: %s", arn, answer)
		}
	}
	summary, err := w.root.iam.GetAccountSummary(ctx, &sdkiam.GetAccountSummaryInput{})
	must(t, err)
	if m := summary.SummaryMap; m["Policies"] != 1 || m["Groups"] != 1 || m["AccountAccessKeysPresent"] != 1 || m["UsersQuota"] != 5000 {
		t.Errorf("%v", m)
	}
}

func TestTheCallerIsTheDefaultUser(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	w.inline("alice", `{"Effect":"Allow","Action":["iam:GetUser","iam:*AccessKey*"],"Resource":"arn:aws:iam::`+account+`:user/${aws:username}"}`)
	w.user("bob")
	me, err := alice.iam.GetUser(ctx, &sdkiam.GetUserInput{})
	must(t, err)
	if *me.User.UserName != "alice" {
		t.Errorf("%s", *me.User.UserName)
	}
	_, err = alice.iam.GetUser(ctx, &sdkiam.GetUserInput{UserName: s("bob")})
	expect(t, err, "AccessDenied: User: arn:aws:iam::"+account+":user/alice is not authorized to perform: iam:GetUser on resource: user bob because")
	_, err = alice.iam.GetUser(ctx, &sdkiam.GetUserInput{UserName: s("none")})
	expect(t, err, "AccessDenied: User: arn:aws:iam::"+account+":user/alice is not authorized to perform: iam:GetUser on resource: user none because")
	keys, err := alice.iam.ListAccessKeys(ctx, &sdkiam.ListAccessKeysInput{})
	must(t, err)
	if len(keys.AccessKeyMetadata) != 1 || *keys.AccessKeyMetadata[0].AccessKeyId != alice.id {
		t.Errorf("%+v", keys.AccessKeyMetadata)
	}
	_, err = alice.iam.CreateAccessKey(ctx, &sdkiam.CreateAccessKeyInput{})
	must(t, err)
	root, err := w.root.iam.GetUser(ctx, &sdkiam.GetUserInput{})
	must(t, err)
	if *root.User.Arn != "arn:aws:iam::"+account+":root" || *root.User.UserId != account {
		t.Errorf("%+v", root.User)
	}
	keys, err = w.root.iam.ListAccessKeys(ctx, &sdkiam.ListAccessKeysInput{})
	must(t, err)
	if len(keys.AccessKeyMetadata) != 1 || *keys.AccessKeyMetadata[0].AccessKeyId != w.root.id {
		t.Errorf("%+v", keys.AccessKeyMetadata)
	}
}

func TestConditionKeys(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	boundary := w.policy("limit", allow("s3:*"))
	w.inline("alice", `{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"`+boundary+`"}}},`+
		`{"Effect":"Allow","Action":"iam:CreateUser","Resource":"arn:aws:iam::`+account+`:user/apps/*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+boundary+`","aws:RequestTag/team":"red"}}},`+
		`{"Effect":"Allow","Action":"iam:DeleteUser","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red","iam:ResourceTag/team":"red"}}},`+
		`{"Effect":"Allow","Action":"iam:UpdateUser","Resource":"arn:aws:iam::`+account+`:user/apps/*"}`)
	create := func(path string, bound *string, tags ...types.Tag) error {
		_, err := alice.iam.CreateUser(ctx, &sdkiam.CreateUserInput{UserName: s("app"), Path: &path, PermissionsBoundary: bound, Tags: tags})
		return err
	}
	red := types.Tag{Key: s("team"), Value: s("red")}
	expect(t, create("/", &boundary, red), "AccessDenied")
	expect(t, create("/apps/", nil, red), "AccessDenied")
	expect(t, create("/apps/", &boundary), "AccessDenied")
	expect(t, create("/apps/", &boundary, red), "")
	_, err := alice.iam.AttachUserPolicy(ctx, &sdkiam.AttachUserPolicyInput{UserName: s("app"), PolicyArn: s(admin)})
	expect(t, err, "AccessDenied")
	_, err = alice.iam.AttachUserPolicy(ctx, &sdkiam.AttachUserPolicyInput{UserName: s("app"), PolicyArn: &boundary})
	expect(t, err, "")
	// Renaming needs permission for the new name as well.
	_, err = alice.iam.UpdateUser(ctx, &sdkiam.UpdateUserInput{UserName: s("app"), NewPath: s("/")})
	expect(t, err, "AccessDenied: User: arn:aws:iam::"+account+":user/alice is not authorized to perform: iam:UpdateUser on resource: arn:aws:iam::"+account+":user/app because")
	_, err = alice.iam.UpdateUser(ctx, &sdkiam.UpdateUserInput{UserName: s("app"), NewPath: s("/apps/x/")})
	expect(t, err, "")
	_, err = alice.iam.DeleteUser(ctx, &sdkiam.DeleteUserInput{UserName: s("alice")})
	expect(t, err, "AccessDenied")
	_, err = w.root.iam.DetachUserPolicy(ctx, &sdkiam.DetachUserPolicyInput{UserName: s("app"), PolicyArn: &boundary})
	must(t, err)
	_, err = alice.iam.DeleteUser(ctx, &sdkiam.DeleteUserInput{UserName: s("app")})
	expect(t, err, "")
}

func TestQuotas(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	group := func(i int) error {
		_, err := w.root.iam.CreateGroup(ctx, &sdkiam.CreateGroupInput{GroupName: s(fmt.Sprint("g", i))})
		return err
	}
	for i := range 300 {
		must(t, group(i))
	}
	expect(t, group(300), "LimitExceeded: Cannot exceed quota for GroupsPerAccount: 300")
	_, err := w.root.iam.DeleteGroup(ctx, &sdkiam.DeleteGroupInput{GroupName: s("g0")})
	must(t, err)
	must(t, group(300))
	w.user("ann")
	attach := func(i int) error {
		_, err := w.root.iam.AttachUserPolicy(ctx, &sdkiam.AttachUserPolicyInput{UserName: s("ann"), PolicyArn: s(w.policy(fmt.Sprint("p", i), allow("s3:*")))})
		return err
	}
	join := func(i int) error {
		_, err := w.root.iam.AddUserToGroup(ctx, &sdkiam.AddUserToGroupInput{UserName: s("ann"), GroupName: s(fmt.Sprint("g", i))})
		return err
	}
	for i := range 10 {
		must(t, attach(i))
		must(t, join(i+1))
	}
	expect(t, attach(10), "LimitExceeded: Cannot exceed quota for PoliciesPerUser: 10")
	expect(t, join(11), "LimitExceeded: Cannot exceed quota for GroupsPerUser: 10")
}

// A policy that is being attached cannot be deleted at the same time.
func TestAttachingAndDeletingConflict(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.user("ann")
	for i := range 20 {
		arn := w.policy(fmt.Sprint("p", i), allow("s3:*"))
		attached, deleted := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := w.root.iam.AttachUserPolicy(ctx, &sdkiam.AttachUserPolicyInput{UserName: s("ann"), PolicyArn: &arn})
			attached <- err
		}()
		go func() {
			_, err := w.root.iam.DeletePolicy(ctx, &sdkiam.DeletePolicyInput{PolicyArn: &arn})
			deleted <- err
		}()
		if a, d := <-attached, <-deleted; (a == nil) == (d == nil) {
			t.Fatalf("attached: %v, deleted: %v", a, d)
		} else if a == nil {
			_, err := w.root.iam.DetachUserPolicy(ctx, &sdkiam.DetachUserPolicyInput{UserName: s("ann"), PolicyArn: &arn})
			must(t, err)
		}
	}
}

// Lists that hold nothing are there, as empty elements: clients ask for them by name.
func TestEmptyListsAreThere(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"user", "group", "role"} {
		in := url.Values{"Action": {"Create" + strings.ToUpper(name[:1]) + name[1:]}, strings.ToUpper(name[:1]) + name[1:] + "Name": {name}}
		if name == "role" {
			in.Set("AssumeRolePolicyDocument", trust(account))
		}
		w.query(t, in)
	}
	w.query(t, url.Values{"Action": {"CreateInstanceProfile"}, "InstanceProfileName": {"profile"}})
	policyARN := w.policy("p", allow("s3:*"))
	for action, c := range map[string]struct{ name, value, lists string }{
		"ListUsers": {"PathPrefix", "/none/", "Users"}, "ListGroups": {"PathPrefix", "/none/", "Groups"},
		"ListRoles": {"PathPrefix", "/none/", "Roles"}, "ListPolicies": {"PathPrefix", "/none/", "Policies"},
		"ListAccessKeys": {"UserName", "user", "AccessKeyMetadata"}, "ListGroupsForUser": {"UserName", "user", "Groups"},
		"ListUserTags": {"UserName", "user", "Tags"}, "ListRoleTags": {"RoleName", "role", "Tags"}, "ListPolicyTags": {"PolicyArn", policyARN, "Tags"},
		"ListUserPolicies": {"UserName", "user", "PolicyNames"}, "ListGroupPolicies": {"GroupName", "group", "PolicyNames"}, "ListRolePolicies": {"RoleName", "role", "PolicyNames"},
		"ListAttachedUserPolicies": {"UserName", "user", "AttachedPolicies"}, "ListAttachedGroupPolicies": {"GroupName", "group", "AttachedPolicies"},
		"ListAttachedRolePolicies": {"RoleName", "role", "AttachedPolicies"}, "GetGroup": {"GroupName", "group", "Users"},
		"ListInstanceProfiles": {"PathPrefix", "/none/", "InstanceProfiles"}, "ListInstanceProfilesForRole": {"RoleName", "role", "InstanceProfiles"},
		"ListInstanceProfileTags": {"InstanceProfileName", "profile", "Tags"}, "GetInstanceProfile": {"InstanceProfileName", "profile", "Roles"},
		"ListAccountAliases":    {"MaxItems", "10", "AccountAliases"},
		"ListEntitiesForPolicy": {"PolicyArn", policyARN, "PolicyGroups PolicyUsers PolicyRoles"},
	} {
		op := iamapi.API.Operation(action)
		if op == nil {
			t.Errorf("%s is not offered", action)
			continue
		}
		body := w.query(t, url.Values{"Action": {action}, c.name: {c.value}})
		for _, list := range strings.Fields(c.lists) {
			if !strings.Contains(body, "<"+list+"></"+list+">") {
				t.Errorf("%s: no empty %s in %s", action, list, body)
			}
		}
	}
	for _, op := range iamapi.API.Operations {
		if strings.HasPrefix(op.Name, "List") && !strings.Contains("Users Groups Roles Policies AccessKeys GroupsForUser UserTags RoleTags PolicyTags UserPolicies GroupPolicies RolePolicies AttachedUserPolicies AttachedGroupPolicies AttachedRolePolicies EntitiesForPolicy PolicyVersions InstanceProfiles InstanceProfilesForRole InstanceProfileTags AccountAliases", strings.TrimPrefix(op.Name, "List")) {
			t.Errorf("%s is not looked at", op.Name)
		}
	}
}

// query sends a request as root and gives the body of its answer.
func (w *world) query(t *testing.T, in url.Values) string {
	t.Helper()
	in.Set("Version", "2010-05-08")
	body := in.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	must(t, sigv4.Sign(r, []byte(body), sigv4.Credentials{AccessKeyID: w.root.id, Secret: []byte(w.root.secret)}, sigv4.Scope{Region: "us-east-1", Service: "iam"}, w.clock.Now()))
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %s", in.Get("Action"), res.StatusCode, answer)
	}
	return string(answer)
}

package iam_test

import (
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// The sentences of this file are those AWS printed to others: 99designs/iamy issue 47 and pull
// request 68 (deleting), getmoto/moto issue 6404 (a second role), ine-labs/AWSGoat issue 49 (a
// second profile), ansible/workshops issue 1801 (the quota's name).

func TestInstanceProfiles(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c := w.root.iam
	w.role("machine", w.account())
	w.role("second", w.account())

	made, err := c.CreateInstanceProfile(ctx, &sdkiam.CreateInstanceProfileInput{
		InstanceProfileName: aws.String("Web"), Path: aws.String("/app/"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	})
	must(t, err)
	if p := made.InstanceProfile; *p.Arn != "arn:aws:iam::"+account+":instance-profile/app/Web" || !regexp.MustCompile(`^AIPA[A-Z2-7]{17}$`).MatchString(*p.InstanceProfileId) || len(p.Roles) != 0 || len(p.Tags) != 1 {
		t.Errorf("made: %+v", p)
	}
	_, err = c.CreateInstanceProfile(ctx, &sdkiam.CreateInstanceProfileInput{InstanceProfileName: aws.String("web")})
	expect(t, err, "EntityAlreadyExists: Instance Profile web already exists.")
	_, err = c.GetInstanceProfile(ctx, &sdkiam.GetInstanceProfileInput{InstanceProfileName: aws.String("none")})
	expect(t, err, "NoSuchEntity: Instance Profile none cannot be found.")

	put := func(profile, role string) error {
		_, err := c.AddRoleToInstanceProfile(ctx, &sdkiam.AddRoleToInstanceProfileInput{InstanceProfileName: &profile, RoleName: &role})
		return err
	}
	expect(t, put("none", "machine"), "NoSuchEntity: Instance Profile none cannot be found.")
	expect(t, put("Web", "none"), "NoSuchEntity: The role with name none cannot be found.")
	must(t, put("Web", "machine"))
	expect(t, put("Web", "second"), "LimitExceeded: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")

	got, err := c.GetInstanceProfile(ctx, &sdkiam.GetInstanceProfileInput{InstanceProfileName: aws.String("Web")})
	must(t, err)
	if p := got.InstanceProfile; len(p.Roles) != 1 || *p.Roles[0].RoleName != "machine" || p.Roles[0].AssumeRolePolicyDocument == nil || len(p.Tags) != 1 {
		t.Errorf("with its role: %+v", p)
	}

	for _, tc := range []struct {
		name string
		list func() ([]types.InstanceProfile, error)
		want int
	}{
		{"all", func() ([]types.InstanceProfile, error) {
			out, err := c.ListInstanceProfiles(ctx, &sdkiam.ListInstanceProfilesInput{})
			return out.InstanceProfiles, err
		}, 1},
		{"below a path", func() ([]types.InstanceProfile, error) {
			out, err := c.ListInstanceProfiles(ctx, &sdkiam.ListInstanceProfilesInput{PathPrefix: aws.String("/other/")})
			return out.InstanceProfiles, err
		}, 0},
		{"of the role in it", func() ([]types.InstanceProfile, error) {
			out, err := c.ListInstanceProfilesForRole(ctx, &sdkiam.ListInstanceProfilesForRoleInput{RoleName: aws.String("machine")})
			return out.InstanceProfiles, err
		}, 1},
		{"of another role", func() ([]types.InstanceProfile, error) {
			out, err := c.ListInstanceProfilesForRole(ctx, &sdkiam.ListInstanceProfilesForRoleInput{RoleName: aws.String("second")})
			return out.InstanceProfiles, err
		}, 0},
	} {
		list, err := tc.list()
		must(t, err)
		if list == nil || len(list) != tc.want {
			t.Errorf("%s: %+v, want %d", tc.name, list, tc.want)
		}
	}
	_, err = c.ListInstanceProfilesForRole(ctx, &sdkiam.ListInstanceProfilesForRoleInput{RoleName: aws.String("none")})
	expect(t, err, "NoSuchEntity: The role with name none cannot be found.")

	_, err = c.TagInstanceProfile(ctx, &sdkiam.TagInstanceProfileInput{InstanceProfileName: aws.String("Web"), Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("d")}}})
	must(t, err)
	_, err = c.UntagInstanceProfile(ctx, &sdkiam.UntagInstanceProfileInput{InstanceProfileName: aws.String("Web"), TagKeys: []string{"a"}})
	must(t, err)
	tags, err := c.ListInstanceProfileTags(ctx, &sdkiam.ListInstanceProfileTagsInput{InstanceProfileName: aws.String("Web")})
	must(t, err)
	if len(tags.Tags) != 1 || *tags.Tags[0].Key != "c" {
		t.Errorf("tags: %+v", tags.Tags)
	}

	const inUse = "DeleteConflict: Cannot delete entity, must remove roles from instance profile first."
	_, err = c.DeleteInstanceProfile(ctx, &sdkiam.DeleteInstanceProfileInput{InstanceProfileName: aws.String("Web")})
	expect(t, err, inUse)
	_, err = c.DeleteRole(ctx, &sdkiam.DeleteRoleInput{RoleName: aws.String("machine")})
	expect(t, err, inUse)
	summary, err := c.GetAccountSummary(ctx, &sdkiam.GetAccountSummaryInput{})
	must(t, err)
	if n := summary.SummaryMap["InstanceProfiles"]; n != 1 {
		t.Errorf("the summary counts %d instance profiles", n)
	}

	out := func(role string) error {
		_, err := c.RemoveRoleFromInstanceProfile(ctx, &sdkiam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: aws.String("Web"), RoleName: &role})
		return err
	}
	expect(t, out("second"), "NoSuchEntity: ")
	must(t, out("machine"))
	_, err = c.DeleteRole(ctx, &sdkiam.DeleteRoleInput{RoleName: aws.String("machine")})
	must(t, err)
	_, err = c.DeleteInstanceProfile(ctx, &sdkiam.DeleteInstanceProfileInput{InstanceProfileName: aws.String("Web")})
	must(t, err)
	_, err = c.DeleteInstanceProfile(ctx, &sdkiam.DeleteInstanceProfileInput{InstanceProfileName: aws.String("Web")})
	expect(t, err, "NoSuchEntity: Instance Profile Web cannot be found.")
}

// A profile gives its role to machines, so whoever fills it must be allowed to pass that role.
func TestFillingAnInstanceProfileNeedsPassRole(t *testing.T) {
	for _, tc := range []struct {
		name, statements, want string
	}{
		{"no permission to pass", allow("iam:AddRoleToInstanceProfile"), "AccessDenied: "},
		{"pass another role", allow("iam:AddRoleToInstanceProfile") + `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::` + account + `:role/other"}`, "AccessDenied: "},
		{"pass to another service", allow("iam:AddRoleToInstanceProfile") + `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}`, "AccessDenied: "},
		{"pass alone", allow("iam:PassRole"), "AccessDenied: "},
		{"both", allow("iam:AddRoleToInstanceProfile") + `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::` + account + `:role/machine","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, ctx := newWorld(t), t.Context()
			w.role("machine", w.account())
			_, err := w.root.iam.CreateInstanceProfile(ctx, &sdkiam.CreateInstanceProfileInput{InstanceProfileName: aws.String("web")})
			must(t, err)
			alice := w.user("alice")
			w.inline("alice", tc.statements)
			_, err = alice.iam.AddRoleToInstanceProfile(ctx, &sdkiam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("web"), RoleName: aws.String("machine")})
			expect(t, err, tc.want)
		})
	}
}

func (w *world) account() string { return "arn:aws:iam::" + account + ":root" }

// An alias is one account's, an account has one, and a new one takes the place of the old: observed
// of AWS in floci-io/floci pull request 2103; the sentence is in
// awslabs/aws-deployment-framework pull request 465.
func TestAccountAlias(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	neighbour := w.rootOf(other)
	aliases := func(a *actor) []string {
		out, err := a.iam.ListAccountAliases(ctx, &sdkiam.ListAccountAliasesInput{})
		must(t, err)
		if out.AccountAliases == nil || out.IsTruncated {
			t.Errorf("aliases: %+v", out)
		}
		return out.AccountAliases
	}
	set := func(a *actor, alias string) error {
		_, err := a.iam.CreateAccountAlias(ctx, &sdkiam.CreateAccountAliasInput{AccountAlias: &alias})
		return err
	}
	drop := func(a *actor, alias string) error {
		_, err := a.iam.DeleteAccountAlias(ctx, &sdkiam.DeleteAccountAliasInput{AccountAlias: &alias})
		return err
	}
	if got := aliases(w.root); len(got) != 0 {
		t.Errorf("at first: %q", got)
	}
	must(t, set(w.root, "security"))
	must(t, set(w.root, "security-2"))
	if got := aliases(w.root); len(got) != 1 || got[0] != "security-2" {
		t.Errorf("replaced: %q", got)
	}
	must(t, set(neighbour, "security"))
	expect(t, set(w.root, "security"), "EntityAlreadyExists: The account alias security already exists.")
	expect(t, set(w.root, "a--b"), "ValidationError: ")
	expect(t, set(w.root, "Upper"), "ValidationError: ")
	expect(t, drop(w.root, "security"), "NoSuchEntity: ")
	must(t, drop(w.root, "security-2"))
	if got := aliases(w.root); len(got) != 0 {
		t.Errorf("after deleting: %q", got)
	}
	must(t, set(neighbour, "security-2"))
}

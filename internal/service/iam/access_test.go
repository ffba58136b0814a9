package iam_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fastness/internal/call"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkcloudtrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	sdkiam "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

const deniedList = "AccessDenied: User: arn:aws:iam::" + account + ":user/alice is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::" + account + ":user/ "

func TestUserIsDeniedUntilAllowed(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	expect(t, alice.listUsers(), deniedList+"because no identity-based policy allows the iam:ListUsers action")
	arn := w.policy("readers", allow("iam:List*"))
	_, err := w.root.iam.AttachUserPolicy(ctx, &sdkiam.AttachUserPolicyInput{UserName: aws.String("alice"), PolicyArn: &arn})
	must(t, err)
	expect(t, alice.listUsers(), "")
	w.inline("alice", deny("iam:ListUsers"))
	expect(t, alice.listUsers(), deniedList+"with an explicit deny in an identity-based policy")
	_, err = w.root.iam.DeleteUserPolicy(ctx, &sdkiam.DeleteUserPolicyInput{UserName: aws.String("alice"), PolicyName: aws.String("inline")})
	must(t, err)
	expect(t, alice.listUsers(), "")
	_, err = w.root.iam.CreatePolicyVersion(ctx, &sdkiam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: aws.String(doc(allow("iam:Get*"))), SetAsDefault: true})
	must(t, err)
	expect(t, alice.listUsers(), deniedList)
	_, err = w.root.iam.SetDefaultPolicyVersion(ctx, &sdkiam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v1")})
	must(t, err)
	expect(t, alice.listUsers(), "")
	_, err = w.root.iam.DetachUserPolicy(ctx, &sdkiam.DetachUserPolicyInput{UserName: aws.String("alice"), PolicyArn: &arn})
	must(t, err)
	expect(t, alice.listUsers(), deniedList)
}

func TestGroupGivesPermission(t *testing.T) {
	w := newWorld(t)
	alice, ctx, group := w.user("alice"), t.Context(), aws.String("staff")
	_, err := w.root.iam.CreateGroup(ctx, &sdkiam.CreateGroupInput{GroupName: group})
	must(t, err)
	_, err = w.root.iam.AttachGroupPolicy(ctx, &sdkiam.AttachGroupPolicyInput{GroupName: group, PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")})
	must(t, err)
	expect(t, alice.listUsers(), deniedList)
	_, err = w.root.iam.AddUserToGroup(ctx, &sdkiam.AddUserToGroupInput{GroupName: group, UserName: aws.String("alice")})
	must(t, err)
	expect(t, alice.listUsers(), "")
	_, err = w.root.iam.PutGroupPolicy(ctx, &sdkiam.PutGroupPolicyInput{GroupName: group, PolicyName: aws.String("no"), PolicyDocument: aws.String(doc(deny("iam:ListUsers")))})
	must(t, err)
	expect(t, alice.listUsers(), deniedList+"with an explicit deny in an identity-based policy")
	_, err = w.root.iam.RemoveUserFromGroup(ctx, &sdkiam.RemoveUserFromGroupInput{GroupName: group, UserName: aws.String("alice")})
	must(t, err)
	expect(t, alice.listUsers(), deniedList+"because no identity-based policy")
}

func TestBoundaryLimits(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	w.inline("alice", allow("iam:*"))
	_, err := w.root.iam.PutUserPermissionsBoundary(ctx, &sdkiam.PutUserPermissionsBoundaryInput{
		UserName: aws.String("alice"), PermissionsBoundary: aws.String(w.policy("limit", allow("iam:GetUser"))),
	})
	must(t, err)
	expect(t, alice.listUsers(), deniedList+"because no permissions boundary allows the iam:ListUsers action")
	got, err := alice.iam.GetUser(ctx, &sdkiam.GetUserInput{})
	must(t, err)
	if b := got.User.PermissionsBoundary; b == nil || *b.PermissionsBoundaryArn != "arn:aws:iam::"+account+":policy/limit" || b.PermissionsBoundaryType != "Policy" {
		t.Errorf("boundary %+v", b)
	}
	_, err = w.root.iam.DeleteUserPermissionsBoundary(ctx, &sdkiam.DeleteUserPermissionsBoundaryInput{UserName: aws.String("alice")})
	must(t, err)
	expect(t, alice.listUsers(), "")
}

func TestAccessKeysTakeEffectAtOnce(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	w.inline("alice", allow("iam:*"))
	for range 2 {
		expect(t, alice.listUsers(), "")
		_, err := w.root.iam.UpdateAccessKey(ctx, &sdkiam.UpdateAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &alice.id, Status: iamtypes.StatusTypeInactive})
		must(t, err)
		expect(t, alice.listUsers(), "InvalidClientTokenId: The security token included in the request is invalid")
		_, err = w.root.iam.UpdateAccessKey(ctx, &sdkiam.UpdateAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &alice.id, Status: iamtypes.StatusTypeActive})
		must(t, err)
	}
	used, err := w.root.iam.GetAccessKeyLastUsed(ctx, &sdkiam.GetAccessKeyLastUsedInput{AccessKeyId: &alice.id})
	must(t, err)
	if u := used.AccessKeyLastUsed; *used.UserName != "alice" || *u.ServiceName != "iam" || *u.Region != region || u.LastUsedDate == nil {
		t.Errorf("last used %+v by %s", u, *used.UserName)
	}
	// A key may delete itself; a wrong secret is another error than an unknown key.
	expect(t, w.actor(alice.id, "wrong", "").listUsers(), "SignatureDoesNotMatch")
	_, err = alice.iam.DeleteAccessKey(ctx, &sdkiam.DeleteAccessKeyInput{AccessKeyId: &alice.id})
	must(t, err)
	expect(t, alice.listUsers(), "InvalidClientTokenId")
	_, err = w.key("alice").sts.GetAccessKeyInfo(ctx, &sdksts.GetAccessKeyInfoInput{AccessKeyId: &alice.id})
	expect(t, err, "AccessDenied")
	info, err := w.root.sts.GetAccessKeyInfo(ctx, &sdksts.GetAccessKeyInfoInput{AccessKeyId: &alice.id})
	must(t, err)
	if *info.Account != account {
		t.Errorf("account %s", *info.Account)
	}
}

func TestCallerIdentityCannotBeDenied(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	w.inline("alice", deny("*"))
	me, err := alice.sts.GetCallerIdentity(t.Context(), &sdksts.GetCallerIdentityInput{})
	must(t, err)
	if *me.Arn != "arn:aws:iam::"+account+":user/alice" || *me.Account != account || len(*me.UserId) != 21 {
		t.Errorf("%s %s %s", *me.Arn, *me.Account, *me.UserId)
	}
	me, err = w.root.sts.GetCallerIdentity(t.Context(), &sdksts.GetCallerIdentityInput{})
	must(t, err)
	if *me.Arn != "arn:aws:iam::"+account+":root" || *me.UserId != account {
		t.Errorf("%s %s", *me.Arn, *me.UserId)
	}
}

func TestAssumedRole(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	role := w.role("worker", "arn:aws:iam::"+account+":user/alice")
	_, err := w.root.iam.PutRolePolicy(ctx, &sdkiam.PutRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("p"), PolicyDocument: aws.String(doc(allow("iam:*")))})
	must(t, err)
	_, _, err = w.root.assume(&sdksts.AssumeRoleInput{RoleArn: &role})
	expect(t, err, "AccessDenied: Roles may not be assumed by root accounts.")
	session, out, err := alice.assume(&sdksts.AssumeRoleInput{RoleArn: &role})
	must(t, err)
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::"+account+":assumed-role/worker/s1" || packedSize(out) != nil {
		t.Errorf("%+v", out)
	}
	if life := out.Credentials.Expiration.Sub(w.clock.Now()); life < 59*time.Minute || life > time.Hour {
		t.Errorf("lives for %v", life)
	}
	expect(t, session.listUsers(), "")
	me, err := session.sts.GetCallerIdentity(ctx, &sdksts.GetCallerIdentityInput{})
	must(t, err)
	if *me.Arn != *out.AssumedRoleUser.Arn || *me.UserId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("%s %s", *me.Arn, *me.UserId)
	}
	// Session policies, inline and managed, limit.
	for name, in := range map[string]*sdksts.AssumeRoleInput{
		"inline":  {Policy: aws.String(doc(allow("iam:GetUser")))},
		"managed": {PolicyArns: []ststypes.PolicyDescriptorType{{Arn: aws.String(w.policy("sess", allow("iam:GetUser")))}}},
	} {
		in.RoleArn, in.RoleSessionName = &role, &name
		limited, out, err := alice.assume(in)
		must(t, err)
		if size := packedSize(out); size == nil || *size < 1 || *size > 10 {
			t.Errorf("packed size %v", size)
		}
		expect(t, limited.listUsers(), "AccessDenied: User: arn:aws:sts::"+account+":assumed-role/worker/"+name+" is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::"+account+":user/ because no session policy allows the iam:ListUsers action")
	}
	// Chaining is for an hour, and needs the other role's trust.
	second := w.role("second", role)
	expect(t, func() error {
		_, _, err := session.assume(&sdksts.AssumeRoleInput{RoleArn: &second, DurationSeconds: aws.Int32(3601)})
		return err
	}(), "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	session.mustAssume(&sdksts.AssumeRoleInput{RoleArn: &second})
	_, _, err = alice.assume(&sdksts.AssumeRoleInput{RoleArn: &second})
	expect(t, err, "AccessDenied: User: arn:aws:iam::"+account+":user/alice is not authorized to perform: sts:AssumeRole on resource: "+second)
	_, _, err = alice.assume(&sdksts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/none")})
	expect(t, err, "AccessDenied: User: arn:aws:iam::"+account+":user/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::"+account+":role/none")
	_, _, err = alice.assume(&sdksts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":user/none")})
	expect(t, err, "ValidationError: Request ARN is invalid")
	_, _, err = alice.assume(&sdksts.AssumeRoleInput{RoleArn: &role, DurationSeconds: aws.Int32(7200)})
	expect(t, err, "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	// The token belongs to the key, and to nobody who changes it.
	expect(t, w.actor(session.id, session.secret, session.token[:len(session.token)-8]+"AAAAAAA=").listUsers(), "InvalidClientTokenId")
	expect(t, w.actor(alice.id, alice.secret, session.token).listUsers(), "InvalidClientTokenId")
	expect(t, w.actor(session.id, session.secret, "").listUsers(), "InvalidClientTokenId")
	// A deleted role ends its sessions; the same name made again does not revive them.
	_, err = w.root.iam.DeleteRolePolicy(ctx, &sdkiam.DeleteRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("p")})
	must(t, err)
	_, err = w.root.iam.DeleteRole(ctx, &sdkiam.DeleteRoleInput{RoleName: aws.String("worker")})
	must(t, err)
	expect(t, session.listUsers(), "InvalidClientTokenId: The security token included in the request is invalid")
	w.role("worker", "arn:aws:iam::"+account+":user/alice")
	expect(t, session.listUsers(), "InvalidClientTokenId")
	// And what trusted the old role does not trust the new one.
	again := alice.mustAssume(&sdksts.AssumeRoleInput{RoleArn: &role})
	_, _, err = again.assume(&sdksts.AssumeRoleInput{RoleArn: &second})
	expect(t, err, "AccessDenied")
}

func TestSessionExpires(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	w.inline("alice", allow("sts:*"))
	session := alice.mustAssume(&sdksts.AssumeRoleInput{RoleArn: aws.String(w.role("worker", account)), DurationSeconds: aws.Int32(900)})
	c, err := session.credential()
	must(t, err)
	if c.Principal.Session.RoleName != "worker" {
		t.Errorf("%+v", c.Principal.Session)
	}
	w.clock.Advance(15 * time.Minute)
	if _, err := session.credential(); !errors.Is(err, call.ErrExpiredToken) {
		t.Error(err)
	}
}

func TestCrossAccountNeedsBothSides(t *testing.T) {
	w := newWorld(t)
	stranger := w.rootOf(other)
	ctx := t.Context()
	role := w.role("shared", other)
	_, err := stranger.iam.CreateUser(ctx, &sdkiam.CreateUserInput{UserName: aws.String("bob")})
	must(t, err)
	k, err := stranger.iam.CreateAccessKey(ctx, &sdkiam.CreateAccessKeyInput{UserName: aws.String("bob")})
	must(t, err)
	bob := w.actor(*k.AccessKey.AccessKeyId, *k.AccessKey.SecretAccessKey, "")
	_, _, err = bob.assume(&sdksts.AssumeRoleInput{RoleArn: &role})
	expect(t, err, "AccessDenied: User: arn:aws:iam::"+other+":user/bob is not authorized to perform: sts:AssumeRole on resource: "+role)
	_, err = stranger.iam.PutUserPolicy(ctx, &sdkiam.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("p"), PolicyDocument: aws.String(doc(`{"Effect":"Allow","Action":"sts:*","Resource":"` + role + `"}`))})
	must(t, err)
	bob.mustAssume(&sdksts.AssumeRoleInput{RoleArn: &role})
	// The external id protects against the confused deputy.
	_, err = w.root.iam.UpdateAssumeRolePolicy(ctx, &sdkiam.UpdateAssumeRolePolicyInput{RoleName: aws.String("shared"), PolicyDocument: aws.String(
		doc(`{"Effect":"Allow","Principal":{"AWS":"` + other + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"42x"}}}`))})
	must(t, err)
	_, _, err = bob.assume(&sdksts.AssumeRoleInput{RoleArn: &role})
	expect(t, err, "AccessDenied")
	bob.mustAssume(&sdksts.AssumeRoleInput{RoleArn: &role, ExternalId: aws.String("42x")})
	// Tags need a permission that this trust policy does not give.
	_, _, err = bob.assume(&sdksts.AssumeRoleInput{RoleArn: &role, ExternalId: aws.String("42x"), Tags: []ststypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	expect(t, err, "AccessDenied: User: arn:aws:iam::"+other+":user/bob is not authorized to perform: sts:TagSession on resource: "+role)
}

func TestSessionTagsAreTransitive(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	w.inline("alice", allow("sts:*"))
	first, second := w.role("first", account), w.role("second", account)
	_, err := w.root.iam.PutRolePolicy(t.Context(), &sdkiam.PutRolePolicyInput{RoleName: aws.String("first"), PolicyName: aws.String("p"), PolicyDocument: aws.String(doc(allow("sts:*")))})
	must(t, err)
	tagged := alice.mustAssume(&sdksts.AssumeRoleInput{
		RoleArn: &first, SourceIdentity: aws.String("alice"), TransitiveTagKeys: []string{"team"},
		Tags: []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("red")}, {Key: aws.String("desk"), Value: aws.String("7")}},
	})
	c, err := tagged.credential()
	must(t, err)
	if p := c.Principal; p.Tags["team"] != "red" || p.Tags["desk"] != "7" || p.Session.SourceIdentity != "alice" {
		t.Errorf("%+v %+v", p.Tags, p.Session)
	}
	chained, out, err := tagged.assume(&sdksts.AssumeRoleInput{RoleArn: &second})
	must(t, err)
	if *out.SourceIdentity != "alice" {
		t.Errorf("source identity %s", *out.SourceIdentity)
	}
	c, err = chained.credential()
	must(t, err)
	if p := c.Principal; p.Tags["team"] != "red" || p.Tags["desk"] != "" || p.Session.SourceIdentity != "alice" {
		t.Errorf("%+v %+v", p.Tags, p.Session)
	}
	_, _, err = tagged.assume(&sdksts.AssumeRoleInput{RoleArn: &second, Tags: []ststypes.Tag{{Key: aws.String("Team"), Value: aws.String("blue")}}})
	expect(t, err, "InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts")
	_, _, err = tagged.assume(&sdksts.AssumeRoleInput{RoleArn: &second, SourceIdentity: aws.String("mallory")})
	expect(t, err, "AccessDenied")
	_, _, err = alice.assume(&sdksts.AssumeRoleInput{RoleArn: &first, TransitiveTagKeys: []string{"none"}})
	expect(t, err, "InvalidParameterValue: The specified transitive tag key must be included in the requested tags.")
}

func TestUserSessionsAndFederation(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	w.inline("alice", allow("iam:*")+","+allow("sts:*")+","+allow("cloudtrail:*"))
	out, err := alice.sts.GetSessionToken(ctx, &sdksts.GetSessionTokenInput{})
	must(t, err)
	session := w.actor(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	lookup := func(a *actor) error {
		_, err := a.trail.LookupEvents(ctx, &sdkcloudtrail.LookupEventsInput{})
		return err
	}
	expect(t, lookup(session), "")
	expect(t, session.listUsers(), "InvalidClientTokenId")
	_, err = session.sts.GetSessionToken(ctx, &sdksts.GetSessionTokenInput{})
	expect(t, err, "AccessDenied: Cannot call GetSessionToken with session credentials")
	fed := func(policy *string) *actor {
		out, err := alice.sts.GetFederationToken(ctx, &sdksts.GetFederationTokenInput{Name: aws.String("Bob"), Policy: policy})
		must(t, err)
		return w.actor(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	}
	expect(t, lookup(fed(nil)), "AccessDeniedException: User: arn:aws:sts::"+account+":federated-user/Bob is not authorized to perform: cloudtrail:LookupEvents")
	bob := fed(aws.String(doc(allow("cloudtrail:*"))))
	expect(t, lookup(bob), "")
	me, err := bob.sts.GetCallerIdentity(ctx, &sdksts.GetCallerIdentityInput{})
	must(t, err)
	if *me.Arn != "arn:aws:sts::"+account+":federated-user/Bob" || *me.UserId != account+":Bob" {
		t.Errorf("%s %s", *me.Arn, *me.UserId)
	}
	// Without its user, a session is nobody.
	_, err = w.root.iam.DeleteUserPolicy(ctx, &sdkiam.DeleteUserPolicyInput{UserName: aws.String("alice"), PolicyName: aws.String("inline")})
	must(t, err)
	expect(t, lookup(bob), "AccessDeniedException")
	_, err = w.root.iam.DeleteAccessKey(ctx, &sdkiam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &alice.id})
	must(t, err)
	_, err = w.root.iam.DeleteUser(ctx, &sdkiam.DeleteUserInput{UserName: aws.String("alice")})
	must(t, err)
	expect(t, lookup(bob), "UnrecognizedClientException")
	expect(t, lookup(session), "UnrecognizedClientException")
}

func TestCallsAreInTheEventHistory(t *testing.T) {
	w := newWorld(t)
	alice, ctx := w.user("alice"), t.Context()
	expect(t, alice.listUsers(), "AccessDenied")
	find := func(key trailtypes.LookupAttributeKey, value string) []trailtypes.Event {
		t.Helper()
		out, err := w.root.trail.LookupEvents(ctx, &sdkcloudtrail.LookupEventsInput{
			LookupAttributes: []trailtypes.LookupAttribute{{AttributeKey: key, AttributeValue: &value}},
		})
		must(t, err)
		return out.Events
	}
	for key, value := range map[trailtypes.LookupAttributeKey]string{
		trailtypes.LookupAttributeKeyEventName:    "ListUsers",
		trailtypes.LookupAttributeKeyUsername:     "alice",
		trailtypes.LookupAttributeKeyAccessKeyId:  alice.id,
		trailtypes.LookupAttributeKeyEventSource:  "iam.amazonaws.com",
		trailtypes.LookupAttributeKeyResourceType: "AWS::IAM::User",
		trailtypes.LookupAttributeKeyResourceName: "alice",
		trailtypes.LookupAttributeKeyReadOnly:     "false",
	} {
		if events := find(key, value); len(events) == 0 {
			t.Errorf("%s=%s: nothing", key, value)
		} else if e := events[0]; e.CloudTrailEvent == nil || e.EventId == nil || len(find(trailtypes.LookupAttributeKeyEventId, *e.EventId)) != 1 {
			t.Errorf("%s=%s: %+v", key, value, e)
		}
	}
}

func TestIssuedCredentialsAreRecordedWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	w.inline("alice", allow("sts:*"))
	session := alice.mustAssume(&sdksts.AssumeRoleInput{RoleArn: aws.String(w.role("r", account))})
	out, err := w.root.trail.LookupEvents(t.Context(), &sdkcloudtrail.LookupEventsInput{})
	must(t, err)
	found := false
	for _, e := range out.Events {
		record := *e.CloudTrailEvent
		found = found || *e.EventName == "AssumeRole" && strings.Contains(record, `"accessKeyId":"`+session.id+`"`)
		for _, secret := range []string{session.secret, session.token, alice.secret} {
			if strings.Contains(record, secret) {
				t.Errorf("%s shows a secret", *e.EventName)
			}
		}
	}
	if !found {
		t.Error("the session's key is not in the record of AssumeRole")
	}
}

func TestRenamedUserKeepsItsKeys(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	w.inline("alice", allow("iam:ListUsers"))
	_, err := w.root.iam.UpdateUser(t.Context(), &sdkiam.UpdateUserInput{UserName: aws.String("alice"), NewUserName: aws.String("ann"), NewPath: aws.String("/x/")})
	must(t, err)
	expect(t, alice.listUsers(), "")
	me, err := alice.sts.GetCallerIdentity(t.Context(), &sdksts.GetCallerIdentityInput{})
	must(t, err)
	if *me.Arn != "arn:aws:iam::"+account+":user/x/ann" {
		t.Error(*me.Arn)
	}
	must(t, w.dir.Reload(t.Context()))
	expect(t, alice.listUsers(), "")
}

func TestUnknownSession(t *testing.T) {
	w := newWorld(t)
	_, err := w.sts.Credential(t.Context(), "ASIAQQQQQQQQQQQQQQQQ", "AAAA")
	if !errors.Is(err, call.ErrInvalidToken) {
		t.Error(err)
	}
}

// packedSize reads a member that newer SDKs call deprecated; clients in use read it.
func packedSize(out *sdksts.AssumeRoleOutput) *int32 {
	//lint:ignore SA1019 see above
	return out.PackedPolicySize
}

// LookupEvents has an error of its own for what the model would refuse.
func TestLookupEventsNamesItsBounds(t *testing.T) {
	w := newWorld(t)
	for _, n := range []int32{-1, 0, 51} {
		_, err := w.root.trail.LookupEvents(t.Context(), &sdkcloudtrail.LookupEventsInput{MaxResults: aws.Int32(n)})
		expect(t, err, "InvalidMaxResultsException")
	}
}

package iam_test

import (
	"context"
	"errors"
	"testing"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/service/iam"
	"fastness/internal/store/table"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkiam "github.com/aws/aws-sdk-go-v2/service/iam"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// another opens a second directory on the store, as another process would.
func (w *world) another(t *testing.T) *iam.Directory {
	t.Helper()
	d, err := iam.OpenDirectory(t.Context(), w.store, table.NewRegistry(), w.clock)
	must(t, err)
	return d
}

func TestDirectoryIsReadFromTheStore(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	w.inline("alice", allow("s3:*"))
	role := w.role("r", "arn:aws:iam::"+account+":user/alice")
	expect(t, alice.listUsers(), "AccessDenied")
	must(t, w.dir.FlushUses(t.Context()))
	d := w.another(t)
	c, err := d.Credential(t.Context(), alice.id, "")
	must(t, err)
	if string(c.Secret) != alice.secret || c.Principal.UserName != "alice" || c.Principal.Kind != call.User {
		t.Errorf("%+v", c.Principal)
	}
	ps, err := d.Policies(t.Context(), c.Principal)
	must(t, err)
	if len(ps.Identity) != 1 || ps.Boundary != nil {
		t.Errorf("%+v", ps)
	}
	if template, policy, _, err := d.AssumableRole(role); err != nil || policy == nil || template.Session.RoleName != "r" {
		t.Errorf("%+v, %v, %v", template, policy, err)
	}
	if !d.HasAccount(account) || d.HasAccount(other) {
		t.Error("accounts")
	}
}

func TestDirectoryFollowsOtherProcesses(t *testing.T) {
	w := newWorld(t)
	d := w.another(t)
	changed := make(chan string, 16)
	d.OnKeyChange(func(id string) { changed <- id })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	alice := w.user("alice")
	if id := <-changed; id != alice.id {
		t.Fatalf("key %s", id)
	}
	if _, err := d.Credential(ctx, alice.id, ""); err != nil {
		t.Error(err)
	}
	_, err := w.root.iam.DeleteAccessKey(ctx, &sdkiam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &alice.id})
	must(t, err)
	if id := <-changed; id != alice.id {
		t.Fatalf("key %s", id)
	}
	if _, err := d.Credential(ctx, alice.id, ""); !errors.Is(err, call.ErrUnknownAccessKey) {
		t.Error(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestBootstrapIsOnce(t *testing.T) {
	w := newWorld(t)
	again := func(*iam.RootKey) error {
		t.Error("a second root key was made")
		return nil
	}
	must(t, w.dir.Bootstrap(t.Context(), account, again))
	must(t, w.dir.EnsureAccount(t.Context(), other))
	must(t, w.dir.EnsureAccount(t.Context(), other))
	if !w.dir.HasAccount(other) {
		t.Error("no account")
	}
	if err := w.dir.Bootstrap(t.Context(), "12", again); err == nil {
		t.Error("an account with two digits")
	}
}

func TestPrincipalsByIDAndARN(t *testing.T) {
	w := newWorld(t)
	w.user("alice")
	role := w.role("r", account)
	id, ok := w.dir.PrincipalID(role)
	if !ok || len(id) != 21 {
		t.Fatalf("%s, %v", id, ok)
	}
	if arn, ok := w.dir.PrincipalARN(id); !ok || arn != role {
		t.Errorf("%s, %v", arn, ok)
	}
	session := "arn:aws:sts::" + account + ":assumed-role/r/s"
	if got, ok := w.dir.PrincipalID(session); !ok || got != id+":s" {
		t.Errorf("%s, %v", got, ok)
	}
	if got, ok := w.dir.PrincipalARN(id + ":s"); !ok || got != session {
		t.Errorf("%s, %v", got, ok)
	}
	for _, unknown := range []string{"", "arn:aws:iam::" + account + ":user/none", "arn:aws:iam::" + account + ":user/x/alice", "arn:aws:iam::" + other + ":role/r", "arn:aws:sts::" + account + ":assumed-role/none/s"} {
		if id, ok := w.dir.PrincipalID(unknown); ok {
			t.Errorf("%s is %s", unknown, id)
		}
	}
}

func BenchmarkAuthentication(b *testing.B) {
	w := newWorld(b)
	alice := w.user("alice")
	w.inline("alice", allow("sts:*"))
	session := alice.mustAssume(&sdksts.AssumeRoleInput{RoleArn: aws.String(w.role("r", account)), Policy: aws.String(doc(allow("s3:*")))})
	for name, a := range map[string]*actor{"user": alice, "session": session} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			ctx := call.With(b.Context(), &call.Call{Operation: iamapi.API.Operation("ListUsers"), Region: region, Time: w.clock.Now()})
			for b.Loop() {
				c, err := w.sts.Credential(ctx, a.id, a.token)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := w.dir.Policies(ctx, c.Principal); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package iam_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/service/iam"
	"fastness/internal/store/follow/followtest"
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
	ctx := t.Context()
	followtest.Run(t, w.store, d.Memory())
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
}

func TestDirectoryFollowsWhatSurroundsPrincipals(t *testing.T) {
	w := newWorld(t)
	d := w.another(t)
	catchUp := followtest.Run(t, w.store, d.Memory())
	alice := w.user("alice")
	catchUp()
	who := func() *call.Principal {
		t.Helper()
		c, err := d.Credential(t.Context(), alice.id, "")
		must(t, err)
		return c.Principal
	}
	policies := func() int {
		t.Helper()
		ps, err := d.Policies(t.Context(), who())
		must(t, err)
		return len(ps.Identity)
	}
	if n := policies(); n != 0 {
		t.Errorf("%d policies of a new user", n)
	}
	w.inline("alice", allow("s3:*"))
	catchUp()
	if n := policies(); n != 1 {
		t.Errorf("%d policies with an inline one", n)
	}
	arn := w.policy("p", allow("kms:*"))
	_, err := w.root.iam.AttachUserPolicy(t.Context(), &sdkiam.AttachUserPolicyInput{UserName: aws.String("alice"), PolicyArn: &arn})
	must(t, err)
	catchUp()
	if n := policies(); n != 2 {
		t.Errorf("%d policies with an attached one", n)
	}
	_, err = w.root.iam.UpdateUser(t.Context(), &sdkiam.UpdateUserInput{UserName: aws.String("alice"), NewUserName: aws.String("alicia")})
	must(t, err)
	catchUp()
	if p := who(); p.UserName != "alicia" {
		t.Errorf("renamed: %s", p.UserName)
	}
	role := w.role("r", account)
	catchUp()
	if template, trust, _, err := d.AssumableRole(role); err != nil || trust == nil || template == nil {
		t.Errorf("a role: %v", err)
	}
	_, err = w.root.iam.DeleteRole(t.Context(), &sdkiam.DeleteRoleInput{RoleName: aws.String("r")})
	must(t, err)
	catchUp()
	if template, _, _, err := d.AssumableRole(role); err != nil || template != nil {
		t.Errorf("a deleted role: %+v, %v", template, err)
	}
}

func TestDirectoriesOfTwoProcessesAgreeWhateverTheOrder(t *testing.T) {
	w := newWorld(t)
	d := w.another(t)
	there, here := followtest.Run(t, w.store, d.Memory()), followtest.Run(t, w.store, w.dir.Memory())
	// Each makes accounts that the other may hear of before, while or after it makes its own.
	var wait sync.WaitGroup
	for i, dir := range []*iam.Directory{w.dir, d} {
		wait.Go(func() {
			for n := range 40 {
				if err := dir.EnsureAccount(t.Context(), fmt.Sprintf("9000000000%02d", (n+i)%40)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	there()
	here()
	for n := range 40 {
		if id := fmt.Sprintf("9000000000%02d", n); !w.dir.HasAccount(id) || !d.HasAccount(id) {
			t.Errorf("account %s: %v, %v", id, w.dir.HasAccount(id), d.HasAccount(id))
		}
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

package iam_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/api/iamapi"
	"fastness/internal/api/stsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/front"
	"fastness/internal/page"
	"fastness/internal/page/pagetest"
	"fastness/internal/service/cloudtrail"
	"fastness/internal/service/iam"
	"fastness/internal/service/sts"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/awsquery"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkcloudtrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	sdkiam "github.com/aws/aws-sdk-go-v2/service/iam"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	account = "123456789012"
	other   = "210987654321"
	region  = "eu-central-1"
)

// world is a whole installation behind its real door, on a store in memory.
type world struct {
	t     testing.TB
	clock *clock.Manual
	store store.Store
	reg   *table.Registry
	dir   *iam.Directory
	sts   *sts.Service
	door  *front.Door
	url   string
	root  *actor
}

// actor is somebody with credentials, and the clients that use them.
type actor struct {
	w                 *world
	id, secret, token string
	iam               *sdkiam.Client
	sts               *sdksts.Client
	trail             *sdkcloudtrail.Client
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t testing.TB, providers ...sts.Provider) *world {
	t.Helper()
	s, err := pebble.Open("data", pebble.Options{FS: vfs.NewMem()})
	must(t, err)
	// The clients sign with the time of the machine, so the clock begins there.
	w := &world{t: t, clock: clock.NewManual(time.Now()), store: s, reg: table.NewRegistry()}
	w.dir, err = iam.OpenDirectory(t.Context(), s, w.reg, w.clock)
	must(t, err)
	log := audit.Open(s, w.clock)
	aead := pagetest.New(t)
	w.sts, err = sts.New(sts.Options{Directory: w.dir, Tokens: aead, Clock: w.clock, Providers: providers})
	must(t, err)
	rooms := iam.New(w.dir, page.New(aead))
	trail := cloudtrail.New(log, page.New(aead))
	w.door, err = front.New(front.Config{
		Rooms: []*front.Room{
			{API: iamapi.API, Service: rooms, Resolver: rooms},
			{API: stsapi.API, Service: w.sts, Resolver: w.sts},
			{API: cloudtrailapi.API, Service: trail, Resolver: trail},
		},
		Codecs:      []wire.Codec{awsquery.New(), awsjson.New(wire.AWSJSON11)},
		Credentials: w.sts, Principals: w.dir, Store: s, Audit: log, Clock: w.clock,
		Log:     slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: []string{region, "us-east-1"},
	})
	must(t, err)
	w.dir.OnKeyChange(w.door.Forget)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.dir.Run(ctx) }()
	server := httptest.NewServer(w.door)
	w.url = server.URL
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("directory: %v", err)
		}
		log.Close()
		fsck(t, s, w.reg)
		must(t, s.Close())
	})
	w.root = w.rootOf(account)
	return w
}

// fsck checks the tables and the event history.
func fsck(t testing.TB, s store.Store, reg *table.Registry) {
	t.Helper()
	must(t, audit.Reserve(reg))
	problems, err := store.Fsck(context.Background(), s, reg.Checks()...)
	must(t, err)
	for _, p := range problems {
		t.Errorf("fsck: %v", p)
	}
}

// rootOf makes an account and gives its root user.
func (w *world) rootOf(id string) *actor {
	w.t.Helper()
	var keyID, secret string
	must(w.t, w.dir.Bootstrap(w.t.Context(), id, func(k *iam.RootKey) error {
		keyID, secret = k.AccessKeyID, string(k.Secret)
		return nil
	}))
	return w.actor(keyID, secret, "")
}

func (w *world) actor(id, secret, token string) *actor {
	a := &actor{w: w, id: id, secret: secret, token: token}
	config := aws.Config{
		// With attempts left: the SDK closes the body of a request as soon as the answer
		// begins, and now and then the connection with it, whoever the server is.
		Region: region, BaseEndpoint: aws.String(w.url), RetryMaxAttempts: 3,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
		}),
	}
	a.iam, a.sts, a.trail = sdkiam.NewFromConfig(config), sdksts.NewFromConfig(config), sdkcloudtrail.NewFromConfig(config)
	return a
}

// user makes a user with an access key.
func (w *world) user(name string) *actor {
	w.t.Helper()
	_, err := w.root.iam.CreateUser(w.t.Context(), &sdkiam.CreateUserInput{UserName: &name})
	must(w.t, err)
	return w.key(name)
}

// key makes another access key for a user.
func (w *world) key(name string) *actor {
	w.t.Helper()
	out, err := w.root.iam.CreateAccessKey(w.t.Context(), &sdkiam.CreateAccessKeyInput{UserName: &name})
	must(w.t, err)
	return w.actor(*out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey, "")
}

// inline puts an inline policy on a user.
func (w *world) inline(user, statements string) {
	w.t.Helper()
	_, err := w.root.iam.PutUserPolicy(w.t.Context(), &sdkiam.PutUserPolicyInput{
		UserName: &user, PolicyName: aws.String("inline"), PolicyDocument: aws.String(doc(statements)),
	})
	must(w.t, err)
}

// policy makes a managed policy and gives its ARN.
func (w *world) policy(name, statements string) string {
	w.t.Helper()
	out, err := w.root.iam.CreatePolicy(w.t.Context(), &sdkiam.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(doc(statements))})
	must(w.t, err)
	return *out.Policy.Arn
}

// role makes a role that trusts a principal, by ARN.
func (w *world) role(name, principal string) string {
	w.t.Helper()
	out, err := w.root.iam.CreateRole(w.t.Context(), &sdkiam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust(principal))})
	must(w.t, err)
	return *out.Role.Arn
}

// assume assumes a role.
func (a *actor) assume(in *sdksts.AssumeRoleInput) (*actor, *sdksts.AssumeRoleOutput, error) {
	if in.RoleSessionName == nil {
		in.RoleSessionName = aws.String("s1")
	}
	out, err := a.sts.AssumeRole(a.w.t.Context(), in)
	if err != nil {
		return nil, nil, err
	}
	c := out.Credentials
	return a.w.actor(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), out, nil
}

func (a *actor) mustAssume(in *sdksts.AssumeRoleInput) *actor {
	a.w.t.Helper()
	to, _, err := a.assume(in)
	must(a.w.t, err)
	return to
}

// listUsers is the call by which tests ask whether an actor may do something.
func (a *actor) listUsers() error {
	_, err := a.iam.ListUsers(a.w.t.Context(), &sdkiam.ListUsersInput{})
	return err
}

// credential is what the door would find for the actor.
func (a *actor) credential() (call.Credential, error) {
	return a.w.sts.Credential(a.w.t.Context(), a.id, a.token)
}

func doc(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func trust(principal string) string {
	return doc(`{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}`)
}

func allow(action string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":"*"}`
}
func deny(action string) string { return `{"Effect":"Deny","Action":"` + action + `","Resource":"*"}` }

// expect compares an error's code, and its text if one is given: "Code: text", where
// text may be the beginning.
func expect(t testing.TB, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("error: %v", err)
		}
		return
	}
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("error %v, want %s", err, want)
		return
	}
	if got := e.ErrorCode() + ": " + e.ErrorMessage(); !strings.HasPrefix(got, want) {
		t.Errorf("error %q, want %q", got, want)
	}
}

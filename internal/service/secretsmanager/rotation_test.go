package secretsmanager

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/eventlog"
	"fastness/internal/store"
	"fastness/internal/wire"
)

var rotationStart = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)

func TestRotateSecretGivesDatabaseAndSecretANewPassword(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	token := p.rotate(arn)
	// The version is there before the first step, and empty.
	_, err := p.client().GetSecretValue(t.Context(), &secretsmanagerapi.GetSecretValueRequest{SecretId: &arn, VersionStage: new("AWSPENDING")})
	if want := "Secrets Manager can't find the specified secret value for staging label: AWSPENDING"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("AWSPENDING before createSecret: %v", err)
	}
	if got := p.describe(arn).VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSPENDING"}) {
		t.Errorf("labels of the new version: %v", got)
	}
	p.drain()
	p.agree("app", arn)
	if p.password(arn, "AWSCURRENT") == "first-app" || p.password(arn, "AWSPREVIOUS") != "first-app" {
		t.Error("the passwords did not move on")
	}
	d := p.describe(arn)
	if got := d.VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSCURRENT"}) {
		t.Errorf("labels of the version: %v", got)
	}
	if d.LastRotatedDate == nil || !d.LastRotatedDate.Equal(rotationStart) || d.NextRotationDate != nil || !*d.RotationEnabled || *d.RotationLambdaARN != singleUserARN {
		t.Errorf("%+v", d)
	}
	if got := w.tape.names(arn); !slices.Equal(got, []string{"RotationStarted", "RotationSucceeded"}) {
		t.Errorf("events %v", got)
	}
	if got := w.tape.last().request; got != "Rotation-"+arn+"-"+token {
		t.Errorf("requestID %s", got)
	}
}

func TestTheSameTokenRotatesOnce(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	token := eventlog.NewID()
	for range 2 {
		if got := p.rotate(arn, withToken(token)); got != token {
			t.Errorf("version %s", got)
		}
	}
	p.drain()
	p.rotate(arn, withToken(token))
	p.drain()
	p.agree("app", arn)
	if got := w.tape.names(arn); len(got) != 2 {
		t.Errorf("events %v", got)
	}
}

func withToken(token string) func(*secretsmanagerapi.RotateSecretRequest) {
	return func(in *secretsmanagerapi.RotateSecretRequest) { in.ClientRequestToken = &token }
}

func TestAFailedRotationIsReattemptedWithItsOldToken(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	w.db.down = true
	token := p.rotate(arn)
	for range maxRotationRetries + 1 {
		p.drain()
		w.clk.Advance(2 * time.Hour)
	}
	if j := p.journalOf("app"); j == nil || j.Step != stepFailed || j.Failures != maxRotationRetries+1 {
		t.Fatalf("journal %+v", j)
	}
	if got := p.describe(arn).VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSPENDING"}) {
		t.Errorf("labels %v", got)
	}
	failed := w.tape.last()
	if failed.name != "RotationFailed" || failed.failure != "Error when executing lambda "+singleUserARN+" during setSecret step" || failed.reason != "no login works" {
		t.Errorf("%+v", failed)
	}
	w.db.down = false
	_, err := p.client().RotateSecret(t.Context(), &secretsmanagerapi.RotateSecretRequest{SecretId: &arn, ClientRequestToken: new(eventlog.NewID())})
	var invalid *secretsmanagerapi.InvalidRequestException
	if !errors.As(err, &invalid) || *invalid.Message != "A previous rotation isn't complete. That rotation will be reattempted." {
		t.Errorf("%v", err)
	}
	p.must(p.rotation.restart(t.Context(), <-p.rotation.again))
	p.drain()
	p.agree("app", arn)
	if got := p.describe(arn).VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSCURRENT"}) {
		t.Errorf("labels %v", got)
	}
}

func TestRetriesBackOffFourfold(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	w.db.down = true
	p.rotate(arn)
	var at []time.Duration
	for range maxRotationRetries {
		p.drain()
		var next time.Time
		p.must(w.inner.View(t.Context(), func(r store.Reader) error {
			j, err := p.tables.rotationJobs.Get(r, jobRotation, rotationJobID(rotationAccount, rotationRegion, arn[strings.Index(arn, "app-"):]))
			next = j.At
			return err
		}))
		at = append(at, next.Sub(w.clk.Now()))
		w.clk.Set(next)
	}
	if want := []time.Duration{5 * time.Second, 20 * time.Second, 80 * time.Second, 320 * time.Second, 1280 * time.Second}; !slices.Equal(at, want) {
		t.Errorf("waits %v", at)
	}
	w.db.down = false // the last attempt succeeds
	p.drain()
	p.agree("app", arn)
}

func TestNoAttemptBeginsAfterTheWindow(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	p.rotate(arn, rules("cron(0 14 * * ? *)", "1h"), later)
	p.drain()
	w.db.down = true
	w.clk.Set(time.Date(2026, 3, 1, 14, 59, 58, 0, time.UTC))
	p.drain()
	if got := w.tape.last(); got.name != "RotationFailed" {
		t.Errorf("%+v", got)
	}
	w.db.down = false
	w.clk.Set(time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC))
	p.drain()
	p.agree("app", arn)
	if next := p.describe(arn).NextRotationDate; !next.Equal(time.Date(2026, 3, 3, 14, 59, 59, 0, time.UTC)) {
		t.Errorf("next %v", next)
	}
}

// rules sets a schedule, later asks for no rotation now.
func rules(schedule, duration string) func(*secretsmanagerapi.RotateSecretRequest) {
	return func(in *secretsmanagerapi.RotateSecretRequest) {
		in.RotationRules = &secretsmanagerapi.RotationRulesType{ScheduleExpression: &schedule}
		if duration != "" {
			in.RotationRules.Duration = &duration
		}
	}
}

func after(days int64) func(*secretsmanagerapi.RotateSecretRequest) {
	return func(in *secretsmanagerapi.RotateSecretRequest) {
		in.RotationRules = &secretsmanagerapi.RotationRulesType{AutomaticallyAfterDays: &days}
	}
}

func later(in *secretsmanagerapi.RotateSecretRequest) { in.RotateImmediately = new(false) }

func TestATestRunChangesNothing(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	changes := w.db.changes
	token := p.rotate(arn, after(30), later)
	p.drain()
	p.agree("app", arn)
	if w.db.changes != changes || p.password(arn, "AWSCURRENT") != "first-app" {
		t.Error("the test changed something")
	}
	if got := w.tape.names(arn); !slices.Equal(got, []string{"TestRotationStarted", "TestRotationSucceeded"}) {
		t.Errorf("events %v", got)
	}
	versions, err := p.client().ListSecretVersionIds(t.Context(), &secretsmanagerapi.ListSecretVersionIdsRequest{SecretId: &arn, IncludeDeprecated: new(true)})
	p.must(err)
	for _, v := range versions.Versions {
		if *v.VersionId == token {
			t.Error("the version of the test is left")
		}
	}
	if d := p.describe(arn); d.LastRotatedDate != nil || d.NextRotationDate == nil {
		t.Errorf("%+v", d)
	}

	w.db.down = true
	p.rotate(arn, later)
	p.drain()
	if got := w.tape.last(); got.name != "TestRotationFailed" || !strings.HasSuffix(got.failure, " during testSecret step") {
		t.Errorf("%+v", got)
	}
	w.db.down = false
	p.agree("app", arn)
}

func TestAnotherValueAbandonsTheRotation(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	token := p.rotate(arn, after(10))
	_, err := p.client().PutSecretValue(t.Context(), &secretsmanagerapi.PutSecretValueRequest{
		SecretId: &arn, ClientRequestToken: new(eventlog.NewID()), SecretString: new(document("app", "by hand")),
	})
	p.must(err)
	w.db.set("app", "by hand")
	p.drain()
	p.agree("app", arn)
	if got := w.tape.names(arn); !slices.Equal(got, []string{"RotationStarted", "RotationAbandoned"}) {
		t.Errorf("events %v", got)
	}
	if _, ok := p.describe(arn).VersionIdsToStages[token]; ok {
		t.Error("the version has labels")
	}
	// The new value counts as a rotation.
	if next := p.describe(arn).NextRotationDate; !next.Equal(time.Date(2026, 3, 11, 23, 59, 59, 0, time.UTC)) {
		t.Errorf("next %v", next)
	}
}

// Whoever moves AWSCURRENT by hand has changed the value: the schedule counts from there,
// and a rotation under way is abandoned, unless it is its own version that became current.
func TestMovingAWSCURRENTReschedulesTheRotation(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	p.rotate(arn, after(10))
	p.drain()
	rotated := p.describe(arn)
	if !rotated.NextRotationDate.Equal(time.Date(2026, 3, 11, 23, 59, 59, 0, time.UTC)) {
		t.Fatalf("next %v", rotated.NextRotationDate)
	}
	var current, previous string
	for id, labels := range rotated.VersionIdsToStages {
		if slices.Contains(labels, "AWSCURRENT") {
			current = id
		} else {
			previous = id
		}
	}
	w.clk.Advance(5 * 24 * time.Hour)
	move := func(label, from, to string) {
		t.Helper()
		in := &secretsmanagerapi.UpdateSecretVersionStageRequest{SecretId: &arn, VersionStage: &label, MoveToVersionId: &to}
		if from != "" {
			in.RemoveFromVersionId = &from
		}
		_, err := p.client().UpdateSecretVersionStage(t.Context(), in)
		p.must(err)
	}
	move("MINE", "", previous) // another label changes nothing
	if d := p.describe(arn); !d.NextRotationDate.Equal(*rotated.NextRotationDate) {
		t.Errorf("next %v", d.NextRotationDate)
	}
	move("AWSCURRENT", current, previous)
	d := p.describe(arn)
	if want := time.Date(2026, 3, 16, 23, 59, 59, 0, time.UTC); !d.NextRotationDate.Equal(want) {
		t.Errorf("next %v, want %v", d.NextRotationDate, want)
	}
	if !d.LastRotatedDate.Equal(rotationStart) {
		t.Errorf("Secrets Manager last rotated at %v", d.LastRotatedDate)
	}
	p.db.set("app", "first-app")
	w.clk.Set(time.Date(2026, 3, 11, 1, 0, 0, 0, time.UTC)) // the old date
	p.drain()
	if p.password(arn, "AWSCURRENT") != "first-app" {
		t.Error("rotated on the old date")
	}
	w.clk.Set(time.Date(2026, 3, 16, 1, 0, 0, 0, time.UTC))
	p.drain()
	p.agree("app", arn)
	if p.password(arn, "AWSCURRENT") == "first-app" {
		t.Error("not rotated on the new date")
	}

	// During a rotation.
	token := p.rotate(arn)
	for id, labels := range p.describe(arn).VersionIdsToStages {
		if slices.Contains(labels, "AWSCURRENT") {
			move("AWSCURRENT", id, current)
		}
	}
	p.db.set("app", p.password(arn, "AWSCURRENT"))
	p.drain()
	p.agree("app", arn)
	if got := w.tape.last().name; got != "RotationAbandoned" {
		t.Errorf("the last event is %s", got)
	}
	if _, ok := p.describe(arn).VersionIdsToStages[token]; ok {
		t.Error("the version of the abandoned rotation has labels")
	}
}

// The dates of the example in AWS's API reference (DescribeSecret): twice a month from 16:00 to
// 18:00, fourteen days from the 1st to the 15th, and the last second of the window.
func TestARotationByCronIsDescribedAsAWSDoes(t *testing.T) {
	w := newRotationWorld(t, rotationStart) // the 1st
	p := w.start(nil)
	arn := p.make("app")
	p.rotate(arn, rules("cron(0 16 1,15 * ? *)", "2h"), later)
	p.drain()
	if d := p.describe(arn); d.RotationRules.AutomaticallyAfterDays != nil || d.LastRotatedDate != nil {
		t.Errorf("before the first rotation: %+v", d)
	}
	w.clk.Set(time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC))
	p.drain()
	d := p.describe(arn)
	if days := wire.Value(d.RotationRules.AutomaticallyAfterDays); days != 14 || *d.RotationRules.ScheduleExpression != "cron(0 16 1,15 * ? *)" || *d.RotationRules.Duration != "2h" {
		t.Errorf("every %d days: %+v", days, d.RotationRules)
	}
	if want := time.Date(2026, 3, 15, 17, 59, 59, 0, time.UTC); !d.NextRotationDate.Equal(want) {
		t.Errorf("next %v, want %v", d.NextRotationDate, want)
	}
	w.clk.Set(time.Date(2026, 3, 15, 17, 0, 0, 0, time.UTC))
	p.drain()
	if days := wire.Value(p.describe(arn).RotationRules.AutomaticallyAfterDays); days != 17 {
		t.Errorf("from the 15th of March %d days", days)
	}
	p.rotate(arn, rules("rate(4 hours)", ""), later)
	p.drain()
	w.clk.Advance(4 * time.Hour)
	p.drain()
	if d := p.describe(arn); d.RotationRules.AutomaticallyAfterDays != nil {
		t.Errorf("every four hours: %+v", d.RotationRules)
	}
}

func TestLastRotatedDateIsWhenSecretsManagerRotated(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	p.rotate(arn, after(10))
	p.drain()
	w.clk.Advance(time.Hour)
	_, err := p.client().PutSecretValue(t.Context(), &secretsmanagerapi.PutSecretValueRequest{
		SecretId: &arn, ClientRequestToken: new(eventlog.NewID()), SecretString: new(document("app", "by hand")),
	})
	p.must(err)
	if d := p.describe(arn); !d.LastRotatedDate.Equal(rotationStart) {
		t.Errorf("last rotated at %v", d.LastRotatedDate)
	}
	_, err = p.client().CancelRotateSecret(t.Context(), &secretsmanagerapi.CancelRotateSecretRequest{SecretId: &arn})
	p.must(err)
	if d := p.describe(arn); d.LastRotatedDate != nil || d.NextRotationDate != nil {
		t.Errorf("dates of a rotation that is off: %v %v", d.LastRotatedDate, d.NextRotationDate)
	}
}

func TestCancelRotateSecretEndsTheStepThatRuns(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	w.db.entered = make(chan struct{})
	token := p.rotate(arn, after(10))
	running := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { running <- p.RunRotations(ctx) }()
	<-w.db.entered
	out, err := p.client().CancelRotateSecret(t.Context(), &secretsmanagerapi.CancelRotateSecretRequest{SecretId: &arn})
	p.must(err)
	if *out.VersionId != token {
		t.Errorf("version %s", *out.VersionId)
	}
	<-w.db.entered // the step has ended
	stop()
	<-running
	d := p.describe(arn)
	if *d.RotationEnabled || d.NextRotationDate != nil {
		t.Errorf("%+v", d)
	}
	// AWS leaves the label; the database may have the value.
	if got := d.VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSPENDING"}) {
		t.Errorf("labels %v", got)
	}
	if got := w.tape.names(arn); !slices.Equal(got, []string{"RotationStarted", "RotationAbandoned"}) {
		t.Errorf("events %v", got)
	}
	if p.password(arn, "AWSCURRENT") != "first-app" {
		t.Error("the secret changed")
	}
}

func TestDeletionEndsRotation(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	p.rotate(arn, rules("rate(4 hours)", ""))
	_, err := p.client().DeleteSecret(t.Context(), &secretsmanagerapi.DeleteSecretRequest{SecretId: &arn})
	p.must(err)
	w.clk.Advance(24 * time.Hour)
	p.drain()
	if got := w.tape.names(arn); !slices.Contains(got, "RotationAbandoned") || slices.Contains(got, "RotationSucceeded") {
		t.Errorf("events %v", got)
	}
	_, err = p.client().RestoreSecret(t.Context(), &secretsmanagerapi.RestoreSecretRequest{SecretId: &arn})
	p.must(err)
	w.clk.Advance(24 * time.Hour)
	p.drain()
	if got := w.tape.names(arn); !slices.Contains(got, "RotationSucceeded") {
		t.Errorf("events %v", got)
	}
}

func TestRotateSecretErrors(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	lambda := new("arn:aws:lambda:eu-central-1:111122223333:function:mine")
	rule := func(days *int64, schedule, duration string) *secretsmanagerapi.RotationRulesType {
		r := &secretsmanagerapi.RotationRulesType{AutomaticallyAfterDays: days}
		if schedule != "" {
			r.ScheduleExpression = &schedule
		}
		if duration != "" {
			r.Duration = &duration
		}
		return r
	}
	for name, c := range map[string]struct {
		in   secretsmanagerapi.RotateSecretRequest
		code string
		text string
	}{
		"no function":    {secretsmanagerapi.RotateSecretRequest{}, "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."},
		"no lambda here": {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: lambda}, "AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com."},
		"other Region": {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(strings.Replace(singleUserARN, "eu-central-1", "eu-west-1", 1))},
			"AccessDeniedException", ""},
		"both rules":         {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(new(int64(3)), "rate(3 days)", "")}, "InvalidParameterException", ""},
		"too often":          {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "rate(3 hours)", "")}, "InvalidParameterException", ""},
		"too seldom":         {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "rate(1000 days)", "")}, "InvalidParameterException", ""},
		"minutes":            {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "cron(30 3 * * ? *)", "")}, "InvalidParameterException", ""},
		"window too long":    {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "rate(4 hours)", "5h")}, "InvalidParameterException", ""},
		"over midnight":      {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "cron(0 23 * * ? *)", "2h")}, "InvalidParameterException", ""},
		"a year":             {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "cron(0 3 * * ? 2027)", "")}, "InvalidParameterException", ""},
		"not an expression":  {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "every day", "")}, "InvalidParameterException", ""},
		"duration alone":     {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), RotationRules: rule(nil, "", "2h")}, "InvalidParameterException", ""},
		"role, not external": {secretsmanagerapi.RotateSecretRequest{RotationLambdaARN: new(singleUserARN), ExternalSecretRotationRoleArn: new("arn:aws:iam::111122223333:role/external")}, "InvalidParameterException", ""},
	} {
		c.in.SecretId, c.in.ClientRequestToken = &arn, new(eventlog.NewID())
		_, err := p.client().RotateSecret(t.Context(), &c.in)
		var api wire.APIError
		if !errors.As(err, &api) || api.ErrorCode() != c.code || c.text != "" && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.client().CancelRotateSecret(t.Context(), &secretsmanagerapi.CancelRotateSecretRequest{SecretId: &arn}); err == nil {
		t.Error("cancelled without a configuration")
	}
	current := p.describe(arn).VersionIdsToStages
	if len(current) != 1 || len(w.tape.names(arn)) != 0 {
		t.Errorf("something was left: %v %v", current, w.tape.names(arn))
	}
}

func TestWhoRotatesMayInvokeTheFunction(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn := p.make("app")
	user := func(name string) *call.Principal {
		return &call.Principal{Kind: call.User, Account: rotationAccount, ARN: "arn:aws:iam::" + rotationAccount + ":user/" + name, ID: "AIDA" + name, UserName: name}
	}
	in := &secretsmanagerapi.RotateSecretRequest{SecretId: &arn, ClientRequestToken: new(eventlog.NewID()), RotationLambdaARN: new(singleUserARN)}
	_, err := p.client(user("rotates")).RotateSecret(t.Context(), in)
	if err == nil || !strings.Contains(err.Error(), "lambda:InvokeFunction") {
		t.Errorf("without lambda:InvokeFunction: %v", err)
	}
	_, err = p.client(user("invokes")).RotateSecret(t.Context(), in)
	p.must(err)
	p.drain()
	p.agree("app", arn)
}

// The engine's own permission is for the secret that it rotates, in its own calls.
func TestTheEnginesPermissionIsForOneSecret(t *testing.T) {
	w := newRotationWorld(t, rotationStart)
	p := w.start(nil)
	arn, other := p.make("app"), p.make("other")
	ctx := p.rotation.asService(t.Context(), rotationAccount, rotationRegion, arn[strings.Index(arn, "app-"):])
	if _, err := p.rotation.value(ctx, arn, stageCurrent, ""); err != nil {
		t.Errorf("its own secret: %v", err)
	}
	if _, err := p.rotation.value(ctx, other, stageCurrent, ""); err == nil {
		t.Error("another secret")
	}
	if _, err := secretsmanagerapi.NewClient(p).DeleteSecret(ctx, &secretsmanagerapi.DeleteSecretRequest{SecretId: &arn}); err == nil {
		t.Error("another operation")
	}
	bare := p.door.AsService(t.Context(), eventSource, rotationAccount, rotationRegion)
	if _, err := p.rotation.value(bare, arn, stageCurrent, ""); err == nil {
		t.Error("without a rotation")
	}
}

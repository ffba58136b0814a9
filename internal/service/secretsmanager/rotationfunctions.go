package secretsmanager

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/engine/rotator"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// rotationFunction carries out the steps of a rotation. Every step may run again after it
// was interrupted anywhere, or had ended.
type rotationFunction interface {
	run(ctx context.Context, step rotationStep, t *rotationTarget) error
}

// rotationTarget is what a function works on.
type rotationTarget struct {
	account, region string
	secret          string // secretRecord.id
	token           string
	current         string // the version that was AWSCURRENT when the rotation began
	function        string // RotationLambdaARN
}

func (t *rotationTarget) arn() string { return secretARN(t.account, t.region, t.secret) }

// Functions invokes Lambda functions. The Lambda room will be one, behind the front door.
type Functions interface {
	// Invocable returns nil if the function is there and its policy lets
	// secretsmanager.amazonaws.com invoke it. The context carries a call of that service
	// for the secret.
	Invocable(ctx context.Context, function string) error
	// Invoke runs the function with an event and waits for its end; an error that the
	// function reports is an error.
	Invoke(ctx context.Context, function string, event []byte) error
}

// BuiltIn is a rotation function that is part of the program (rotator.Rotator). The values
// are secrets as AWS's rotation templates expect them: JSON.
type BuiltIn interface {
	Defaults() rotator.Options
	// MasterARN is the other secret that Set needs, or "".
	MasterARN(current []byte) (string, error)
	Create(current []byte, o rotator.Options) ([]byte, error)
	Set(ctx context.Context, r rotator.Rotation) error
	Test(ctx context.Context, r rotator.Rotation) error
}

// Rotators finds built-in rotation functions by the names of AWS's templates
// (SecretsManagerRDSPostgreSQLRotationSingleUser) and of CloudFormation's
// HostedRotationLambda types (PostgreSQLSingleUser).
type Rotators func(name string) (BuiltIn, bool)

// A built-in rotation function has the ARN of a Lambda function of the secret's own
// account and Region. Its name is the name of a template, or several words joined by
// hyphens of which one is: people deploy a template under a name of their own
// (orders-SecretsManagerRDSMySQLRotationSingleUser), and CloudFormation puts the stack
// before the name and a random word behind it.
func (e *rotationEngine) builtIn(function, account, region string) (BuiltIn, bool) {
	if e.Rotators == nil {
		return nil, false
	}
	name, ok := functionName(function, account, region)
	if !ok {
		return nil, false
	}
	for word := range strings.SplitSeq(name, "-") {
		if f, ok := e.Rotators(word); ok {
			return f, true
		}
	}
	return nil, false
}

// functionName is the name in the ARN of a Lambda function of an account and Region,
// without its qualifier.
func functionName(function, account, region string) (string, bool) {
	a, err := arn.Parse(function)
	if err != nil || a.Service != "lambda" || a.Account != account || a.Region != region {
		return "", false
	}
	name, ok := strings.CutPrefix(a.Resource, "function:")
	name, _, _ = strings.Cut(name, ":")
	return name, ok && name != ""
}

// cannotInvoke is AWS's refusal of a function that is not there, or not for us.
func cannotInvoke(cause error) error {
	return &wire.CommonError{
		Kind:    wire.AccessDenied,
		Message: "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.",
		Cause:   cause,
	}
}

// function finds what rotates a secret.
func (e *rotationEngine) function(ctx context.Context, function string, s *secretRecord) (rotationFunction, error) {
	if e.AsService == nil {
		return nil, cannotInvoke(nil)
	}
	if f, ok := e.builtIn(function, s.Account, s.Region); ok {
		return &builtInFunction{e, f}, nil
	}
	if e.Functions == nil {
		return nil, cannotInvoke(nil)
	}
	if err := e.Functions.Invocable(e.asService(ctx, s.Account, s.Region, s.id()), function); err != nil {
		return nil, cannotInvoke(err)
	}
	return &lambdaFunction{e, e.Functions}, nil
}

// lambdaFunction is a Lambda function, which makes its own calls as its own role.
type lambdaFunction struct {
	engine    *rotationEngine
	functions Functions
}

// rotationInput is the event of a rotation function (user guide, "How rotation works").
type rotationInput struct {
	Step               rotationStep
	SecretId           string
	ClientRequestToken string
	// RotationToken lets a function in another account prove whose rotation it is.
	RotationToken string
}

func (f *lambdaFunction) run(ctx context.Context, step rotationStep, t *rotationTarget) error {
	event, err := json.Marshal(rotationInput{Step: step, SecretId: t.arn(), ClientRequestToken: t.token, RotationToken: t.token})
	if err != nil {
		return fmt.Errorf("secretsmanager: event of %s: %w", step, err)
	}
	return f.functions.Invoke(f.engine.asService(ctx, t.account, t.region, t.secret), t.function, event)
}

// rotatingKey is the key of the secret that the calls of a context rotate.
type rotatingKey struct{}

// asService returns a context for calls of Secrets Manager itself, for one secret.
func (e *rotationEngine) asService(ctx context.Context, account, region, secret string) context.Context {
	ctx = e.AsService(ctx, eventSource, account, region)
	arn := secretARN(account, region, secret)
	call.From(ctx).SourceARN = arn
	return context.WithValue(ctx, rotatingKey{}, arn)
}

// rotationGrant lets the engine's own calls work on the secret that is being rotated, and
// on no other: the master secret of alternating users must let secretsmanager.amazonaws.com
// in by its resource policy. An explicit deny in the secret's policy counts all the same.
type rotationGrant struct {
	ctx context.Context
	arn string
	op  string
}

// rotationOperations are those of Self.
var rotationOperations = []string{"GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"}

// Allow implements policy.ExtraAllow.
func (g rotationGrant) Allow() (string, bool) {
	rotating, ok := g.ctx.Value(rotatingKey{}).(string)
	return "", ok && rotating == g.arn && slices.Contains(rotationOperations, g.op)
}

// rotationAllow is the permission that a call of the engine has on a secret; nil for all
// other calls.
func rotationAllow(ctx context.Context, c *call.Call, arn string) policy.ExtraAllow {
	if c.Principal.Kind != call.Service || c.Principal.Service != eventSource {
		return nil
	}
	return rotationGrant{ctx, arn, c.Operation.Name}
}

// builtInFunction runs a built-in rotator on the values of a secret, which it reads and
// writes through the front door.
type builtInFunction struct {
	engine  *rotationEngine
	rotator BuiltIn
}

func (f *builtInFunction) run(ctx context.Context, step rotationStep, t *rotationTarget) error {
	ctx = f.engine.asService(ctx, t.account, t.region, t.secret)
	switch step {
	case stepCreate:
		return f.create(ctx, t)
	case stepFinish:
		return f.finish(ctx, t)
	}
	r := rotator.Rotation{ARN: t.arn(), Options: f.rotator.Defaults()}
	defer func() {
		clear(r.Current)
		clear(r.Pending)
		clear(r.Previous)
		clear(r.Master)
	}()
	// At the same time, so that their audit records reach the disk together.
	var reads sync.WaitGroup
	var errs [3]error
	reads.Go(func() { r.Current, errs[0] = f.engine.value(ctx, t.arn(), stageCurrent, "") })
	reads.Go(func() { r.Pending, errs[1] = f.engine.value(ctx, t.arn(), "", t.token) })
	if step == stepSet {
		reads.Go(func() {
			if r.Previous, errs[2] = f.engine.value(ctx, t.arn(), stagePrevious, ""); isMissing(errs[2]) {
				errs[2] = nil
			}
		})
	}
	reads.Wait()
	if err := cmp.Or(errs[0], errs[1], errs[2]); err != nil {
		return err
	}
	if step == stepTest {
		return f.rotator.Test(ctx, r)
	}
	master, err := f.rotator.MasterARN(r.Current)
	if err != nil {
		return err
	}
	if master != "" {
		if r.Master, err = f.engine.value(ctx, master, stageCurrent, ""); err != nil {
			return fmt.Errorf("master secret: %w", err)
		}
	}
	return f.rotator.Set(ctx, r)
}

// create fills AWSPENDING, unless it is filled: then the database may know it already.
func (f *builtInFunction) create(ctx context.Context, t *rotationTarget) error {
	if filled, err := f.engine.filled(ctx, t); filled || err != nil {
		return err
	}
	current, err := f.engine.value(ctx, t.arn(), stageCurrent, "")
	if err != nil {
		return err
	}
	defer clear(current)
	pending, err := f.rotator.Create(current, f.rotator.Defaults())
	if err != nil {
		return err
	}
	defer clear(pending)
	return f.engine.fill(ctx, t, &secretsmanagerapi.PutSecretValueRequest{SecretString: new(string(pending))})
}

// finish moves AWSCURRENT, unless it has moved.
func (f *builtInFunction) finish(ctx context.Context, t *rotationTarget) error {
	var s *secretRecord
	err := f.engine.store.View(ctx, func(r store.Reader) (err error) {
		s, err = f.engine.secretOfJob(r, rotationJobID(t.account, t.region, t.secret))
		return err
	})
	if err != nil || s == nil || s.Stages[stageCurrent] == t.token {
		return err
	}
	in := &secretsmanagerapi.UpdateSecretVersionStageRequest{SecretId: new(t.arn()), VersionStage: new(stageCurrent), MoveToVersionId: &t.token}
	if current := s.Stages[stageCurrent]; current != "" {
		in.RemoveFromVersionId = &current
	}
	_, err = f.engine.self.UpdateSecretVersionStage(ctx, in)
	return err
}

// copyCurrent fills the version of a test with the current value: testSecret has to find
// one that works, and nothing is changed in the database.
func (e *rotationEngine) copyCurrent(ctx context.Context, t *rotationTarget) error {
	if filled, err := e.filled(ctx, t); filled || err != nil {
		return err
	}
	ctx = e.asService(ctx, t.account, t.region, t.secret)
	out, err := e.self.GetSecretValue(ctx, &secretsmanagerapi.GetSecretValueRequest{SecretId: new(t.arn()), VersionStage: new(stageCurrent)})
	if err != nil {
		return err
	}
	defer clear(out.SecretBinary)
	return e.fill(ctx, t, &secretsmanagerapi.PutSecretValueRequest{SecretString: out.SecretString, SecretBinary: out.SecretBinary})
}

// fill stores the value of the AWSPENDING version.
func (e *rotationEngine) fill(ctx context.Context, t *rotationTarget, in *secretsmanagerapi.PutSecretValueRequest) error {
	in.SecretId, in.ClientRequestToken, in.VersionStages = new(t.arn()), &t.token, []string{stagePending}
	_, err := e.self.PutSecretValue(ctx, in)
	return err
}

// filled tells whether the version of a rotation has a value.
func (e *rotationEngine) filled(ctx context.Context, t *rotationTarget) (filled bool, err error) {
	err = e.store.View(ctx, func(r store.Reader) error {
		s, err := e.secretOfJob(r, rotationJobID(t.account, t.region, t.secret))
		if err != nil || s == nil {
			return err
		}
		v, err := e.tables.version(r, s, t.token)
		if isNotFound(err) {
			return nil
		}
		filled = err == nil && v.Form != noValue
		return err
	})
	return filled, err
}

// errBinary: rotation functions work on JSON.
var errBinary = errors.New("the secret value is binary, not JSON")

// value reads a version, by its label or its id. The caller clears it.
func (e *rotationEngine) value(ctx context.Context, secret, stage, version string) ([]byte, error) {
	in := &secretsmanagerapi.GetSecretValueRequest{SecretId: &secret}
	if stage != "" {
		in.VersionStage = &stage
	}
	if version != "" {
		in.VersionId = &version
	}
	out, err := e.self.GetSecretValue(ctx, in)
	if err != nil {
		return nil, err
	}
	if out.SecretString == nil {
		clear(out.SecretBinary)
		return nil, errBinary
	}
	return []byte(*out.SecretString), nil
}

func isMissing(err error) bool {
	var missing *secretsmanagerapi.ResourceNotFoundException
	return errors.As(err, &missing)
}

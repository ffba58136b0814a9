package secretsmanager

import (
	"context"
	"errors"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/cron"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// RotateSecret implements the operation of that name: it writes the configuration down
// and hands over to the engine.
func (s *Service) RotateSecret(ctx context.Context, in *secretsmanagerapi.RotateSecretRequest) (*secretsmanagerapi.RotateSecretResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	token := wire.Value(in.ClientRequestToken)
	if token == "" {
		return nil, missingToken()
	}
	config := rotationConfig{}
	if rec.Rotation != nil {
		config = *rec.Rotation
	}
	if in.RotationLambdaARN != nil {
		config.Function = *in.RotationLambdaARN
	}
	if in.ExternalSecretRotationRoleArn != nil {
		config.Role = *in.ExternalSecretRotationRoleArn
	}
	if in.ExternalSecretRotationMetadata != nil {
		config.Metadata = nil
		for _, m := range in.ExternalSecretRotationMetadata {
			config.Metadata = append(config.Metadata, tag{wire.Value(m.Key), wire.Value(m.Value)})
		}
	}
	if config.Function == "" {
		return nil, noFunction()
	}
	now := s.now()
	if r := in.RotationRules; r != nil {
		config.AfterDays, config.Schedule, config.Duration = wire.Value(r.AutomaticallyAfterDays), wire.Value(r.ScheduleExpression), wire.Value(r.Duration)
		config.Set = now
		if _, err := config.window(); err != nil {
			return nil, err
		}
	}
	config.Enabled = true
	rec.Rotation, rec.Changed = &config, now
	tx := c.Txn()
	if err := s.rotations.configured(ctx, tx, rec); err != nil {
		return nil, err
	}
	test := in.RotateImmediately != nil && !*in.RotateImmediately
	if err := s.rotations.begin(ctx, tx, rec, token, test); err != nil {
		return nil, err
	}
	if err := s.saveWithReplicas(ctx, tx, rec); err != nil {
		return nil, err
	}
	return &secretsmanagerapi.RotateSecretResponse{ARN: new(rec.arn()), Name: &rec.Name, VersionId: &token}, nil
}

// CancelRotateSecret implements the operation of that name. The function and the rules
// stay, for the next RotateSecret.
func (s *Service) CancelRotateSecret(ctx context.Context, _ *secretsmanagerapi.CancelRotateSecretRequest) (*secretsmanagerapi.CancelRotateSecretResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	if rec.Rotation == nil {
		return nil, noFunction()
	}
	out := &secretsmanagerapi.CancelRotateSecretResponse{ARN: new(rec.arn()), Name: &rec.Name, VersionId: optional(rec.Stages[stagePending])}
	rec.Rotation.Enabled, rec.Rotation.Next = false, time.Time{}
	if err := s.rotations.cancelled(ctx, c.Txn(), rec); err != nil {
		return nil, err
	}
	rec.Changed = s.now()
	return out, s.saveWithReplicas(ctx, c.Txn(), rec)
}

func noFunction() error {
	return invalidRequest("No Lambda rotation function ARN is associated with this secret.")
}

// The bounds of rotation rules (AWS Secrets Manager API reference, RotationRulesType).
const (
	maxAfterDays = 1000
	minInterval  = 4 * time.Hour
	maxInterval  = 999 * 24 * time.Hour
)

// window is when the rules let a secret be rotated. ok is false if they say nothing.
func (r *rotationConfig) window() (window rotationWindow, err error) {
	var schedule cron.Schedule
	switch {
	case r.AfterDays != 0 && r.Schedule != "":
		return window, invalidParameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.")
	case r.AfterDays < 0 || r.AfterDays > maxAfterDays:
		return window, invalidParameter("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
	case r.Schedule != "":
		schedule, err = cron.Parse(r.Schedule)
	case r.AfterDays != 0:
		schedule, err = cron.Every(int(r.AfterDays), cron.Day)
	case r.Duration != "":
		return window, invalidParameter("You can't specify Duration without AutomaticallyAfterDays or ScheduleExpression in RotationRules.")
	default:
		return window, nil
	}
	if err != nil {
		return window, invalidParameter("The ScheduleExpression in RotationRules is invalid.")
	}
	var length time.Duration
	if r.Duration != "" {
		if length, err = cron.ParseLength(r.Duration); err != nil {
			return window, invalidParameter("The Duration in RotationRules is invalid.")
		}
	}
	limits := cron.Limits{MinInterval: minInterval, EveryYear: true}
	if r.Schedule != "" {
		limits.MaxInterval = maxInterval
	}
	window.Window, err = cron.NewWindow(schedule, length, limits)
	var fault *cron.WindowError
	if errors.As(err, &fault) {
		member := "ScheduleExpression"
		if fault.Length {
			member = "Duration"
		}
		return window, invalidParameter("The " + member + " in RotationRules is invalid: " + fault.Reason + ".")
	}
	window.set = err == nil
	return window, err
}

// rotationWindow are the windows of rules; set is false if there are none.
type rotationWindow struct {
	cron.Window
	set bool
}

// uninvocable stands for the engine where there is none: no function can be invoked.
type uninvocable struct{}

func (uninvocable) configured(context.Context, store.Txn, *secretRecord) error { return nil }
func (uninvocable) cancelled(context.Context, store.Txn, *secretRecord) error  { return nil }
func (uninvocable) begin(context.Context, store.Txn, *secretRecord, string, bool) error {
	return cannotInvoke()
}

// cannotInvoke is AWS's refusal of a rotation function that does not exist, or that
// Secrets Manager may not invoke.
func cannotInvoke() error {
	return &wire.CommonError{Kind: wire.AccessDenied, Message: "Secrets Manager cannot invoke the specified Lambda function. " +
		"Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com."}
}

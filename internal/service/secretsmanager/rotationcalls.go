package secretsmanager

import (
	"context"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/wire"
)

// rotateAccess is what RotateSecret touches besides the secret: whoever has a function
// run needs lambda:InvokeFunction on it (API reference, RotateSecret).
func rotateAccess(c *call.Call, in *secretsmanagerapi.RotateSecretRequest, found *secret) []call.Access {
	function := wire.Value(in.RotationLambdaARN)
	if function == "" && found != nil && found.record.Rotation != nil {
		function = found.record.Rotation.Function
	}
	a, err := arn.Parse(function)
	if err != nil || a.Service != "lambda" {
		return nil // the operation says what is wrong
	}
	return []call.Access{{Action: "lambda:InvokeFunction", Resource: function, ResourceType: "AWS::Lambda::Function", Account: a.Account, Unlogged: true}}
}

// RotateSecret implements the operation of that name. The rotation itself goes on after
// the answer.
func (s *Service) RotateSecret(ctx context.Context, in *secretsmanagerapi.RotateSecretRequest) (*secretsmanagerapi.RotateSecretResponse, error) {
	if err := checkTokenLength(in.ClientRequestToken); err != nil {
		return nil, err
	}
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	if err := s.rotation.configure(ctx, rec, in); err != nil {
		return nil, err
	}
	token := wire.Value(in.ClientRequestToken)
	if token == "" {
		return nil, missingToken()
	}
	answer := &secretsmanagerapi.RotateSecretResponse{ARN: new(rec.arn()), Name: &rec.Name, VersionId: &token}
	j, err := s.tables.rotation(c.Txn(), rec)
	if err != nil {
		return nil, err
	}
	switch pending := rec.unfinished(); {
	case rec.Stages[stageCurrent] == token, j.running() && j.Token == token:
		// The same request once more: done, or being done.
	case j.running(), pending != "" && pending != token:
		s.rotation.reattempt(rec.name())
		return nil, invalidRequest("A previous rotation isn't complete. That rotation will be reattempted.")
	default:
		if err := s.checkToken(c, rec, token, pending); err != nil {
			return nil, err
		}
		if err := s.rotations.begin(ctx, c.Txn(), rec, token, in.RotateImmediately != nil && !*in.RotateImmediately); err != nil {
			return nil, err
		}
	}
	if err := s.rotations.configured(ctx, c.Txn(), rec); err != nil {
		return nil, err
	}
	rec.Changed = s.now()
	return answer, s.saveWithReplicas(ctx, c.Txn(), rec)
}

// checkToken refuses the id of a version that holds another value already.
func (s *Service) checkToken(c *call.Call, rec *secretRecord, token, pending string) error {
	if token == pending {
		return nil
	}
	v, err := s.tables.version(c.Txn(), rec, token)
	if isNotFound(err) || err == nil && v.Form == noValue {
		return nil
	}
	if err != nil {
		return err
	}
	return invalidRequest("You can't use ClientRequestToken " + token + " because that value is already in use for a version of secret " + rec.arn() + ".")
}

// configure takes the configuration of a request into the record, and checks what is
// there then.
func (e *rotationEngine) configure(ctx context.Context, rec *secretRecord, in *secretsmanagerapi.RotateSecretRequest) error {
	var config rotationConfig
	if rec.Rotation != nil {
		config = *rec.Rotation
	}
	config.Enabled = true
	if in.RotationRules != nil {
		if err := checkRules(in.RotationRules); err != nil {
			return err
		}
	}
	if in.RotationLambdaARN != nil && *in.RotationLambdaARN != "" {
		config.Function = *in.RotationLambdaARN
	}
	if config.Function == "" {
		return noFunction()
	}
	if rec.Type == "" && (in.ExternalSecretRotationRoleArn != nil || len(in.ExternalSecretRotationMetadata) > 0) {
		return invalidParameter("You can't specify ExternalSecretRotationRoleArn or ExternalSecretRotationMetadata for a secret that is not a managed external secret.")
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
	if r := in.RotationRules; r != nil {
		config.Interval = 0
		config.AfterDays, config.Schedule, config.Duration = wire.Value(r.AutomaticallyAfterDays), wire.Value(r.ScheduleExpression), wire.Value(r.Duration)
		config.Set = e.clock.Now().UTC()
	}
	if _, err := e.function(ctx, config.Function, rec); err != nil {
		return err
	}
	rec.Rotation = &config
	return nil
}

func noFunction() error {
	return invalidRequest("No Lambda rotation function ARN is associated with this secret.")
}

// CancelRotateSecret implements the operation of that name.
func (s *Service) CancelRotateSecret(ctx context.Context, _ *secretsmanagerapi.CancelRotateSecretRequest) (*secretsmanagerapi.CancelRotateSecretResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	if rec.Rotation == nil {
		return nil, noFunction()
	}
	answer := &secretsmanagerapi.CancelRotateSecretResponse{ARN: new(rec.arn()), Name: &rec.Name}
	if err := s.rotations.cancelled(ctx, c.Txn(), rec); err != nil {
		return nil, err
	}
	if pending := rec.unfinished(); pending != "" {
		answer.VersionId = &pending
	}
	rec.Rotation.Enabled = false
	rec.Changed = s.now()
	return answer, s.saveWithReplicas(ctx, c.Txn(), rec)
}

package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/wire"
)

// readSecret reads /aws/reference/secretsmanager/NAME: a secret of Secrets Manager as if it
// were a parameter (AWS Systems Manager user guide, "Referencing AWS Secrets Manager
// secrets from Parameter Store parameters"). Behind the name may stand a staging label or
// the id of a version. Secrets Manager decides whether the caller may.
func (s *Service) readSecret(ctx context.Context, c *call.Call, t *target, decrypt bool) (*ssmapi.Parameter, error) {
	if !decrypt {
		return nil, invalid("WithDecryption flag must be True for retrieving a Secret Manager secret.")
	}
	name, chosen, _ := strings.Cut(strings.TrimPrefix(t.name, referencePrefix), ":")
	out, err := s.referenced(ctx, name, chosen)
	if err != nil {
		return nil, secretError(err, name)
	}
	source, err := sourceResult(out)
	if err != nil {
		return nil, err
	}
	p := &ssmapi.Parameter{
		Name: new(strings.TrimSuffix(t.name, ":"+chosen)), Type: new(ssmapi.ParameterTypeSecureString), Value: new(value(out.SecretString)), Version: new(int64(0)),
		SourceResult: &source, LastModifiedDate: out.CreatedDate, DataType: new(dataText), ARN: out.ARN,
	}
	if chosen != "" {
		p.Selector = new(":" + chosen)
	}
	return p, nil
}

// referenced reads a secret. The selector is the id of a version or a staging label; what has
// the length of an id and is no label is taken for one.
func (s *Service) referenced(ctx context.Context, name, chosen string) (*secretsmanagerapi.GetSecretValueResponse, error) {
	in := &secretsmanagerapi.GetSecretValueRequest{SecretId: &name}
	switch {
	case chosen == "":
	case isVersionID(chosen):
		in.VersionId = &chosen
	default:
		in.VersionStage = &chosen
	}
	out, err := s.secrets.GetSecretValue(ctx, in)
	if _, missing := errors.AsType[*secretsmanagerapi.ResourceNotFoundException](err); missing && in.VersionStage != nil && len(chosen) >= 32 && len(chosen) <= 64 {
		in.VersionId, in.VersionStage = &chosen, nil
		return s.secrets.GetSecretValue(ctx, in)
	}
	return out, err
}

// isVersionID tells whether a selector is the id of a version, as Secrets Manager makes
// them: a UUID. Staging labels that look like one cannot be named here.
func isVersionID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') {
			return false
		}
	}
	return strings.Trim(strings.ToLower(s), "0123456789abcdef-") == ""
}

// secretError is a failure of Secrets Manager as Parameter Store reports it.
func secretError(err error, name string) error {
	var api wire.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode() {
	case "ResourceNotFoundException":
		return &ssmapi.ParameterNotFound{Message: new("An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret " + referencePrefix + name + " not found.")}
	case "InvalidRequestException", "InvalidParameterException", "DecryptionFailure":
		return invalid("An error occurred (" + api.ErrorCode() + ") when referencing Secrets Manager: " + api.ErrorMessage())
	}
	return api
}

// epoch is a date as Secrets Manager writes it: seconds since 1970, with milliseconds.
func epoch(t *time.Time) json.Number {
	if t == nil {
		return ""
	}
	return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64))
}

// sourceResult is the answer of Secrets Manager, as JSON.
func sourceResult(out *secretsmanagerapi.GetSecretValueResponse) (string, error) {
	result := struct {
		ARN           *string     `json:"ARN,omitempty"`
		CreatedDate   json.Number `json:"CreatedDate,omitempty"`
		Name          *string     `json:"Name,omitempty"`
		SecretBinary  []byte      `json:"SecretBinary,omitempty"`
		SecretString  *string     `json:"SecretString,omitempty"`
		VersionID     *string     `json:"VersionId,omitempty"`
		VersionStages []string    `json:"VersionStages,omitempty"`
	}{out.ARN, epoch(out.CreatedDate), out.Name, out.SecretBinary, out.SecretString, out.VersionId, out.VersionStages}
	b, err := json.Marshal(result)
	if err != nil {
		return "", fmt.Errorf("ssm: reference: %w", err)
	}
	defer clear(b)
	return string(b), nil
}

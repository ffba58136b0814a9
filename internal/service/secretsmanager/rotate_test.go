package secretsmanager

import (
	"testing"

	api "fastness/internal/api/secretsmanagerapi"
)

func TestRotationWithoutAFunctionIsRefused(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	const none = "No Lambda rotation function ARN is associated with this secret."
	_, err := h.admin().RotateSecret(t.Context(), &api.RotateSecretRequest{SecretId: new("a"), ClientRequestToken: token(2)})
	h.want(err, "InvalidRequestException", none)
	_, err = h.admin().CancelRotateSecret(t.Context(), &api.CancelRotateSecretRequest{SecretId: new("a")})
	h.want(err, "InvalidRequestException", none)
}

func TestRotationRulesAreChecked(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	for _, r := range []api.RotationRulesType{
		{AutomaticallyAfterDays: new(int64(1)), ScheduleExpression: new("rate(4 hours)")},
		{ScheduleExpression: new("rate(3 hours)")}, {ScheduleExpression: new("rate(10 minutes)")}, {ScheduleExpression: new("every day")},
		{ScheduleExpression: new("cron(5 8 * * ? *)")}, {ScheduleExpression: new("rate(4 hours)"), Duration: new("5h")},
		{AutomaticallyAfterDays: new(int64(1)), Duration: new("25h")}, {Duration: new("2h")},
	} {
		_, err := h.admin().RotateSecret(t.Context(), &api.RotateSecretRequest{
			SecretId: new("a"), ClientRequestToken: token(2), RotationLambdaARN: new("arn:aws:lambda:us-east-1:111122223333:function:f"), RotationRules: &r,
		})
		h.want(err, "InvalidParameterException", "")
	}
	for _, c := range []rotationConfig{
		{AfterDays: 30}, {AfterDays: 1000, Duration: "4h"}, {Schedule: "rate(4 hours)"}, {Schedule: "cron(0 8 1 * ? *)", Duration: "2h"}, {Schedule: "rate(30 days)"},
	} {
		if _, err := c.window(); err != nil || !c.scheduled() {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

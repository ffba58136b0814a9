package clients

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// answers are the KMS operations that succeeded and the errors that were seen, over all
// tests. The empty code stands for success.
var answers = struct {
	sync.Mutex
	seen map[answer]bool
}{seen: make(map[answer]bool)}

type answer struct{ operation, code string }

// recordAnswers notes the outcome of every call of a client.
func recordAnswers(s *middleware.Stack) error {
	operation := s.ID()
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("RecordAnswers",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			if err == nil || code(err) != "" {
				answers.Lock()
				answers.seen[answer{operation, code(err)}] = true
				answers.Unlock()
			}
			return out, metadata, err
		}), middleware.Before)
}

// code is the error code of an answer, or empty.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// wantCode fails the test unless err is the service's answer with that code.
func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); err == nil || got != want {
		t.Errorf("got error %q (%v), want %s", got, err, want)
	}
}

// must returns v, and ends the test if err is not nil.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// kmsClient makes a KMS client of the account's root user.
func kmsClient() *kms.Client { return kmsIn(server, region, server.credentials) }

func kmsIn(p *process, inRegion string, c aws.Credentials) *kms.Client {
	return kms.NewFromConfig(p.config(c, inRegion), func(o *kms.Options) {
		o.APIOptions = append(o.APIOptions, recordAnswers)
	})
}

func iamClient() *iam.Client { return iam.NewFromConfig(server.config(server.credentials, region)) }

func stsClient(c aws.Credentials) *sts.Client { return sts.NewFromConfig(server.config(c, region)) }

func cloudTrailClient() *cloudtrail.Client {
	return cloudtrail.NewFromConfig(server.config(server.credentials, region))
}

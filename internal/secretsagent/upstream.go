package secretsagent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithymiddleware "github.com/aws/smithy-go/middleware"
)

// maxUpstreamBytes bounds an answer of upstream. The largest secret has 64 KiB, of
// which JSON's escapes make at most six times as much.
const maxUpstreamBytes = 1 << 20

// maxUpstreamTime bounds a request upstream with its retries, whatever the settings say.
const maxUpstreamTime = 60 * time.Second

// UpstreamOptions are settings of an Upstream.
type UpstreamOptions struct {
	// Region, if it is not to come from the environment.
	Region string
	// MaxConnections bounds the connections to each host, at least 1.
	MaxConnections int
	// SecretTimeout and ParameterTimeout bound a request with its retries. 0 means
	// the upper bound, which is one minute.
	SecretTimeout, ParameterTimeout time.Duration
	// Version of the program, for the User-Agent header.
	Version string
}

// Upstream asks the APIs of Secrets Manager and Parameter Store through the AWS SDK.
type Upstream struct {
	o          UpstreamOptions
	secrets    *secretsmanager.Client
	parameters *ssm.Client
	identity   *sts.Client
}

var _ Source = (*Upstream)(nil)

// Connect reads the usual environment of AWS SDKs (AWS_ENDPOINT_URL, AWS_REGION,
// credentials, profiles, AWS_CA_BUNDLE …). It sends no request to the APIs.
func Connect(ctx context.Context, o UpstreamOptions) (*Upstream, error) {
	if o.MaxConnections < 1 {
		return nil, fmt.Errorf("secretsagent: %d connections upstream", o.MaxConnections)
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxConnsPerHost = o.MaxConnections
		t.MaxIdleConnsPerHost = o.MaxConnections
		t.MaxResponseHeaderBytes = 64 << 10
	})
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithAPIOptions([]func(*smithymiddleware.Stack) error{
			middleware.AddUserAgentKeyValue("fastness-secrets-agent", o.Version),
		}),
	}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("secretsagent: %w", err)
	}
	if c.Region == "" {
		return nil, errors.New("secretsagent: no Region: set AWS_REGION")
	}
	c.HTTPClient = boundedClient{c.HTTPClient}
	if c.Credentials != nil {
		c.Credentials = aws.NewCredentialsCache(markedCredentials{c.Credentials})
	}
	return &Upstream{o, secretsmanager.NewFromConfig(c), ssm.NewFromConfig(c), sts.NewFromConfig(c)}, nil
}

// Check asks whose the credentials are (STS GetCallerIdentity). The error is a *Failure.
func (u *Upstream) Check(ctx context.Context) error {
	ctx, cancel := bounded(ctx, u.o.SecretTimeout)
	defer cancel()
	if _, err := u.identity.GetCallerIdentity(ctx, nil); err != nil {
		return classify(err)
	}
	return nil
}

// Secret asks GetSecretValue.
func (u *Upstream) Secret(ctx context.Context, q SecretQuery) (*Secret, error) {
	ctx, cancel := bounded(ctx, u.o.SecretTimeout)
	defer cancel()
	out, err := u.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: &q.ID, VersionId: optional(q.VersionID), VersionStage: optional(q.VersionStage),
	})
	if err != nil {
		return nil, classify(err)
	}
	return &Secret{
		ARN: aws.ToString(out.ARN), Name: aws.ToString(out.Name), VersionID: aws.ToString(out.VersionId),
		String: out.SecretString, Binary: out.SecretBinary,
		VersionStages: out.VersionStages, CreatedDate: aws.ToTime(out.CreatedDate),
	}, nil
}

// Parameter asks GetParameter.
func (u *Upstream) Parameter(ctx context.Context, q ParameterQuery) (*Parameter, error) {
	ctx, cancel := bounded(ctx, u.o.ParameterTimeout)
	defer cancel()
	out, err := u.parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: new(q.name()), WithDecryption: &q.Decrypt})
	if err != nil {
		return nil, classify(err)
	}
	p := out.Parameter
	if p == nil {
		return nil, &Failure{Failed, http.StatusBadGateway, "ConnectionError", "Response Error", errors.New("an answer without a parameter")}
	}
	return &Parameter{
		ARN: aws.ToString(p.ARN), DataType: aws.ToString(p.DataType), Name: aws.ToString(p.Name),
		Selector: aws.ToString(p.Selector), SourceResult: aws.ToString(p.SourceResult), Type: string(p.Type),
		Value: aws.ToString(p.Value), LastModifiedDate: aws.ToTime(p.LastModifiedDate), Version: p.Version,
	}, nil
}

func bounded(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 || timeout > maxUpstreamTime {
		timeout = maxUpstreamTime
	}
	return context.WithTimeout(ctx, timeout)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// boundedClient bounds the size of answers.
type boundedClient struct{ inner aws.HTTPClient }

func (c boundedClient) Do(r *http.Request) (*http.Response, error) {
	res, err := c.inner.Do(r)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, maxUpstreamBytes)
	}
	return res, err
}

// markedCredentials marks errors of getting credentials.
type markedCredentials struct{ inner aws.CredentialsProvider }

func (m markedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.inner.Retrieve(ctx)
	if err != nil {
		return c, &credentialsError{err}
	}
	return c, nil
}

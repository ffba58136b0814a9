package buckets

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// What the bucket server takes.
const (
	bucketKey    = "AKIAIOSFODNN7EXAMPLE"
	bucketSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	bucketRegion = "eu-central-1"
	bucketName   = "aws-waf-logs-shop"
)

// patience bounds every wait.
const patience = time.Minute

// buckets is gofakes3, and what requests it got.
type buckets struct {
	*httptest.Server
	client *s3.Client

	mu   sync.Mutex
	seen []http.Header // of puts
}

func newBuckets(t *testing.T) *buckets {
	t.Helper()
	fake := gofakes3.New(s3mem.New(),
		gofakes3.WithV4Auth(map[string]string{bucketKey: bucketSecret}), gofakes3.WithIntegrityCheck(true), gofakes3.WithHostBucket(false),
		gofakes3.WithLogger(gofakes3.StdLog(log.New(io.Discard, "", 0))))
	b := &buckets{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			b.mu.Lock()
			b.seen = append(b.seen, r.Header.Clone())
			b.mu.Unlock()
		}
		fake.Server().ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	b.client = s3.New(s3.Options{
		BaseEndpoint: &b.URL, UsePathStyle: true, Region: bucketRegion, Credentials: credentials.NewStaticCredentialsProvider(bucketKey, bucketSecret, ""),
	})
	if _, err := b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		t.Fatal(err)
	}
	return b
}

// objects reads all objects back with AWS's SDK: their lines by their names.
func (b *buckets) objects(ctx context.Context) (map[string][]string, error) {
	all := make(map[string][]string)
	for p := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: aws.String(bucketName)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			got, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucketName), Key: o.Key})
			if err != nil {
				return nil, err
			}
			z, err := gzip.NewReader(got.Body)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", *o.Key, err)
			}
			text, err := io.ReadAll(z)
			if err = errors.Join(err, got.Body.Close()); err != nil {
				return nil, fmt.Errorf("%s: %w", *o.Key, err)
			}
			all[*o.Key] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		}
	}
	return all, nil
}

// shop is a load balancer of a server with a web ACL that refuses what has "attack" in its path.
type shop struct {
	*server
	port     int
	firewall *wafv2.Client
	acl      *string
}

func newShop(t *testing.T, b *buckets, environment ...string) *shop {
	t.Helper()
	ctx := t.Context()
	s := &shop{server: start(t, append(environment, "FASTNESS_WAF_LOG_S3_ACCESS_KEY_ID="+bucketKey), "--waf-log-s3-endpoint", b.URL, "--waf-log-s3-region", bucketRegion, "--waf-log-s3-period", "1s")}
	balancing := elb.New(elb.Options{BaseEndpoint: aws.String(s.url()), Region: region, Credentials: s.credentials})
	s.firewall = wafv2.New(wafv2.Options{BaseEndpoint: aws.String(s.url()), Region: region, Credentials: s.credentials})
	lb := must[*elb.CreateLoadBalancerOutput](t)(balancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("shop")})).LoadBalancers[0].LoadBalancerArn
	s.port = freePort(t)
	must[*elb.CreateListenerOutput](t)(balancing.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: lb, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(int32(s.port)),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumFixedResponse, FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("200"), ContentType: aws.String("text/plain")}}},
	}))
	visible := func(name string) *types.VisibilityConfig {
		return &types.VisibilityConfig{CloudWatchMetricsEnabled: true, SampledRequestsEnabled: true, MetricName: &name}
	}
	s.acl = must[*wafv2.CreateWebACLOutput](t)(s.firewall.CreateWebACL(ctx, &wafv2.CreateWebACLInput{
		Name: aws.String("shop"), Scope: types.ScopeRegional, DefaultAction: &types.DefaultAction{Allow: &types.AllowAction{}}, VisibilityConfig: visible("shop"),
		Rules: []types.Rule{{
			Name: aws.String("attacks"), VisibilityConfig: visible("attacks"), Action: &types.RuleAction{Block: &types.BlockAction{}},
			Statement: &types.Statement{ByteMatchStatement: &types.ByteMatchStatement{
				FieldToMatch: &types.FieldToMatch{UriPath: &types.UriPath{}}, SearchString: []byte("attack"), PositionalConstraint: types.PositionalConstraintContains,
				TextTransformations: []types.TextTransformation{{Type: types.TextTransformationTypeNone}},
			}},
		}},
	})).Summary.ARN
	must[*wafv2.AssociateWebACLOutput](t)(s.firewall.AssociateWebACL(ctx, &wafv2.AssociateWebACLInput{WebACLArn: s.acl, ResourceArn: lb}))
	return s
}

func (s *shop) log(ctx context.Context, destination string) error {
	_, err := s.firewall.PutLoggingConfiguration(ctx, &wafv2.PutLoggingConfigurationInput{LoggingConfiguration: &types.LoggingConfiguration{
		ResourceArn: s.acl, LogDestinationConfigs: []string{destination},
	}})
	return err
}

// ask asks the load balancer and returns the status.
func (s *shop) ask(t *testing.T, target string) (int, error) {
	t.Helper()
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", s.port, target), nil))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}

func eventually(t *testing.T, what string, done func() (bool, string)) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		var ok bool
		if ok, last = done(); ok {
			return
		}
	}
	t.Fatalf("this did not come: %s: %s", what, last)
}

// TestRecordsAreInTheBucketsOfAnotherServer has requests logged into a bucket and reads the objects back.
func TestRecordsAreInTheBucketsOfAnotherServer(t *testing.T) {
	const token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQW=="
	for name, c := range map[string]struct {
		environment []string
		destination string
		prefix      string
	}{
		"a long-term key":                 {nil, "arn:aws:s3:::" + bucketName, ""},
		"a session token":                 {[]string{"FASTNESS_WAF_LOG_S3_SESSION_TOKEN=" + token}, "arn:aws:s3:::" + bucketName, ""},
		"a prefix that has to be escaped": {nil, "arn:aws:s3:::" + bucketName + "/team=a+b", "team=a+b/"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuckets(t)
			s := newShop(t, b, append(c.environment, "FASTNESS_WAF_LOG_S3_SECRET_ACCESS_KEY="+bucketSecret)...)
			if err := s.log(t.Context(), c.destination); err != nil {
				t.Fatal(err)
			}
			// The listener has the web ACL once it refuses, and the log once that is there.
			eventually(t, "the first record", func() (bool, string) {
				status, err := s.ask(t, "/attack/first")
				all, err2 := b.objects(t.Context())
				return len(all) > 0, fmt.Sprint(status, err, err2)
			})
			want := make(map[string]string)
			for n := range 60 {
				target, action := fmt.Sprintf("/buy/%d?q=%d%%27%%20<b>", n, n), "ALLOW"
				if n%3 == 0 {
					target, action = fmt.Sprintf("/attack/%d?q=%d", n, n), "BLOCK"
				}
				want[target] = action
				if status, err := s.ask(t, target); err != nil || (status == 403) != (action == "BLOCK") {
					t.Fatalf("%s: %d %v", target, status, err)
				}
			}
			var all map[string][]string
			eventually(t, "all records", func() (bool, string) {
				var err error
				all, err = b.objects(t.Context())
				n := 0
				for _, lines := range all {
					for _, line := range lines {
						if !strings.Contains(line, "/attack/first") {
							n++
						}
					}
				}
				return n >= len(want), fmt.Sprint(n, " ", err)
			})
			key := regexp.MustCompile(`^` + regexp.QuoteMeta(c.prefix) + `AWSLogs/111122223333/WAFLogs/us-east-1/shop/\d{4}/\d\d/\d\d/\d\d/\d\d/111122223333_waflogs_us-east-1_shop_\d{8}T\d{4}Z_[0-9a-f]{8}\.log\.gz$`)
			got := make(map[string]string)
			for name, lines := range all {
				if !key.MatchString(name) {
					t.Errorf("object %s", name)
				}
				for _, line := range lines {
					var r struct {
						WebACLID, Action string
						HTTPRequest      struct{ URI, Args, ClientIP string }
					}
					if err := json.Unmarshal([]byte(line), &r); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if r.WebACLID != *s.acl || r.HTTPRequest.ClientIP != "127.0.0.1" {
						t.Errorf("%s: %s", name, line)
					}
					if r.HTTPRequest.URI == "/attack/first" {
						continue
					}
					target := r.HTTPRequest.URI + "?" + r.HTTPRequest.Args
					if got[target] != "" {
						t.Errorf("%s is there twice", target)
					}
					got[target] = r.Action
				}
			}
			for target, action := range want {
				if got[target] != action {
					t.Errorf("%s: %q, not %s", target, got[target], action)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d records, not %d", len(got), len(want))
			}
			b.signed(t, slices.Contains(c.environment, "FASTNESS_WAF_LOG_S3_SESSION_TOKEN="+token), token)
		})
	}
}

// signed looks whether puts had the session token, under the signature.
func (b *buckets) signed(t *testing.T, session bool, token string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.seen {
		if !strings.HasPrefix(h.Get("User-Agent"), "aws-sdk-go") && (h.Get("X-Amz-Security-Token") == token) != session {
			t.Errorf("security token %q", h.Get("X-Amz-Security-Token"))
		}
		if session && h.Get("X-Amz-Security-Token") != "" && !strings.Contains(h.Get("Authorization"), "x-amz-security-token") {
			t.Errorf("the token is not signed: %s", h.Get("Authorization"))
		}
	}
}

func TestWrongCredentialsAndBucketsAreRefused(t *testing.T) {
	b := newBuckets(t)
	for name, c := range map[string]struct{ secret, bucket string }{
		"a wrong secret": {bucketSecret + "x", bucketName},
		"no such bucket": {bucketSecret, "aws-waf-logs-none"},
	} {
		s := newShop(t, b, "FASTNESS_WAF_LOG_S3_SECRET_ACCESS_KEY="+c.secret)
		err := s.log(t.Context(), "arn:aws:s3:::"+c.bucket)
		if _, ok := errors.AsType[*types.WAFLogDestinationPermissionIssueException](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// must fails the test if there is an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

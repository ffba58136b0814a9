package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/sigv4"
	"fastness/internal/waflog"
)

// Of each kind of writer of logs there are so many.
const logWriters = 12

// longestLogLife is how long the server lives at most: long enough that objects are put in most lives.
const longestLogLife = 2500 * time.Millisecond

// What the writers write to.
const (
	logGroup    = "/crash/app"
	metricSpace = "Crash"
	spoolBucket = "aws-waf-logs-crash"
	spoolPeriod = "1s"
	patience    = 30 * time.Second
)

// logWriter is one client that tells of things. It knows what was answered, and the one call that was not.
type logWriter interface {
	// step makes one call.
	step(ctx context.Context, s *server) error
	// verify asks for everything that was answered.
	verify(ctx context.Context, s *server) error
	// answered is how many things were.
	answered() int
}

// TestKillUnderLogs kills the server at random moments under writers of events, of metrics, and of records of
// requests for a bucket, and verifies after each start that nothing that was acknowledged is lost, and that
// nothing is there twice.
func TestKillUnderLogs(t *testing.T) {
	kills := int(fromEnvironment(t, "FASTNESS_SOAK", 5))
	seed := fromEnvironment(t, "FASTNESS_SEED", rand.Uint64())
	t.Logf("%d kills, FASTNESS_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 0))

	bucket := newBucket(t)
	s := newServer(t)
	s.arguments = []string{"--proxy-off", "--waf-log-s3-endpoint", bucket.url, "--waf-log-s3-period", spoolPeriod}
	s.environment = []string{"FASTNESS_WAF_LOG_S3_ACCESS_KEY_ID=AKIDEXAMPLE", "FASTNESS_WAF_LOG_S3_SECRET_ACCESS_KEY=a-secret-of-the-bucket-server"}
	s.start(t)
	defer func() {
		if s.kill(); t.Failed() {
			t.Log(s.logTail())
		}
	}()
	acl, destination := firewall(t, s)
	if _, err := s.post(t.Context(), "logs", "Logs_20140328.CreateLogGroup", map[string]any{"logGroupName": logGroup}, nil); err != nil {
		t.Fatal(err)
	}
	var all []logWriter
	var spooled []*recordWriter
	for n := range logWriters {
		r := rand.New(rand.NewPCG(seed, uint64(n+1)))
		w := &recordWriter{n: n, random: r, acl: acl, destination: destination}
		spooled = append(spooled, w)
		all = append(all, &eventWriter{n: n, random: r}, &metricWriter{n: n, random: r}, w)
	}
	for kill := range kills {
		life := shortestLife + time.Duration(random.Int64N(int64(longestLogLife-shortestLife)))
		if err := logUntilKilled(t.Context(), s, all, life); err != nil {
			t.Fatalf("life %d: %v", kill, err)
		}
		s.start(t)
		if err := verifyAll(t.Context(), s, all); err != nil {
			t.Fatalf("after kill %d: %v", kill+1, err)
		}
	}
	if err := bucket.verify(t.Context(), spooled); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, w := range all {
		n += w.answered()
	}
	t.Logf("%d answered calls of logs, %d objects put %d times: all there, nothing twice", n, len(bucket.objects), bucket.puts)
}

func logUntilKilled(ctx context.Context, s *server, all []logWriter, life time.Duration) error {
	problems := make([]error, len(all))
	var done sync.WaitGroup
	for i, w := range all {
		done.Go(func() {
			for {
				err := w.step(ctx, s)
				if no, ok := errors.AsType[*refusal](err); ok {
					problems[i] = no
				}
				if err != nil {
					return // killed
				}
			}
		})
	}
	<-time.After(life)
	s.kill()
	done.Wait()
	return errors.Join(problems...)
}

func verifyAll(ctx context.Context, s *server, all []logWriter) error {
	problems := make([]error, len(all))
	var done sync.WaitGroup
	for i, w := range all {
		done.Go(func() { problems[i] = w.verify(ctx, s) })
	}
	done.Wait()
	return errors.Join(problems...)
}

// eventWriter puts events into a stream of its own.
type eventWriter struct {
	n      int
	random *rand.Rand
	made   bool
	serial int
	known  []string // messages, in order
	maybe  []string // of the call without an answer
	calls  int
}

func (w *eventWriter) stream() string { return fmt.Sprintf("writer-%d", w.n) }
func (w *eventWriter) answered() int  { return w.calls }

func (w *eventWriter) step(ctx context.Context, s *server) error {
	if !w.made {
		_, err := s.post(ctx, "logs", "Logs_20140328.CreateLogStream", map[string]any{"logGroupName": logGroup, "logStreamName": w.stream()}, nil)
		if no, ok := errors.AsType[*refusal](err); ok && strings.HasSuffix(no.Type, "ResourceAlreadyExistsException") {
			err = nil // the call before the kill
		}
		w.made = err == nil
		return err
	}
	var events []map[string]any
	w.maybe = nil
	padding := strings.Repeat("x", w.random.IntN(2000))
	at := time.Now().UnixMilli()
	for range 1 + w.random.IntN(40) {
		w.serial++
		message := fmt.Sprintf("%s event %d %s", w.stream(), w.serial, padding)
		w.maybe = append(w.maybe, message)
		events = append(events, map[string]any{"timestamp": at, "message": message})
	}
	_, err := s.post(ctx, "logs", "Logs_20140328.PutLogEvents", map[string]any{"logGroupName": logGroup, "logStreamName": w.stream(), "logEvents": events}, nil)
	if err == nil {
		w.known, w.maybe = append(w.known, w.maybe...), nil
		w.calls++
	}
	return err
}

func (w *eventWriter) verify(ctx context.Context, s *server) error {
	if !w.made {
		return nil
	}
	var found []string
	in := map[string]any{"logGroupName": logGroup, "logStreamName": w.stream(), "startFromHead": true}
	for token := ""; ; {
		var page struct {
			Events           []struct{ Message string }
			NextForwardToken string
		}
		if _, err := s.post(ctx, "logs", "Logs_20140328.GetLogEvents", in, &page); err != nil {
			return fmt.Errorf("%s: %w", w.stream(), err)
		}
		for _, e := range page.Events {
			found = append(found, e.Message)
		}
		if page.NextForwardToken == token {
			break
		}
		token = page.NextForwardToken
		in["nextToken"] = token
	}
	// Events of one millisecond are in no order.
	slices.Sort(found)
	without, with := slices.Sorted(slices.Values(w.known)), slices.Sorted(slices.Values(slices.Concat(w.known, w.maybe)))
	switch {
	case slices.Equal(found, without):
	case slices.Equal(found, with):
		w.known = append(w.known, w.maybe...)
	default:
		return fmt.Errorf("%s: %d events are there, %d were acknowledged, %d may be", w.stream(), len(found), len(without), len(w.maybe))
	}
	w.maybe = nil
	return nil
}

// metricWriter puts values of a metric of its own. That a value is not there twice shows in their sum.
type metricWriter struct {
	n          int
	random     *rand.Rand
	known      sums
	maybe      sums
	calls      int
	begin, end time.Time
}

type sums struct{ sum, count float64 }

func (w *metricWriter) name() string  { return fmt.Sprintf("writer-%d", w.n) }
func (w *metricWriter) answered() int { return w.calls }

func (w *metricWriter) step(ctx context.Context, s *server) error {
	if w.begin.IsZero() {
		w.begin = time.Now()
	}
	w.end = time.Now()
	var data []map[string]any
	w.maybe = sums{}
	for range 1 + w.random.IntN(20) {
		v := float64(w.random.IntN(1000))
		w.maybe.sum += v
		w.maybe.count++
		data = append(data, map[string]any{"MetricName": w.name(), "Value": v, "Timestamp": w.end.Unix()})
	}
	// A second metric in the same call: both are there, or neither.
	data = append(data, map[string]any{"MetricName": w.name() + "-calls", "Value": 1, "Timestamp": w.end.Unix()})
	err := s.metric(ctx, "PutMetricData", map[string]any{"Namespace": metricSpace, "MetricData": data}, nil)
	if err == nil {
		w.known.sum, w.known.count, w.maybe = w.known.sum+w.maybe.sum, w.known.count+w.maybe.count, sums{}
		w.calls++
	}
	return err
}

// verify waits: a server that has just begun answers before it has worked all of a long journal in.
func (w *metricWriter) verify(ctx context.Context, s *server) error {
	if w.begin.IsZero() {
		return nil
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		short, err := w.compare(ctx, s)
		if err == nil || !short || time.Now().After(deadline) {
			return err
		}
	}
}

// compare reads what there is. short tells that there is not enough of it yet.
func (w *metricWriter) compare(ctx context.Context, s *server) (short bool, err error) {
	read := func(name string) (got sums, err error) {
		var out struct {
			Datapoints []struct{ Sum, SampleCount float64 }
		}
		err = s.metric(ctx, "GetMetricStatistics", map[string]any{
			"Namespace": metricSpace, "MetricName": name, "StartTime": w.begin.Add(-time.Minute).Unix(), "EndTime": w.end.Add(time.Minute).Unix(), "Period": 60,
			"Statistics": []string{"Sum", "SampleCount"},
		}, &out)
		for _, d := range out.Datapoints {
			got.sum, got.count = got.sum+d.Sum, got.count+d.SampleCount
		}
		return got, err
	}
	got, err := read(w.name())
	if err != nil {
		return false, fmt.Errorf("metric %s: %w", w.name(), err)
	}
	calls, err := read(w.name() + "-calls")
	if err != nil {
		return false, fmt.Errorf("metric %s: %w", w.name(), err)
	}
	with := sums{w.known.sum + w.maybe.sum, w.known.count + w.maybe.count}
	switch {
	case got == w.known && calls.count == float64(w.calls):
	case got == with && calls.count == float64(w.calls+1):
		w.known = with
		w.calls++
	default:
		return got.count <= with.count && calls.count <= float64(w.calls+1), fmt.Errorf("metric %s: sum %v of %v, %v calls; acknowledged are %v of %v, %d calls, and perhaps %v of %v", w.name(), got.sum, got.count, calls.count, w.known.sum, w.known.count, w.calls, w.maybe.sum, w.maybe.count)
	}
	w.maybe = sums{}
	return false, nil
}

// metric calls CloudWatch by its JSON protocol.
func (s *server) metric(ctx context.Context, operation string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"GraniteServiceVersion20100801." + operation}}
	_, answer, err := s.send(ctx, "monitoring", "/", header, body)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// recordWriter is a proxy that tells of the requests that it inspected.
type recordWriter struct {
	n                int
	random           *rand.Rand
	acl, destination string
	serial           int
	known, maybe     map[string]bool
	calls            int
}

func (w *recordWriter) answered() int { return w.calls }

func (w *recordWriter) step(ctx context.Context, s *server) error {
	var b waflog.Batch
	batch := make(map[string]bool)
	for range 1 + w.random.IntN(20) {
		w.serial++
		text := fmt.Sprintf(`{"writer":%d,"record":%d}`, w.n, w.serial)
		batch[text] = true
		b.Records = append(b.Records, waflog.Record{ACL: w.acl, Destination: w.destination, At: time.Now().UnixMilli(), Text: json.RawMessage(text)})
	}
	body, err := json.Marshal(&b)
	if err != nil {
		return err
	}
	if _, _, err = s.send(ctx, "wafv2", "/_fastness/proxy/v1/activity", http.Header{"Content-Type": {"application/json"}}, body); err == nil {
		if w.known == nil {
			w.known = make(map[string]bool)
		}
		maps.Copy(w.known, batch)
		w.calls++
		return nil
	}
	if w.maybe == nil {
		w.maybe = make(map[string]bool)
	}
	maps.Copy(w.maybe, batch)
	return err
}

// verify has nothing to ask: records are in the bucket in the end.
func (w *recordWriter) verify(context.Context, *server) error { return nil }

// bucket is a server with one bucket. A put of the same name takes the place of the one before, as in S3.
type bucket struct {
	url string

	mu      sync.Mutex
	objects map[string][]byte
	puts    int
	faults  []string
}

func newBucket(t *testing.T) *bucket {
	b := &bucket{objects: make(map[string][]byte)}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

// ServeHTTP implements http.Handler.
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/"+spoolBucket)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPut {
		return
	}
	body, err := unzipped(r.Body)
	if err != nil {
		http.Error(w, "half an object", http.StatusBadRequest) // the server was killed meanwhile
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.puts++
	if before, again := b.objects[name]; again && string(before) != string(body) {
		b.faults = append(b.faults, fmt.Sprintf("%s was put twice, with %d and %d bytes", name, len(before), len(body)))
	}
	b.objects[name] = body
}

// verify waits until everything that was acknowledged is in the bucket, and looks whether it is there once.
func (b *bucket) verify(ctx context.Context, writers []*recordWriter) error {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := b.complete(writers)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (b *bucket) complete(writers []*recordWriter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) > 0 {
		return errors.New(strings.Join(b.faults, "\n"))
	}
	found := make(map[string]int)
	for _, body := range b.objects {
		for line := range strings.Lines(string(body)) {
			found[strings.TrimSuffix(line, "\n")]++
		}
	}
	lost, twice, strange := 0, 0, 0
	known := make(map[string]bool)
	for _, w := range writers {
		for text := range w.known {
			if known[text] = true; found[text] == 0 {
				lost++
			}
		}
		for text := range w.maybe {
			known[text] = true
		}
	}
	for text, n := range found {
		if n > 1 {
			twice++
		}
		if !known[text] {
			strange++
		}
	}
	if lost+twice+strange > 0 {
		return fmt.Errorf("of %d records in %d objects, %d that were acknowledged are lost, %d are there twice, %d were never sent", len(found), len(b.objects), lost, twice, strange)
	}
	return nil
}

// firewall makes a web ACL that protects a load balancer and logs to the bucket.
func firewall(t *testing.T, s *server) (acl, destination string) {
	t.Helper()
	ctx := t.Context()
	query := func(v url.Values) []byte {
		t.Helper()
		v.Set("Version", "2015-12-01")
		_, answer, err := s.send(ctx, "elasticloadbalancing", "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(v.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	answer := query(url.Values{"Action": {"CreateLoadBalancer"}, "Name": {"crash"}})
	lb := regexp.MustCompile(`<LoadBalancerArn>([^<]+)`).FindSubmatch(answer)
	if lb == nil {
		t.Fatalf("no load balancer: %s", answer)
	}
	query(url.Values{ // nobody listens: the proxy is off
		"Action": {"CreateListener"}, "LoadBalancerArn": {string(lb[1])}, "Protocol": {"HTTP"}, "Port": {"8080"},
		"DefaultActions.member.1.Type": {"fixed-response"}, "DefaultActions.member.1.FixedResponseConfig.StatusCode": {"200"},
	})
	call := func(operation string, in map[string]any, out any) {
		t.Helper()
		if _, err := s.post(ctx, "wafv2", "AWSWAF_20190729."+operation, in, out); err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
	}
	var made struct{ Summary struct{ ARN string } }
	call("CreateWebACL", map[string]any{
		"Name": "crash", "Scope": "REGIONAL", "DefaultAction": map[string]any{"Allow": map[string]any{}}, "Rules": []any{},
		"VisibilityConfig": map[string]any{"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": false, "MetricName": "crash"},
	}, &made)
	destination = "arn:aws:s3:::" + spoolBucket
	call("AssociateWebACL", map[string]any{"WebACLArn": made.Summary.ARN, "ResourceArn": string(lb[1])}, nil)
	call("PutLoggingConfiguration", map[string]any{"LoggingConfiguration": map[string]any{"ResourceArn": made.Summary.ARN, "LogDestinationConfigs": []string{destination}}}, nil)
	// Proxies tell of no requests before they know of the destination.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(startTimeout); ; <-tick.C {
		text, err := s.configuration(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, destination) {
			return made.Summary.ARN, destination
		}
		if time.Now().After(deadline) {
			t.Fatalf("proxies do not learn of the destination: %.300s", text)
		}
	}
}

// configuration is what proxies get.
func (s *server) configuration(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/_fastness/proxy/v1/configuration?after=0&wait=1", nil)
	if err != nil {
		return "", err
	}
	if err := sigv4.Sign(req, nil, s.credentials, sigv4.Scope{Region: region, Service: "wafv2"}, time.Now()); err != nil {
		return "", err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fastness/internal/sigv4"
)

// cloudWatchLogs calls an operation of CloudWatch Logs, cloudWatch one of CloudWatch, in JSON.
func (a *App) cloudWatchLogs(t *testing.T, operation, body string) map[string]any {
	t.Helper()
	return a.callJSON(t, "logs", "Logs_20140328."+operation, "application/x-amz-json-1.1", body)
}

func (a *App) cloudWatch(t *testing.T, operation, body string) map[string]any {
	t.Helper()
	return a.callJSON(t, "monitoring", "GraniteServiceVersion20100801."+operation, "application/x-amz-json-1.0", body)
}

func (a *App) callJSON(t *testing.T, service, target, contentType, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Endpoint()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Amz-Target", target)
	key := sigv4.Credentials{AccessKeyID: DefaultAccount, Secret: []byte("x")}
	if err := sigv4.Sign(req, []byte(body), key, sigv4.Scope{Region: "us-east-1", Service: service}, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := lone.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	out := map[string]any{}
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &out)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, error %v: %s", target, res.StatusCode, err, text)
	}
	return out
}

// Requests that proxies here and on another host judged are in one log and in the same metrics.
func TestAllProxiesLogAndCount(t *testing.T) {
	p := startProtected(t, `[`+stopRule+`, {"Name": "word", "Priority": 1, "Action": {"Block": {}}, "Statement": {"ByteMatchStatement": {"SearchString": "c2VjcmV0", "FieldToMatch": {"QueryString": {}},
		"TextTransformations": [{"Priority": 0, "Type": "NONE"}], "PositionalConstraint": "CONTAINS"}},
		"VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "word"}}]`)
	p.cloudWatchLogs(t, "CreateLogGroup", `{"logGroupName": "aws-waf-logs-shop"}`)
	p.firewall(t, "PutLoggingConfiguration", fmt.Sprintf(`{"LoggingConfiguration": {"ResourceArn": %q,
		"LogDestinationConfigs": ["arn:aws:logs:us-east-1:%s:log-group:aws-waf-logs-shop"], "RedactedFields": [{"QueryString": {}}]}}`, p.acl, DefaultAccount))
	eventually(t, "the own proxy blocks", func() bool { return ask(t, p.addr, "/?secret") == 403 })
	remote := p.remote(t, "one")
	eventually(t, "the other proxy blocks", func() bool { return ask(t, remote, "/?secret") == 403 })
	for range 3 {
		ask(t, p.addr, "/here?secret")
		ask(t, remote, "/there?secret")
	}
	events := func(pattern string) int {
		out := p.cloudWatchLogs(t, "FilterLogEvents", fmt.Sprintf(`{"logGroupName": "aws-waf-logs-shop", "filterPattern": %q}`, pattern))
		return len(out["events"].([]any))
	}
	for _, uri := range []string{"/here", "/there"} {
		eventually(t, "the log has the requests of "+uri, func() bool {
			return events(`{ $.action = "BLOCK" && $.terminatingRuleId = "word" && $.httpRequest.uri = "`+uri+`" && $.httpRequest.args = "REDACTED" }`) == 3
		})
	}
	if n := events("secret"); n != 0 {
		t.Errorf("%d events have what is redacted", n)
	}
	// How many there were before both proxies knew the web ACL is not known, but that all are counted is.
	want := float64(events(`{ $.terminatingRuleId = "word" }`))
	in := fmt.Sprintf(`{"Namespace": "AWS/WAFV2", "MetricName": "BlockedRequests", "Statistics": ["Sum"], "Period": 3600, "StartTime": %d, "EndTime": %d,
		"Dimensions": [{"Name": "Region", "Value": "us-east-1"}, {"Name": "WebACL", "Value": "shop"}, {"Name": "Rule", "Value": "word"}]}`, time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix())
	eventually(t, "the metric has them all", func() bool {
		sum := 0.0
		points, _ := p.cloudWatch(t, "GetMetricStatistics", in)["Datapoints"].([]any)
		for _, d := range points {
			sum += d.(map[string]any)["Sum"].(float64)
		}
		return sum >= want
	})
	if n := p.App.activity.lost.Load(); n != 0 {
		t.Errorf("%d records are lost", n)
	}
}

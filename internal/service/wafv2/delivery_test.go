package wafv2

import (
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/logsapi"
	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/front/fronttest"
	"fastness/internal/proxy"
	"fastness/internal/store"
)

func TestPutLoggingConfigurationLetsTheDeliveryServiceWrite(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	for _, name := range []string{"aws-waf-logs-a", "aws-waf-logs-b"} {
		h.logGroup(name)
		acl := h.webACL(strings.TrimPrefix(name, "aws-waf-logs-"))
		fronttest.Must[*wafv2api.PutLoggingConfigurationResponse](t)(h.admin().PutLoggingConfiguration(ctx, &wafv2api.PutLoggingConfigurationRequest{LoggingConfiguration: &wafv2api.LoggingConfiguration{
			ResourceArn: acl.ARN, LogDestinationConfigs: []string{"arn:aws:logs:us-east-1:111122223333:log-group:" + name},
		}}))
	}
	policies := fronttest.Must[*logsapi.DescribeResourcePoliciesResponse](t)(h.logsAs(root(testAccount)).DescribeResourcePolicies(ctx, &logsapi.DescribeResourcePoliciesRequest{})).ResourcePolicies
	if len(policies) != 1 || *policies[0].PolicyName != "AWSLogDeliveryWrite20150319" {
		t.Fatalf("policies %+v", policies)
	}
	for _, name := range []string{"aws-waf-logs-a", "aws-waf-logs-b"} {
		in := &logsapi.CreateLogStreamRequest{LogGroupName: &name, LogStreamName: new("s")}
		service := h.door.AsService(ctx, DeliveryService, testAccount, testRegion)
		if _, err := h.service.logs.CreateLogStream(service, in); err == nil {
			t.Error("the delivery service writes on behalf of nobody")
		}
		call.From(service).SourceARN = "arn:aws:logs:us-east-1:111122223333:log-delivery"
		if _, err := h.service.logs.CreateLogStream(service, in); err != nil {
			t.Error(err)
		}
	}
}

func TestPutLoggingConfigurationNeedsPermissionsForLogs(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	h.logGroup("aws-waf-logs-a")
	acl := h.webACL("acl")
	in := &wafv2api.PutLoggingConfigurationRequest{LoggingConfiguration: &wafv2api.LoggingConfiguration{
		ResourceArn: acl.ARN, LogDestinationConfigs: []string{"arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-a"},
	}}
	ops := user(testAccount, "ops")
	h.allow(ops, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "wafv2:*", "Resource": "*"}}`)
	_, err := h.as(ops, testRegion).PutLoggingConfiguration(ctx, in)
	fronttest.Wants(t, err, "WAFLogDestinationPermissionIssueException")
	h.allow(ops, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"], "Resource": "*"}}`)
	if _, err := h.as(ops, testRegion).PutLoggingConfiguration(ctx, in); err != nil {
		t.Error(err)
	}
}

func TestTheSpecificationSaysWhatIsLogged(t *testing.T) {
	h := newHarness(t)
	h.logGroup("aws-waf-logs-a")
	acl := h.webACL("acl")
	const group = "arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-a"
	fronttest.Must[*wafv2api.PutLoggingConfigurationResponse](t)(h.admin().PutLoggingConfiguration(t.Context(), &wafv2api.PutLoggingConfigurationRequest{LoggingConfiguration: &wafv2api.LoggingConfiguration{
		ResourceArn: acl.ARN, LogDestinationConfigs: []string{group},
		RedactedFields: []wafv2api.FieldToMatch{{SingleHeader: &wafv2api.SingleHeader{Name: new("cookie")}}, {QueryString: &wafv2api.QueryString{}}},
		LoggingFilter: &wafv2api.LoggingFilter{DefaultBehavior: new(wafv2api.FilterBehaviorDrop), Filters: []wafv2api.Filter{{
			Behavior: new(wafv2api.FilterBehaviorKeep), Requirement: new(wafv2api.FilterRequirementMeetsAll), Conditions: []wafv2api.Condition{
				{ActionCondition: &wafv2api.ActionCondition{Action: new(wafv2api.ActionValueBlock)}}, {LabelNameCondition: &wafv2api.LabelNameCondition{LabelName: new("awswaf:x:y")}},
			},
		}}},
	}}))
	var spec *Specification
	if err := h.store.View(t.Context(), func(r store.Reader) (err error) {
		spec, err = h.service.Specification(r, *acl.ARN)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(spec.Logging) != 1 {
		t.Fatalf("logging %+v", spec.Logging)
	}
	l := spec.Logging[0]
	if l.Destination != group || l.KeepOthers || !l.RedactQuery || l.RedactPath || !slices.Equal(l.RedactHeaders, []string{"cookie"}) || len(l.Filters) != 1 || !l.Filters[0].Keep || !l.Filters[0].All ||
		!slices.Equal(l.Filters[0].Conditions, []proxy.LogCondition{{Action: "BLOCK"}, {Label: "awswaf:x:y"}}) {
		t.Errorf("logging %+v", l)
	}
	account, region, stream, ok := LogStream(*acl.ARN)
	if !ok || account != testAccount || region != testRegion || stream != "us-east-1_acl_0" {
		t.Errorf("stream %s %s %s", account, region, stream)
	}
}

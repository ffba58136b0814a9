package cloudwatch

import (
	"context"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// Resolve implements the door's resolver. The operations have no resources; cloudwatch:namespace is
// that of what is put (Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch").
func (s *Service) Resolve(_ context.Context, c *call.Call) ([]call.Access, error) {
	a := call.Access{Action: "cloudwatch:" + c.Operation.Name, Resource: "*", Account: c.Account}
	if in, ok := c.Input.(*cloudwatchapi.PutMetricDataInput); ok {
		a.Context = namespaceOf(value(in.Namespace))
		a.Policy, a.Mode = s.services, policy.ResourceOptional
	}
	return []call.Access{a}, nil
}

// servicePolicy lets services put their own metrics.
const servicePolicy = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "wafv2.amazonaws.com"},
	"Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": {"StringEquals": {"cloudwatch:namespace": "AWS/WAFV2"}}}}`

// namespaceOf answers the condition key cloudwatch:namespace.
type namespaceOf string

// Lookup implements policy.Context.
func (n namespaceOf) Lookup(key string) (policy.Values, bool) {
	if key != "cloudwatch:namespace" {
		return policy.Values{}, false
	}
	return policy.One(string(n)), true
}

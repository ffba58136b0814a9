package elbv2

import (
	"fmt"

	"fastness/internal/api/elbv2api"
	"fastness/internal/wire"
)

// invalid is ValidationError, the code of query APIs for values that are none.
func invalid(format string, args ...any) error {
	return &wire.CommonError{Kind: wire.Validation, Message: fmt.Sprintf(format, args...)}
}

// unsupported is the refusal of what AWS has and this platform has not.
func unsupported(format string, args ...any) error {
	return &elbv2api.InvalidConfigurationRequestException{Message: new(fmt.Sprintf(format, args...))}
}

func noLoadBalancer() error {
	return &elbv2api.LoadBalancerNotFoundException{Message: new("One or more load balancers not found")}
}

func noTargetGroup() error {
	return &elbv2api.TargetGroupNotFoundException{Message: new("One or more target groups not found")}
}

func noListener() error {
	return &elbv2api.ListenerNotFoundException{Message: new("One or more listeners not found")}
}

func noRule() error {
	return &elbv2api.RuleNotFoundException{Message: new("One or more rules not found")}
}

// malformed is the refusal of a text that is no ARN of a kind.
func malformed(k kind, text string) error {
	what := map[kind]string{kindLoadBalancer: "load balancer", kindTargetGroup: "target group", kindListener: "listener", kindRule: "rule"}[k]
	return invalid("'%s' is not a valid %s ARN", text, what)
}

package wafv2

import (
	"fmt"

	"fastness/internal/api/wafv2api"
)

// Reasons of WAFInvalidParameterException, in AWS's words.
const (
	reasonExactlyOne  = "You have used none or multiple values for a field that requires exactly one value."
	reasonReference   = "A reference in your rule statement is not valid."
	reasonMinimum     = "You haven't met a minimum requirement for a threshold setting. Examples include a rule group capacity setting that's too low and an OR statement with only one nested statement."
	reasonMaximum     = "You exceeded a maximum limit for a setting."
	reasonCapacity    = "You exceeded the capacity limit for a rule group or web ACL."
	reasonFormat      = "The parameter contains formatting that is not valid."
	reasonARN         = "The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by colons or slashes."
	reasonScope       = "The scope is not valid."
	reasonDuplicate   = "Your request has duplicate values for a setting that must be unique, such as the name or the priority of a rule."
	reasonCombination = "The combination of settings is not valid."
	reasonLogName     = "The ARN of the log destination isn't valid. The name of the destination must begin with aws-waf-logs-."
	reasonUnknown     = "The value isn't one of those that are allowed for the setting."
)

// invalid is the refusal of a parameter. parameter is the offending value, or the name of the
// structure where there is none.
func invalid(field wafv2api.ParameterExceptionField, parameter, reason string) error {
	if parameter == "" {
		parameter = string(field)
	}
	return &wafv2api.WAFInvalidParameterException{
		Message: new(fmt.Sprintf("Error reason: %s, field: %s, parameter: %s", reason, field, parameter)),
		Field:   &field, Parameter: &parameter, Reason: &reason,
	}
}

func nonexistent() error {
	return &wafv2api.WAFNonexistentItemException{Message: new("AWS WAF couldn’t perform the operation because your resource doesn’t exist.")}
}

func duplicate() error {
	return &wafv2api.WAFDuplicateItemException{Message: new("AWS WAF couldn’t perform the operation because some resource in your request is a duplicate of an existing one.")}
}

func stale() error {
	return &wafv2api.WAFOptimisticLockException{Message: new("AWS WAF couldn’t save your changes because someone changed the resource after you started editing it. Reapply your changes.")}
}

func associated() error {
	return &wafv2api.WAFAssociatedItemException{Message: new("AWS WAF couldn’t perform the operation because your resource is being used by another resource or it’s associated with another resource.")}
}

func limitExceeded(source string) error {
	return &wafv2api.WAFLimitsExceededException{Message: new("AWS WAF couldn’t perform the operation because you exceeded your resource limit."), SourceType: &source}
}

func unavailable() error {
	return &wafv2api.WAFUnavailableEntityException{Message: new("AWS WAF couldn’t retrieve the resource that you requested. Retry your request.")}
}

func invalidOperation(text string) error {
	return &wafv2api.WAFInvalidOperationException{Message: &text}
}

func invalidResource() error {
	return &wafv2api.WAFInvalidResourceException{Message: new("AWS WAF couldn’t perform the operation because the resource that you requested isn’t valid. Check the resource, and try again.")}
}

func badTags() error {
	return &wafv2api.WAFTagOperationException{Message: new("An error occurred during the tagging operation. Retry your request.")}
}

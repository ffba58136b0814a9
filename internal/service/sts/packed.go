package sts

import (
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fastness/internal/api/stsapi"
	"fastness/internal/policy"
)

const (
	// maxPolicyChars bounds the session policy and the ARNs of managed session
	// policies together.
	maxPolicyChars = 2048
	maxPolicyARNs  = 10
	// maxPacked bounds session policies and tags after compression, in bytes: 100 %
	// of PackedPolicySize.
	maxPacked = 4096
)

// limits are the session policies of a request, checked.
type limits struct {
	policy string
	arns   []string
}

// sessionLimits checks the session policies of a request for the account whose
// managed policies it names.
func (s *Service) sessionLimits(account string, document *string, arns []stsapi.PolicyDescriptorType) (limits, error) {
	var l limits
	size := 0
	if document != nil {
		if len(*document) > maxPolicyChars {
			return l, invalid("1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyChars)
		}
		if _, err := policy.Parse(policy.Session, []byte(*document)); err != nil {
			var bad *policy.Error
			if errors.As(err, &bad) {
				return l, &stsapi.MalformedPolicyDocumentException{Message: new(bad.Message)}
			}
			return l, err
		}
		l.policy, size = *document, len(*document)
	}
	if len(arns) > maxPolicyARNs {
		return l, invalid("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyARNs)
	}
	for _, a := range arns {
		if a.Arn == nil {
			return l, invalid("1 validation error detected: Value null at 'policyArns.arn' failed to satisfy constraint: Member must not be null")
		}
		p, err := s.dir.ManagedPolicy(account, *a.Arn)
		if err != nil {
			return l, err
		}
		if p == nil {
			return l, invalid("The policy %s does not exist or is not attachable.", *a.Arn)
		}
		l.arns = append(l.arns, *a.Arn)
		size += len(*a.Arn)
	}
	if size > maxPolicyChars {
		return l, &stsapi.PackedPolicyTooLargeException{Message: new(fmt.Sprintf("The session policies have %d characters together, more than %d.", size, maxPolicyChars))}
	}
	return l, nil
}

// pack says how much of the token session policies and tags take, in percent; nil when
// there are none.
func pack(l limits, tags map[string]string) (*int32, error) {
	if l.policy == "" && len(l.arns) == 0 && len(tags) == 0 {
		return nil, nil
	}
	plain, err := json.Marshal(struct {
		P string            `json:",omitempty"`
		A []string          `json:",omitempty"`
		T map[string]string `json:",omitempty"`
	}{l.policy, l.arns, tags})
	if err != nil {
		return nil, err
	}
	var n counter
	w, err := flate.NewWriter(&n, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	percent := int32((int(n)*100 + maxPacked - 1) / maxPacked)
	if percent > 100 {
		return nil, &stsapi.PackedPolicyTooLargeException{Message: new(fmt.Sprintf("Packed policy consumes %d%% of allotted space, please use smaller policy.", percent))}
	}
	return &percent, nil
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// sessionTags checks the tags of a request.
func sessionTags(tags []stsapi.Tag) (map[string]string, error) {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		if _, twice := tagValue(out, *t.Key); twice {
			return nil, &parameterError{"Duplicate tag keys found. Please note that Tag keys are case insensitive."}
		}
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, &parameterError{"Tag keys that begin with aws: are reserved for system use."}
		}
		out[*t.Key] = *t.Value
	}
	return out, nil
}

// contains compares tag keys.
func contains(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) })
}

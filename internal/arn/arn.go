package arn

import (
	"errors"
	"strings"
)

// MaxLength is the longest ARN that Parse accepts, in bytes (AWS's models use 2048).
const MaxLength = 2048

// ErrInvalid is returned for anything that is not of the form of an ARN.
var ErrInvalid = errors.New("arn: not an ARN")

// ARN is an Amazon Resource Name in its six parts; the leading "arn" is implied.
type ARN struct {
	Partition string // "aws"
	Service   string // "kms"
	Region    string // "us-east-1"; empty for global services
	Account   string // twelve digits; empty for some (S3)
	Resource  string // all after the fifth colon, colons included
}

// Parse splits s. It does not allocate.
func Parse(s string) (ARN, error) {
	var a ARN
	if len(s) > MaxLength || !strings.HasPrefix(s, "arn:") {
		return a, ErrInvalid
	}
	rest := s[len("arn:"):]
	var ok bool
	if a.Partition, rest, ok = strings.Cut(rest, ":"); !ok || a.Partition == "" {
		return ARN{}, ErrInvalid
	}
	if a.Service, rest, ok = strings.Cut(rest, ":"); !ok || a.Service == "" {
		return ARN{}, ErrInvalid
	}
	if a.Region, rest, ok = strings.Cut(rest, ":"); !ok {
		return ARN{}, ErrInvalid
	}
	if a.Account, a.Resource, ok = strings.Cut(rest, ":"); !ok || a.Resource == "" {
		return ARN{}, ErrInvalid
	}
	return a, nil
}

// Is tells whether s has the form of an ARN.
func Is(s string) bool {
	_, err := Parse(s)
	return err == nil
}

// String joins the parts.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// ResourceType is the part of Resource before the first '/' or ':', or all of it.
func (a ARN) ResourceType() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[:i]
	}
	return a.Resource
}

// ResourceID is the part of Resource after the first '/' or ':', or empty.
func (a ARN) ResourceID() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[i+1:]
	}
	return ""
}

// IsAccountID tells whether s is twelve ASCII digits.
func IsAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

package ssm

import (
	"strings"
	"time"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
)

// parameterName is the identity of a parameter. The slash that a path begins with is no
// part of it: "name" and "/name" are the same parameter, as their ARNs are.
type parameterName struct{ account, region, name string }

func identity(account, region, name string) parameterName {
	return parameterName{account, region, strings.TrimPrefix(name, "/")}
}

// version is one version of a parameter. But for Labels and the Status of policies it never
// changes.
type version struct {
	Number int64                `json:"number"`
	Type   ssmapi.ParameterType `json:"type"`
	// Value is that of a String or StringList; Cipher is a SecureString's: a KMS ciphertext, or
	// an Encryption SDK message if Tier is Advanced.
	Value          string               `json:"value,omitempty"`
	Cipher         []byte               `json:"cipher,omitempty"`
	KeyID          string               `json:"keyId,omitempty"`
	Description    string               `json:"description,omitempty"`
	AllowedPattern string               `json:"allowedPattern,omitempty"`
	DataType       string               `json:"dataType"`
	Tier           ssmapi.ParameterTier `json:"tier"` // never Intelligent-Tiering
	Policies       []policyState        `json:"policies,omitempty"`
	Modified       time.Time            `json:"modified"`
	User           string               `json:"user"` // ARN
}

// parameterRecord is a parameter with its latest version.
type parameterRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// Name is as it was written when the parameter was created.
	Name string `json:"name"`
	// ID is random and new for every creation; the versions lie under it.
	ID string `json:"id"`
	// Last is the highest number a version has got, Versions how many are kept. A number may
	// have been given to a version that did not become visible (see image.go).
	Last     int64   `json:"last"`
	Versions int     `json:"versions"`
	Latest   version `json:"latest"`
	Tags     []tag   `json:"tags,omitempty"`
	// Sharing are the resource policies.
	Sharing []resourcePolicy `json:"sharing,omitempty"`
}

// versionRecord is one version by itself, with its labels.
type versionRecord struct {
	Account string   `json:"account"`
	Region  string   `json:"region"`
	ID      string   `json:"id"` // the parameter's
	Version version  `json:"version"`
	Labels  []string `json:"labels,omitempty"` // in the order of attachment
}

// pendingRecord is a version whose AMI has not been looked up yet. There is at most one
// for a name.
type pendingRecord struct {
	Account string  `json:"account"`
	Region  string  `json:"region"`
	Name    string  `json:"name"`
	ID      string  `json:"id"` // empty if the parameter does not exist yet
	Version version `json:"version"`
	Tags    []tag   `json:"tags,omitempty"`
}

// shareRecord finds the parameters that are shared with an account, within a Region.
type shareRecord struct {
	Account  string   `json:"account"` // owner
	Region   string   `json:"region"`
	Name     string   `json:"name"`
	Grantees []string `json:"grantees"` // accounts, sorted
}

// settingRecord is a service setting that was changed.
type settingRecord struct {
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	ID       string    `json:"id"`
	Value    string    `json:"value"`
	Modified time.Time `json:"modified"`
	User     string    `json:"user"`
}

// tag is one tag, in the order the caller gave.
type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// resourcePolicy is one resource policy of a parameter.
type resourcePolicy struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
	Text string `json:"text"`
}

func (p *parameterRecord) key() parameterName { return identity(p.Account, p.Region, p.Name) }

func (p *parameterRecord) arn() string { return parameterARN(p.Account, p.Region, p.Name) }

// parameterARN is the ARN of a parameter: without the slash that a path begins with.
func parameterARN(account, region, name string) string {
	return arnPrefix(account, region) + strings.TrimPrefix(name, "/")
}

func arnPrefix(account, region string) string {
	return "arn:" + call.Partition + ":ssm:" + region + ":" + account + ":parameter/"
}

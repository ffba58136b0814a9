package wafv2

import (
	"time"

	"fastness/internal/api/wafv2api"
)

// kind is what an entity is. It is the word in its ARN.
type kind string

// The kinds of entities.
const (
	kindWebACL          kind = "webacl"
	kindRuleGroup       kind = "rulegroup"
	kindIPSet           kind = "ipset"
	kindRegexPatternSet kind = "regexpatternset"
	kindManagedRuleSet  kind = "managedruleset"
)

// entity is a record of any of the five kinds. Within an account, a Region and a scope the
// name is unique for its kind.
type entity struct {
	Account string         `json:"account"`
	Region  string         `json:"region"`
	Scope   wafv2api.Scope `json:"scope"`
	Kind    kind           `json:"kind"`
	Name    string         `json:"name"`
	ID      string         `json:"id"` // a UUID
	// LockToken is new with every change.
	LockToken   string `json:"lockToken"`
	Description string `json:"description,omitempty"`
	// Document is the modelled structure (WebACL, RuleGroup, IPSet, …) as AWS's JSON, deflated.
	Document []byte `json:"document"`
	// References are the ARNs of the entities that the rules name, sorted.
	References []string `json:"references,omitempty"`
	Tags       []tag    `json:"tags,omitempty"`
	// Vendor is under which name a managed rule set publishes its versions.
	Vendor  string    `json:"vendor,omitempty"`
	Changed time.Time `json:"changed"`
}

func (e *entity) arn() string {
	return entityARN(e.Account, e.Region, e.Scope, e.Kind, e.Name, e.ID)
}

// labelNamespace is what the labels of rules begin with: awswaf:ACCOUNT:webacl:NAME:. Entities
// without rules have none.
func (e *entity) labelNamespace() string {
	return "awswaf:" + e.Account + ":" + string(e.Kind) + ":" + e.Name + ":"
}

// tag is one tag, in the order in which it came.
type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// referenceRecord says that one entity names another one, which may be of another account.
type referenceRecord struct {
	Region string `json:"region"`
	Target string `json:"target"` // ARN
	From   string `json:"from"`   // ARN
}

// associationRecord is a resource that a web ACL protects. A resource has at most one.
type associationRecord struct {
	Account  string `json:"account"`
	Region   string `json:"region"`
	Resource string `json:"resource"` // ARN
	WebACL   string `json:"webACL"`   // ARN
}

// loggingRecord is a logging configuration of a web ACL: one for each log scope.
type loggingRecord struct {
	Account  string            `json:"account"`
	Region   string            `json:"region"`
	Scope    wafv2api.Scope    `json:"scope"`
	Name     string            `json:"name"` // of the web ACL
	WebACL   string            `json:"webACL"`
	LogScope wafv2api.LogScope `json:"logScope"`
	// Document is the LoggingConfiguration as AWS's JSON.
	Document []byte `json:"document"`
}

// policyRecord is the permission policy of a rule group.
type policyRecord struct {
	Account   string `json:"account"`
	Region    string `json:"region"`
	RuleGroup string `json:"ruleGroup"` // ARN
	Text      string `json:"text"`
}

// apiKeyRecord is an API key for the client application integrations.
type apiKeyRecord struct {
	Account string         `json:"account"`
	Region  string         `json:"region"`
	Scope   wafv2api.Scope `json:"scope"`
	ID      string         `json:"id"`
	// Key is what the client has: a sealed text that holds all the rest.
	Key     string    `json:"key"`
	Domains []string  `json:"domains"`
	Created time.Time `json:"created"`
	Version int32     `json:"version"`
}

// vendorRecord finds a managed rule set by the name under which it is published.
type vendorRecord struct {
	Region  string         `json:"region"`
	Scope   wafv2api.Scope `json:"scope"`
	Vendor  string         `json:"vendor"`
	Name    string         `json:"name"`
	Account string         `json:"account"`
}

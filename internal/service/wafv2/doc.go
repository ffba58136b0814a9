// Package wafv2 is AWS WAF: web ACLs, and what their rules refer to.
//
// # What AWS promises here
//
// A web ACL is a list of rules that web requests meet in the order of their priorities. Rules
// match strings, regular expressions, sizes, SQL, scripts, places, addresses, labels and rates;
// IP sets, regex pattern sets and rule groups are entities of their own that rules refer to. A
// web ACL of the scope REGIONAL is associated with resources (load balancers), one of the scope
// CLOUDFRONT lives in us-east-1. Everything that changes has a lock token: who changes an
// entity must have seen its last change. What is referred to, or protects something, cannot be
// deleted.
//
// Rules cost capacity units (WCU): a web ACL and a rule group have at most 5,000, a rule group
// has what it was created with. CheckCapacity and every change count them with one function.
//
// Limits, per account, Region and scope: 100 web ACLs, rule groups and IP sets, 10 regex pattern
// sets; 10,000 addresses in an IP set, 10 patterns of 200 characters in a pattern set; 50
// references, 10 rate-based rules (4 in a rule group), 50 custom response bodies of 50 KB
// together, 10 token domains and 100 resources of a web ACL; 10 transformations and a search
// string of 200 bytes in a statement. Quotas sets them.
//
// # What differs
//
// Changes reach the proxies within a second; AWS takes minutes. Response inspection of the
// groups for account takeover and creation works for web ACLs of both scopes. A resource that a
// web ACL is associated with must be one of the platform: others do not exist. There are no
// releases of AWS's SDK for mobile applications. Managed rule sets, which AWS creates for its
// partners, are created by the operator.
//
// # How it is kept
//
// An entity is one record, named by its kind, scope and name; what AWS calls its document (a WebACL,
// an IPSet …) is in it as AWS's JSON, deflated. References are records by what is referred to,
// within a Region: rule groups are shared with other accounts by permission policies.
//
// # Where to look
//
//	state.go, tables.go, document.go   records and tables
//	arn.go, errors.go, quotas.go       names, AWS's words, limits
//	resolve.go                         what a call touches, for authorization
//	entity.go, tags.go, paging.go      what all kinds have in common
//	webacl.go, rulegroup.go, ipset.go, regexset.go
//	                                   the entities
//	rules.go, statement.go, component.go, action.go, labels.go, ratebased.go, managedgroup.go
//	                                   the checks of rules
//	capacity.go                        capacity units
//	catalogue.go, products.go, ruleset.go
//	                                   managed rule groups, and those who publish them
//	association.go, logging.go, sharing.go, apikey.go, mobile.go
//	                                   the other operations
//	sampled.go                         what the proxies know
package wafv2

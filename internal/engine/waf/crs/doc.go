// Package crs has the OWASP Core Rule Set as a managed rule group, VendorName "OWASP", Name
// "CoreRuleSet": for those who want its verdicts, rule for rule, with the rules that they know. The managed
// groups under AWS's names (package managed) are not made of it.
//
// The rules are those of the Go module coraza-coreruleset (Apache-2.0), which are in the binary,
// or a directory of the operator's, as the project releases it. Package seclang runs them.
//
// # How it looks in the API
//
// A version of the group is a version of the rule set and a paranoia level: "4.25.0-PL1" to
// "4.25.0-PL4"; the first is the default.
//
// Its rules are the rules of the set up to that level, under their ids ("942100"). Their action is
// Count and their label says what kind of attack they are about, by the rule's tag:
// awswaf:managed:owasp:core-rule-set:attack-sqli:942100. Each adds to the anomaly score. An override to Count,
// or an entry in ExcludedRules, takes a rule out of the score, which is what a false positive needs;
// an override to Block makes it block alone.
//
// The threshold of the score is a rule, too: AnomalyScore_5 blocks, AnomalyScore_10, _15, _20, _30 and
// _40 count. Overrides that have the one count and another block set another threshold.
//
// The capacity, 2,000 WCU, is a figure of ours: a web ACL has room for the group at any level twice.
package crs

// Package managed has the managed rule groups: AWS's names, rule names, labels, capacities and default
// actions (AWS WAF Developer Guide, "AWS Managed Rules rule groups list"), with contents of our own.
//
// AWS does not publish what its rules look for. Ours are open: the groups are the files groups/*.json,
// and what most of them look for are the signs of attacks in package attack, whose rules carry the samples
// that they are for. A rule that customers override by name, or a label that they match, is
// there under the name that AWS has for it.
//
// # The files
//
// A file is a group. Each rule has a Name, the last part of its Label, perhaps more Labels, an Action
// (BLOCK if left out) and what it looks for. A Quiet rule only adds its labels; AWS's groups have
// labels for which they have no rule. If names a setting of the group without which the rule is
// not there (settings.go). A rule looks for any of these
//
//   - Attack: families of attacks (package attack), At one or more parts of a request;
//   - Regex: a regular expression, in lower case, At parts;
//   - Paths: a file groups/NAME.paths, of kinds of paths that are one regular expression together (paths.go);
//   - Missing: the name of a header field that is not there, or is empty;
//   - Over: a number of bytes that the part At is larger than, while, with Run, a piece of it of letters and
//     digits without anything between them is longer than that;
//   - Set: the name of a set of addresses that the operator feeds, or ASNs: autonomous systems;
//   - NoBrowser: a User-Agent that is not that of a browser;
//   - Challengeable: a request that can take a challenge;
//
// and for all of these
//
//   - Signal: what the group's observer has noticed, one of several;
//   - Has, And: labels of the group that the request has, one of each; Without: labels that it has not.
//
// The parts are "query" (names and values of query arguments), "path", "body" (names and values in
// forms, JSON, XML and multipart bodies, file names, the beginnings of files that are text, and the texts in bodies of
// other formats), "cookie",
// "header" (all fields but cookies), "host", "method", "user-agent", and for Over "query-string", "cookie-header"
// and "body-bytes".
//
// # The groups that watch
//
// Four groups look at more than one request: each reference to one of them has an observer of its own
// (waf.Observer), which goes on when the web ACL changes, as long as the reference's configuration is the same.
// They label what a request's token is worth, as in AWS.
//
//   - AWSManagedRulesBotControlRuleSet (bots.go, package session): bots are known by their User-Agent. One is
//     verified if it comes from an address in the operator's set "Bot-NAME", or from an autonomous
//     system in which only its operator has addresses; names of hosts are not asked for. The targeted level
//     is package session's.
//   - AWSManagedRulesATPRuleSet and AWSManagedRulesACFPRuleSet: package account.
//   - AWSManagedRulesAntiDDoSRuleSet: package surge.
//
// # Differences from AWS
//
// The restrictions of size have AWS's bounds, and let pass what is looked at whole, because then nothing
// hides behind the bound: a body of more than 8,192 bytes that is held whole and well-formed, and a path of more than
// 1,024 or a query string of more than 2,048 bytes that has signs between its words. What is sent to overflow a buffer
// has none. In AWS these three rules are what blocks most ordinary requests.
//
// A group here is wider than the one in AWS where an attack has no group of its own there:
// SQLiExtendedPatterns looks for injections into document databases, LDAP and XPath too,
// JavaDeserializationRCE for expression languages and template engines, GenericLFI for external entities of XML,
// GenericRFI for server-side includes and requests to internal addresses, CrossSiteScripting for response
// splitting. Bodies are decoded before they are looked at (a form's fields, the leaves of JSON), so that a
// quotation mark that JSON needs is not taken for one that leaves a string.
package managed

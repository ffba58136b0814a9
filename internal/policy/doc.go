// Package policy is the IAM policy language: it parses, validates, compiles and
// evaluates the JSON documents that decide who may do what.
//
// # The walk of a document
//
// [Parse] reads a document of a given [Kind] (identity policy, key policy, trust
// policy, service control policy …) strictly: duplicate keys, unknown elements,
// deep nesting and oversized input are refused with the text AWS uses and the line
// and column where the trouble is. [Compile] turns the result into a [Policy]: an
// immutable value with an index from action names to the statements that could
// apply. A Policy is compiled once per stored version and shared by all requests.
//
// # The walk of a decision
//
// [Evaluate] takes a [Request] (principal, action, resource and a lazy [Context]
// for condition keys) and the [Policies] that surround it, and answers with a
// [Result]: allow, explicit deny or implicit deny, the statements that decided, and
// the kind of policy that was missing an allow. It allocates nothing. With a
// non-nil [Trace] the same code also records every statement it looked at and why
// that statement did or did not apply, so an explanation can never differ from the
// decision.
//
// # The rules, in short
//
//   - An explicit deny in any policy wins.
//   - Service control policies (levels from the root to the account) and resource
//     control policies must each allow at every level.
//   - Within one account an allow in an identity policy or in a resource policy is
//     enough, except for key policies and trust policies, which must grant or
//     delegate ([ResourceMode]). Across accounts both sides must allow.
//   - Permissions boundaries and session policies limit what identity policies and
//     grants to a role give. A resource policy of the same account that names the
//     user, or the role session itself, or everybody, is not limited by them.
//   - A missing context key makes a positive condition false, a negated one true, an
//     IfExists one true, a ForAllValues one true and a ForAnyValue one false.
//
// The sources are the AWS documents "Policy evaluation logic", "IAM JSON policy
// elements reference", "Condition operators", "Single-valued vs. multivalued context
// keys" and "Troubleshoot access denied error messages" of the IAM User Guide.
//
// # Choices where the documents leave room
//
//   - An asterisk inside a segment of a Resource, or a question mark, stays within that
//     segment for the five segments before the resource part; an asterisk at the end of
//     a segment may reach beyond the colon (as documented), except before a segment of
//     the first sort.
//   - A variable without a value and without a default makes its pattern match nothing;
//     in NotResource and under negated operators it keeps the statement from applying.
//     A multivalued key is no value for a variable. Values of variables are never
//     patterns.
//   - Several request values under an operator without a set prefix: any may match, and
//     a negated operator holds only if none does.
//   - Policy values that are no number, date, address, base64 or (for Null) boolean where
//     the operator needs one are refused when the document is parsed. Request values
//     that are none do not match.
//   - NotPrincipal with Deny spares a role session whose role is listed with the session
//     or the account, and nobody who has a permissions boundary.
//   - If several layers deny, the first in the order SCP, RCP, endpoint, resource,
//     identity, boundary, session is reported.
//
// # What it does not do
//
// The package knows no service: quotas, the meaning of service condition keys and
// the choice of the policies that apply belong to its callers. It imports only the
// standard library.
package policy

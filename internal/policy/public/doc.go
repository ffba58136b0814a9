// Package public finds out whether a resource policy lets everybody in.
//
// # The verdict
//
// Analyse looks at each Allow statement on its own. One that names everybody is public,
// unless a condition bounds it to principals or sources that the policy's author has
// fixed. If no statement is public, nobody whom the policy does not fix is allowed by it:
// neither a caller without credentials nor one of an account that it does not mention.
//
// The verdict errs on the safe side. Deny statements are not looked at, what is unclear
// counts as not bounding, and a policy that is public only through combinations nobody can
// bring about may be called public. The other error does not happen; the tests of the
// package hold the verdict against the evaluator of package policy.
//
// # What bounds
//
// A condition bounds a statement if its operator is positive (StringEquals, StringLike,
// ArnEquals, IpAddress and so on, not with IfExists, and not ForAllValues, which hold where
// there is nothing to compare), its key is one of the following, which callers cannot choose,
// and each of its values is fixed: without policy variables, and with wildcards only where
// they leave it fixed.
//
//   - aws:PrincipalOrgID, aws:PrincipalOrgPaths, aws:SourceOrgID, aws:SourceOrgPaths: the
//     organization is there in full;
//   - aws:PrincipalAccount, aws:SourceAccount, aws:SourceOwner: an account;
//   - aws:PrincipalArn, aws:SourceArn: the account in the ARN, or the bucket of one of S3;
//   - aws:userid: a unique id;
//   - aws:SourceVpc, aws:SourceVpce: an id;
//   - aws:SourceIp: the addresses of all values together are less than half of all there
//     are, of IPv4 and of IPv6.
//
// Sources: IAM user guide, "AWS global condition context keys"; Amazon S3 user guide,
// "Blocking public access", "The meaning of public"; AWS Secrets Manager API reference,
// PutResourcePolicy.
package public

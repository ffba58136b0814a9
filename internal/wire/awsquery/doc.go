// Package awsquery speaks the AWS Query protocol: a form with Action and Version in,
// an XML document out (IAM, STS, SNS, CloudFormation …).
//
// Parameters may come in the body, in the query string (a presigned GetCallerIdentity
// URL has all of them there) or in both; a name in both is refused, so that
// authorization and execution cannot see different values. Parameters of the
// signature are not part of the input.
package awsquery

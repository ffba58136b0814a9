// Package bucket puts objects into buckets of any endpoint that speaks the API of Amazon S3: what is
// needed to deliver logs, and no more. Requests are signed with AWS Signature Version 4 over the whole body, and name
// the bucket in the path, which every such server understands. Answers are looked at for their status, and
// bounded.
package bucket

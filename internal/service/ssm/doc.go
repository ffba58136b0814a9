// Package ssm is Parameter Store of AWS Systems Manager: named values with versions,
// labels and hierarchies, secret ones encrypted by KMS.
//
// # What AWS promises here
//
// A parameter belongs to an account and a Region and has a name, which may be a path
// ("/prod/db/host"). Every PutParameter makes a version; a selector behind the name
// ("name:3", "name:label") chooses one. A SecureString is encrypted under a KMS key with
// the encryption context PARAMETER_ARN: a parameter of the Standard tier by kms:Encrypt, one
// of the Advanced tier as a message of the AWS Encryption SDK under a data key of KMS. It
// is readable exactly as long as the key can be used by whoever reads. Policies of
// Advanced parameters make them expire, or report that they will or that they have not
// changed; changes and policies are reported as events.
//
// Limits: names of 15 levels and 1011 characters with their ARN; values of 4096 bytes
// (Standard) and 8192 bytes (Advanced); 10,000 Standard and 100,000 Advanced parameters for
// an account in a Region; 100 versions; 10 labels for a version, of 100 characters; 10
// policies in 4096 characters; allowed patterns and descriptions of 1024 characters; 50 tags.
//
// # How it is kept
//
// The record of a parameter holds its latest version, so that a read or a page of a
// listing is one range of the store. It is called by the components of its path: all
// below a path is one range, and an index by the parent path makes the children another. All
// versions, the latest too, are records of their own under an id that the parameter
// got when it was created: deleting it is a small transaction, its versions are swept
// behind it, and a new parameter of the same name never sees them.
//
// Plaintexts of SecureStrings pass through memory for the length of a call. They are in
// no record, event, cache or log.
//
// # Where to look
//
//	state.go, tables.go   records and tables
//	directory.go          the in-memory snapshots that reads run on; follow.go forgets those
//	                      that other processes change
//	name.go               names, paths, selectors, ARNs
//	resolve.go            what a call touches, for authorization
//	put.go, tier.go, pattern.go, datatype.go, secure.go, counts.go
//	                      PutParameter
//	get.go, bypath.go, history.go, describe.go, filter.go, paging.go
//	                      reading
//	labels.go, delete.go, tags.go, settings.go, sharing.go
//	                      the other operations
//	policy.go, expiry.go  parameter policies and when they act
//	image.go              the data type aws:ec2:image
//	public.go             parameters under /aws/service, from a file
//	reference.go          /aws/reference/secretsmanager
//	events.go             what is reported
package ssm

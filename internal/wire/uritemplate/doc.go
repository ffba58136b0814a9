// Package uritemplate routes the requests of a REST API to its operations.
//
// A template is a path of literals and labels ("/{Bucket}/{Key+}") with optional
// query literals ("?uploads", "?list-type=2"). The request's path is split at its
// literal slashes first and each segment is percent-decoded exactly once after, so
// that an encoded slash never separates segments and nothing is decoded twice. Paths
// are not normalised: "//" and ".." are what the client signed.
//
// When several templates match, the most specific wins: segment by segment a literal
// beats a label and a label beats a greedy label, then more demands on query
// parameters and headers beat fewer. Demands are query literals and required query
// and header members: what tells UploadPart and CopyObject from PutObject, whose
// templates are equal. A request that matches only without its required members is
// still routed, so that validation can name what is missing.
package uritemplate

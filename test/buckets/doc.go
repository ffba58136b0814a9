// Package buckets has the test of log delivery to a server of S3's API that others wrote: gofakes3, which rclone
// serves buckets with. It checks signatures (SigV4 in header fields, path style) and checksums by code of its own; the
// objects are read back with AWS's SDK. It has no code of its own, and is a module of its own, so that neither is
// a dependency of the product.
package buckets

// Package k8skms is a Kubernetes KMS v2 plugin: the gRPC service by which a
// kube-apiserver has its data encryption key seeds wrapped by a key service.
//
// The apiserver calls three methods over a Unix socket (k8s.io/kms/apis/v2).
// Encrypt and Decrypt wrap and unwrap a seed of 32 bytes; Status says whether the
// plugin works and, by key_id, which key it would wrap with now. A new key_id
// makes the apiserver take a new seed and mark what it wrote under the old one as
// stale, so key_id must change exactly when the key or its material changes: it is
// a hash of key ARN and key material id.
//
// Status is answered from memory. A background loop describes the key every
// Config.Refresh, and at once after a failed call; if the last success lies further
// back than Config.MaxStale, Status is an error and no stale "ok" is given.
//
// The package declares the small interface it needs of a key service (KMS) and
// knows nothing else of one.
package k8skms

// Package secretsmanager is the Secrets Manager room: all operations of the API, on
// secrets that are really encrypted by KMS, really expire and really rotate.
//
// # What a secret is
//
// A secret belongs to an account and a Region and has a name there. Its ARN ends in six
// random characters, so that a secret made again under an old name is another one. Its
// values are versions, named by the ClientRequestToken that made them; staging labels
// point at versions. AWSCURRENT is what readers get; when it moves, AWSPREVIOUS follows to
// the version it leaves; AWSPENDING is the value that a rotation prepares. A version
// without a label is deprecated: still readable by its id, and pruned when there are more
// than about a hundred, though never within a day of its making.
//
// # Encryption
//
// Every version is encrypted with AES-256-GCM under a data key of its own, which KMS makes
// for the caller and with the caller's permissions (kms:GenerateDataKey and kms:Decrypt,
// with kms:ViaService; the encryption context is SecretARN and SecretVersionId). Every
// reading asks KMS again, so a key that was disabled, or a permission that was taken away,
// counts at once. Without a key of his own the caller uses alias/aws/secretsmanager. A key of
// his own is tried when a secret gets it, whether it has a value or not.
//
// # Who may
//
// Identity policies and the secret's own resource policy. A policy that would let
// everybody in is refused where BlockPublicPolicy asks for that, by an analysis that
// errs on the safe side (package policy/public).
//
// # Deletion
//
// DeleteSecret marks a secret for 7 to 30 days, in which it can be restored and does
// nothing else; then a job removes it. With ForceDeleteWithoutRecovery it is gone at once.
//
// # Replicas
//
// A secret can have a replica in each other Region that is served: a secret of the same
// name and suffix, encrypted under a key of that Region, changed only through its primary.
// Replicas are written in the transaction of the change of the primary; one that cannot be
// (its KMS key refuses) is Failed, says why, and is tried anew with the next change.
//
// # Limits
//
// A value has at most 65,536 bytes, a name 512 characters, a version 20 labels, a secret
// 50 tags and a resource policy of 20,480 characters; a caller may have DefaultMaxSecrets.
//
// # Reading without the store
//
// Secrets in use lie in memory as immutable snapshots, their values encrypted; a commit
// that changes one drops its snapshot before the caller is answered. The day on which a
// secret was last read is noted in memory and written down every ReadsFlushInterval.
//
// Source: AWS Secrets Manager user guide and API reference.
package secretsmanager

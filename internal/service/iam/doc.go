// Package iam is AWS Identity and Access Management: the users, groups, roles, access
// keys and policies of every account, and the directory from which the front door
// reads who a caller is and what policies surround them.
//
// What AWS promises here, in short:
//
//   - Names are unique within an account and a kind without regard to case; they keep
//     the case they were made with. Every user, group, role and policy also has a
//     unique id that is never used again, and policies that name a user or role are
//     stored with that id: whoever is deleted and made again inherits nothing.
//   - IAM is global: its state belongs to an account, the Region of a call does not
//     matter.
//   - A managed policy has up to five versions, one of which is in force.
//   - Quotas are AWS's defaults ("IAM and AWS STS quotas"): 5 000 users, 300 groups,
//     1 000 roles and 1 500 customer policies in an account, 2 access keys for a user,
//     10 managed policies for a principal, 10 groups for a user, 50 tags; 1 000 instance
//     profiles of one role each.
//
// What is better than there: a change is in force for the next call, everywhere.
//
//	service.go      construction; the operations are in users.go, groups.go, roles.go,
//	                policies.go, attachments.go, inline.go, boundaries.go, tags.go,
//	                accesskeys.go, instanceprofiles.go, accountalias.go, summary.go
//	resolve.go      what each operation touches
//	state.go        records; tables.go where they lie; tx.go reads and writes them
//	directory.go    the copy in memory; credentials.go and lookups.go are what others
//	                ask of it
//	accounts.go     accounts and their first keys
//
// # State
//
// Records live in the store; operations that change something read and write them in
// the transaction of the call. All records are also held in memory, as immutable
// values that are replaced when a transaction has committed, so that reading
// operations, authentication and authorization never touch the store.
package iam

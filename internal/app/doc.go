// Package app puts the house together: it opens the store, unseals the keys, makes
// every service and the front door, and takes it all down again. It is the only
// package that knows all services.
//
//	config.go        what an operator can set
//	app.go           start and stop, in order
//	providers.go     the seals: how the root key is kept
//	unsealing.go     unsealing a server, and the API for shares
//	certificates.go  TLS: given files, or our own CA
//	bootstrap.go     the first start: account, root access key, credentials file
//	rooms.go         the services behind the door
//	records.go       what the house itself keeps in the store
//	slots.go         the file of key slots: made once, swept at the start
//	upkeep.go        rotation of domain keys, retention of the event history
//	admin.go         the operator's socket: online backup, seal, explain
//	explain.go       who may do what with a KMS key, and why
//	stopped.go       the data of a server that does not run
//	backup.go, restore.go, fsck.go, rekey.go
//	                 what is done with it
//
// On disk there are two directories. The data directory holds the sealed store and the
// key slots, and is useless to whoever steals it alone. The secrets directory (by
// default next to it, with the suffix "-secrets", mode 0700) holds the root key file,
// the first access key and the TLS key.
package app

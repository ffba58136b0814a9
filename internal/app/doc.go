// Package app puts the house together: it opens the store, unseals the keys, makes
// every service and the front door, and takes it all down again. It is the only
// package that knows all services.
//
//	config.go        what an operator can set
//	app.go           start and stop, in order
//	unsealing.go     the seal: providers, and the API that unseals a sealed server
//	certificates.go  TLS: given files, or our own CA
//	bootstrap.go     the first start: account, root access key, credentials file
//	rooms.go         the services behind the door
//
// On disk there are two directories. The data directory holds the sealed store and the
// key slots, and is useless to whoever steals it alone. The secrets directory (by
// default next to it, with the suffix "-secrets", mode 0700) holds the root key file,
// the first access key and the TLS key.
package app

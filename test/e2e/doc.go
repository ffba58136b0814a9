// Package e2e drives the real binary as an operator and a client do: processes,
// files, signals, sockets and signed HTTP requests. What it finds out about the inside
// it reads from the outside: the data directory, the log, /proc.
//
//	server_test.go        builds the binary, starts servers, signs calls
//	seals_test.go         every way to keep the root key, and what is refused
//	maintenance_test.go   backup, restore, fsck
//	secrets_test.go       where secrets must not be found: memory, disk, log
//	crash_test.go         kill -9 after acknowledged calls; start time and memory
//	xks_test.go           one server as another's external key store
//	limits_test.go        drain, slow clients, oversized requests
//	explain_test.go       fastness kms explain
//	encryption_test.go    fastness encrypt, decrypt, inspect, and as aws-encryption-cli
//	examples_test.go      what docs/encryption-cli.md says can be pasted
//	terminal_test.go      the progress line of a terminal
//	stream_test.go        streams in constant memory (make stream: 4 GiB in a cgroup)
//	events_test.go        fastness events tail
//	rotation_test.go      secrets rotated in PostgreSQL, MariaDB and Redis, under kill -9
//	fips_test.go          the FIPS build
package e2e

package main

import "os"

// gcHeadroom is how many bytes of garbage a small server may make before the
// collector runs.
//
// A server with few keys has some eight MiB of live memory, and the collector's
// default is to run whenever as much again has been allocated: under load, that is
// dozens of times a second, and a tenth of the processor. A block that is never
// touched counts as live memory but takes no pages, so an idle server is not larger
// for it; one with much live memory hardly notices it, unlike with a higher GOGC.
const gcHeadroom = 32 << 20

// reserveHeadroom returns the block. The caller keeps it alive. Whoever sets GOGC or
// GOMEMLIMIT has other plans, and gets none.
func reserveHeadroom() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, gcHeadroom)
}

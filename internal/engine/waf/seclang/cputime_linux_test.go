package seclang

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// measure runs a benchmark's loop and reports the processor time of its thread, which says
// more than the wall's on a machine with other work.
func measure(b *testing.B, loop func()) time.Duration {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime(b)
	loop()
	spent := threadTime(b) - before
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/op")
	return spent
}

func threadTime(b *testing.B) time.Duration {
	b.Helper()
	const thread = 1 // RUSAGE_THREAD, getrusage(2)
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

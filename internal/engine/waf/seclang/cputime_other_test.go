//go:build !linux

package seclang

import (
	"testing"
	"time"
)

// measure runs a benchmark's loop; elsewhere the wall's time has to do.
func measure(b *testing.B, loop func()) time.Duration {
	b.Helper()
	loop()
	return b.Elapsed()
}

package securemem

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// HardenProcess makes the process unreadable for others: PR_SET_DUMPABLE 0 and
// RLIMIT_CORE 0. It also raises the soft limit of locked memory to the hard one.
// It changes the whole process and is called once, by main, before any secret is
// read. What was reached is returned even when there is an error.
func HardenProcess() (Hardening, error) {
	var h Hardening
	var errs []error
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("securemem: making the process not dumpable: %w", err))
	} else {
		h.NotDumpable = true
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("securemem: setting the core file limit to zero: %w", err))
	} else {
		h.NoCore = true
	}
	var lock unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &lock); err != nil {
		errs = append(errs, fmt.Errorf("securemem: reading the limit of locked memory: %w", err))
		return h, errors.Join(errs...)
	}
	if lock.Cur < lock.Max {
		raised := unix.Rlimit{Cur: lock.Max, Max: lock.Max}
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &raised); err != nil {
			errs = append(errs, fmt.Errorf("securemem: raising the limit of locked memory: %w", err))
		} else {
			lock = raised
		}
	}
	h.LockLimitBytes = -1
	if lock.Cur <= math.MaxInt64 {
		h.LockLimitBytes = int64(lock.Cur)
	}
	return h, errors.Join(errs...)
}

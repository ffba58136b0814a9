package app

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// machine checks the system under an installation whose data is in dir.
func machine(dir string, now time.Time) []Finding {
	return []Finding{freeDisk(dir), lockedMemory(), clockOf(dir, now)}
}

func freeDisk(dir string) Finding {
	const check = "free disk"
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Finding{check, FindingFail, err.Error(), "look at the disk of " + dir}
	}
	free := st.Bavail * uint64(st.Bsize)
	f := Finding{check, FindingOK, fmt.Sprintf("%d MiB in %s", free>>20, dir), ""}
	switch {
	case free < noDisk:
		f.State, f.Advice = FindingFail, "make room: the store stops when the disk is full"
	case free < littleDisk:
		f.State, f.Advice = FindingWarn, "make room soon: the store stops when the disk is full"
	}
	return f
}

func lockedMemory() Finding {
	const check = "locked memory"
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return Finding{check, FindingFail, err.Error(), ""}
	}
	switch {
	case limit.Cur == unix.RLIM_INFINITY:
		return Finding{check, FindingOK, "no limit", ""}
	case limit.Cur < enoughMemlock:
		return Finding{check, FindingWarn, fmt.Sprintf("at most %d KiB: keys beyond that may be swapped out", limit.Cur>>10), "ulimit -l unlimited, or LimitMEMLOCK=infinity under systemd"}
	}
	return Finding{check, FindingOK, fmt.Sprintf("up to %d MiB", limit.Cur>>20), ""}
}

// clockOf checks the clock: signatures are refused when it is five minutes off, and what
// is due happens at the wrong time.
func clockOf(dir string, now time.Time) Finding {
	const check, advice = "clock", "let chrony or systemd-timesyncd set it"
	if st, err := os.Stat(dir); err == nil && st.ModTime().After(now.Add(time.Minute)) {
		return Finding{check, FindingFail, fmt.Sprintf("it is %s, but %s was changed %s", now.Format(time.RFC3339), dir, st.ModTime().Format(time.RFC3339)), advice}
	}
	if state, err := unix.Adjtimex(new(unix.Timex)); err == nil && state == unix.TIME_ERROR {
		return Finding{check, FindingWarn, "nothing keeps it in step with a time server", advice}
	}
	return Finding{check, FindingOK, now.UTC().Format(time.RFC3339), ""}
}

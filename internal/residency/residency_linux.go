package residency

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ReleaseProgram takes the pages of the program's file out of the process.
func ReleaseProgram() error {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("residency: %w", err)
	}
	var errs []error
	for _, m := range clean(text, uint64(reflect.ValueOf(ReleaseProgram).Pointer())) {
		if _, _, e := unix.Syscall(unix.SYS_MADVISE, uintptr(m.start), uintptr(m.end-m.start), unix.MADV_DONTNEED); e != 0 {
			errs = append(errs, fmt.Errorf("residency: madvise: %w", e))
		}
	}
	return errors.Join(errs...)
}

// mapping is a range of addresses, and what /proc/PID/smaps says of it (proc_pid_smaps(5)).
type mapping struct {
	start, end uint64
	file       string // device and inode
	writable   bool
	changed    bool // some pages are private copies; a dirty page may be one of a file just written
}

// clean returns the mappings of the file that is mapped at the address which cannot have been
// changed. What is not understood is not among them.
func clean(smaps []byte, at uint64) []mapping {
	var all []mapping
	file := ""
	lines := bufio.NewScanner(bytes.NewReader(smaps))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		if name, ok := strings.CutSuffix(fields[0], ":"); ok {
			if len(all) > 0 && (name == "Anonymous" || name == "Swap") && fields[1] != "0" {
				all[len(all)-1].changed = true
			}
			continue
		}
		m, ok := parseMapping(fields)
		if !ok {
			m.changed = true
		}
		all = append(all, m)
		if m.start <= at && at < m.end {
			file = m.file
		}
	}
	if lines.Err() != nil || file == "" {
		return nil
	}
	kept := all[:0]
	for _, m := range all {
		if m.file == file && !m.writable && !m.changed {
			kept = append(kept, m)
		}
	}
	return kept
}

// parseMapping reads the line that begins a mapping: 00400000-022f5000 r-xp 00000000 fe:00 11363058 /path
func parseMapping(fields []string) (m mapping, ok bool) {
	if len(fields) < 5 {
		return m, false
	}
	first, last, ok := strings.Cut(fields[0], "-")
	if !ok {
		return m, false
	}
	var err1, err2 error
	m.start, err1 = strconv.ParseUint(first, 16, 64)
	m.end, err2 = strconv.ParseUint(last, 16, 64)
	perms := fields[1]
	if err1 != nil || err2 != nil || m.end <= m.start || len(perms) != 4 {
		return mapping{}, false
	}
	m.writable = perms[1] != '-'
	if fields[4] != "0" {
		m.file = fields[3] + " " + fields[4]
	}
	return m, true
}

// used is the processor time that the process has used so far.
func used() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

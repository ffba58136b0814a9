package encryptionsdk_test

import (
	"runtime"
	"strings"
	"testing"
)

// site is a place that allocates blocks of one size.
type site struct {
	size  int64
	stack [32]uintptr
}

// allocations counts all allocations so far by site. Only with MemProfileRate 1 are they
// complete.
func allocations() map[site]int64 {
	// What was allocated appears when two collections have passed.
	runtime.GC()
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 1024)
	for {
		n, ok := runtime.MemProfile(records, true)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.MemProfileRecord, n+1024)
	}
	counts := make(map[site]int64, len(records))
	for _, r := range records {
		if r.AllocObjects > 0 && !ours(r.Stack()) {
			counts[site{r.AllocBytes / r.AllocObjects, r.Stack0}] += r.AllocObjects
		}
	}
	return counts
}

// ours tells the allocations of this file's own bookkeeping.
func ours(stack []uintptr) bool {
	for frames := runtime.CallersFrames(stack); ; {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, ".allocations") {
			return true
		}
		if !more {
			return false
		}
	}
}

// largestAllocation is the size in bytes of the largest block that f allocates.
func largestAllocation(f func()) int64 {
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 1
	before := allocations()
	f()
	largest := int64(0)
	for s, n := range allocations() {
		if n > before[s] {
			largest = max(largest, s.size)
		}
	}
	return largest
}

func TestLargestAllocationIsSeen(t *testing.T) {
	var kept []byte
	got := largestAllocation(func() {
		for n := range 100 {
			kept = make([]byte, 1000*n+1)
		}
	})
	if want := int64(len(kept)); got < want || got > want+want/4 {
		t.Errorf("%d, want %d or the next size that is allocated", got, want)
	}
}

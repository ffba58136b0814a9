package residency

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A real one, shortened: text, read-only data, a relocated part that was written before it was
// protected, data, the heap, another file, the kernel's own.
const smaps = `00400000-022f5000 r-xp 00000000 fe:00 11363058                           /opt/fastness
Size:              31700 kB
Rss:               22608 kB
Private_Clean:     22608 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
022f5000-0454c000 r--p 01ef5000 fe:00 11363058                           /opt/fastness
Private_Dirty:      1740 kB
Anonymous:             0 kB
0454c000-0455c000 r--p 0414c000 fe:00 11363058                           /opt/fastness
Private_Dirty:        16 kB
Anonymous:            16 kB
0455c000-0493c000 rw-p 0415c000 fe:00 11363058                           /opt/fastness
Private_Dirty:         0 kB
Anonymous:             0 kB
c000000000-c000800000 rw-p 00000000 00:00 0
Private_Dirty:      8192 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 42                         /etc/ld.so.cache
Private_Dirty:         0 kB
7ffc0000a000-7ffc0000c000 r-xp 00000000 00:00 0                          [vdso]
Private_Dirty:         0 kB
`

func TestOnlyUnchangedPagesOfTheProgramAreReleased(t *testing.T) {
	ranges := func(smaps string, at uint64) (all []string) {
		for _, m := range clean([]byte(smaps), at) {
			all = append(all, strconv.FormatUint(m.start, 16)+"-"+strconv.FormatUint(m.end, 16))
		}
		return all
	}
	if got, want := ranges(smaps, 0x1000000), []string{"400000-22f5000", "22f5000-454c000"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for name, c := range map[string]struct {
		text string
		at   uint64
	}{
		"not in any mapping": {smaps, 0x10},
		"in the vdso":        {smaps, 0x7ffc0000a010},
		"odd range":          {strings.Replace(smaps, "00400000-", "00400000+", 1), 0x1000000},
		"end before start":   {strings.Replace(smaps, "00400000-022f5000", "022f5000-00400000", 1), 0x1000000},
		"nothing":            {"", 0},
		"a line too long":    {smaps + strings.Repeat("x", 1<<20), 0x1000000},
	} {
		if got := ranges(c.text, c.at); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReleaseProgramMakesTheProcessSmaller(t *testing.T) {
	resident := func() int {
		b, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := bytes.Cut(b, []byte("RssFile:"))
		n, err := strconv.Atoi(string(bytes.Fields(after)[0]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// Every page of the program.
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	mappings := clean(text, uint64(reflect.ValueOf(ReleaseProgram).Pointer()))
	if len(mappings) == 0 {
		t.Fatal("the program's mappings were not found")
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	for _, m := range mappings {
		if _, err := mem.ReadAt(make([]byte, m.end-m.start), int64(m.start)); err != nil {
			t.Fatal(err)
		}
	}
	before := resident()
	if err := ReleaseProgram(); err != nil {
		t.Fatal(err)
	}
	if after := resident(); after >= before {
		t.Errorf("%d kB before, %d kB after", before, after)
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte(smaps), uint64(0x1000000))
	f.Fuzz(func(t *testing.T, text []byte, at uint64) {
		for _, m := range clean(text, at) {
			if m.writable || m.changed || m.end <= m.start || m.file == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}

func BenchmarkReleaseProgram(b *testing.B) {
	for b.Loop() {
		if err := ReleaseProgram(); err != nil {
			b.Fatal(err)
		}
	}
}

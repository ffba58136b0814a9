package pebble_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/pebble"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Commits write into space that the write-ahead log has already: most of them do not change
// its length.
func TestLogIsFilledAhead(t *testing.T) {
	mem := vfs.NewMem()
	s := open(t, "data", pebble.Options{FS: mem})
	defer closeStore(t, s)
	lengths := make(map[int64]bool)
	for i := range 100 {
		put(t, s, strconv.Itoa(i), strings.Repeat("v", 1000))
		lengths[logBytes(t, mem, "data")] = true
	}
	if len(lengths) > 4 {
		t.Errorf("a hundred commits of a kilobyte left the log with %d lengths", len(lengths))
	}
}

// logBytes is the length of all files of the write-ahead log.
func logBytes(t *testing.T, fs vfs.FS, dir string) (n int64) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if filepath.Ext(name) != ".log" {
			continue
		}
		info, err := fs.Stat(fs.PathJoin(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

// A disk without room for zeros takes commits, and they are there after a crash.
func TestLogWithoutRoomAhead(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var refused atomic.Int64
	full := errorfs.InjectorFunc(func(o errorfs.Op) error {
		if o.Kind == errorfs.OpFileWriteAt {
			refused.Add(1)
			return errors.New("no space left")
		}
		return nil
	})
	s := open(t, "data", pebble.Options{FS: errorfs.Wrap(mem, full)})
	for i := range 50 {
		put(t, s, strconv.Itoa(i), strings.Repeat("v", 1000))
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	if refused.Load() == 0 {
		t.Error("nothing was to be filled ahead")
	}
	again := open(t, "data", pebble.Options{FS: crashed})
	defer closeStore(t, again)
	for i := range 50 {
		if err := again.View(t.Context(), func(r store.Reader) error { _, err := r.Get([]byte(strconv.Itoa(i))); return err }); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// What stood behind the end of a log that is used again, and the zeros behind that, are not
// taken for commits.
func TestLogUsedAgainEndsWhereItWasWritten(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := open(t, "data", pebble.Options{FS: mem})
	value := strings.Repeat("v", 100_000)
	var last store.Revision
	for i := range 200 { // more than several logs hold
		last = put(t, s, strconv.Itoa(i%7), value+strconv.Itoa(i))
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	again := open(t, "data", pebble.Options{FS: crashed})
	defer closeStore(t, again)
	for k := range 7 {
		want := value + strconv.Itoa(199-(199-k)%7)
		err := again.View(t.Context(), func(r store.Reader) error {
			e, err := r.Get([]byte(strconv.Itoa(k)))
			if err == nil && string(e.Value) != want {
				t.Errorf("%d: has %q at the end, want %q", k, e.Value[len(value):], want[len(value):])
			}
			return err
		})
		if err != nil {
			t.Errorf("%d: %v", k, err)
		}
	}
	if next := put(t, again, "next", "v"); next != last+1 {
		t.Errorf("revision %d follows %d", next, last)
	}
}

package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/pebble"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func put(t testing.TB, s *pebble.Store, key, value string) store.Revision {
	t.Helper()
	rev, err := s.Update(t.Context(), func(tx store.Txn) error { return tx.Put([]byte(key), []byte(value)) })
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func closeStore(t testing.TB, s *pebble.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReopenOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, dir, pebble.Options{})
	put(t, s, "k", "1")
	put(t, s, "k", "2")
	if _, err := pebble.Open(dir, pebble.Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("opening a store twice: %v", err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, %v", info.Mode(), err)
	}
	closeStore(t, s)
	s = open(t, dir, pebble.Options{})
	defer closeStore(t, s)
	w, err := s.Watch(t.Context(), []byte("k"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, want := range []string{"1", "2"} {
		c, err := w.Next(t.Context())
		if err != nil || c.Revision != store.Revision(i+1) || string(c.Changes[0].Value) != want {
			t.Errorf("after a restart the watch shows %+v, %v", c, err)
		}
	}
	if rev := put(t, s, "k", "3"); rev != 3 {
		t.Errorf("the first commit after a restart has revision %d", rev)
	}
}

func TestOpenRefuses(t *testing.T) {
	write := func(name, text string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, tt := range map[string]struct{ dir, want string }{
		"a newer format":      {write("FASTNESS-STORE", "fastness store format 2\n"), "newer"},
		"a damaged stamp":     {write("FASTNESS-STORE", "fastness store format x\n"), "damaged"},
		"an empty stamp":      {write("FASTNESS-STORE", ""), "damaged"},
		"somebody's files":    {write("letter.txt", "dear"), "not a store"},
		"a file for a folder": {filepath.Join(write("f", ""), "f"), ""},
	} {
		s, err := pebble.Open(tt.dir, pebble.Options{})
		if err == nil {
			closeStore(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What a crash while the stamp was written leaves is no obstacle.
	closeStore(t, open(t, write("FASTNESS-STORE.new", "fast"), pebble.Options{}))
}

// The change log stays within its bounds, and what it held last is what watchers get.
func TestTrim(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, "data", pebble.Options{FS: fs, RetainCommits: 20})
	for i := range 500 {
		switch i % 5 {
		case 3:
			if _, err := s.Update(t.Context(), func(tx store.Txn) error { return tx.Delete([]byte("hot")) }); err != nil {
				t.Fatal(err)
			}
		default:
			put(t, s, "hot", fmt.Sprint(i))
		}
	}
	put(t, s, "cold", "x")
	// Trimming runs beside the commits: wait until its turn has come.
	for {
		w, err := s.Watch(t.Context(), nil, 400)
		if errors.Is(err, store.ErrCompacted) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
		put(t, s, "cold", "x")
	}
	var rev store.Revision
	err := s.View(t.Context(), func(r store.Reader) error { rev = r.Revision(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Watch(t.Context(), nil, rev-15)
	if err != nil {
		t.Fatal(err)
	}
	for i := range store.Revision(15) {
		if c, err := w.Next(t.Context()); err != nil || c.Revision != rev-14+i {
			t.Errorf("revision %d, %v", c.Revision, err)
		}
	}
	w.Close()
	problems, err := store.Fsck(t.Context(), s)
	if err != nil || len(problems) > 0 {
		t.Errorf("fsck: %v %v", problems, err)
	}
	closeStore(t, s)
	s = open(t, "data", pebble.Options{FS: fs})
	defer closeStore(t, s)
	if _, err := s.Watch(t.Context(), nil, 400); !errors.Is(err, store.ErrCompacted) {
		t.Errorf("after a restart the old log is back: %v", err)
	}
	if next := put(t, s, "cold", "y"); next != rev+1 {
		t.Errorf("revision %d after %d", next, rev)
	}
}

// A watcher that falls behind the log while it lives hears ErrCompacted, not a gap.
func TestWatcherFallsBehind(t *testing.T) {
	s := open(t, "data", pebble.Options{FS: vfs.NewMem(), RetainCommits: 1, RetainBytes: 1 << 20})
	defer closeStore(t, s)
	w, err := s.Watch(t.Context(), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	big := strings.Repeat("x", 300<<10)
	for i := range 40 {
		put(t, s, fmt.Sprint(i%3), big)
	}
	// Trimming runs beside the commits: go on until it has passed the watcher.
	for i := 0; ; i++ {
		probe, err := s.Watch(t.Context(), nil, 0)
		if errors.Is(err, store.ErrCompacted) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		probe.Close()
		put(t, s, fmt.Sprint(i%3), big)
	}
	if c, err := w.Next(t.Context()); !errors.Is(err, store.ErrCompacted) {
		t.Errorf("revision %d, %v", c.Revision, err)
	}
}

func TestLeaseIsLostByAPausedHolder(t *testing.T) {
	c := clock.NewManual(time.Unix(1e9, 0))
	s := open(t, "data", pebble.Options{FS: vfs.NewMem(), Clock: c})
	defer closeStore(t, s)
	l, err := s.Campaign(t.Context(), "n", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	fenced := func(l store.Lease) error {
		_, err := s.Update(t.Context(), func(tx store.Txn) error {
			tx.Fence(l)
			return tx.Put([]byte("a"), nil)
		})
		return err
	}
	// A holder that is alive renews, for as long as it likes.
	for range 30 {
		if err := c.AwaitWaiters(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.Advance(4 * time.Second)
		if err := fenced(l); err != nil {
			t.Fatalf("the holder's write: %v", err)
		}
	}
	// The whole process is stopped for longer than the time to live.
	if err := c.AwaitWaiters(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(11 * time.Second)
	if err := fenced(l); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a write after the pause: %v", err)
	}
	<-l.Done()
	next, err := s.Campaign(t.Context(), "n", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if next.Token() <= l.Token() {
		t.Errorf("token %d after %d", next.Token(), l.Token())
	}
	if err := fenced(next); err != nil {
		t.Errorf("the new holder's write: %v", err)
	}
}

func TestLeaseTokensOutliveTheProcess(t *testing.T) {
	fs := vfs.NewCrashableMem()
	last := uint64(0)
	for range 4 {
		s := open(t, "data", pebble.Options{FS: fs})
		for range 2 {
			l, err := s.Campaign(t.Context(), "n", time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if l.Token() <= last {
				t.Fatalf("token %d after %d", l.Token(), last)
			}
			last = l.Token()
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Campaign(t.Context(), "n", time.Hour); err != nil {
			t.Fatal(err)
		}
		last++
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		closeStore(t, s)
		fs = crashed
	}
}

// A disk that refuses writes makes the store refuse everything, and nothing that was
// acknowledged before is lost.
func TestDiskErrorFailsClosed(t *testing.T) {
	for _, op := range []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileWrite} {
		mem := vfs.NewCrashableMem()
		broken := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(o errorfs.Op) error {
			if o.Kind == op || op != errorfs.OpFileWrite && (o.Kind == errorfs.OpFileSync || o.Kind == errorfs.OpFileSyncData || o.Kind == errorfs.OpFileSyncTo) {
				return errors.New("disk is broken")
			}
			return nil
		})}
		s := open(t, "data", pebble.Options{FS: errorfs.Wrap(mem, &broken)})
		put(t, s, "a", "1")
		broken.On()
		_, err := s.Update(t.Context(), func(tx store.Txn) error { return tx.Put([]byte("b"), []byte("1")) })
		if !errors.Is(err, store.ErrUnknownOutcome) || !errors.Is(err, store.ErrFailed) || !strings.Contains(err.Error(), "disk is broken") {
			t.Errorf("%v: update: %v", op, err)
		}
		broken.Off()
		if _, err := s.Update(t.Context(), func(tx store.Txn) error { return tx.Put([]byte("c"), nil) }); !errors.Is(err, store.ErrFailed) {
			t.Errorf("%v: the next update: %v", op, err)
		}
		if err := s.View(t.Context(), func(store.Reader) error { return nil }); !errors.Is(err, store.ErrFailed) {
			t.Errorf("%v: view: %v", op, err)
		}
		if _, err := s.Campaign(t.Context(), "n", time.Hour); !errors.Is(err, store.ErrFailed) {
			t.Errorf("%v: campaign: %v", op, err)
		}
		crashed := mem.CrashClone(vfs.CrashCloneCfg{})
		if err := s.Close(); !errors.Is(err, store.ErrFailed) {
			t.Errorf("%v: close: %v", op, err)
		}
		again := open(t, "data", pebble.Options{FS: crashed})
		err = again.View(t.Context(), func(r store.Reader) error { _, err := r.Get([]byte("a")); return err })
		if err != nil {
			t.Errorf("%v: after the restart: %v", op, err)
		}
		closeStore(t, again)
	}
}

// A restore that was cut off by a crash leaves an empty store.
func TestCrashDuringRestore(t *testing.T) {
	from := open(t, "data", pebble.Options{FS: vfs.NewMem()})
	defer closeStore(t, from)
	put(t, from, "a", "1")
	mem := vfs.NewCrashableMem()
	to := open(t, "data", pebble.Options{FS: mem})
	var crashed *vfs.MemFS
	img := store.Image{Revision: 5, Items: func(yield func(store.Item, error) bool) {
		for i := range 1000 {
			if !yield(store.Item{Key: fmt.Appendf(nil, "k%04d", i), Value: make([]byte, 8000), Revision: 5}, nil) {
				return
			}
		}
		crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
	}}
	if err := to.Load(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	closeStore(t, to)
	s := open(t, "data", pebble.Options{FS: crashed})
	defer closeStore(t, s)
	put(t, s, "new", "1")
	n := 0
	err := s.View(t.Context(), func(r store.Reader) error {
		for range r.Scan(store.Range{}) {
			n++
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d keys after a restore that crashed, %v", n, err)
	}
	if problems, err := store.Fsck(t.Context(), s); err != nil || len(problems) > 0 {
		t.Errorf("fsck: %v %v", problems, err)
	}
}

// Bits that flip on the disk are found by fsck, and never read as data.
func TestFsckFindsDamagedTables(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, pebble.Options{})
	for i := range 200 {
		put(t, s, fmt.Sprintf("k%03d", i), strings.Repeat(fmt.Sprint(i), 20000/len(fmt.Sprint(i))))
	}
	closeStore(t, s)
	s = open(t, dir, pebble.Options{}) // writes the log of the last life into a table
	closeStore(t, s)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	b, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/3] ^= 1
	if err := os.WriteFile(tables[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, pebble.Options{})
	problems, err := store.Fsck(t.Context(), s)
	if len(problems) == 0 {
		t.Errorf("fsck found nothing, %v", err)
	}
	if err := s.Close(); err != nil && !errors.Is(err, store.ErrFailed) {
		t.Error(err)
	}
}

func TestHookPanicReachesItsCaller(t *testing.T) {
	s := open(t, "data", pebble.Options{FS: vfs.NewMem()})
	defer closeStore(t, s)
	func() {
		defer func() {
			if v := recover(); v != "hook" {
				t.Errorf("recovered %v", v)
			}
		}()
		_, _ = s.Update(t.Context(), func(tx store.Txn) error {
			tx.OnCommit(func(store.Revision) { panic("hook") })
			return tx.Put([]byte("a"), nil)
		})
	}()
	put(t, s, "b", "1") // the engine is well
}

package pebble

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"fastness/internal/clock"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The defaults of Options.
const (
	DefaultRetainCommits = 1 << 14
	DefaultRetainBytes   = 64 << 20
	DefaultCacheBytes    = 32 << 20
)

// Options of Open. The zero value is ready for production.
type Options struct {
	// FS is the file system; nil means the operating system's.
	FS vfs.FS
	// Logger receives what the engine has to say; nil means nowhere.
	Logger *slog.Logger
	// Clock times leases; nil means the system's clock.
	Clock clock.Clock
	// RetainCommits is how many commits the change log keeps for watchers that come
	// back, at least; up to about twice as many are kept. 0 means DefaultRetainCommits.
	RetainCommits int
	// RetainBytes ends that promise early: once the commits in the change log have
	// written about twice as many bytes, it is cut back to this many. 0 means
	// DefaultRetainBytes.
	RetainBytes int64
	// CacheBytes is the size of the block cache, of which the tree takes what its tables in
	// memory have: one or two of 8 MiB once much was written. A cache no larger than
	// those is none. 0 means DefaultCacheBytes.
	CacheBytes int64
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.RetainCommits <= 0 {
		o.RetainCommits = DefaultRetainCommits
	}
	if o.RetainBytes <= 0 {
		o.RetainBytes = DefaultRetainBytes
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	return o
}

// memTableBytes is the size of the in-memory table that a flush writes out. A batch
// of half this size or more would bypass it, so it is more than twice maxGroupBytes.
const memTableBytes = 8 << 20

// treeOptions are the options of the tree, chosen for a small process.
func (s *Store) treeOptions(cache *lsm.Cache) *lsm.Options {
	o := &lsm.Options{
		FS:                          walSpace{s.opts.FS},
		Cache:                       cache,
		Comparer:                    newComparer(),
		Logger:                      treeLogger{s},
		FormatMajorVersion:          treeFormat,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                512,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       1000,
		EventListener: &lsm.EventListener{
			BackgroundError: func(err error) { s.backgroundError(err) },
			DataCorruption:  func(i lsm.DataCorruptionInfo) { s.fail(fmt.Errorf("damaged data in %s: %w", i.Path, i.Details)) },
		},
	}
	// Compactions that reads ask for would compete with commits; the hot reads of the
	// rooms above come from memory.
	o.Experimental.ReadSamplingMultiplier = -1
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// treeFormat is the format of the tree's files. Raising it is a change of
// dataFormat.
const treeFormat = lsm.FormatNewest

// dataFormat is the number in the stamp file: the format of everything below the
// directory. A store with a higher number was written by a newer Fastness.
const dataFormat = 1

const (
	stampFile   = "FASTNESS-STORE"
	stampPrefix = "fastness store format "
	maxStamp    = 64
)

// checkStamp makes the directory with a durable stamp, or checks the stamp of one
// that exists.
func checkStamp(fs vfs.FS, dir string) error {
	if err := makeDir(fs, dir); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("list directory: %w", err)
	}
	path := fs.PathJoin(dir, stampFile)
	stamped, others := false, false
	for _, n := range names {
		switch {
		case n == stampFile:
			stamped = true
		case n == stampFile+".new" || n == "LOCK":
		default:
			others = true
		}
	}
	if stamped {
		return readStamp(fs, path)
	}
	if others {
		return fmt.Errorf("directory holds files but no %s: not a store", stampFile)
	}
	// Write beside, sync, rename, sync the directory: after that a crash leaves a
	// store or nothing.
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write stamp: %w", err)
	}
	_, err = io.WriteString(f, stampPrefix+strconv.Itoa(dataFormat)+"\n")
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fs.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return fmt.Errorf("write stamp: %w", err)
	}
	return nil
}

// makeDir makes dir and what is missing above it, durably: a directory survives a
// crash only when the one above it was synced.
func makeDir(fs vfs.FS, dir string) error {
	above := []string{fs.PathDir(dir)} // always, in case a crash came between
	for fs.PathDir(above[0]) != above[0] {
		if _, err := fs.Stat(above[0]); err == nil {
			break
		}
		above = append([]string{fs.PathDir(above[0])}, above...)
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, d := range above {
		if err := syncDir(fs, d); err != nil {
			return err
		}
	}
	return nil
}

func readStamp(fs vfs.FS, path string) error {
	f, err := fs.Open(path)
	if err != nil {
		return fmt.Errorf("read stamp: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxStamp))
	if err != nil {
		return fmt.Errorf("read stamp: %w", err)
	}
	text, ok := strings.CutPrefix(strings.TrimSuffix(string(b), "\n"), stampPrefix)
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 1 {
		return fmt.Errorf("%s is damaged: %q", stampFile, b)
	}
	if n > dataFormat {
		return fmt.Errorf("store has format %d, this program knows up to %d: use a newer program", n, dataFormat)
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

package pebble_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fastness/internal/store"
	"fastness/internal/store/pebble"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// valueBytes and the 16-byte random keys are those of the storage comparison in
// BENCHMARKS.md.
const valueBytes = 1024

// BenchmarkDurableWrites compares durable writes through the store with the same keys
// and values written straight to the tree, in turns of a second so that both meet the
// same moods of the disk. It reports both rates and the ratio.
func BenchmarkDurableWrites(b *testing.B) {
	for _, writers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b, b.TempDir(), pebble.Options{})
			defer closeStore(b, s)
			raw := openRaw(b)
			defer raw.Close()
			viaStore := func(key, value []byte) error {
				_, err := s.Update(b.Context(), func(tx store.Txn) error { return tx.Put(key, value) })
				return err
			}
			direct := func(key, value []byte) error { return raw.Set(key, value, lsm.Sync) }
			var count [2]int
			var spent, cpu [2]time.Duration
			// b.N counts turns; the rates are what is of interest.
			for range b.N {
				for i, f := range []func(key, value []byte) error{viaStore, direct} {
					before := cpuTime(b)
					n, d := writeFor(b, writers, 500*time.Millisecond, f)
					count[i] += n
					spent[i] += d
					cpu[i] += cpuTime(b) - before
				}
			}
			own := float64(count[0]) / spent[0].Seconds()
			tree := float64(count[1]) / spent[1].Seconds()
			b.ReportMetric(own, "store-writes/s")
			b.ReportMetric(tree, "tree-writes/s")
			b.ReportMetric(own/tree, "ratio")
			b.ReportMetric(float64(cpu[0].Microseconds())/float64(count[0]), "store-cpu-µs/write")
			b.ReportMetric(float64(cpu[1].Microseconds())/float64(count[1]), "tree-cpu-µs/write")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpuTime is the processor time this process has used. On a busy machine it compares
// better than the rates.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// openRaw opens a bare tree with the sizes that the store uses.
func openRaw(b *testing.B) *lsm.DB {
	b.Helper()
	cache := lsm.NewCache(pebble.DefaultCacheBytes)
	defer cache.Unref()
	o := &lsm.Options{
		Cache: cache, MemTableSize: 8 << 20, MemTableStopWritesThreshold: 4, L0CompactionThreshold: 2,
		L0StopWritesThreshold: 1000, FormatMajorVersion: lsm.FormatNewest, Logger: silent{},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := lsm.Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

type silent struct{}

func (silent) Infof(string, ...any)           {}
func (silent) Errorf(string, ...any)          {}
func (silent) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func writeFor(b *testing.B, writers int, d time.Duration, write func(key, value []byte) error) (int, time.Duration) {
	var total atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range writers {
		wg.Go(func() {
			key, value := make([]byte, 16), make([]byte, valueBytes)
			n := 0
			for time.Since(start) < d {
				binary.BigEndian.PutUint64(key, rand.Uint64())
				binary.BigEndian.PutUint64(key[8:], rand.Uint64())
				for i := 0; i < len(value); i += 8 {
					binary.BigEndian.PutUint64(value[i:], rand.Uint64())
				}
				if err := write(key, value); err != nil {
					b.Error(err)
					return
				}
				n++
			}
			total.Add(int64(n))
		})
	}
	wg.Wait()
	return int(total.Load()), time.Since(start)
}

func BenchmarkGet(b *testing.B) {
	s := open(b, b.TempDir(), pebble.Options{})
	defer closeStore(b, s)
	const keys = 10_000
	for i := 0; i < keys; i += store.MaxTxnOps {
		_, err := s.Update(b.Context(), func(tx store.Txn) error {
			for j := i; j < min(keys, i+store.MaxTxnOps); j++ {
				if err := tx.Put(fmt.Appendf(nil, "key/%06d", j), make([]byte, 300)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("view", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			err := s.View(b.Context(), func(r store.Reader) error {
				_, err := r.Get(fmt.Appendf(nil, "key/%06d", i*7919%keys))
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scan100", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			err := s.View(b.Context(), func(r store.Reader) error {
				for _, err := range r.Scan(store.Range{Start: fmt.Appendf(nil, "key/%06d", i*7919%keys), Limit: 100}) {
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	for range b.N {
		dir := b.TempDir()
		start := time.Now()
		s := open(b, dir, pebble.Options{})
		put(b, s, "a", "1")
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-to-first-write")
		closeStore(b, s)
	}
}

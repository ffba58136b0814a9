// Command bench compares the encryptionsdk library with AWS's Encryption SDK for Go, with
// bare AES-256-GCM in frames of 4 KiB and with bare SHA-384, all in this process and in
// turns, and prints medians of the ratios as rows for BENCHMARKS.md.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
	"fastness/test/encryptionsdk/official"
)

func main() {
	rounds := flag.Int("rounds", 7, "rounds; every contestant runs once in each")
	window := flag.Duration("window", 150*time.Millisecond, "least time of a contestant in a round")
	only := flag.String("only", "", "comma-separated contestants of ours, official, floor, one, stream; all by default")
	sizes := flag.String("sizes", "1024,1048576,67108864", "comma-separated lengths of the messages, in bytes")
	flag.Parse()
	if err := run(*rounds, *window, *only, *sizes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// contestant is something that takes time: op processes one message.
type contestant struct {
	name string
	op   func() error
}

// cost is what one op takes.
type cost struct{ wall, cpu time.Duration }

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// measure returns the cost of one op, from as many as fill the window.
func measure(c contestant, window time.Duration) (cost, error) {
	n, cpu, start := 0, cpuTime(), time.Now()
	for n == 0 || time.Since(start) < window {
		if err := c.op(); err != nil {
			return cost{}, fmt.Errorf("%s: %w", c.name, err)
		}
		n++
	}
	return cost{time.Since(start) / time.Duration(n), (cpuTime() - cpu) / time.Duration(n)}, nil
}

// allocated returns the bytes that one of n ops allocates.
func allocated(c contestant, n int) (uint64, error) {
	var before, after runtime.MemStats
	if err := c.op(); err != nil {
		return 0, err
	}
	runtime.ReadMemStats(&before)
	for range n {
		if err := c.op(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / uint64(n), nil
}

// rawGCM seals or opens plain in frames of 4 KiB under a counter nonce, nothing else.
type rawGCM struct {
	aead          cipher.AEAD
	plain, sealed []byte
}

func newRawGCM(plain []byte) (*rawGCM, error) {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &rawGCM{aead: aead, plain: plain}, nil
}

func (r *rawGCM) seal() error {
	var nonce [12]byte
	out := r.sealed[:0]
	for i, rest := uint64(1), r.plain; len(rest) > 0; i++ {
		n := min(4096, len(rest))
		binary.BigEndian.PutUint64(nonce[4:], i)
		out = r.aead.Seal(out, nonce[:], rest[:n], nil)
		rest = rest[n:]
	}
	r.sealed = out
	return nil
}

func (r *rawGCM) open(out []byte) error {
	var nonce [12]byte
	out = out[:0]
	for i, rest := uint64(1), r.sealed; len(rest) > 0; i++ {
		n := min(4096+16, len(rest))
		binary.BigEndian.PutUint64(nonce[4:], i)
		var err error
		if out, err = r.aead.Open(out, nonce[:], rest[:n], nil); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// scene is one suite, size and direction with its contestants.
type scene struct {
	suite encryptionsdk.SuiteID
	what  string
	size  int
	all   []contestant
}

func run(rounds int, window time.Duration, only, sizes string) error {
	ctx := context.Background()
	lib, err := official.New()
	if err != nil {
		return err
	}
	key := make([]byte, 32)
	rand.Read(key)
	ours, err := rawkeyring.NewAES("bench", "key", key)
	if err != nil {
		return err
	}
	theirs, err := lib.AES(ctx, "bench", "key", key)
	if err != nil {
		return err
	}
	fmt.Printf("%d rounds, at least %v each, GOMAXPROCS=%d, %s\n\n", rounds, window, runtime.GOMAXPROCS(0), runtime.Version())
	fmt.Println("Ratios are of time, in brackets of processor time. Concurrency is the default, 1 in the columns that say so.")
	fmt.Println()
	fmt.Println("| suite | operation | message | ours | × official | × official, 1 goroutine | × official, stream | : floor | : floor, 1 goroutine | : floor, stream | allocated (stream) | official allocates |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, suite := range []encryptionsdk.SuiteID{0x0478, 0x0578} {
		for text := range strings.SplitSeq(sizes, ",") {
			size, err := strconv.Atoi(text)
			if err != nil {
				return err
			}
			scenes, err := prepare(ctx, lib, ours, theirs, suite, size)
			if err != nil {
				return err
			}
			for _, s := range scenes {
				if err := s.row(rounds, window, only); err != nil {
					return err
				}
			}
		}
	}
	fmt.Println("\nThe floor is raw AES-256-GCM in 4 KiB frames for 0x0478 and SHA-384 for 0x0578, one goroutine.")
	return nil
}

func prepare(ctx context.Context, lib *official.Library, ours encryptionsdk.Keyring, theirs official.Keyring, suite encryptionsdk.SuiteID, size int) ([]scene, error) {
	plain := make([]byte, size)
	rand.Read(plain)
	ec := map[string]string{"purpose": "bench"}
	eo := encryptionsdk.EncryptOptions{Keyring: ours, Suite: suite, EncryptionContext: ec}
	eo1 := eo
	eo1.Concurrency = 1
	do := encryptionsdk.DecryptOptions{Keyring: ours}
	do1 := do
	do1.Concurrency = 1
	message, _, err := encryptionsdk.Encrypt(ctx, plain, eo)
	if err != nil {
		return nil, err
	}
	raw, err := newRawGCM(plain)
	if err != nil {
		return nil, err
	}
	if err := raw.seal(); err != nil {
		return nil, err
	}
	sealed, opened := make([]byte, 0, len(message)+1024), make([]byte, 0, len(message))
	floorSeal := contestant{"floor", raw.seal}
	floorOpen := contestant{"floor", func() error { return raw.open(opened) }}
	if suite.Suite().Signs() {
		hash := contestant{"floor", func() error { sha512.Sum384(plain); return nil }}
		floorSeal, floorOpen = hash, hash
	}
	encrypt := func(o encryptionsdk.EncryptOptions) func() error {
		return func() error { _, _, err := encryptionsdk.AppendEncrypt(ctx, sealed, plain, o); return err }
	}
	decrypt := func(o encryptionsdk.DecryptOptions) func() error {
		return func() error { _, _, err := encryptionsdk.AppendDecrypt(ctx, opened, message, o); return err }
	}
	return []scene{
		{suite, "encrypt", size, []contestant{
			{"ours", encrypt(eo)}, {"official", func() error {
				_, err := lib.Encrypt(ctx, plain, uint16(suite), true, 4096, ec, theirs)
				return err
			}}, floorSeal, {"one", encrypt(eo1)}, {"stream", func() error {
				e, err := encryptionsdk.NewEncrypter(ctx, io.Discard, eo)
				if err != nil {
					return err
				}
				if _, err := io.Copy(e, bytes.NewReader(plain)); err != nil {
					return err
				}
				return e.Close()
			}},
		}},
		{suite, "decrypt", size, []contestant{
			{"ours", decrypt(do)}, {"official", func() error {
				_, err := lib.Decrypt(ctx, message, true, ec, theirs)
				return err
			}}, floorOpen, {"one", decrypt(do1)}, {"stream", func() error {
				d, err := encryptionsdk.NewDecrypter(ctx, bytes.NewReader(message), do)
				if err != nil {
					return err
				}
				if _, err := io.Copy(io.Discard, d); err != nil {
					return err
				}
				return d.Close()
			}},
		}},
	}, nil
}

// row runs the rounds of a scene and prints its row.
func (s scene) row(rounds int, window time.Duration, only string) error {
	costs := map[string][]cost{}
	for range rounds {
		for _, c := range s.all {
			if only != "" && !strings.Contains(","+only+",", ","+c.name+",") {
				continue
			}
			d, err := measure(c, window)
			if err != nil {
				return fmt.Errorf("%s %s %d: %w", s.suite, s.what, s.size, err)
			}
			costs[c.name] = append(costs[c.name], d)
		}
	}
	// ratio is the median of how many times as much a takes as b: of time, and of
	// processor time, which holds on a busy machine.
	ratio := func(a, b string) string {
		var wall, cpu []float64
		for i := range min(len(costs[a]), len(costs[b])) {
			wall = append(wall, float64(costs[a][i].wall)/float64(costs[b][i].wall))
			cpu = append(cpu, float64(costs[a][i].cpu)/float64(max(1, costs[b][i].cpu)))
		}
		if len(wall) == 0 {
			return "-"
		}
		slices.Sort(wall)
		slices.Sort(cpu)
		return fmt.Sprintf("%.2f (%.2f)", wall[len(wall)/2], cpu[len(cpu)/2])
	}
	speed := "-"
	if all := costs["ours"]; len(all) > 0 {
		sorted := slices.SortedFunc(slices.Values(all), func(a, b cost) int { return cmp.Compare(a.wall, b.wall) })
		d := sorted[len(sorted)/2].wall
		if s.size < 1<<20 {
			speed = fmt.Sprintf("%.0f /s", float64(time.Second)/float64(d))
		} else {
			speed = fmt.Sprintf("%.0f MB/s", float64(s.size)/1e6/d.Seconds())
		}
	}
	alloc := func(name string) string {
		n := 50
		if s.size > 1<<20 {
			n = 5
		}
		for _, c := range s.all {
			if c.name == name && len(costs[name]) > 0 {
				if n, err := allocated(c, n); err == nil {
					return fmt.Sprintf("%.1f KB", float64(n)/1e3)
				}
			}
		}
		return "-"
	}
	theirs := "-"
	if s.size <= 1<<20 {
		theirs = alloc("official")
	}
	fmt.Printf("| 0x%04x | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s (%s) | %s |\n", uint16(s.suite), s.what, sizeName(s.size), speed,
		ratio("official", "ours"), ratio("official", "one"), ratio("official", "stream"),
		ratio("floor", "ours"), ratio("floor", "one"), ratio("floor", "stream"), alloc("ours"), alloc("stream"), theirs)
	return nil
}

func sizeName(n int) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

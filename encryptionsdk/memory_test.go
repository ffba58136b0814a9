package encryptionsdk_test

import (
	"io"
	"runtime"
	"runtime/metrics"
	"testing"

	"fastness/encryptionsdk"
)

// meter is a reader of zeros that samples the heap.
type meter struct {
	left, peak uint64
	sample     []metrics.Sample
}

func (m *meter) heap() uint64 {
	metrics.Read(m.sample)
	return m.sample[0].Value.Uint64()
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left == 0 {
		return 0, io.EOF
	}
	n := min(uint64(len(p)), m.left)
	clear(p[:n])
	m.left -= n
	m.peak = max(m.peak, m.heap())
	return int(n), nil
}

// TestMemoryDoesNotGrowWithTheMessage passes messages of 48 MiB through an encrypter and a
// decrypter and watches the heap, garbage included.
func TestMemoryDoesNotGrowWithTheMessage(t *testing.T) {
	k := newKeyring(t)
	for _, c := range []struct {
		frame uint32
		limit uint64
	}{{4096, 12 << 20}, {1 << 20, 40 << 20}} {
		m := &meter{left: 48 << 20, sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}}
		runtime.GC()
		start := m.heap()
		r, w := io.Pipe()
		go func() {
			e, err := encryptionsdk.NewEncrypter(t.Context(), w, encryptionsdk.EncryptOptions{Keyring: k, Suite: 0x0578, FrameLength: c.frame, Concurrency: 2})
			if err == nil {
				if _, err = io.Copy(e, m); err == nil {
					err = e.Close()
				}
			}
			w.CloseWithError(err)
		}()
		d, err := encryptionsdk.NewDecrypter(t.Context(), r, encryptionsdk.DecryptOptions{Keyring: k, Concurrency: 2})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, d); err != nil || n != 48<<20 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if used := m.peak - min(m.peak, start); used > c.limit {
			t.Errorf("frames of %d bytes: the heap grew by %d bytes", c.frame, used)
		} else {
			t.Logf("frames of %d bytes: the heap grew by %d bytes", c.frame, used)
		}
	}
}

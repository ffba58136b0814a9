package encryptionsdk_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"fastness/encryptionsdk"
)

// BenchmarkEncrypt and BenchmarkDecrypt measure this library alone; make
// bench-encryptionsdk compares it with others.
func BenchmarkEncrypt(b *testing.B) {
	benchmark(b, func(b *testing.B, o encryptionsdk.EncryptOptions, plain []byte) {
		b.Run("memory", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			var out []byte
			for b.Loop() {
				var err error
				if out, _, err = encryptionsdk.AppendEncrypt(b.Context(), out[:0], plain, o); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("stream", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				e, err := encryptionsdk.NewEncrypter(b.Context(), io.Discard, o)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(e, bytes.NewReader(plain)); err != nil {
					b.Fatal(err)
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkDecrypt(b *testing.B) {
	benchmark(b, func(b *testing.B, o encryptionsdk.EncryptOptions, plain []byte) {
		m, _, err := encryptionsdk.Encrypt(b.Context(), plain, o)
		if err != nil {
			b.Fatal(err)
		}
		do := encryptionsdk.DecryptOptions{Keyring: o.Keyring, Concurrency: o.Concurrency}
		b.Run("memory", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			out := make([]byte, 0, len(m))
			for b.Loop() {
				if _, _, err := encryptionsdk.AppendDecrypt(b.Context(), out, m, do); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("stream", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				d, err := encryptionsdk.NewDecrypter(b.Context(), bytes.NewReader(m), do)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, d); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func benchmark(b *testing.B, run func(*testing.B, encryptionsdk.EncryptOptions, []byte)) {
	k := newKeyring(b)
	for _, id := range []encryptionsdk.SuiteID{0x0478, 0x0578} {
		for _, size := range []int{1 << 10, 1 << 20, 16 << 20} {
			for _, conc := range []int{1, 2} {
				b.Run(fmt.Sprintf("%04x/%dKiB/concurrency=%d", uint16(id), size>>10, conc), func(b *testing.B) {
					run(b, encryptionsdk.EncryptOptions{Keyring: k, Suite: id, Concurrency: conc}, randomBytes(size))
				})
			}
		}
	}
}

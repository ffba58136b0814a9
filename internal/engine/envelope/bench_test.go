package envelope

import "testing"

func benchKey(b *testing.B) (*Key, Header) {
	b.Helper()
	material, err := Random(MaterialSize)
	if err != nil {
		b.Fatal(err)
	}
	k, err := NewKey(material, localKey)
	if err != nil {
		b.Fatal(err)
	}
	return k, Header{KeyRef: [KeyRefSize]byte{1}, MaterialID: MaterialID("k", material)}
}

func BenchmarkSeal(b *testing.B) {
	context := map[string]string{"purpose": "bench", "tenant": "42"}
	for name, size := range map[string]int{"32B": 32, "4KiB": 4096} {
		b.Run(name, func(b *testing.B) {
			k, h := benchKey(b)
			plaintext := make([]byte, size)
			dst := make([]byte, 0, size+Overhead)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := k.Seal(dst, h, context, plaintext); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	context := map[string]string{"purpose": "bench", "tenant": "42"}
	for name, size := range map[string]int{"32B": 32, "4KiB": 4096} {
		b.Run(name, func(b *testing.B) {
			k, h := benchKey(b)
			blob, err := k.Seal(nil, h, context, make([]byte, size))
			if err != nil {
				b.Fatal(err)
			}
			dst := make([]byte, 0, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := k.Open(dst, blob, context); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewKey(b *testing.B) {
	material := make([]byte, MaterialSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewKey(material, localKey); err != nil {
			b.Fatal(err)
		}
	}
}

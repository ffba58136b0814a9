package keyalg

import (
	"fmt"
	"testing"
)

func BenchmarkSign(b *testing.B) {
	for _, spec := range []Spec{RSA2048, RSA3072, RSA4096, P256, P384, P521, Secp256k1, Edwards25519, MLDSA44, MLDSA65, MLDSA87, SM2} {
		name := spec.Algorithms(SignVerify)[0]
		b.Run(fmt.Sprint(spec, "/", name), func(b *testing.B) {
			key, message := testKeys()[spec], make([]byte, 256)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Sign(name, Raw, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, spec := range []Spec{RSA2048, P256, Secp256k1, Edwards25519, MLDSA65, SM2} {
		name := spec.Algorithms(SignVerify)[0]
		b.Run(fmt.Sprint(spec, "/", name), func(b *testing.B) {
			key, message := testKeys()[spec], make([]byte, 256)
			signature, err := key.Sign(name, Raw, message)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := key.Verify(name, Raw, message, signature); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyMLDSAMu(b *testing.B) {
	key, mu := testKeys()[MLDSA65], make([]byte, 64)
	signature, err := key.Sign(MLDSASHAKE256, ExternalMu, mu)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := key.Verify(MLDSASHAKE256, ExternalMu, mu, signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	key, message := testKeys()[HMAC256], make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.MAC(HMACSHA256, message); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseMaterial(b *testing.B) {
	for _, spec := range []Spec{RSA2048, RSA4096, P256, MLDSA65, SM2} {
		b.Run(string(spec), func(b *testing.B) {
			material, err := testKeys()[spec].Material()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseMaterial(spec, material); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

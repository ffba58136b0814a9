package secretsmanager

import (
	"strings"
	"testing"

	api "fastness/internal/api/secretsmanagerapi"
)

// BenchmarkGetSecretValue reads through the door: policies, a Decrypt by KMS with policies
// of its own, and two records in the history, made durable together with those of the
// other readers.
func BenchmarkGetSecretValue(b *testing.B) {
	for _, size := range []int{64, 4096, 65536} {
		b.Run(map[int]string{64: "64B", 4096: "4KiB", 65536: "64KiB"}[size], func(b *testing.B) {
			h := newHarness(b)
			h.create("a", strings.Repeat("x", size))
			c := h.admin()
			in := &api.GetSecretValueRequest{SecretId: new("a")}
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := c.GetSecretValue(bg, in); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkPutSecretValue(b *testing.B) {
	h := newHarness(b)
	h.create("a", "x")
	b.ReportAllocs()
	n := 1
	for b.Loop() {
		n++
		h.put("a", "value", n)
	}
}

func BenchmarkListSecretsPage(b *testing.B) {
	h := newHarness(b)
	for n := range 500 {
		h.create("secret/"+strings.Repeat("n", n%7)+*token(n), "x")
	}
	in := &api.ListSecretsRequest{MaxResults: new(int32(20))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.admin().ListSecrets(bg, in); err != nil {
			b.Fatal(err)
		}
	}
}

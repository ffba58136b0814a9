package kms

import (
	"runtime"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/keyalg"

	"golang.org/x/sys/unix"
)

// threadTime is the processor time of the calling thread: what else runs on the machine
// hardly changes it.
func threadTime(b *testing.B) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// BenchmarkSignAgainstBare takes turns between a signature in the room (located, checked,
// signed, answered) and one by the same key without it, and reports the rate of the one in
// parts of the other's ("ofbare"), by processor time.
func BenchmarkSignAgainstBare(b *testing.B) {
	for spec, algorithm := range map[kmsapi.KeySpec]kmsapi.SigningAlgorithmSpec{
		kmsapi.KeySpecRSA2048: kmsapi.SigningAlgorithmSpecRSASSAPSSSHA256, kmsapi.KeySpecECCNISTP256: kmsapi.SigningAlgorithmSpecECDSASHA256,
	} {
		b.Run(string(spec), func(b *testing.B) {
			h := newHarness(b)
			id := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: &spec, KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
			in := &kmsapi.SignRequest{KeyId: &id, Message: make([]byte, 32), MessageType: new(kmsapi.MessageTypeDigest), SigningAlgorithm: &algorithm}
			k := got(h.service.directory.key(b.Context(), nameOf(id)))
			private := got(h.service.ready(b.Context(), k, k.current)).other
			ctx, c := h.roomCall(b, root(testAccount), "Sign", in)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var room, bare time.Duration
			for b.Loop() {
				start := threadTime(b)
				for range 8 {
					if _, err := h.service.Resolve(ctx, c); err != nil {
						b.Fatal(err)
					}
					if _, err := h.service.Sign(ctx, in); err != nil {
						b.Fatal(err)
					}
				}
				between := threadTime(b)
				for range 8 {
					if _, err := private.Sign(keyalg.Algorithm(algorithm), keyalg.Digest, in.Message); err != nil {
						b.Fatal(err)
					}
				}
				room, bare = room+between-start, bare+threadTime(b)-between
			}
			b.ReportMetric(float64(bare)/float64(room), "ofbare")
		})
	}
}

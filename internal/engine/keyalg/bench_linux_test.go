package keyalg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"runtime"
	"testing"
	"time"

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

// BenchmarkSignAgainstBare takes turns between this package and the bare algorithm, and
// reports the rate of the one in parts of the other's ("ofbare"), by processor time.
func BenchmarkSignAgainstBare(b *testing.B) {
	message := make([]byte, 256)
	bareRSA := func(key *Key) func() error {
		priv := key.impl.(*rsaKey).priv
		return func() error {
			digest := sha256.Sum256(message)
			_, err := rsa.SignPSS(rand.Reader, priv, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32})
			return err
		}
	}
	bareECDSA := func(key *Key) func() error {
		priv := key.impl.(*nistKey).priv
		return func() error {
			digest := sha256.Sum256(message)
			_, err := ecdsa.SignASN1(rand.Reader, priv, digest[:])
			return err
		}
	}
	for _, c := range []struct {
		spec Spec
		name Algorithm
		bare func(*Key) func() error
	}{{RSA2048, PSSSHA256, bareRSA}, {P256, ECDSASHA256, bareECDSA}} {
		b.Run(string(c.spec), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			key := testKeys()[c.spec]
			bare := c.bare(key)
			var ours, theirs time.Duration
			for b.Loop() {
				start := threadTime(b)
				for range 8 {
					if _, err := key.Sign(c.name, Raw, message); err != nil {
						b.Fatal(err)
					}
				}
				between := threadTime(b)
				for range 8 {
					if err := bare(); err != nil {
						b.Fatal(err)
					}
				}
				ours, theirs = ours+between-start, theirs+threadTime(b)-between
			}
			b.ReportMetric(float64(theirs)/float64(ours), "ofbare")
		})
	}
}

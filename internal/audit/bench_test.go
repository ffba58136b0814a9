package audit

import (
	"fmt"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
)

// benchCall is a typical read of KMS.
func benchCall() (*call.Call, any) {
	c := testCall("Encrypt", &kmsapi.EncryptRequest{KeyId: new(testKeyARN), Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"app": "billing"}})
	c.Accesses = []call.Access{keyAccess(testAccount)}
	c.Source.UserAgent = "aws-sdk-go-v2/1.41.0 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/kms#1.49.0 m/E,g"
	return c, &kmsapi.EncryptResponse{KeyId: new(testKeyARN)}
}

func BenchmarkRender(b *testing.B) {
	b.ReportAllocs()
	c, out := benchCall()
	for b.Loop() {
		s := scratches.Get().(*scratch)
		s.records(c, out, nil)
		s.release()
	}
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NewID()
	}
}

// BenchmarkPack reports what compression costs and saves for each event of a batch.
func BenchmarkPack(b *testing.B) {
	for _, n := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			plain := []byte{batchPlain}
			for range n {
				c, out := benchCall()
				plain = appendEvent(plain, Records(c, out, nil)[0])
			}
			var packed []byte
			for b.Loop() {
				packed = pack(packed[:0], plain)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
			b.ReportMetric(float64(len(plain))/float64(n), "plain-B/event")
			b.ReportMetric(float64(len(packed))/float64(n), "packed-B/event")
		})
	}
}

// BenchmarkRecord is the whole price of the record of a read, durable on a real file
// system, for 64 callers at once.
func BenchmarkRecord(b *testing.B) {
	b.ReportAllocs()
	s, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l := Open(s, clock.System{})
	defer l.Close()
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		c, out := benchCall()
		for p.Next() {
			if err := l.Record(b.Context(), c, out, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkMutation compares a mutation of one record of 1 KiB with and without its
// audit record in the same transaction.
func BenchmarkMutation(b *testing.B) {
	for _, audited := range []bool{false, true} {
		b.Run(fmt.Sprintf("audited=%v", audited), func(b *testing.B) {
			b.ReportAllocs()
			s, err := pebble.Open(b.TempDir(), pebble.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			l := Open(s, clock.System{})
			defer l.Close()
			value := make([]byte, 1024)
			b.SetParallelism(32)
			b.RunParallel(func(p *testing.PB) {
				c, out := benchCall()
				key := []byte(NewID())
				for p.Next() {
					_, err := s.Update(b.Context(), func(tx store.Txn) error {
						if _, err := tx.Get(key); err != nil && err != store.ErrNotFound {
							return err
						}
						if err := tx.Put(key, value); err != nil || !audited {
							return err
						}
						return l.RecordTxn(tx, c, out, nil)
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

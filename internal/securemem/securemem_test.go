package securemem

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
)

func TestSecretHoldsWhatItWasGivenAndClearsTheSource(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	for _, size := range []int{1, 31, 32, 33, 64, 65, 4096, 4097, 100000} {
		src := bytes.Repeat([]byte{0xA5}, size)
		s, err := a.Take(src)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(src, make([]byte, size)) {
			t.Errorf("size %d: Take left the source in place", size)
		}
		if !s.Equal(bytes.Repeat([]byte{0xA5}, size)) || s.Len() != size {
			t.Errorf("size %d: the secret does not hold what it was given", size)
		}
		s.Destroy()
		s.Destroy()
		if err := s.With(func([]byte) { t.Error("With ran on a destroyed secret") }); !errors.Is(err, ErrDestroyed) {
			t.Errorf("With after Destroy: %v", err)
		}
		if s.Len() != 0 || s.Equal(nil) {
			t.Error("a destroyed secret has content")
		}
	}
	if st := a.Stats(); st.Secrets != 0 || st.SecretBytes != 0 {
		t.Errorf("after destroying all: %+v", st)
	}
}

func TestSlotsAreZeroWhenReused(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	for range 3 {
		s, err := a.New(48)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.With(func(b []byte) {
			if !bytes.Equal(b, make([]byte, 48)) {
				t.Error("a new secret is not zero")
			}
			for i := range b {
				b[i] = 0xFF
			}
		})
		s.Destroy()
	}
}

func TestSizesOutOfBoundsAreRefused(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	for _, n := range []int{-1, 0, MaxSecretBytes + 1} {
		if _, err := a.New(n); !errors.Is(err, ErrSize) {
			t.Errorf("New(%d): %v", n, err)
		}
	}
}

func TestManySmallSecretsSharePages(t *testing.T) {
	a := NewArena(Options{})
	const n = 100_000
	secrets := make([]*Secret, n)
	for i := range secrets {
		s, err := a.New(32)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.With(func(b []byte) { copy(b, fmt.Sprintf("%032d", i)) })
		secrets[i] = s
	}
	if st := a.Stats(); st.MappedBytes > n*32+slabBytes {
		t.Errorf("%d secrets of 32 bytes take %d bytes", n, st.MappedBytes)
	}
	for i, s := range secrets {
		if !s.Equal(fmt.Appendf(nil, "%032d", i)) {
			t.Fatalf("secret %d was overwritten by another", i)
		}
	}
	for _, s := range secrets {
		s.Destroy()
	}
	if st := a.Stats(); st.MappedBytes > slabBytes {
		t.Errorf("after destroying all, %d bytes are still mapped", st.MappedBytes)
	}
	a.Close()
	if st := a.Stats(); st.MappedBytes != 0 {
		t.Errorf("after Close, %d bytes are still mapped", st.MappedBytes)
	}
	if _, err := a.New(32); !errors.Is(err, ErrDestroyed) {
		t.Errorf("New after Close: %v", err)
	}
}

func TestCloseDestroysWhatIsLeft(t *testing.T) {
	a := NewArena(Options{})
	s, err := a.Random(32)
	if err != nil {
		t.Fatal(err)
	}
	large, err := a.Random(10_000)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	for _, x := range []*Secret{s, large} {
		if err := x.With(func([]byte) {}); !errors.Is(err, ErrDestroyed) {
			t.Errorf("With after Close of the arena: %v", err)
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	s, err := a.Take([]byte("correct horse battery staple"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(struct{ S *Secret }{s})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %x %q %d", s, s, s, s, s, s, s), string(j)} {
		if bytes.Contains([]byte(out), []byte("horse")) || !bytes.Contains([]byte(out), []byte(redacted)) {
			t.Errorf("printed %q", out)
		}
	}
}

func TestDestroyWaitsForReaders(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	s, err := a.Take(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	inside, leave := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.With(func(b []byte) {
			close(inside)
			<-leave
			if b[0] != 1 || b[31] != 1 {
				t.Error("the secret was destroyed while it was in use")
			}
		})
	})
	<-inside
	wg.Go(s.Destroy)
	close(leave)
	wg.Wait()
	if s.Len() != 0 {
		t.Error("not destroyed")
	}
}

func TestConcurrentUse(t *testing.T) {
	a := NewArena(Options{})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				s, err := a.New(16 + (i*g)%600)
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.With(func(b []byte) {
					for j := range b {
						b[j] = byte(g)
					}
				})
				_ = s.With(func(b []byte) {
					if !bytes.Equal(b, bytes.Repeat([]byte{byte(g)}, len(b))) {
						t.Error("two secrets share memory")
					}
				})
				s.Destroy()
			}
		})
	}
	wg.Wait()
	a.Close()
	if st := a.Stats(); st.Secrets != 0 || st.MappedBytes != 0 {
		t.Errorf("%+v", st)
	}
}

func BenchmarkNewDestroy(b *testing.B) {
	a := NewArena(Options{})
	defer a.Close()
	b.ReportAllocs()
	for b.Loop() {
		s, err := a.New(32)
		if err != nil {
			b.Fatal(err)
		}
		s.Destroy()
	}
}

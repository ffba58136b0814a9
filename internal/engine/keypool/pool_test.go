package keypool

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// key is what the tests keep in pools: a number, and whether it was destroyed.
type key struct {
	kind      string
	number    int64
	destroyed atomic.Bool
}

// factory makes keys and remembers them.
type factory struct {
	mu     sync.Mutex
	made   []*key
	err    error
	active atomic.Int32
	most   atomic.Int32
}

func (f *factory) generate(_ context.Context, kind string) (*key, error) {
	n := f.active.Add(1)
	defer f.active.Add(-1)
	f.most.Store(max(f.most.Load(), n))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	k := &key{kind: kind, number: int64(len(f.made))}
	f.made = append(f.made, k)
	return k, nil
}

func (f *factory) setError(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *factory) config(sizes map[string]int) Config[string, *key] {
	return Config[string, *key]{Sizes: sizes, Generate: f.generate, Destroy: func(k *key) { k.destroyed.Store(true) }}
}

func newPool(t *testing.T, c Config[string, *key]) *Pool[string, *key] {
	t.Helper()
	p, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPoolFillsAndRefills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f factory
		p := newPool(t, f.config(map[string]int{"a": 3, "b": 1}))
		defer p.Close()
		synctest.Wait()
		if p.Ready("a") != 3 || p.Ready("b") != 1 {
			t.Fatalf("ready: %d and %d", p.Ready("a"), p.Ready("b"))
		}
		seen := map[int64]bool{}
		for range 10 {
			k, ok := p.Take("a")
			if !ok || k.kind != "a" || seen[k.number] || k.destroyed.Load() {
				t.Fatalf("took %v, %v", k, ok)
			}
			seen[k.number] = true
			synctest.Wait()
		}
		if p.Ready("a") != 3 || f.most.Load() != 1 {
			t.Errorf("ready: %d; made %d at once", p.Ready("a"), f.most.Load())
		}
		if _, ok := p.Take("unknown"); ok {
			t.Error("took a key of an unknown kind")
		}
	})
}

func TestTakeNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f factory
		var gate Gate
		gate.Enter()
		c := f.config(map[string]int{"a": 2})
		c.Quiet = gate.Quiet
		p := newPool(t, c)
		defer p.Close()
		synctest.Wait()
		if _, ok := p.Take("a"); ok || len(f.made) != 0 {
			t.Error("a key was made while a request was served")
		}
		gate.Leave()
		synctest.Wait()
		if _, ok := p.Take("a"); !ok {
			t.Error("no key was made once it was quiet")
		}
	})
}

func TestPoolIsOffWithoutSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f factory
		p := newPool(t, f.config(map[string]int{"a": 0}))
		synctest.Wait()
		if _, ok := p.Take("a"); ok || len(f.made) != 0 || p.filling {
			t.Error("the pool is not off")
		}
		p.Close()
	})
}

func TestCloseDestroysWhatWasNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f factory
		p := newPool(t, f.config(map[string]int{"a": 4}))
		synctest.Wait()
		taken, ok := p.Take("a")
		if !ok {
			t.Fatal("no key")
		}
		synctest.Wait()
		p.Close()
		p.Close()
		for _, k := range f.made {
			if k.destroyed.Load() == (k == taken) {
				t.Errorf("key %d: destroyed %v, taken %v", k.number, k.destroyed.Load(), k == taken)
			}
		}
		if _, ok := p.Take("a"); ok || p.Ready("a") != 0 {
			t.Error("a closed pool has keys")
		}
	})
}

func TestCloseWhileAKeyIsBeingMadeDestroysIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f factory
		proceed := make(chan struct{})
		c := f.config(map[string]int{"a": 4})
		c.Generate = func(ctx context.Context, kind string) (*key, error) {
			<-proceed
			return f.generate(ctx, kind)
		}
		p := newPool(t, c)
		synctest.Wait()
		closed := make(chan struct{})
		go func() { p.Close(); close(closed) }()
		synctest.Wait()
		close(proceed)
		<-closed
		if len(f.made) != 1 || !f.made[0].destroyed.Load() {
			t.Errorf("%d keys made", len(f.made))
		}
	})
}

func TestEndedContextStopsFilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f factory
		var gate Gate
		gate.Enter()
		ctx, cancel := context.WithCancel(t.Context())
		c := f.config(map[string]int{"a": 4})
		c.Quiet = gate.Quiet
		c.Failed = func(string, error) { t.Error("an ended context is no failure") }
		p, err := New(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if p.filling || len(f.made) != 0 {
			t.Error("filling goes on after the context ended")
		}
		p.Close()
	})
}

func TestFailureIsToldAndDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f factory
		var told []error
		broken := errors.New("no entropy")
		f.setError(broken)
		c := f.config(map[string]int{"a": 2})
		c.Failed = func(_ string, err error) { told = append(told, err) }
		p := newPool(t, c)
		defer p.Close()
		synctest.Wait()
		if len(told) != 1 || !errors.Is(told[0], broken) {
			t.Fatalf("told of %v", told)
		}
		f.setError(nil)
		if _, ok := p.Take("a"); ok {
			t.Error("a key out of nothing")
		}
		synctest.Wait()
		if p.Ready("a") != 2 {
			t.Error("Take did not start the filling again")
		}
	})
}

func TestEmptiestKindIsFilledFirst(t *testing.T) {
	p := &Pool[string, *key]{
		config: Config[string, *key]{Sizes: map[string]int{"a": 10, "b": 2, "full": 1}},
		ready:  map[string][]*key{"a": make([]*key, 4), "b": make([]*key, 1), "full": make([]*key, 1)},
	}
	if kind, missing := p.emptiest(); kind != "a" || !missing {
		t.Errorf("emptiest is %q", kind)
	}
	p.ready["a"] = make([]*key, 6)
	if kind, _ := p.emptiest(); kind != "b" {
		t.Errorf("emptiest is %q", kind)
	}
}

func TestConfigRefused(t *testing.T) {
	var f factory
	for name, c := range map[string]Config[string, *key]{
		"negative size": f.config(map[string]int{"a": -1}),
		"large size":    f.config(map[string]int{"a": MaxSize + 1}),
		"no generator":  {Destroy: func(*key) {}},
		"no destroyer":  {Generate: f.generate},
	} {
		if _, err := New(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGateWaitsForTheLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		if err := g.Quiet(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.Enter()
		g.Enter()
		var quiet atomic.Int32
		for range 3 {
			go func() {
				if g.Quiet(t.Context()) == nil {
					quiet.Add(1)
				}
			}()
		}
		synctest.Wait()
		g.Leave()
		synctest.Wait()
		if quiet.Load() != 0 {
			t.Error("quiet while a request is served")
		}
		g.Leave()
		synctest.Wait()
		if quiet.Load() != 3 {
			t.Errorf("%d of 3 waiters were let through", quiet.Load())
		}
	})
}

func TestConcurrentTakesGetDifferentKeys(t *testing.T) {
	var f factory
	p := newPool(t, f.config(map[string]int{"a": 8}))
	defer p.Close()
	var seen sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if k, ok := p.Take("a"); ok {
					if _, twice := seen.LoadOrStore(k.number, true); twice {
						t.Error("a key was handed out twice")
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkTake(b *testing.B) {
	p, err := New(b.Context(), Config[string, int]{
		Sizes:    map[string]int{"a": MaxSize},
		Generate: func(context.Context, string) (int, error) { return 1, nil },
		Destroy:  func(int) {},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		p.Take("a")
	}
}

// BenchmarkGenerateRSA2048 is what a Take saves.
func BenchmarkGenerateRSA2048(b *testing.B) {
	for b.Loop() {
		if _, err := rsa.GenerateKey(rand.Reader, 2048); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	var g Gate
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			g.Enter()
			g.Leave()
		}
	})
}

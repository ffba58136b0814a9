package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"fastness/internal/engine/keyalg"
	"fastness/internal/engine/keypool"
)

// DefaultRSAPool is how many RSA keys of each size that is in use are kept ready.
const DefaultRSAPool = 2

// rsaKeys has RSA keys ready for KMS, so that a call does not wait until one is found.
// A size is filled from the first call on that wants it: a server that makes no RSA
// keys spends nothing on them. Keys are made while no request is being served.
type rsaKeys struct {
	ctx  context.Context
	size int
	busy *busyness
	log  *slog.Logger

	mu     sync.Mutex
	pools  map[keyalg.Spec]*keypool.Pool[keyalg.Spec, *keyalg.Key]
	closed bool
}

func newRSAKeys(ctx context.Context, size int, busy *busyness, log *slog.Logger) *rsaKeys {
	return &rsaKeys{ctx: ctx, size: size, busy: busy, log: log, pools: make(map[keyalg.Spec]*keypool.Pool[keyalg.Spec, *keyalg.Key])}
}

// Take implements kms.KeyPool.
func (k *rsaKeys) Take(spec keyalg.Spec) (*keyalg.Key, bool) {
	switch spec {
	case keyalg.RSA2048, keyalg.RSA3072, keyalg.RSA4096:
	default:
		return nil, false
	}
	pool := k.pool(spec)
	if pool == nil {
		return nil, false
	}
	return pool.Take(spec)
}

// pool returns the pool of a size and makes it at the first call; nil if there is none.
func (k *rsaKeys) pool(spec keyalg.Spec) *keypool.Pool[keyalg.Spec, *keyalg.Key] {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.pools[spec]; p != nil || k.closed || k.size == 0 {
		return p
	}
	p, err := keypool.New(k.ctx, keypool.Config[keyalg.Spec, *keyalg.Key]{
		Sizes:    map[keyalg.Spec]int{spec: k.size},
		Generate: func(_ context.Context, s keyalg.Spec) (*keyalg.Key, error) { return keyalg.Generate(s) },
		Destroy:  (*keyalg.Key).Destroy,
		Quiet:    k.busy.watch().Quiet,
		Failed: func(s keyalg.Spec, err error) {
			k.log.Error("a key could not be made ahead", "spec", s, "error", err)
		},
	})
	if err != nil { // the size was checked at the start
		k.log.Error("no keys are made ahead", "spec", spec, "error", err)
		return nil
	}
	k.pools[spec] = p
	return p
}

// close destroys the keys that nobody took.
func (k *rsaKeys) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for _, p := range k.pools {
		p.Close()
	}
	clear(k.pools)
}

func checkRSAPool(size int) error {
	if size < 0 || size > keypool.MaxSize {
		return fmt.Errorf("app: the pool of RSA keys holds 0 to %d of each size, not %d", keypool.MaxSize, size)
	}
	return nil
}

// busyness knows whether requests are being served, once somebody wants to know.
type busyness struct{ gate atomic.Pointer[keypool.Gate] }

// watch counts the requests from now on.
func (b *busyness) watch() *keypool.Gate {
	b.gate.CompareAndSwap(nil, new(keypool.Gate))
	return b.gate.Load()
}

// counting counts the requests to h.
func (b *busyness) counting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gate := b.gate.Load(); gate != nil {
			gate.Enter()
			defer gate.Leave()
		}
		h.ServeHTTP(w, r)
	})
}

package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	// The server lives this long, at random, before it is killed.
	shortestLife = 10 * time.Millisecond
	longestLife  = 600 * time.Millisecond
	// verifiers ask at the same time.
	verifiers = 16
	// sampled is how many keys of earlier lives are verified again after each kill;
	// all are after the last.
	sampled = 64
)

// fromEnvironment is a number in the environment, or otherwise.
func fromEnvironment(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestKill kills the server at random moments under 64 writers and verifies after each
// start that nothing that was acknowledged is lost.
func TestKill(t *testing.T) {
	kills := int(fromEnvironment(t, "FASTNESS_SOAK", 5))
	seed := fromEnvironment(t, "FASTNESS_SEED", rand.Uint64())
	t.Logf("%d kills, FASTNESS_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 0))

	s := newServer(t)
	s.start(t)
	defer func() { s.kill() }()
	all := make([]*writer, writers)
	for i := range all {
		all[i] = &writer{n: i, random: rand.New(rand.NewPCG(seed, uint64(i+1)))}
	}
	total := 0
	for kill := range kills {
		since := time.Now()
		life := shortestLife + time.Duration(random.Int64N(int64(longestLife-shortestLife)))
		if err := writeUntilKilled(t.Context(), s, all, life); err != nil {
			t.Fatalf("life %d: %v", kill, err)
		}
		s.start(t)
		var calls []call
		for _, w := range all {
			calls = append(calls, w.calls...)
			w.calls = nil
		}
		total += len(calls)
		if err := verifyAudit(t.Context(), s, since, calls); err != nil {
			t.Fatalf("after kill %d: %v", kill+1, err)
		}
		if err := verifyKeys(t.Context(), s, chooseKeys(all, random, kill == kills-1)); err != nil {
			t.Fatalf("after kill %d: %v", kill+1, err)
		}
	}
	n := 0
	for _, w := range all {
		n += len(w.keys)
	}
	t.Logf("%d answered calls on %d keys: all there", total, n)
}

// writeUntilKilled lets the writers write for the server's life.
func writeUntilKilled(ctx context.Context, s *server, all []*writer, life time.Duration) error {
	problems := make([]error, len(all))
	var done sync.WaitGroup
	for i, w := range all {
		done.Go(func() { problems[i] = w.run(ctx, s) })
	}
	<-time.After(life)
	s.kill()
	done.Wait()
	return errors.Join(problems...)
}

// chooseKeys are the current keys of all writers, which the kill may have hit, and a
// sample of the others.
func chooseKeys(all []*writer, random *rand.Rand, every bool) []*written {
	var current, older []*written
	for _, w := range all {
		if n := len(w.keys); n > 0 {
			// The last key and the one before: a new key may have replaced it in this life.
			cut := max(0, n-2)
			older, current = append(older, w.keys[:cut]...), append(current, w.keys[cut:]...)
		}
	}
	if !every && len(older) > sampled {
		random.Shuffle(len(older), func(i, j int) { older[i], older[j] = older[j], older[i] })
		older = older[:sampled]
	}
	return append(current, older...)
}

func verifyKeys(ctx context.Context, s *server, keys []*written) error {
	queue := make(chan *written)
	problems := make([]error, verifiers)
	var done sync.WaitGroup
	for i := range verifiers {
		done.Go(func() {
			for k := range queue {
				problems[i] = errors.Join(problems[i], k.verify(ctx, s))
			}
		})
	}
	for _, k := range keys {
		queue <- k
	}
	close(queue)
	done.Wait()
	return errors.Join(problems...)
}

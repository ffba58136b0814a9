package secretsagent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"fastness/internal/clock"
)

func down(w http.ResponseWriter) bool { apiError(w, 503, "ServiceUnavailable", "down"); return true }
func denied(w http.ResponseWriter) bool {
	apiError(w, 400, "AccessDeniedException", "denied")
	return true
}

const (
	downBody   = `{"__type":"ServiceUnavailable", "message":"down"}`
	deniedBody = `{"__type":"AccessDeniedException", "message":"denied"}`
)

func TestAnswersAreFreshForTheTTL(t *testing.T) {
	a := newAPI(t)
	a.put("s", "one")
	r := start(t, a.upstream(t), nil)
	r.want(t, "/v1/s", 200, secretBody("s", "one"))
	a.put("s", "two")
	r.clock.Advance(299 * time.Second)
	r.want(t, "/v1/s", 200, secretBody("s", "one"))
	r.want(t, "/v1/s?refreshNow=true", 200, secretBody("s", "two"))
	a.put("s", "three")
	r.clock.Advance(299 * time.Second)
	r.want(t, "/v1/s", 200, secretBody("s", "two"))
	r.clock.Advance(time.Second)
	r.want(t, "/v1/s", 200, secretBody("s", "three"))
}

func TestWithoutATTLNothingIsKept(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no TTL": func(c *Config) { c.SecretTTL = 0 }, "no cache": func(c *Config) { c.CacheSize = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t)
			a.put("s", "one")
			r := start(t, a.upstream(t), change)
			r.want(t, "/v1/s", 200, secretBody("s", "one"))
			a.put("s", "two")
			r.want(t, "/v1/s", 200, secretBody("s", "two"))
			if s := r.cache.arena.Stats(); s.Secrets != 0 {
				t.Errorf("%d values are held", s.Secrets)
			}
			a.failWith(down)
			r.want(t, "/v1/s", 503, downBody)
		})
	}
}

func TestOldAnswersServeWhileUpstreamIsAway(t *testing.T) {
	a := newAPI(t)
	a.put("s", "one")
	r := start(t, a.upstream(t), nil)
	r.want(t, "/v1/s", 200, secretBody("s", "one"))
	a.failWith(down)
	r.clock.Advance(time.Hour)
	r.want(t, "/v1/s", 200, secretBody("s", "one"))
	r.want(t, "/v1/s?refreshNow=1", 503, downBody)
	asked := a.asked()
	r.want(t, "/v1/s", 200, secretBody("s", "one"))
	if n := a.asked(); n != asked {
		t.Error("upstream was asked again at once")
	}
	a.put("s", "two")
	a.failWith(nil)
	r.clock.Advance(retryAfter)
	r.want(t, "/v1/s", 200, secretBody("s", "two"))
	// Not longer than the bound.
	a.failWith(down)
	r.clock.Advance(24*time.Hour + 301*time.Second)
	r.want(t, "/v1/s", 503, downBody)
}

func TestOldAnswersDoNotServeWhenToldSo(t *testing.T) {
	a := newAPI(t)
	a.put("s", "one")
	r := start(t, a.upstream(t), func(c *Config) { c.IgnoreTransientErrors = false })
	r.want(t, "/v1/s", 200, secretBody("s", "one"))
	a.failWith(down)
	r.clock.Advance(300 * time.Second)
	r.want(t, "/v1/s", 503, downBody)
}

func TestRefusalEndsWhatIsCached(t *testing.T) {
	a := newAPI(t)
	for _, id := range []string{"s", "s@AWSPREVIOUS", "other"} {
		a.put(id, "one")
	}
	r := start(t, a.upstream(t), nil)
	fill := func() {
		t.Helper()
		r.get(t, "/v1/s?refreshNow=true")
		r.get(t, "/v1/s?versionStage=AWSPREVIOUS&refreshNow=true")
		r.get(t, "/v1/other?refreshNow=true")
	}
	fill()
	// Found out by the end of the TTL: then not even an outage brings the value back.
	a.failWith(denied)
	r.clock.Advance(300 * time.Second)
	r.want(t, "/v1/s", 400, deniedBody)
	a.failWith(down)
	r.want(t, "/v1/s", 503, downBody)
	r.want(t, "/v1/s?versionStage=AWSPREVIOUS", 503, downBody)
	r.want(t, "/v1/other", 200, secretBody("other", "one"))
	// Found out by a refresh, within the TTL.
	a.failWith(nil)
	fill()
	a.mu.Lock()
	delete(a.secrets, "s")
	a.mu.Unlock()
	gone := `{"__type":"ResourceNotFoundException", "message":"Secrets Manager can't find the specified secret."}`
	r.want(t, "/v1/s?refreshNow=true", 400, gone)
	r.want(t, "/v1/s", 400, gone)
	a.failWith(down)
	r.want(t, "/v1/s", 503, downBody)
	if s := r.cache.arena.Stats(); s.Secrets != 1 {
		t.Errorf("%d values are held", s.Secrets)
	}
}

func TestTheLeastRecentlyUsedIsEvictedAndWiped(t *testing.T) {
	a := newAPI(t)
	r := start(t, a.upstream(t), func(c *Config) { c.CacheSize = 2 })
	for _, id := range []string{"a", "b", "c"} {
		a.put(id, "one")
	}
	for _, id := range []string{"a", "b", "a", "c", "a"} {
		r.want(t, "/v1/"+id, 200, secretBody(id, "one"))
	}
	if s, n := r.cache.arena.Stats(), a.asked(); s.Secrets != 2 || n != 3 {
		t.Errorf("%d values are held after %d requests", s.Secrets, n)
	}
	r.get(t, "/v1/b")
	if n := a.asked(); n != 4 {
		t.Error("b was not the one to go")
	}
}

func TestValuesAreWipedWhenTheirTimeIsOver(t *testing.T) {
	c := clock.NewManual(time.Unix(1e9, 0))
	made := newCache(cacheOptions{size: 10, secretTTL: time.Minute, parameterTTL: time.Second, maxStale: time.Hour}, c)
	defer made.close()
	fetch := func(context.Context) ([]byte, error) { return []byte("value"), nil }
	for _, k := range []key{{id: "s"}, {id: "p", parameter: true}} {
		if _, err := made.get(t.Context(), nil, k, false, fetch); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		advance time.Duration
		left    int
	}{{time.Hour, 2}, {time.Second, 1}, {59 * time.Second, 0}} {
		if err := c.AwaitWaiters(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.Advance(step.advance)
		made.expire() // what the sweep does, which may not have run yet
		if s := made.arena.Stats(); s.Secrets != step.left {
			t.Errorf("after %v more, %d values are held, not %d", step.advance, s.Secrets, step.left)
		}
	}
}

func TestOneRequestAtATimeForAKey(t *testing.T) {
	a := newAPI(t)
	a.put("s", "one")
	u := a.upstream(t)
	a.gate = make(chan struct{})
	r := start(t, u, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { r.want(t, "/v1/s", 200, secretBody("s", "one")) })
	}
	<-a.entered
	close(a.gate)
	all.Wait()
	if n := a.asked(); n != 1 {
		t.Errorf("upstream was asked %d times", n)
	}
}

// A refresh must not get the answer to a question that was asked before it came.
func TestRefreshWaitsForAnAnswerOfItsOwn(t *testing.T) {
	made := newCache(cacheOptions{size: 1, secretTTL: time.Minute}, clock.System{})
	defer made.close()
	entered, gate := make(chan struct{}), make(chan struct{})
	first := make(chan string, 1)
	go func() {
		b, err := made.get(context.Background(), nil, key{}, false, func(context.Context) ([]byte, error) {
			close(entered)
			<-gate
			return []byte("old"), nil
		})
		first <- fmt.Sprint(string(b), err)
	}()
	<-entered
	second := make(chan string, 1)
	waiting := make(chan struct{})
	go func() {
		close(waiting)
		b, err := made.get(context.Background(), nil, key{}, true, func(context.Context) ([]byte, error) { return []byte("new"), nil })
		second <- fmt.Sprint(string(b), err)
	}()
	<-waiting
	// Wait until the refresh stands in line.
	for {
		made.mu.Lock()
		n := made.flights[key{}].waiters
		made.mu.Unlock()
		if n == 2 {
			break
		}
		runtime.Gosched()
	}
	close(gate)
	if got := <-first; got != "old<nil>" {
		t.Error(got)
	}
	if got := <-second; got != "new<nil>" {
		t.Error(got)
	}
	if b, err := made.get(t.Context(), nil, key{}, false, nil); string(b) != "new" || err != nil {
		t.Errorf("then %q, %v", b, err)
	}
}

// Callers that go away take the request upstream with them.
func TestNobodyWaitsForACalledOffRequest(t *testing.T) {
	made := newCache(cacheOptions{size: 1, secretTTL: time.Minute}, clock.System{})
	defer made.close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	_, err := made.get(ctx, nil, key{}, false, func(inner context.Context) ([]byte, error) {
		cancel()
		<-inner.Done()
		ended <- inner.Err()
		return []byte("late"), nil
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(<-ended, context.Canceled) {
		t.Error(err)
	}
	b, err := made.get(t.Context(), nil, key{}, false, func(context.Context) ([]byte, error) { return []byte("next"), nil })
	if string(b) != "next" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

func TestCacheUnderManyCallers(t *testing.T) {
	made := newCache(cacheOptions{size: 3, secretTTL: time.Nanosecond, maxStale: time.Hour}, clock.System{})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 300 {
				id := fmt.Sprint((g + i) % 5)
				ctx, cancel := context.WithCancel(t.Context())
				if i%7 == 0 {
					cancel()
				}
				b, err := made.get(ctx, nil, key{id: id}, i%3 == 0, func(context.Context) ([]byte, error) {
					switch i % 11 {
					case 0:
						return nil, &Failure{Class: Refused}
					case 1:
						return nil, &Failure{Class: Unreachable}
					}
					return []byte(id), nil
				})
				if err == nil && string(b) != id {
					t.Errorf("%q for %s", b, id)
				}
				cancel()
			}
		})
	}
	all.Wait()
	made.close()
	if s := made.arena.Stats(); s.Secrets != 0 {
		t.Errorf("%d values are held after the end", s.Secrets)
	}
}

func BenchmarkCacheHit(b *testing.B) {
	made := newCache(cacheOptions{size: 1000, secretTTL: time.Hour}, clock.System{})
	defer made.close()
	body := appendSecret(nil, &Secret{ARN: "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-NhBWsc", Name: "prod/db", String: new("hunter2"), VersionStages: []string{"AWSCURRENT"}})
	fetch := func(context.Context) ([]byte, error) { return append([]byte(nil), body...), nil }
	k := key{id: "prod/db"}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var buffer []byte
		for p.Next() {
			var err error
			if buffer, err = made.get(context.Background(), buffer[:0], k, false, fetch); err != nil || len(buffer) != len(body) {
				b.Fatal(err)
			}
		}
	})
}

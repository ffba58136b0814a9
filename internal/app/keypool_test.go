package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"fastness/internal/engine/keyalg"
)

func TestRSAKeysAreMadeAheadOnceWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy busyness
		k := newRSAKeys(t.Context(), 1, &busy, slog.New(slog.DiscardHandler))
		defer k.close()
		if _, ok := k.Take(keyalg.P256); ok || len(k.pools) != 0 || busy.gate.Load() != nil {
			t.Fatal("a pool was made before anyone wanted an RSA key")
		}
		serving, done := make(chan struct{}), make(chan struct{})
		handler := busy.counting(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			serving <- struct{}{}
			<-done
		}))
		busy.watch()
		go handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
		<-serving
		if _, ok := k.Take(keyalg.RSA2048); ok {
			t.Fatal("the first key was there already")
		}
		synctest.Wait()
		if n := k.pools[keyalg.RSA2048].Ready(keyalg.RSA2048); n != 0 {
			t.Fatalf("%d keys were made while a request was served", n)
		}
		close(done)
		synctest.Wait()
		key, ok := k.Take(keyalg.RSA2048)
		if !ok || key.Spec() != keyalg.RSA2048 {
			t.Fatalf("no key was made ahead: %v", key)
		}
		key.Destroy()
		k.close()
		if _, ok := k.Take(keyalg.RSA2048); ok {
			t.Fatal("a closed pool gives keys")
		}
	})
}

func TestWithoutAPoolKeysAreMadeWhenWanted(t *testing.T) {
	k := newRSAKeys(t.Context(), 0, new(busyness), slog.New(slog.DiscardHandler))
	defer k.close()
	if _, ok := k.Take(keyalg.RSA2048); ok || len(k.pools) != 0 {
		t.Fatal("there is a pool")
	}
	for _, size := range []int{-1, 1 << 20} {
		if checkRSAPool(size) == nil {
			t.Errorf("a pool of %d is taken", size)
		}
	}
}

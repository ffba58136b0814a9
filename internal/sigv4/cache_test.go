package sigv4

import (
	"fmt"
	"sync"
	"testing"
)

func TestCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	c := newKeyCache(8)
	hot := scopeKey{accessKeyID: "hot"}
	c.put(hot, &signingKey{})
	for i := range 1000 {
		c.put(scopeKey{accessKeyID: fmt.Sprint(i)}, &signingKey{})
		if c.get(hot) == nil {
			t.Fatalf("the key in use was dropped after %d others", i)
		}
		if c.len() > 8 {
			t.Fatalf("%d keys", c.len())
		}
	}
	if c.get(scopeKey{accessKeyID: "1"}) != nil {
		t.Fatal("an unused key survived a thousand others")
	}
}

func TestCachedKeyDiesWithItsSecret(t *testing.T) {
	v := newVerifier(t, testTime)
	s, err := Parse(FromHTTP(kmsRequest(t, "x")))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(s, []byte(exampleSecret), kmsRules, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if v.cache.len() != 1 {
		t.Fatalf("%d keys cached", v.cache.len())
	}
	if err := v.Verify(s, []byte(otherSecret), kmsRules, []byte("x")); kindOf(err) != KindMismatch {
		t.Fatalf("the old key outlived its secret: %v", err)
	}
	v.Forget(exampleID)
	if v.cache.len() != 0 {
		t.Fatal("Forget left a key")
	}
}

func TestVerifyConcurrently(t *testing.T) {
	v, err := NewVerifier(Options{Clock: fixed(testTime), MaxCachedKeys: 2})
	if err != nil {
		t.Fatal(err)
	}
	hmac, ecdsa := kmsRequest(t, "x"), ecdsaRequest(t, "POST", "https://example.com/", []byte("x"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				r, rules := hmac, kmsRules
				if i%2 == 1 {
					r, rules = ecdsa, Rules{Region: "us-east-1", Service: "lambda"}
				}
				s, err := Parse(FromHTTP(r))
				if err != nil {
					t.Error(err)
					return
				}
				if err := v.Verify(s, []byte(exampleSecret), rules, []byte("x")); err != nil {
					t.Error(err)
				}
				if err := v.Verify(s, []byte(otherSecret), rules, []byte("x")); kindOf(err) != KindMismatch {
					t.Error(err)
				}
				v.Forget("nobody")
			}
		})
	}
	wg.Wait()
}

func TestNewVerifierNeedsAClock(t *testing.T) {
	if _, err := NewVerifier(Options{}); err == nil {
		t.Fatal("made a verifier without a clock")
	}
}

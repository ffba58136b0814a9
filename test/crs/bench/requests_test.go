package main

import "testing"

func TestVaryingAMessageMakesAnother(t *testing.T) {
	for _, k := range kinds {
		a, b := k.make(varied).wire(), k.make(varied).wire()
		seen := map[string]bool{string(a): true}
		for range 500 {
			vary(a)
			if len(a) != len(b) || seen[string(a)] {
				t.Fatalf("%s: the same again, or of another length: %q", k.name, a)
			}
			seen[string(a)] = true
		}
	}
	n := []byte("a=999999999&b=12345678&c=1099999921")
	vary(n)
	if string(n) != "a=000000078&b=12345678&c=1100000000" {
		t.Errorf("%s", n)
	}
}

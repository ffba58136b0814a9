package seclang

import (
	"bytes"
	"testing"
)

func TestFrontTellsValuesApart(t *testing.T) {
	seen := map[frontEntry]string{}
	add := func(class int32, v []byte) {
		e, at := frontKey(class, v)
		if at >= frontCount {
			t.Fatalf("%q is kept at %d", v, at)
		}
		id := string(append([]byte{byte(class), ':'}, v...))
		if other, ok := seen[e]; ok && other != id {
			t.Fatalf("%q and %q are the same", other, id)
		}
		seen[e] = id
	}
	for n := range frontBytes + 1 {
		for class := range int32(3) {
			add(class, bytes.Repeat([]byte{0}, n))
			for i := range n {
				for _, b := range []byte{1, 'a', 0xff} {
					v := make([]byte, n)
					v[i] = b
					add(class, v)
				}
			}
		}
	}
	if want := 3 * (1 + frontBytes + 3*frontBytes*(frontBytes+1)/2); len(seen) != want {
		t.Errorf("%d entries, not %d", len(seen), want)
	}
}
